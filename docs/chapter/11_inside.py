# %% [markdown] en
# ## 12. What a network has learned
#
# The bundled model has learned from all of MNIST and from other hands. An 8 is two circles, one above the other, a 1 is a stroke: its
# first convolution answers to strokes and edges, and nobody gave it those kernels. Blue weights are positive, orange ones negative.

# %% [markdown] es
# ## 12. Qué ha aprendido una red
#
# El modelo incluido ha aprendido de todo MNIST y de la letra de otras personas. Un 8 son dos círculos, uno encima de otro; un 1, un
# trazo: su primera convolución responde a trazos y bordes, y esos kernels no se los dio nadie. Los pesos azules son positivos; los
# naranjas, negativos.

# %%
from matplotlib.colors import LinearSegmentedColormap

from model.explain import Explainer
from model.preprocess.decode import decode

SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "white", BLUE])
explainer = Explainer(cnn)
kernels = next(iter(explainer.kernels().values()))[:, :, 0]  # (3, 3, «filters|filtros»)
limit = np.abs(kernels).max()
show(np.moveaxis(kernels, -1, 0)[:8], [f"kernel {n}" for n in range(1, 9)], cmap=SIGNED, vmin=-limit, vmax=limit)

seen = next(HubStream(str(SAMPLE), split="test", batch_size=64).ordered())
pixels = decode(seen.images[0], cnn.config.image_shape)
explanation = explainer.explain(pixels)
maps = next(iter(explanation.feature_maps.values()))
show([pixels, *np.moveaxis(maps, -1, 0)[:7]], ["«input|entrada»"] + [f"«map|mapa» {n}" for n in range(1, 8)])

# %% [markdown] en
# **Why this digit and not another?** The network ends in the mean of each map, one dense layer and softmax. A mean is a sum, so the
# *logit* of a class, its value in front of softmax, is exactly a sum over the cells of the last maps: each cell speaks for one of
# two classes (blue) or for the other (orange), and the cells add up to the difference of their logits.

# %% [markdown] es
# **¿Por qué este dígito y no otro?** La red acaba en la media de cada mapa, una capa densa y softmax. Una media es una suma, así que
# el *logit* de una clase, su valor antes de softmax, es exactamente una suma sobre las casillas de los últimos mapas: cada casilla habla
# a favor de una de las dos clases (azul) o de la otra (naranja), y todas suman la diferencia entre sus logits.

# %%
last = keras.Model(cnn.network.input, [cnn.network.get_layer("mean").input, cnn.network.get_layer("head").output])
cells, logits = (values.numpy()[0] for values in last(pixels[None].astype(np.float32)))
weights, bias = cnn.network.get_layer("head").get_weights()
second, first = explanation.probabilities.argsort()[-2:]
share = (cells @ (weights[:, first] - weights[:, second]) + bias[first] - bias[second]) / cells[..., 0].size
limit = np.abs(share).max()
_, axes = plt.subplots(1, 2, figsize=(6, 3))
axes[0].imshow(pixels[..., 0], cmap="gray")
axes[1].imshow(share, cmap=SIGNED, vmin=-limit, vmax=limit)
for (row, column), value in np.ndenumerate(share):
    axes[1].text(column, row, number(value, "+.1f", LANGUAGE), ha="center", va="center")
for axis, title in zip(
    axes,
    (
        "«input|entrada»",
        f"«for|a favor del» {cnn.config.labels[first]}, «against|en contra del» {cnn.config.labels[second]}",
    ),
):
    axis.set_title(title)
    axis.axis("off")
plt.show()
print("«sum of the cells|suma de las casillas»:", number(share.sum(), ".3f", LANGUAGE))
print("«difference of the logits|diferencia de los logits»:", number(logits[first] - logits[second], ".3f", LANGUAGE))

# %% [markdown] en
# ## 13. Your own drawing
#
# `predict_sketch` prepares any drawing as MNIST was prepared: the strokes in a box of 20 × 20 with their proportions, the center of mass
# in the middle of 28 × 28. Without it, a network with 99 % on the test set may fail on your drawing.

# %% [markdown] es
# ## 13. Tu propio dibujo
#
# `predict_sketch` prepara un dibujo cualquiera como se preparó MNIST: el trazo en una caja de 20 × 20 con sus proporciones, el centro de
# masa en medio de 28 × 28. Sin eso, una red con un 99 % en la prueba puede fallar con tu dibujo.

# %%
from PIL import ImageDraw

from model.preprocess.sketch import sketch_to_input

paper = Image.new("L", (400, 300), 255)
ImageDraw.Draw(paper).line([(240, 60), (330, 60), (270, 230)], fill=40, width=9, joint="curve")
show(
    [np.array(paper), sketch_to_input(np.array(paper), cnn.config.image_shape)],
    ["«drawing|dibujo»", "«what the network sees|lo que ve la red»"],
    columns=2,
)
shares = cnn.predict_sketch([paper])[0]
print("«answer|respuesta»:", cnn.config.labels[shares.argmax()], percent(shares.max(), LANGUAGE))
noise = Image.effect_noise((200, 200), 200)
for name, result in {"«drawing|dibujo»": cnn.reject_sketch([paper]), "«noise|ruido»": cnn.reject([noise])}.items():
    print(
        f"{name}:",
        "«like nothing it has learned|no se parece a nada de lo que aprendió»"
        if result.rejected[0]
        else "«like a digit|parece un dígito»",
    )

# %% [markdown] en
# **Questions**
#
# <details><summary>1. Softmax always answers with one of ten digits. How can noise be refused?</summary>
#
# By another measure: how far the features of the image are from those of the training images. The largest share alone does not show it;
# a network can be very sure about noise.
#
# </details>
#
# <details><summary>2. Exercise: draw a 7 with a bar across. Which class gets the second largest share?</summary>
#
# Add `ImageDraw.Draw(paper).line([(260, 140), (330, 140)], fill=40, width=9)` and print `shares.argsort()[-2]`.
#
# </details>
#
# Now with your own images: [Your own dataset in ten minutes](your-own-dataset.md).

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. Softmax contesta siempre con uno de diez dígitos. ¿Cómo se puede rechazar el ruido?</summary>
#
# Con otra medida: lo lejos que están las características de la imagen de las de las imágenes de entrenamiento. La probabilidad más alta no
# lo enseña: una red puede estar muy segura ante el ruido.
#
# </details>
#
# <details><summary>2. Ejercicio: dibuja un 7 con una raya en medio. ¿Qué clase recibe la segunda probabilidad más alta?</summary>
#
# Añade `ImageDraw.Draw(paper).line([(260, 140), (330, 140)], fill=40, width=9)` y escribe `shares.argsort()[-2]`.
#
# </details>
#
# Y ahora, con tus propias imágenes: [Tu propio conjunto de datos en diez minutos](your-own-dataset.es.md).
