# %% [markdown] en
# ## 2. Data generators
#
# Training data often does not fit into memory. A **generator** reads a **batch** from storage, prepares it, hands it to the model, and
# continues with the next one. `HubStream` is Trazo's: it reads a dataset on the Hub or a folder alike, and yields images that are
# still compressed (PNG or JPEG), which take much less space than their pixels.

# %% [markdown] es
# ## 2. Generadores de datos
#
# Los datos de entrenamiento a menudo no caben en memoria. Un **generador** lee un **lote** del almacenamiento, lo prepara, lo
# entrega al modelo y pasa al siguiente. `HubStream` es el de Trazo: lee lo mismo un conjunto del Hub que una carpeta, y entrega
# imágenes todavía comprimidas (PNG o JPEG), que ocupan mucho menos que sus píxeles.

# %%
from training.stream import HubStream

stream = HubStream(str(SAMPLE), split="train", seed=0, batch_size=128)
print(
    stream.rows, "«rows|filas»,", len(stream), "«batches per epoch; labels|lotes por época; etiquetas»", *stream.labels
)
batch = next(stream.epoch(0))
print("«bytes of the first batch|bytes del primer lote»:", sum(map(len, batch.images)))
print("«bytes of its pixels|bytes de sus píxeles»:", len(batch.images) * 28 * 28)

# %% [markdown] en
# The order of an epoch depends only on the seed and the number of the epoch. That is why a training can resume where it stopped:
# asking for batch 20 of epoch 3 does not read those before it, and gives exactly the same rows.

# %% [markdown] es
# El orden de una época depende solo de la semilla y del número de la época. Por eso un entrenamiento puede seguir donde se quedó:
# pedir el lote 20 de la época 3 no exige leer los anteriores, y da exactamente las mismas filas.

# %%
whole = [batch.index for batch in stream.epoch(3)]
later = [batch.index for batch in stream.epoch(3, start=20)]
print("«the same rows|las mismas filas»:", all((a == b).all() for a, b in zip(whole[20:], later, strict=True)))

# %% [markdown] en
# **Data augmentation** in real time: every epoch sees other versions of the same images, turned, slanted, shifted. Above as they are,
# below augmented.

# %% [markdown] es
# **Aumentación de datos** en tiempo real: cada época ve otras versiones de las mismas imágenes, giradas, inclinadas, desplazadas.
# Arriba, tal como son; abajo, aumentadas.

# %%
from training.augmentation.config import AugmentConfig
from training.pipeline import make_train_data

for strength in (0.0, 1.5):
    images, labels = next(iter(make_train_data(stream, augment=AugmentConfig(augment=strength))))
    show(images[:8].numpy(), [stream.labels[label] for label in labels[:8]])

# %% [markdown] en
# **Questions**
#
# <details><summary>1. Why is the data shuffled at all?</summary>
#
# Files are often sorted by class. A network that sees only zeros for a while learns to answer 0 and forgets the rest.
#
# </details>
#
# <details><summary>2. Which augmentation would harm digits?</summary>
#
# One that changes the answer: a 6 turned by 180 degrees is a 9, and a mirrored 2 is not a digit. An augmentation must give
# images that could be in the dataset with the same label.
#
# </details>
#
# <details><summary>3. Exercise: how many batches are there with a batch size of 500, and how large is the last one with 128?</summary>
#
# 3,500 / 500 = 7 batches. With 128 there are 28, and the last one has the 44 rows that are left: 3,500 − 27 × 128.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. ¿Por qué se barajan los datos?</summary>
#
# Los archivos suelen estar ordenados por clase. Una red que durante un rato solo ve ceros aprende a contestar 0 y olvida lo demás.
#
# </details>
#
# <details><summary>2. ¿Qué aumentación perjudicaría a los dígitos?</summary>
#
# La que cambia la respuesta: un 6 girado 180 grados es un 9, y un 2 en un espejo no es un dígito. Una aumentación debe dar
# imágenes que podrían estar en el conjunto con la misma etiqueta.
#
# </details>
#
# <details><summary>3. Ejercicio: ¿cuántos lotes hay si son de 500, y cómo de grande es el último si son de 128?</summary>
#
# 3.500 / 500 = 7 lotes. De 128 hay 28, y el último tiene las 44 filas que quedan: 3.500 − 27 × 128.
#
# </details>
