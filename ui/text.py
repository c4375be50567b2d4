"""Every word of the page, in Spanish and English, and which of the two a request gets.

`STATIC` is translated by the browser (`gr.I18n`): labels, tab names, guidance. `SPOKEN` is what the server says, after
the request's Accept-Language; its texts may hold `{fields}`, which the browser's translator would take for its own.
"""

from typing import Literal

import gradio as gr

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = ("es", "en")

STATIC: dict[Language, dict[str, str]] = {
    "es": {
        "tagline": "Una red convolucional, trazo a trazo.",
        # Edges
        "edges_tab": "Bordes",
        "edges_guide": "Elige una foto y un kernel: la convolución resalta los píxeles en los que la imagen cambia en "
        "la dirección del kernel.",
        "edges_original": "Original",
        "edges_result": "Bordes",
        "edges_upload": "Suelta aquí una imagen\no haz clic para elegirla",
        "edges_photos": "Fotos de ejemplo",
        "edges_kernel": "Bordes que se buscan",
        "edges_vertical": "Verticales",
        "edges_horizontal": "Horizontales",
        "edges_all": "En todas las direcciones",
        "edges_matrix": "Kernel",
        "edges_threshold": "Umbral",
        "edges_threshold_info": "En blanco, los píxeles cuyo resultado supera este valor.",
        # Digit
        "digit_tab": "Dígito",
        "digit_guide": "Dibuja una cifra del 0 al 9, del tamaño y en el lugar que quieras: la red responde al terminar "
        "cada trazo.",
        "digit_canvas": "Tu dibujo",
        "digit_clear": "Borrar",
        "digit_answer": "Respuesta de la red",
        "digit_seen": "Lo que ve la red",
        "class_tab": "Clasificar",
        "class_draw_guide": "Dibuja aquí: la red responde al terminar cada trazo.",
        "class_picture_guide": "Elige una imagen y la red dirá a qué clase se parece más.",
        "class_picture": "Tu imagen",
        # Tuning
        "tuning_tab": "Ajuste",
        "tuning_guide": "Una búsqueda de hiperparámetros: cada prueba entrena una combinación y la validación decide "
        "cuál es la mejor.",
        "tuning_search": "Búsqueda",
        "tuning_space": "Hiperparámetros",
        "tuning_combinations": "Combinaciones",
        "tuning_table": "Pruebas",
        "tuning_model": "Modelo",
        "tuning_best_so_far": "La mejor prueba hasta el momento",
        "tuning_best_so_far_help": "Cada punto es una prueba y la línea marca el mejor resultado hasta entonces: si "
        "lleva mucho sin mejorar, seguir buscando ya aporta poco. Un triángulo en el borde es una prueba mucho peor.",
        "tuning_hyperparameters": "Mejores hiperparámetros",
        "tuning_intermediate": "Cada prueba, época a época",
        "tuning_intermediate_help": "Cada línea es una prueba y la mejor va resaltada. Las que al final aún mejoraban "
        "habrían aprovechado más épocas.",
        "tuning_timeline": "Cuándo se hizo cada prueba",
        "tuning_timeline_help": "Cada barra va del comienzo al final de una prueba. Toca o señala una para ver sus "
        "datos y, si falló, el motivo.",
        "tuning_importance": "Importancia de los hiperparámetros",
        "tuning_importance_help": "Cuanto más larga es la barra, más cambió el resultado según ese hiperparámetro. La "
        "línea fina es la desviación estándar: si es tan larga como la barra, la importancia es dudosa.",
        "tuning_slice": "Un hiperparámetro y el resultado",
        "tuning_slice_help": "Cada punto es una prueba: si los mejores se juntan en una zona, ahí están los valores "
        "que conviene usar. Donde hay cajas, cada una abarca la mitad central de las pruebas y su línea es la mediana.",
        "tuning_slice_of": "Hiperparámetro",
        "tuning_parallel": "Coordenadas paralelas",
        "tuning_parallel_help": "Cada línea es una prueba y corta cada eje en el valor que usó, o en «–» si no lo usó; "
        "el color es su resultado. Arrastra sobre un eje para quedarte solo con las pruebas de ese tramo.",
        "tuning_parallel_of": "Ejes (hasta siete)",
        "tuning_contour": "Dos hiperparámetros y el resultado",
        "tuning_contour_help": "El color es el resultado medio de las pruebas de alrededor o de la casilla; cada punto "
        "es una prueba y la estrella, la mejor. Donde no hay color no se probó nada.",
        "tuning_contour_across": "En horizontal",
        "tuning_contour_up": "En vertical",
        "tuning_trials": "Pruebas, de mejor a peor",
        "tuning_trials_help": "Busca arriba cualquier valor; en el menú ⋮ de cada columna se ordena y se "
        "filtra por ella.",
        "tuning_curve": "Curva de aprendizaje del modelo",
        "tuning_curve_help": "Si el entrenamiento sigue mejorando y la validación ya no, la red empieza a "
        "sobreajustarse: memoriza en lugar de aprender.",
        "tuning_confusion": "Matriz de confusión",
    },
    "en": {
        "tagline": "A convolutional network, stroke by stroke.",
        # Edges
        "edges_tab": "Edges",
        "edges_guide": "Choose a photo and a kernel: the convolution brings out the pixels where the picture changes "
        "in the kernel's direction.",
        "edges_original": "Original",
        "edges_result": "Edges",
        "edges_upload": "Drop a picture here\nor click to choose one",
        "edges_photos": "Example photos",
        "edges_kernel": "Edges to look for",
        "edges_vertical": "Vertical",
        "edges_horizontal": "Horizontal",
        "edges_all": "In all directions",
        "edges_matrix": "Kernel",
        "edges_threshold": "Threshold",
        "edges_threshold_info": "Pixels whose result is above this value are shown white.",
        # Digit
        "digit_tab": "Digit",
        "digit_guide": "Draw a digit from 0 to 9, as large and wherever you like: the network answers at the end of "
        "each stroke.",
        "digit_canvas": "Your drawing",
        "digit_clear": "Clear",
        "digit_answer": "The network's answer",
        "digit_seen": "What the network sees",
        "class_tab": "Classify",
        "class_draw_guide": "Draw here: the network answers at the end of each stroke.",
        "class_picture_guide": "Choose a picture and the network says which class it looks most like.",
        "class_picture": "Your picture",
        # Tuning
        "tuning_tab": "Tuning",
        "tuning_guide": "A search for hyperparameters: each trial trains one combination, and validation decides which "
        "is best.",
        "tuning_search": "Search",
        "tuning_space": "Hyperparameters",
        "tuning_combinations": "Combinations",
        "tuning_table": "Trials",
        "tuning_model": "Model",
        "tuning_best_so_far": "Best trial so far",
        "tuning_best_so_far_help": "Each dot is a trial, and the line is the best result up to then: once it has long "
        "stopped improving, searching on gains little. A triangle at the border is a far worse trial.",
        "tuning_hyperparameters": "Best hyperparameters",
        "tuning_intermediate": "Each trial, epoch by epoch",
        "tuning_intermediate_help": "Each line is a trial, and the best stands out. Those that were still improving at "
        "the end would have made use of more epochs.",
        "tuning_timeline": "When each trial ran",
        "tuning_timeline_help": "Each bar goes from a trial's start to its end. Tap or point at one to see its values "
        "and, where it failed, the reason.",
        "tuning_importance": "Importance of the hyperparameters",
        "tuning_importance_help": "The longer the bar, the more the result changed with that hyperparameter. The thin "
        "line is the standard deviation: where it is as long as the bar, the importance is doubtful.",
        "tuning_slice": "One hyperparameter and the result",
        "tuning_slice_help": "Each dot is a trial: where the best ones gather are the values worth using. Where there "
        "are boxes, each holds the middle half of the trials, and its line is the median.",
        "tuning_slice_of": "Hyperparameter",
        "tuning_parallel": "Parallel coordinates",
        "tuning_parallel_help": "Each line is a trial and crosses each axis at the value it used, or at “–” if it used "
        "none; the colour is its result. Drag along an axis to keep only the trials of that stretch.",
        "tuning_parallel_of": "Axes (up to seven)",
        "tuning_contour": "Two hyperparameters and the result",
        "tuning_contour_help": "The colour is the mean result of the trials nearby or in the cell; each dot is a trial "
        "and the star the best one. Where there is no colour, nothing was tried.",
        "tuning_contour_across": "Across",
        "tuning_contour_up": "Up",
        "tuning_trials": "Trials, best first",
        "tuning_trials_help": "Search for any value above; the menu ⋮ of each column sorts and filters by it.",
        "tuning_curve": "The model's learning curve",
        "tuning_curve_help": "When training goes on improving and validation no longer does, the network begins to "
        "overfit: it memorises in place of learning.",
        "tuning_confusion": "Confusion matrix",
    },
}

SPOKEN: dict[Language, dict[str, str]] = {
    "es": {
        # Pictures and drawings
        "picture_missing": "No ha llegado ninguna imagen: elige una e inténtalo de nuevo.",
        "picture_unreadable": "Ese archivo no se puede leer como imagen: puede estar dañado o tener otro formato. "
        "Se admiten PNG, JPEG, WebP, GIF, BMP y TIFF; SVG no.",
        "picture_too_large": "La imagen es demasiado grande: se admiten hasta {limit} megapíxeles.",
        "drawing_missing": "No ha llegado ningún dibujo, o ya ha caducado: dibuja de nuevo.",
        "drawing_blank": "El lienzo está en blanco: dibuja algo primero.",
        # Kernels
        "kernel_shape": "El kernel debe ser una matriz cuadrada de lado impar, entre 1×1 y {largest}×{largest}.",
        "kernel_numbers": "El kernel solo puede contener números finitos entre −{limit} y {limit}.",
        "kernel_name": "No hay ningún kernel «{name}»: usa vertical, horizontal, all o una matriz.",
        "threshold_number": "El umbral debe ser un número finito.",
        # Reports
        "report_missing": "El modelo no incluye `{file}`, así que aquí no hay nada que mostrar.",
        "report_damaged": "No se puede mostrar esta parte: `{file}` está dañado o incompleto.",
        "report_no_classes": "El modelo predice un número, no una clase: no hay matriz de confusión.",
        "no_trial_completed": "Ninguna prueba ha terminado todavía: aún no hay resultados.",
        "too_few_trials": "Aún no hay nada que comparar: hacen falta al menos dos pruebas terminadas con valores "
        "distintos.",
        "too_few_hyperparameters": "Hacen falta al menos dos hiperparámetros que cambien de una prueba a otra.",
        "same_hyperparameter": "Elige dos hiperparámetros distintos.",
        "no_axes": "Elige al menos un hiperparámetro.",
        "no_epochs": "La búsqueda no ha guardado los resultados de cada época.",
        "no_times": "La búsqueda no ha guardado cuándo se hizo cada prueba.",
        "no_importance": "La búsqueda no ha guardado la importancia de los hiperparámetros: para medirla hacen falta "
        "suficientes pruebas terminadas.",
        "importance_told": "R² = {r2}: con {trials} pruebas, el modelo que mide la importancia explica el {percent} % "
        "de las diferencias entre resultados.",
        "importance_doubtful": "R² = {r2}: con {trials} pruebas, el modelo que mide la importancia apenas explica los "
        "resultados, así que estas barras dicen poco.",
        "model_replaced": "**No se pudo cargar el modelo pedido**, así que se usa el incluido en Trazo. Motivo: "
        "`{reason}`",
        "tested": "Acierta el {accuracy} % de las {rows} imágenes de «{split}», que no intervinieron en el "
        "entrenamiento; en la diagonal, los aciertos.",
        # Plots and tables
        "trial": "prueba",
        "score": "resultado",
        "status": "estado",
        "COMPLETED": "terminada",
        "FAILED": "fallida",
        "RUNNING": "sin terminar",
        "parameters": "parámetros",
        "seconds": "segundos",
        "reason": "motivo",
        "started": "comienzo",
        "best": "mejor prueba",
        "others": "otras pruebas",
        "elapsed_seconds": "segundos desde el comienzo",
        "elapsed_minutes": "minutos desde el comienzo",
        "elapsed_hours": "horas desde el comienzo",
        "importance": "importancia",
        "best_so_far": "mejor hasta el momento",
        "epoch": "época",
        "best_epoch": "mejor época",
        "train": "entrenamiento",
        "validation": "validación",
        "true_label": "clase real",
        "predicted_label": "respuesta de la red",
        "images": "imágenes",
        "hyperparameter": "hiperparámetro",
        "value": "valor",
        "none": "ninguna",
        "yes": "sí",
        "no": "no",
        # Metrics and hyperparameters, by their name in the reports
        "loss": "función de coste",
        "accuracy": "exactitud",
        "mean_absolute_error": "error absoluto medio",
        "blocks": "bloques",
        "filters": "filtros",
        "convolutions": "convoluciones por bloque",
        "kernel_size": "lado del kernel",
        "pooling": "submuestreo",
        "activation": "función de activación",
        "normalization": "normalización",
        "dense_units": "neuronas ocultas",
        "dropout": "dropout",
        "scaling": "escalado",
        "regularization": "regularización",
        "l1": "peso de L1",
        "l2": "peso de L2",
        "optimizer": "optimizador",
        "learning_rate": "tasa de aprendizaje",
        "batch_size": "tamaño del lote",
        "epochs": "épocas",
        "patience": "paciencia de la parada temprana",
        "augment": "aumentación de datos",
        "elastic": "distorsión elástica",
        "thickness": "grosor del trazo",
        "erasing": "borrado aleatorio",
        "average": "promedio de los pesos",
        "schedule": "plan de la tasa de aprendizaje",
        "seed": "semilla",
    },
    "en": {
        # Pictures and drawings
        "picture_missing": "No picture has arrived: choose one and try again.",
        "picture_unreadable": "That file cannot be read as a picture: it may be damaged or of another format. PNG, "
        "JPEG, WebP, GIF, BMP and TIFF are accepted; SVG is not.",
        "picture_too_large": "The picture is too large: up to {limit} megapixels are accepted.",
        "drawing_missing": "No drawing has arrived, or it has expired: please draw again.",
        "drawing_blank": "The canvas is blank: draw something first.",
        # Kernels
        "kernel_shape": "A kernel must be a square matrix with an odd side, from 1×1 to {largest}×{largest}.",
        "kernel_numbers": "A kernel may hold only finite numbers from −{limit} to {limit}.",
        "kernel_name": "There is no kernel “{name}”: use vertical, horizontal, all or a matrix.",
        "threshold_number": "The threshold must be a finite number.",
        # Reports
        "report_missing": "The model comes without `{file}`, so there is nothing to show here.",
        "report_damaged": "This part cannot be shown: `{file}` is damaged or incomplete.",
        "report_no_classes": "The model predicts a number, not a class: there is no confusion matrix.",
        "no_trial_completed": "No trial has completed yet: there are no results so far.",
        "too_few_trials": "There is nothing to compare yet: that takes at least two completed trials with different "
        "values.",
        "too_few_hyperparameters": "This takes at least two hyperparameters that differ from trial to trial.",
        "same_hyperparameter": "Choose two different hyperparameters.",
        "no_axes": "Choose at least one hyperparameter.",
        "no_epochs": "The search has not kept the results of each epoch.",
        "no_times": "The search has not kept when each trial ran.",
        "no_importance": "The search has not kept the importance of the hyperparameters: measuring it takes enough "
        "completed trials.",
        "importance_told": "R² = {r2}: from {trials} trials, the model that measures importance explains {percent}% "
        "of the differences between results.",
        "importance_doubtful": "R² = {r2}: from {trials} trials, the model that measures importance hardly explains "
        "the results, so these bars say little.",
        "model_replaced": "**The model asked for could not be loaded**, so the one that comes with Trazo is used. "
        "Reason: `{reason}`",
        "tested": "Right on {accuracy}% of the {rows} pictures of “{split}”, which took no part in the training; "
        "the diagonal holds the right answers.",
        # Plots and tables
        "trial": "trial",
        "score": "score",
        "status": "status",
        "COMPLETED": "completed",
        "FAILED": "failed",
        "RUNNING": "unfinished",
        "parameters": "parameters",
        "seconds": "seconds",
        "reason": "reason",
        "started": "started",
        "best": "best trial",
        "others": "other trials",
        "elapsed_seconds": "seconds since the start",
        "elapsed_minutes": "minutes since the start",
        "elapsed_hours": "hours since the start",
        "importance": "importance",
        "best_so_far": "best so far",
        "epoch": "epoch",
        "best_epoch": "best epoch",
        "train": "training",
        "validation": "validation",
        "true_label": "true class",
        "predicted_label": "the network's answer",
        "images": "pictures",
        "hyperparameter": "hyperparameter",
        "value": "value",
        "none": "none",
        "yes": "yes",
        "no": "no",
        # Metrics and hyperparameters, by their name in the reports
        "loss": "loss",
        "accuracy": "accuracy",
        "mean_absolute_error": "mean absolute error",
        "blocks": "blocks",
        "filters": "filters",
        "convolutions": "convolutions a block",
        "kernel_size": "kernel side",
        "pooling": "pooling",
        "activation": "activation",
        "normalization": "normalisation",
        "dense_units": "hidden units",
        "dropout": "dropout",
        "scaling": "scaling",
        "regularization": "regularisation",
        "l1": "L1 weight",
        "l2": "L2 weight",
        "optimizer": "optimiser",
        "learning_rate": "learning rate",
        "batch_size": "batch size",
        "epochs": "epochs",
        "patience": "patience of early stopping",
        "augment": "augmentation",
        "elastic": "elastic distortion",
        "thickness": "stroke thickness",
        "erasing": "random erasing",
        "average": "average of the weights",
        "schedule": "learning rate schedule",
        "seed": "seed",
    },
}

i18n = gr.I18n(**STATIC)


class Message(ValueError):
    """Something to tell the person, in whichever language the request asks for."""

    def __init__(self, key: str, **values: object) -> None:
        """Name a text of `SPOKEN` and the values of its fields."""
        super().__init__(key)
        self.key, self.values = key, values

    def text(self, language: Language) -> str:
        """Return the sentence."""
        return SPOKEN[language][self.key].format(**self.values)

    def __str__(self) -> str:
        """Return the English sentence, for logs and tests."""
        return self.text("en")


def word(key: str, language: Language) -> str:
    """Return a word of `SPOKEN`; a name that it does not know (a metric, a hyperparameter) comes back readable."""
    return SPOKEN[language].get(key, key.replace("_", " "))


def named(name: str, language: Language) -> str:
    """Return a metric or a hyperparameter in words: `val_accuracy` is the accuracy (validation)."""
    if name.startswith("val_"):
        return f"{word(name.removeprefix('val_'), language)} ({word('validation', language)})"
    if name.startswith("learning_rate_"):
        return f"{word('learning_rate', language)} ({name.removeprefix('learning_rate_')})"
    return word(name, language)


def language_of(request: gr.Request | None) -> Language:
    """Return the language of a request: Spanish where it is the first choice, English otherwise.

    Only the first choice counts, because that is what the browser's side of Gradio goes by as well: one page must not
    speak two languages.
    """
    header = request.headers.get("accept-language", "") if request else ""
    best, best_weight = "", 0.0
    for part in header.split(","):
        tag, _, weight = part.partition(";q=")
        try:
            value = float(weight or 1)
        except ValueError:
            continue
        if value > best_weight:
            best, best_weight = tag.strip().lower(), value
    return "es" if best.split("-")[0] == "es" else "en"
