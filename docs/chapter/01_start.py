# %% [markdown] en
# # The chapter, with Trazo
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](COLAB_ADDRESS) *[En español](chapter.es.ipynb)*
#
# This notebook is the course's chapter on convolutional networks as code that you can run and change. It takes about five
# minutes on two cores, and needs no GPU.
#
# - **In Colab:** press the button; where it asks for a repository, give the address of Trazo's. The first cell installs Trazo. If
#   Colab asks for a restart afterwards, agree, and run the cells from the start.
# - **On your computer:** install as the README describes, then `.venv/bin/pip install jupyter` and
#   `.venv/bin/jupyter notebook docs/chapter.en.ipynb`.
#
# Each section ends with questions. Think of an answer before you open it. The exercises ask you to change a number and to run
# the cell again: nothing can break.

# %% [markdown] es
# # El capítulo, con Trazo
#
# [![Abrir en Colab](https://colab.research.google.com/assets/colab-badge.svg)](COLAB_ADDRESS) *[In English](chapter.en.ipynb)*
#
# Este cuaderno es el capítulo del curso sobre redes convolucionales en código que puedes ejecutar y cambiar. Tarda unos cinco
# minutos con dos núcleos y no necesita GPU.
#
# - **En Colab:** pulsa el botón; si pide un repositorio, dale la dirección del de Trazo. La primera celda instala Trazo. Si Colab
#   pide después reiniciar la sesión, acepta y ejecuta las celdas desde el principio.
# - **En tu ordenador:** instala como dice el README y después `.venv/bin/pip install jupyter` y
#   `.venv/bin/jupyter notebook docs/chapter.es.ipynb`.
#
# Cada sección acaba con preguntas. Piensa una respuesta antes de abrir la nuestra. Los ejercicios piden cambiar un número y
# volver a ejecutar la celda: no se puede romper nada.

# %%
# «Installs Trazo only where it is not installed yet, as in Colab.|Instala Trazo solo donde aún no está instalado, como en Colab.»
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

REPOSITORY = "REPOSITORY_ADDRESS"
try:
    version("trazo")
except PackageNotFoundError:
    clone = next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "training").is_dir()), None)
    address = REPOSITORY or clone or input("«Address of Trazo's repository: |Dirección del repositorio de Trazo: »")
    source = f"{clone}[train]" if clone else f"trazo[train] @ git+{address}"
    # %pip install --quiet "{source}"

# %%
import tempfile
import warnings
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from model.quiet import quiet

warnings.filterwarnings("ignore", message="IProgress")  # «progress bars|barras de progreso»
with quiet():  # «without the messages of TensorFlow's start|sin los mensajes con los que arranca TensorFlow»
    from model.backend import keras, tf

# «Enough for networks as small as these.|Basta para redes tan pequeñas.»
tf.config.threading.set_intra_op_parallelism_threads(1)

import training
import ui
from ui.figures.style import ACCENT as BLUE
from ui.figures.style import LINES
from ui.figures.style import MUTED as GRAY
from ui.figures.style import SECOND as ORANGE
from ui.i18n import number, percent

LANGUAGE = "«en|es»"
SAMPLE = Path(training.__file__).parent / "sample"  # «4,500 digits of MNIST|4.500 dígitos de MNIST»
PHOTOS = Path(ui.__file__).parent / "photos"


def show(images, titles, columns=8, **how):
    rows = -(-len(images) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(columns * 1.3, rows * 1.5), squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    for axis, image, title in zip(axes.ravel(), images, titles):
        axis.imshow(np.squeeze(image), **{"cmap": "gray"} | how)
        axis.set_title(title, fontsize=9)
    plt.show()
