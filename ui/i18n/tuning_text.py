"""The words of the tuning tab, in Spanish and English; a part of `text.py`, which says what the two tables are."""

BROWSER_TEXT: dict[str, dict[str, str]] = {
    "es": {
        "tuning_tab": "Ajuste",
        "tuning_guide": "Una búsqueda de hiperparámetros: cada prueba entrena una combinación y la validación decide "
        "cuál es la mejor.",
        "tuning_search": "Búsqueda",
        "tuning_conclusions": "Conclusiones",
        "tuning_findings": "Lo que encontró esta búsqueda",
        "tuning_findings_help": "Las pruebas difieren a la vez en todo lo demás: una mediana mejor es un indicio, no "
        "una demostración. Otro conjunto de datos u otra búsqueda pueden decir lo contrario.",
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
        "tuning_find": "Buscar en la tabla",
        "tuning_trials_help": "Busca arriba cualquier valor; en el menú ⋮ de cada columna se ordena y se "
        "filtra por ella.",
        "tuning_curve": "Curva de aprendizaje del modelo",
        "tuning_curve_help": "Si el entrenamiento sigue mejorando y la validación ya no, la red empieza a "
        "sobreajustarse: memoriza en lugar de aprender.",
        "tuning_confusion": "Matriz de confusión",
        "tuning_mistakes": "Sus errores",
        "tuning_mistakes_help": "Qué es cada imagen y qué respondió la red; primero, los de más confianza. Elige "
        "una confusión, o haz clic en su casilla de la matriz, para ver solo sus errores.",
        "tuning_calibration": "Calibración",
        "tuning_calibration_help": "De las respuestas con una confianza del 80\u00a0% deberían acertar el 80\u00a0%: "
        "cuanto más cerca de la diagonal, más se puede creer la confianza. El tamaño del punto dice de cuántas es.",
    },
    "en": {
        "tuning_tab": "Tuning",
        "tuning_guide": "A search for hyperparameters: each trial trains one combination, and validation decides which "
        "is best.",
        "tuning_search": "Search",
        "tuning_conclusions": "Findings",
        "tuning_findings": "What this search found",
        "tuning_findings_help": "Trials differ in all the rest at the same time: a better median is a hint, no proof. "
        "Another dataset or another search may say the opposite.",
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
        "tuning_find": "Search the table",
        "tuning_trials_help": "Search for any value above; the menu ⋮ of each column sorts and filters by it.",
        "tuning_curve": "The model's learning curve",
        "tuning_curve_help": "When training goes on improving and validation no longer does, the network begins to "
        "overfit: it memorises in place of learning.",
        "tuning_confusion": "Confusion matrix",
        "tuning_mistakes": "Its mistakes",
        "tuning_mistakes_help": "What each picture is and what the network answered, the most confident ones first. "
        "Choose a confusion, or click its cell of the matrix, to see its mistakes alone.",
        "tuning_calibration": "Calibration",
        "tuning_calibration_help": "Of the answers given with a confidence of 80%, 80% should be right: the nearer to "
        "the diagonal, the more the confidence can be believed. The size of a dot tells how many answers it is of.",
    },
}

SERVER_TEXT: dict[str, dict[str, str]] = {
    "es": {
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
        "importance_told": "R² = {r2}: con {trials} pruebas, el modelo que mide la importancia explica el {share} "
        "de las diferencias entre resultados.",
        "importance_doubtful": "R² = {r2}: con {trials} pruebas, el modelo que mide la importancia apenas explica los "
        "resultados, así que estas barras dicen poco.",
        "tested": "Acierta el {accuracy} de las {rows} imágenes de «{split}», que no intervinieron en el "
        "entrenamiento; en la diagonal, los aciertos.",
        "report_no_calibration": "`evaluation.json` no incluye la calibración.",
        "report_no_mistakes": "`evaluation.json` no incluye imágenes de los errores; se guardan con "
        "`python -m training evaluate … --mistakes 100`.",
        "mistake": "Es {label}; la red respondió {answer} con una confianza del {share}.",
        "mistakes_of": "Confusión",
        "all_mistakes": "todas",
        # Findings
        "early_stopping": "parada temprana",
        "found_longest": "Se comparan solo las pruebas más largas ({count}): Hyperband cortó antes las demás ({left}), "
        "y sus puntuaciones no se pueden comparar.",
        "found_none": "No formó parte de esta búsqueda.",
        "found_one": "Solo hay resultados con {value}, así que esta búsqueda no dice nada.",
        "found_best": "Lo mejor fue {best} (mediana {score} en {count} pruebas) y lo peor {worst} (mediana {low} en "
        "{others}).",
        "found_some": "De lo que se probó al menos {enough} veces, lo mejor fue {best} (mediana {score} en {count} "
        "pruebas) y lo peor {worst} (mediana {low} en {others}). Con menos pruebas, y sin comparar: {left} de "
        "{values} valores.",
        "found_same": "Todo lo que se probó al menos {enough} veces tiene la misma mediana, {score}: esta búsqueda no "
        "ve diferencias.",
        "found_few": "Lo mejor fue {best} (mediana {score}; pruebas: {count}) y lo peor {worst} (mediana {low}; "
        "pruebas: {others}): son pocas pruebas para asegurarlo.",
        "found_range": "Las mejores {count} pruebas usaron valores de {low} a {high}; todas juntas, de {lowest} a "
        "{highest}.",
        "found_rates": "Las mejores {count} pruebas usaron de {low} a {high} veces la tasa habitual de su optimizador; "
        "todas juntas, de {lowest} a {highest} veces.",
        "found_too_few": "Lo usaron muy pocas pruebas ({count}) para decir algo.",
        "found_stopping": "Pruebas cuya última época fue la mejor: {last} de {count}. El resto ya no mejoraba al "
        "final: ahí la parada temprana ahorra tiempo.",
        "found_stopping_steady": "Con una tasa constante, pruebas cuya última época fue la mejor: {last} de {count}. "
        "El resto ya no mejoraba al final: ahí la parada temprana ahorra tiempo. En las otras {left} la tasa baja "
        "hasta cero, y por eso la última época suele ser la mejor.",
        "found_improving": "Pruebas cuya última época fue la mejor: {last} de {count}. Con {epochs} épocas la mayoría "
        "aún mejoraba: más épocas, antes que parar, le habrían ayudado.",
        "found_improving_steady": "Con una tasa constante, pruebas cuya última época fue la mejor: {last} de {count}. "
        "Con {epochs} épocas la mayoría aún mejoraba: más épocas, antes que parar, le habrían ayudado. En las otras "
        "{left} la tasa baja hasta cero, y por eso la última época suele ser la mejor.",
        "found_falling": "En las {count} pruebas la tasa de aprendizaje baja hasta cero, y por eso la última época "
        "suele ser la mejor: esta búsqueda no dice nada de cuándo parar.",
        # Plots and tables
        "confidence": "confianza",
        "share_right": "aciertos",
        "ideal": "calibración perfecta",
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
        "cross_entropy": "entropía cruzada, con cualquiera de sus nombres",
        "yes": "sí",
        "no": "no",
    },
    "en": {
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
        "importance_told": "R² = {r2}: from {trials} trials, the model that measures importance explains {share} "
        "of the differences between results.",
        "importance_doubtful": "R² = {r2}: from {trials} trials, the model that measures importance hardly explains "
        "the results, so these bars say little.",
        "tested": "Right on {accuracy} of the {rows} pictures of “{split}”, which took no part in the training; "
        "the diagonal holds the right answers.",
        "report_no_calibration": "`evaluation.json` comes without the calibration.",
        "report_no_mistakes": "`evaluation.json` keeps no pictures of mistakes; `python -m training evaluate … "
        "--mistakes 100` does.",
        "mistake": "This is {label}; the network answered {answer} with a confidence of {share}.",
        "mistakes_of": "Confusion",
        "all_mistakes": "all",
        # Findings
        "early_stopping": "early stopping",
        "found_longest": "Only the longest trials are compared ({count}): Hyperband ended the others ({left}) earlier, "
        "and their scores do not compare.",
        "found_none": "It was no part of this search.",
        "found_one": "There are results with {value} alone, so this search tells nothing.",
        "found_best": "The best was {best} (median {score} over {count} trials), the worst {worst} (median {low} over "
        "{others}).",
        "found_some": "Of what was tried at least {enough} times, the best was {best} (median {score} over {count} "
        "trials), the worst {worst} (median {low} over {others}). With fewer trials, and not compared: {left} of "
        "{values} values.",
        "found_same": "All that was tried at least {enough} times has the same median, {score}: this search sees no "
        "difference.",
        "found_few": "The best was {best} (median {score}; trials: {count}), the worst {worst} (median {low}; trials: "
        "{others}): too few trials to be sure.",
        "found_range": "The best {count} trials used values from {low} to {high}; all of them, from {lowest} to "
        "{highest}.",
        "found_rates": "The best {count} trials used from {low} to {high} times their optimiser's usual rate; all of "
        "them, from {lowest} to {highest} times.",
        "found_too_few": "Too few trials used it ({count}) to tell anything.",
        "found_stopping": "Trials whose last epoch was the best: {last} of {count}. The rest no longer improved at the "
        "end: there early stopping saves time.",
        "found_stopping_steady": "At a constant rate, trials whose last epoch was the best: {last} of {count}. The "
        "rest no longer improved at the end: there early stopping saves time. In the other {left} the rate falls to "
        "zero, and for that reason the last epoch tends to be the best.",
        "found_improving": "Trials whose last epoch was the best: {last} of {count}. With {epochs} epochs most were "
        "still improving: more epochs, rather than stopping, would have helped them.",
        "found_improving_steady": "At a constant rate, trials whose last epoch was the best: {last} of {count}. With "
        "{epochs} epochs most were still improving: more epochs, rather than stopping, would have helped them. In the "
        "other {left} the rate falls to zero, and for that reason the last epoch tends to be the best.",
        "found_falling": "In all {count} trials the learning rate falls to zero, and for that reason the last epoch "
        "tends to be the best: this search does not tell when to stop.",
        # Plots and tables
        "confidence": "confidence",
        "share_right": "right answers",
        "ideal": "perfect calibration",
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
        "cross_entropy": "cross-entropy under any of its names",
        "yes": "yes",
        "no": "no",
    },
}
