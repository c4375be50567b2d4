"""Every word of the page, in Spanish and English, and which of the two a request gets.

`BROWSER_TEXT` is translated by the browser (`panels.i18n`): labels, tab names, guidance. `SERVER_TEXT` is what the
server says, after the request's Accept-Language; its texts may hold `{fields}`, which the browser's translator would
take for its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ui.i18n import tuning_text

if TYPE_CHECKING:
    import gradio as gr

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = ("es", "en")

BROWSER_TEXT: dict[Language, dict[str, str]] = {
    "es": {
        "tagline": "Una red convolucional, trazo a trazo.",
        "no_camera": "No se puede usar la cámara: no hay ninguna, otro programa la usa o no le has dado permiso.",
        # Edges
        "edges_tab": "Bordes",
        "edges_guide": "Elige una foto y un kernel: la convolución resalta los píxeles en los que la imagen cambia en "
        "la dirección del kernel.",
        "edges_original": "Original: haz clic en un píxel",
        "edges_result": "Antes y después: mueve la barra",
        "edges_bar": "Barra entre el antes y el después",
        "edges_upload": "Suelta aquí una imagen\no haz clic para elegirla",
        "edges_photos": "Fotos de ejemplo",
        "edges_photo_camera": "Fotógrafo con su cámara",
        "edges_photo_coffee": "Taza de café",
        "edges_photo_chelsea": "Gata",
        "edges_photo_coins": "Monedas griegas",
        "edges_photo_astronaut": "Astronauta",
        "edges_photo_brick": "Pared de ladrillo",
        "edges_kernel": "Kernel",
        "edges_vertical": "Bordes verticales",
        "edges_horizontal": "Bordes horizontales",
        "edges_all": "Bordes en todas las direcciones",
        "edges_prewitt": "Prewitt",
        "edges_sobel": "Sobel",
        "edges_scharr": "Scharr",
        "edges_laplacian": "Laplaciano",
        "edges_sharpen": "Enfocar",
        "edges_blur": "Desenfocar",
        "edges_emboss": "Relieve",
        "edges_own": "Propio: edita los pesos",
        "edges_learned": "Aprendido por la red",
        "edges_layer": "Convolución de la red",
        "edges_filter": "Filtro",
        "edges_input": "Canal de entrada",
        "edges_matrix": "Pesos",
        "edges_weight": "Peso de la fila y la columna",
        "edges_side": "Tamaño",
        "edges_sign": "Signo",
        "edges_clipped": "Negativos a cero, como ReLU",
        "edges_absolute": "Valor absoluto",
        "edges_signed": "Dos colores",
        "edges_output": "Se muestra",
        "edges_binary": "Lo que supera el umbral",
        "edges_grey": "El valor",
        "edges_threshold": "Umbral",
        "edges_padding": "Relleno",
        "edges_same": "Con ceros (same)",
        "edges_valid": "Sin relleno (valid)",
        "edges_stride": "Paso (stride)",
        "edges_row": "Fila del píxel",
        "edges_column": "Columna del píxel",
        "edges_arithmetic": "La cuenta de un píxel",
        "edges_about": "Cada peso se multiplica por el nivel de gris del píxel que tiene debajo, de 0 (negro) a 255 "
        "(blanco), y se suma todo; las fotos en color se pasan antes a grises. En rigor es una correlación cruzada: la "
        "convolución de los matemáticos gira antes el kernel 180°. Como la red aprende sus pesos, le da igual, y todas "
        "las bibliotecas llaman convolución a esto.",
        # Digit
        "digit_tab": "Dígito",
        "digit_guide": "Dibuja una cifra del 0 al 9, del tamaño y en el lugar que quieras: la red responde mientras "
        "dibujas. Si dibujas varias, las lee de izquierda a derecha.",
        "digit_canvas": "Tu dibujo",
        "digit_clear": "Borrar",
        "digit_undo": "Deshacer",
        "digit_stroke": "Grosor del trazo",
        "digit_paper": "O una foto de papel",
        "digit_inside": "Dentro de la red",
        "digit_maps": "Los mapas de características de cada convolución, de la entrada a la respuesta: cuanto más "
        "claro un píxel, más se parece lo que hay allí a lo que busca ese filtro.",
        "digit_answer": "Respuesta de la red",
        "digit_seen": "Lo que ve la red",
        "digit_which": "Signo, de izquierda a derecha",
        "class_tab": "Clasificar",
        "class_model": "Modelo",
        "class_draw_guide": "Dibuja aquí: la red responde mientras dibujas. Si dibujas varios signos, los lee de "
        "izquierda a derecha.",
        "class_picture_guide": "Elige una imagen como las que aprendió: la red dirá a qué clase se parece más.",
        "class_picture": "Tu imagen",
        "number_tab": "Estimar",
        "number_guide": "Elige una imagen como las que aprendió: la red responde con un número.",
        **tuning_text.BROWSER_TEXT["es"],
    },
    "en": {
        "tagline": "A convolutional network, stroke by stroke.",
        "no_camera": "The camera cannot be used: there is none, another program uses it, or you have not allowed it.",
        # Edges
        "edges_tab": "Edges",
        "edges_guide": "Choose a photo and a kernel: the convolution brings out the pixels where the picture changes "
        "in the kernel's direction.",
        "edges_original": "Original: click a pixel",
        "edges_result": "Before and after: move the bar",
        "edges_bar": "Bar between before and after",
        "edges_upload": "Drop a picture here\nor click to choose one",
        "edges_photos": "Example photos",
        "edges_photo_camera": "Photographer with a camera",
        "edges_photo_coffee": "A cup of coffee",
        "edges_photo_chelsea": "A cat",
        "edges_photo_coins": "Greek coins",
        "edges_photo_astronaut": "An astronaut",
        "edges_photo_brick": "A brick wall",
        "edges_kernel": "Kernel",
        "edges_vertical": "Vertical edges",
        "edges_horizontal": "Horizontal edges",
        "edges_all": "Edges in all directions",
        "edges_prewitt": "Prewitt",
        "edges_sobel": "Sobel",
        "edges_scharr": "Scharr",
        "edges_laplacian": "Laplacian",
        "edges_sharpen": "Sharpen",
        "edges_blur": "Blur",
        "edges_emboss": "Emboss",
        "edges_own": "Your own: edit the weights",
        "edges_learned": "Learned by the network",
        "edges_layer": "Convolution of the network",
        "edges_filter": "Filter",
        "edges_input": "Input channel",
        "edges_matrix": "Weights",
        "edges_weight": "Weight of row and column",
        "edges_side": "Size",
        "edges_sign": "Sign",
        "edges_clipped": "Negatives to zero, as ReLU does",
        "edges_absolute": "Absolute value",
        "edges_signed": "Two colours",
        "edges_output": "Shown",
        "edges_binary": "What is above the threshold",
        "edges_grey": "The value",
        "edges_threshold": "Threshold",
        "edges_padding": "Padding",
        "edges_same": "Zeros (same)",
        "edges_valid": "None (valid)",
        "edges_stride": "Stride",
        "edges_row": "Row of the pixel",
        "edges_column": "Column of the pixel",
        "edges_arithmetic": "The sum of one pixel",
        "edges_about": "Each weight is multiplied by the grey level of the pixel below it, from 0 (black) to 255 "
        "(white), and all is added up; photos in colour are turned to grey first. Strictly this is a "
        "cross-correlation: a mathematician's convolution turns the kernel by 180° first. A network learns its weights "
        "and does not mind, and every library calls this a convolution.",
        # Digit
        "digit_tab": "Digit",
        "digit_guide": "Draw a digit from 0 to 9, as large and wherever you like: the network answers while you draw. "
        "Several are read from left to right.",
        "digit_canvas": "Your drawing",
        "digit_clear": "Clear",
        "digit_undo": "Undo",
        "digit_stroke": "Stroke width",
        "digit_paper": "Or a photo of paper",
        "digit_inside": "Inside the network",
        "digit_maps": "The feature maps of each convolution, from the input to the answer: the brighter a pixel, the "
        "more what is there looks like what that filter seeks.",
        "digit_answer": "The network's answer",
        "digit_seen": "What the network sees",
        "digit_which": "Sign, from left to right",
        "class_tab": "Classify",
        "class_model": "Model",
        "class_draw_guide": "Draw here: the network answers while you draw. Several signs are read from left to right.",
        "class_picture_guide": "Choose a picture like those it learned: the network says what it resembles most.",
        "class_picture": "Your picture",
        "number_tab": "Estimate",
        "number_guide": "Choose a picture like those it learned: the network answers with a number.",
        **tuning_text.BROWSER_TEXT["en"],
    },
}

SERVER_TEXT: dict[Language, dict[str, str]] = {
    "es": {
        # Pictures and drawings
        "picture_missing": "No ha llegado ninguna imagen: elige una e inténtalo de nuevo.",
        "picture_unreadable": "Ese archivo no se puede leer como imagen: puede estar dañado o tener otro formato. "
        "Se admiten PNG, JPEG, WebP, GIF, BMP y TIFF; SVG no.",
        "picture_scaled": "La imagen tiene más de {limit} megapíxeles: se ha reducido.",
        "picture_tiff": "La mayoría de los navegadores no muestran imágenes TIFF; aquí se lee igualmente.",
        "picture_too_large": "La imagen es demasiado grande: se admiten hasta {limit} megapíxeles.",
        "drawing_missing": "No ha llegado ningún dibujo: dibuja algo e inténtalo de nuevo.",
        "drawing_blank": "El lienzo está en blanco: dibuja algo primero.",
        "too_much": "Lo enviado es demasiado grande: se admiten hasta {limit} MB.",
        "address_unreachable": "No se ha podido traer nada de esa dirección.",
        "not_known": "No se parece a nada de lo que la red ha aprendido: no sería honesto responder. Lo más parecido: "
        "{label}.",
        "some_not_known": "Los signos marcados con ? no se parecen a nada de lo que la red ha aprendido.",
        "seen": "Entrada de la red",
        "saliency": "Naranja: a favor de la respuesta; azul: en contra",
        # Kernels
        "kernel_shape": "El kernel debe ser una matriz cuadrada de lado impar, entre 1×1 y {largest}×{largest}.",
        "kernel_numbers": "El kernel solo puede contener números finitos entre −{limit} y {limit}.",
        "kernel_name": "No hay ningún kernel «{name}»: usa una matriz o uno de estos: {names}.",
        "kernel_larger": "Sin relleno, el kernel de {side}×{side} no cabe en la imagen.",
        "choice_unknown": "Esa opción no existe: hay {choices}.",
        "pixel_sum": "Fila {row}, columna {column}: la suma de los productos es {total}.",
        "threshold_number": "El umbral debe ser un número finito.",
        # Requests
        "failed": "No se ha podido responder: puede que lo enviado no tenga la forma que se espera aquí.",
        "busy": "Hay demasiada gente a la vez: inténtalo de nuevo en unos segundos.",
        # Model
        "network_loading": "La red se está cargando: las respuestas llegarán en unos segundos.",
        "network_restarted": "Ha habido que volver a cargar la red: inténtalo de nuevo en unos segundos.",
        "network_unusable": "No se ha podido cargar ninguna red, así que no hay respuestas; el motivo está en el "
        "registro del servidor.",
        "model_replaced": "**No se pudo cargar el modelo pedido**, así que se usa el incluido en Trazo. Motivo: "
        "`{reason}`",
        **tuning_text.SERVER_TEXT["es"],
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
        "elastic_transform": "distorsión elástica",
        "stroke_jitter": "grosor del trazo",
        "random_erasing": "borrado aleatorio",
        "ema_momentum": "promedio de los pesos",
        "schedule": "plan de la tasa de aprendizaje",
        "seed": "semilla",
    },
    "en": {
        # Pictures and drawings
        "picture_missing": "No picture has arrived: choose one and try again.",
        "picture_unreadable": "That file cannot be read as a picture: it may be damaged or of another format. PNG, "
        "JPEG, WebP, GIF, BMP and TIFF are accepted; SVG is not.",
        "picture_scaled": "The picture has more than {limit} megapixels: it was scaled down.",
        "picture_tiff": "Most browsers do not show TIFF pictures; it is read here all the same.",
        "picture_too_large": "The picture is too large: up to {limit} megapixels are accepted.",
        "drawing_missing": "No drawing has arrived: draw something and try again.",
        "drawing_blank": "The canvas is blank: draw something first.",
        "too_much": "What was sent is too large: up to {limit} MB are accepted.",
        "address_unreachable": "Nothing could be fetched from that address.",
        "not_known": "This looks like nothing that the network has learned, so it does not answer. What comes closest: "
        "{label}.",
        "some_not_known": "Signs marked ? look like nothing that the network has learned.",
        "seen": "The network's input",
        "saliency": "Orange: speaks for the answer; blue: against it",
        # Kernels
        "kernel_shape": "A kernel must be a square matrix with an odd side, from 1×1 to {largest}×{largest}.",
        "kernel_numbers": "A kernel may hold only finite numbers from −{limit} to {limit}.",
        "kernel_name": "There is no kernel “{name}”: use a matrix or one of these: {names}.",
        "kernel_larger": "Without padding, the kernel of {side}×{side} does not fit into the picture.",
        "choice_unknown": "There is no such choice; there are {choices}.",
        "pixel_sum": "Row {row}, column {column}: the products add up to {total}.",
        "threshold_number": "The threshold must be a finite number.",
        # Requests
        "failed": "This could not be answered: what was sent may not be of the form expected here.",
        "busy": "Too many people are here at once: try again in a few seconds.",
        # Model
        "network_loading": "The network is loading: answers will come in a few seconds.",
        "network_restarted": "The network had to be started again: try again in a few seconds.",
        "network_unusable": "No network could be loaded, so there are no answers; the server's log holds the reason.",
        "model_replaced": "**The model asked for could not be loaded**, so the one that comes with Trazo is used. "
        "Reason: `{reason}`",
        **tuning_text.SERVER_TEXT["en"],
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
        "elastic_transform": "elastic distortion",
        "stroke_jitter": "stroke thickness",
        "random_erasing": "random erasing",
        "ema_momentum": "average of the weights",
        "schedule": "learning rate schedule",
        "seed": "seed",
    },
}

# What Gradio says in English in every language, as far as the page has it: names of controls, and what is
# written over and in its notices.
GRADIO = {
    "Remove Image": "Quitar la imagen",
    "Upload file": "Subir un archivo",
    "File upload": "Subir un archivo",
    "Capture from camera": "Usar la cámara",
    "Click to Access Webcam": "Haz clic para encender la cámara",
    "capture photo": "Hacer la foto",
    "select input source": "Elegir la cámara",
    "select source": "Cámaras",
    "Paste from clipboard": "Pegar del portapapeles",
    "undo": "Deshacer",
    "More tabs": "Más pestañas",
    "Table actions": "Acciones de la tabla",
    "Open cell menu": "Menú de la columna",
    "Empty value": "Vacío",
    "Filter": "Filtrar",
    "Clear filters": "Quitar los filtros",
    "Filter as": "Filtrar como",
    "Change filter": "Cambiar el filtro",
    "string": "texto",
    "number": "número",
    "Contains": "contiene",
    "Does not contain": "no contiene",
    "Starts with": "empieza por",
    "Ends with": "termina en",
    "Is": "es",
    "Is not": "no es",
    "Is empty": "está vacío",
    "Is not empty": "no está vacío",
    "Type a value": "Escribe un valor",
    "Close": "Cerrar",
    "Warning": "Aviso",
    "Info": "Nota",
    "Connection to the server was lost. Attempting reconnection...": "Se ha perdido la conexión con el servidor: se "
    "intenta recuperarla…",
}

SPANISH = str.maketrans(".,", ",\u202f")  # a decimal comma, a thin space between thousands


class UserError(ValueError):
    """Something to tell the person, in whichever language the request asks for."""

    def __init__(self, key: str, **values: object) -> None:
        """Name a text of `SERVER_TEXT` and the values of its fields."""
        super().__init__(key)
        self.key, self.values = key, values

    def text(self, language: Language) -> str:
        """Return the sentence."""
        return SERVER_TEXT[language][self.key].format(**self.values)

    def __str__(self) -> str:
        """Return the English sentence, for logs and tests."""
        return self.text("en")


def word(key: str, language: Language) -> str:
    """Return a word of `SERVER_TEXT`; a name that it does not know (a metric, a hyperparameter) comes back readable."""
    return SERVER_TEXT[language].get(key, key.replace("_", " "))


def named(name: str, language: Language) -> str:
    """Return a metric or a hyperparameter in words: `val_accuracy` is the accuracy (validation)."""
    if name.startswith("val_"):
        return f"{word(name.removeprefix('val_'), language)} ({word('validation', language)})"
    if name.startswith("learning_rate_"):
        return f"{word('learning_rate', language)} ({name.removeprefix('learning_rate_')})"
    return word(name, language)


def number(value: float, form: str, language: Language) -> str:
    """Return a number in a format of Python's, as the language writes it: 1,234.5 is 1 234,5 in Spanish."""
    text = format(value, form)
    return text.translate(SPANISH) if language == "es" else text


def percent(share: float, language: Language, decimals: int = 1) -> str:
    """Return a share as a percentage; never 100 where something is left over."""
    least = 10.0**-decimals
    text = number(100 if share > 1 - least / 1000 else min(100 * share, 100 - least), f".{decimals}f", language)
    return f"{text}\u00a0%" if language == "es" else f"{text}%"


def language_of(request: gr.Request | None) -> Language:
    """Return the language of a request: Spanish where it is the first choice, English otherwise.

    Only the first choice counts, because that is what the browser's side of Gradio goes by as well: one page must not
    speak two languages.
    """
    header = request.headers.get("accept-language", "") if request else ""
    best, best_weight = "", 0.0
    for part in header.split(","):
        tag, _, weight = part.partition(";")  # spaces may stand around the semicolon
        try:
            value = float(weight.partition("=")[2] or 1)
        except ValueError:
            continue
        if value > best_weight:
            best, best_weight = tag.strip().lower(), value
    return "es" if best.split("-")[0] == "es" else "en"
