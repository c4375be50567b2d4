# %% [markdown] en
# ## 3. One choice at a time, measured
#
# A convolutional network does not get kernels like those above: it **learns** them. How many, with which activation, for how long?
# No rule decides it. To learn what *one* choice does we need three things:
#
# - **A base network**, of which only one thing is changed at a time.
# - **Little data**: 300 images, few enough that the network can learn them by heart, so that overfitting shows. 1,000 other images
#   measure: they are the **validation**.
# - **Several seeds.** The first weights and the order of the batches are random, and the same network gets another accuracy with
#   another seed. A difference that is not larger than that says nothing.

# %% [markdown] es
# ## 3. Una elección cada vez, medida
#
# Una red convolucional no recibe kernels como los de arriba: los **aprende**. ¿Cuántos, con qué activación, durante cuánto
# tiempo? No hay una regla fija. Para saber qué hace *una* elección hacen falta tres cosas:
#
# - **Una red base**, en la que se cambia una sola cosa cada vez.
# - **Pocos datos**: 300 imágenes, tan pocas que la red puede aprendérselas de memoria, para que se vea el sobreajuste. Miden otras
#   1.000 imágenes: son la **validación**.
# - **Varias semillas.** Los primeros pesos y el orden de los lotes son aleatorios, y la misma red acierta más o menos con otra
#   semilla. Una diferencia que no es mayor que eso no dice nada.

# %%
rows = HubStream(str(SAMPLE), split="train", seed=0, batch_size=1300)
images, labels = next(iter(make_train_data(rows, augment=AugmentConfig(augment=0))))
images, labels = images.numpy(), keras.utils.to_categorical(labels, 10)
x_train, y_train, x_val, y_val = images[:300], labels[:300], images[300:], labels[300:]

BASE = {
    "side": 14,  # «of the input image: 28 is halved|de la imagen de entrada: 28 se reduce a la mitad»
    "filters": (8, 16),  # «of the convolution of each block|de la convolución de cada bloque»
    "neurons": 32,  # «of the hidden dense layer|de la capa densa oculta»
    "activation": "relu",
    "normalization": False,
    "scaling": "z-score",
    "loss": "categorical_crossentropy",
    "optimizer": "adam",
    "learning_rate": 0.01,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "augmentation": False,
    "epochs": 25,
    "patience": None,  # «of the early stopping|de la parada temprana»
}


def build(side, filters, neurons, activation, normalization, dropout, l1, l2, augmentation, **_):
    layers, penalty = keras.layers, keras.regularizers.L1L2(l1, l2)
    network = keras.Sequential([keras.Input((28, 28, 1)), layers.AveragePooling2D(28 // side)])
    if augmentation:
        for random in (layers.RandomRotation(0.04), layers.RandomTranslation(0.1, 0.1), layers.RandomZoom(0.1)):
            network.add(random)
    for count in filters:
        network.add(layers.Conv2D(count, 3, padding="same", kernel_regularizer=penalty))
        if normalization:
            network.add(layers.BatchNormalization(momentum=0.9))
        network.add(layers.Activation(activation))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dense(neurons, activation, kernel_regularizer=penalty))
    network.add(layers.Dropout(dropout))
    network.add(layers.Dense(10, "softmax"))
    return network


for layer in build(**BASE).layers:
    parameters = number(layer.count_params(), ",", LANGUAGE)
    print(f"{type(layer).__name__:18}{layer.output.shape[1:]!s:14}{parameters:>7} «parameters|parámetros»")

# %% [markdown] en
# `train` trains one network with one seed, and `compare` several values of a choice with several seeds. Each dot is a mean, its line
# the **95 % interval** of the mean. Blue is clearly better than the first value, orange clearly worse; gray is **not
# distinguishable** with so few seeds (Welch's t-test, corrected by Holm for the number of values; `python -m training study` computes the same).

# %% [markdown] es
# `train` entrena una red con una semilla, y `compare`, varios valores de una elección con varias semillas. Cada punto es una media, y
# su línea, el **intervalo del 95 %** de la media. Azul es claramente mejor que el primer valor; naranja, claramente peor; lo gris
# **no se distingue** con tan pocas semillas (prueba t de Welch, con la corrección de Holm por el número de valores; lo mismo
# calcula `python -m training study`).

# %%
from dataclasses import dataclass

SEEDS = 3


@dataclass
class Run:
    history: dict  # «measure -> its value after each epoch|medida -> su valor tras cada época»
    weights: list
    best: int  # «epoch whose weights are kept, from 0|época cuyos pesos se conservan, desde 0»

    @property
    def score(self):
        return self.history["val_accuracy"][self.best]


def scale(pixels, method):
    if method == "min-max":
        return (pixels - x_train.min()) / (x_train.max() - x_train.min())
    if method == "z-score":
        return (pixels - x_train.mean()) / x_train.std()
    return pixels


def compiled(choices):
    network = build(**choices)
    optimizer = keras.optimizers.get(choices["optimizer"])
    optimizer.learning_rate = choices["learning_rate"]
    network.compile(optimizer, choices["loss"], metrics=["accuracy"])
    optimizer.build(network.trainable_variables)
    return network


@cache
def shared(**choices):
    return compiled(choices)


@cache
def train(seed, **changed):
    choices = BASE | changed
    network = shared(
        **choices
    )  # «Keras prepares it once for all seeds|Keras la prepara una vez para todas las semillas»
    keras.utils.set_random_seed(seed)
    fresh = compiled(choices)
    for variable, first in zip(
        network.variables + network.optimizer.variables, fresh.variables + fresh.optimizer.variables
    ):
        variable.assign(first)
    stopping = keras.callbacks.EarlyStopping(patience=choices["patience"], restore_best_weights=True)
    batches = tf.data.Dataset.from_tensor_slices((scale(x_train, choices["scaling"]), y_train))
    history = network.fit(
        batches.shuffle(len(x_train), seed).batch(50),
        epochs=choices["epochs"],
        shuffle=False,  # «the batches are shuffled already|los lotes ya están barajados»
        validation_data=tf.data.Dataset.from_tensors((scale(x_val, choices["scaling"]), y_val)),
        callbacks=[stopping] if choices["patience"] else [],
        verbose=0,
    ).history
    best = int(np.argmin(history["val_loss"])) if choices["patience"] else -1
    return Run(history, network.get_weights(), best)


# %% [markdown] en
# What follows only measures and draws.

# %% [markdown] es
# Lo que sigue solo mide y dibuja.

# %%
from scipy import stats

from model.io.reports.study import Level
from training.study.summary import compare as judge
from ui.figures.study import COLORS

VERDICTS = {
    "base": "«compared with this|se compara con este»",
    "better": "«clearly better|claramente mejor»",
    "worse": "«clearly worse|claramente peor»",
    "indistinguishable": "«not distinguishable|no se distingue»",
}
measured = {}  # «title of a comparison -> its results|título de una comparación -> sus resultados»


def measure(values, seeds=range(SEEDS)):
    levels = []
    for name, changed in values.items():
        scores = [train(seed, **changed).score for seed in seeds]
        low, high = stats.t.interval(0.95, len(scores) - 1, np.mean(scores), max(stats.sem(scores), 1e-9))
        first = not levels
        levels.append(
            Level(value=name, is_base=first, verdict="unknown", scores=scores, mean=np.mean(scores), low=low, high=high)
        )
    return judge(levels, higher_is_better=True)


def compare(title, values, seeds=range(SEEDS)):
    levels = measured[title] = measure(values, seeds)
    draw(title, [(level.value, level.mean, level.low, level.high, COLORS.get(level.verdict, GRAY)) for level in levels])
    for level in levels:
        print(f"{level.value:32}{percent(level.mean, LANGUAGE):>9}   {VERDICTS[level.verdict]}")


def draw(title, rows):
    _, axis = plt.subplots(figsize=(8, 0.9 + 0.32 * len(rows)))
    for place, (_, mean, low, high, color) in enumerate(rows):
        axis.errorbar(mean, place, xerr=[[mean - max(low, 0)], [min(high, 1) - mean]], fmt="o", color=color, capsize=3)
    axis.set_yticks(range(len(rows)), [row[0] for row in rows])
    axis.xaxis.set_major_formatter(lambda share, _: percent(share, LANGUAGE))
    axis.set(title=title, xlabel="«accuracy on validation|exactitud en validación»")
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.grid(axis="x", alpha=0.3)
    plt.show()


def curves(title, values, seeds=range(SEEDS)):
    _, axis = plt.subplots(figsize=(8, 3.5))
    for (name, changed), color in zip(values.items(), LINES):
        histories = [train(seed, **changed).history for seed in seeds]
        for curve, line in (("loss", ":"), ("val_loss", "-")):
            mean = np.mean([history[curve] for history in histories], axis=0)
            axis.plot(range(1, len(mean) + 1), mean, line, color=color, label=name if line == "-" else None)
    axis.set(
        title=title,
        xlabel="«epoch|época»",
        ylabel="«loss (dotted: training)|coste (punteado: entrenamiento)»",
        yscale="log",
    )
    axis.legend()
    plt.show()


# %%
base = [train(seed) for seed in range(SEEDS)]
print(
    "«accuracy on the training images|exactitud en las imágenes de entrenamiento»:",
    *(percent(run.history["accuracy"][-1], LANGUAGE) for run in base),
)
print("«accuracy on other images|exactitud en otras imágenes»:", *(percent(run.score, LANGUAGE) for run in base))
curves("«The base network|La red base»", {"«base|base»": {}})
lowest = np.mean([run.history["val_loss"] for run in base], axis=0).argmin() + 1
print(
    "«On validation the loss is lowest after epoch|En validación, el coste más bajo es el de la época»",
    f"{lowest}/{BASE['epochs']}.",
)

# %% [markdown] en
# The dotted line falls towards 0, the other one does not: the network knows its 300 images by heart, and that does not help it with
# others. This is **overfitting**. The bundled model may come with a larger study of the same kind, made by
# `python -m training study`. Where it exists, each section shows its figure, too.

# %% [markdown] es
# La línea de puntos baja hacia 0; la otra, no: la red se sabe de memoria sus 300 imágenes, y eso no le ayuda con otras. Esto es el
# **sobreajuste**. El modelo incluido puede traer un estudio más grande de la misma clase, hecho con `python -m training study`.
# Si existe, cada sección enseña también su figura.

# %%
from model import CnnModel
from ui.figures.study import plot_factor
from ui.i18n import UserError
from ui.reports.parse import read_study

cnn = CnnModel.from_pretrained()  # «the bundled model|el modelo incluido»
try:
    study = read_study(cnn.folder)
    print(
        "«Images that the study learned from|Imágenes de las que aprendió el estudio»:",
        number(study.data.rows.train, ",", LANGUAGE),
    )
    print("«epochs|épocas»:", study.epochs, "«seeds|semillas»:", study.seeds)
except UserError:
    study = None
    print(
        "«The bundled model has no study: the figures below are all from this notebook.|El modelo incluido no trae estudio: todas las figuras de abajo son de este cuaderno.»"
    )


def draw_study(choice):
    if study is None:
        return
    figure = plot_factor(study, choice, LANGUAGE)
    dots = figure.data[0]
    ends = zip(dots.error_x.arrayminus, dots.error_x.array)
    draw(
        "«The bundled study|El estudio incluido»",
        [
            (name, mean, mean - below, mean + above, color)
            for name, mean, (below, above), color in zip(figure.layout.yaxis.ticktext, dots.x, ends, dots.marker.color)
        ],
    )


# %% [markdown] en
# **Questions**
#
# <details><summary>1. Why is the accuracy on the training images not the measure?</summary>
#
# Because it rewards learning by heart. What counts is what the network does with images it has not seen.
#
# </details>
#
# <details><summary>2. With three seeds the intervals are wide. What makes them narrower?</summary>
#
# More seeds: the interval shrinks with their square root, and the t-distribution gets narrower, too. Set `SEEDS = 5` and run the
# section again; it takes longer.
#
# </details>
#
# <details><summary>3. A value is "not distinguishable". Is it then as good as the base?</summary>
#
# Not necessarily. It means: so few runs cannot tell. A real but small difference would need more seeds.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. ¿Por qué no es la exactitud en las imágenes de entrenamiento la que cuenta?</summary>
#
# Porque premia aprender de memoria. Importa lo que la red hace con imágenes que no ha visto.
#
# </details>
#
# <details><summary>2. Con tres semillas los intervalos son anchos. ¿Qué los estrecha?</summary>
#
# Más semillas: el intervalo se encoge con su raíz cuadrada, y además la distribución t se estrecha. Pon `SEEDS = 5` y ejecuta la
# sección otra vez; tarda más.
#
# </details>
#
# <details><summary>3. Un valor «no se distingue». ¿Es entonces tan bueno como la base?</summary>
#
# No necesariamente. Significa que con tan pocos entrenamientos no se puede saber. Una diferencia real pero pequeña pediría más
# semillas.
#
# </details>
