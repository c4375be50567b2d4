# %% [markdown] en
# ## 1. Kernels: the chapter's script
#
# A **kernel** slides over the image, multiplies and adds. Where neighbors are equal the products cancel; what is left is the
# edge. This is the chapter's script: a photo in gray levels, a two-dimensional convolution that keeps the size (`same`), and in
# white every pixel above the threshold of 50.

# %% [markdown] es
# ## 1. Kernels: el guion del capítulo
#
# Un **kernel** se desliza sobre la imagen, multiplica y suma. Donde los vecinos son iguales, los productos se anulan; lo que
# queda es el borde. Este es el guion del capítulo: una fotografía en niveles de gris, una convolución de dos dimensiones que
# conserva el tamaño (`same`) y, en blanco, cada píxel que supera el umbral de 50.

# %%
from PIL import Image
from scipy.signal import convolve2d

original = Image.open(PHOTOS / "camera.jpg")
gray = np.array(original.convert("L"), dtype=float)
kernel = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]])

sums = convolve2d(gray, kernel, mode="same")
edges = np.where(sums > 50, 255, 0)

_, (left, right) = plt.subplots(1, 2, figsize=(9, 4.5))
left.imshow(original, cmap="gray")
left.set_title("«Original image|Imagen original»")
right.imshow(edges, cmap="gray")
right.set_title("«Image with the edges that were found|Imagen con bordes detectados»")
plt.show()

# %% [markdown] en
# How does one of those white pixels come about? We take the one with the largest sum. A **convolution** in the strict sense, which
# is what SciPy computes, first turns the kernel by 180 degrees.

# %% [markdown] es
# ¿De dónde sale uno de esos píxeles blancos? Tomamos el de la suma más grande. Una **convolución** en sentido estricto, que es
# lo que calcula SciPy, gira antes el kernel 180 grados.

# %%
row, column = np.unravel_index(sums[1:-1, 1:-1].argmax(), sums[1:-1, 1:-1].shape)
patch = gray[row : row + 3, column : column + 3]  # «the pixel and its neighbors|el píxel y sus vecinos»
turned = kernel[::-1, ::-1]
products = patch * turned
for name, matrix in {
    "«gray levels|niveles de gris»": patch,
    "«turned kernel|kernel girado»": turned,
    "«products|productos»": products,
}.items():
    print(name, *matrix.astype(int), sep="\n")
print("«sum|suma»:", int(products.sum()), "> 50:", "«white|blanco»" if products.sum() > 50 else "«black|negro»")

# %% [markdown] en
# Keras, and almost every library for neural networks, does *not* turn the kernel and still calls it a convolution; its exact name is
# **cross-correlation**. Trazo can do both; it is the switch *Operation* of the demo's tab *Edges*. Turned, its result should be
# that of the chapter's script in every pixel. We count it, on every bundled photo and with the chapter's three kernels.

# %% [markdown] es
# Keras, como casi todas las bibliotecas de redes neuronales, *no* gira el kernel y aun así lo llama convolución; su nombre exacto
# es **correlación cruzada**. Trazo sabe hacer las dos cosas: es el interruptor *Operación* de la pestaña *Bordes* de la
# demostración. Con el kernel girado, su resultado debería ser el del guion del capítulo en todos los píxeles. Los contamos en
# todas las fotos incluidas y con los tres kernels del capítulo.

# %%
from ui.edges.convolution import correlate, flip_kernel, sums_to_image, to_gray

kernels = {
    "«vertical edges|bordes verticales»": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "«horizontal edges|bordes horizontales»": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "«all directions|todas las direcciones»": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
}
print(
    f"{'':24}{'«flip|girado»':>12}{'«no flip|sin girar»':>12}   «pixels equal to the chapter's|píxeles iguales a los del capítulo»"
)
for name, weights in kernels.items():
    weights = np.array(weights, np.float32)
    equal = {"flip": [], "no flip": []}
    for path in sorted(PHOTOS.glob("*.jpg")):
        photo = Image.open(path)
        chapter = np.where(convolve2d(np.array(photo.convert("L"), float), weights, mode="same") > 50, 255, 0)
        for how, used in {"flip": flip_kernel(weights), "no flip": weights}.items():
            equal[how].append(sums_to_image(correlate(to_gray(np.array(photo)), used), threshold=50) == chapter)
    shares = [np.mean(np.concatenate([one.ravel() for one in of_how])) for of_how in equal.values()]
    print(f"{name:24}" + "".join(f"{percent(share, LANGUAGE):>12}" for share in shares))

keras_sums = keras.ops.conv(gray[None, :, :, None], kernel[:, :, None, None].astype(float), padding="same")
ours = correlate(to_gray(np.array(original)), kernel.astype(np.float32))
print("«Keras does not turn it:|Keras no lo gira:»", np.allclose(keras_sums[0, :, :, 0], ours))

# %% [markdown] en
# And without turning? The same photo and kernel, and what differs: in blue what is white only when the kernel is turned, in orange
# what is white only when it is not.

# %% [markdown] es
# ¿Y sin girar? La misma foto con el mismo kernel, y la diferencia: en azul, lo que es blanco solo con el kernel girado; en
# naranja, lo que es blanco solo sin girarlo.

# %%
from matplotlib.colors import ListedColormap

weights = np.array(kernels["«vertical edges|bordes verticales»"], np.float32)
turned, as_it_is = (
    sums_to_image(correlate(to_gray(np.array(original)), used), threshold=50) == 255
    for used in (flip_kernel(weights), weights)
)
difference = turned.astype(int) - as_it_is
_, axes = plt.subplots(1, 3, figsize=(13, 4.5))
titles = (
    "«turned, as in the chapter|girado, como en el capítulo»",
    "«not turned, as in Keras|sin girar, como en Keras»",
    "«difference|diferencia»",
)
for axis, image, title in zip(axes, (turned, as_it_is, difference), titles):
    colors = ListedColormap([ORANGE, "black", BLUE]) if image is difference else "gray"
    axis.imshow(image, cmap=colors, vmin=image is difference and -1, vmax=1)
    axis.set_title(title)
    axis.axis("off")
plt.show()
print("«white in both|blancos en las dos»:", (turned & as_it_is).sum())

# %% [markdown] en
# No pixel is white in both. To turn this kernel is to change its sign: turned, the sum is *right minus left* and is large where the
# photo gets **brighter** from left to right; not turned it is *left minus right*, and large where it gets **darker**. What is
# above 50 in one is below −50 in the other, and the threshold makes that black. A network does not mind: it learns its kernels, and
# could as well learn the turned one.
#
# **Questions**
#
# <details><summary>1. Which of the three kernels gives the same image turned and not turned?</summary>
#
# The third. Turned by 180 degrees it is the same matrix. The table above shows it: 100 % in both columns.
#
# </details>
#
# <details><summary>2. The weights of each of the three add up to 0. What for?</summary>
#
# In an area of one gray level every product has the same level in it, and the sum is the level times the sum of the weights: 0,
# that is, black. If the weights add up to 1, as those of a blur do, a flat area stays as it is.
#
# </details>
#
# <details><summary>3. Exercise: find only edges along one diagonal.</summary>
#
# For example `[[1, 1, 0], [1, 0, -1], [0, -1, -1]]`: it compares the upper left with the lower right, so it answers to edges that
# run from the lower left to the upper right. Change `kernel` in the first cell of this section and run it again.
#
# </details>
#
# <details><summary>4. Exercise: what happens at a threshold of 200? At −1?</summary>
#
# At 200 only the strongest edges are left. At −1 every flat area is white, since a sum of 0 is above −1: black is now only
# what gets darker from left to right.
#
# </details>

# %% [markdown] es
# Ningún píxel es blanco en las dos. Girar este kernel es cambiarle el signo: girado, la suma es *derecha menos izquierda*, y es
# grande donde la foto se **aclara** de izquierda a derecha; sin girar es *izquierda menos derecha*, grande donde se **oscurece**.
# Lo que en una supera 50 está en la otra por debajo de −50, y el umbral lo deja en negro. A una red le da igual: los kernels los
# aprende ella, y aprendería el girado con la misma facilidad.
#
# **Preguntas**
#
# <details><summary>1. ¿Cuál de los tres kernels da la misma imagen girado que sin girar?</summary>
#
# El tercero. Girado 180 grados es la misma matriz. La tabla de arriba lo enseña: 100 % en las dos columnas.
#
# </details>
#
# <details><summary>2. Los pesos de cada uno de los tres suman 0. ¿Para qué?</summary>
#
# En una zona de un solo gris todos los productos llevan el mismo nivel, y la suma es ese nivel por la suma de los pesos: 0, es
# decir, negro. Si los pesos suman 1, como los de un desenfoque, una zona lisa se queda como está.
#
# </details>
#
# <details><summary>3. Ejercicio: encuentra solo los bordes de una diagonal.</summary>
#
# Por ejemplo `[[1, 1, 0], [1, 0, -1], [0, -1, -1]]`: compara lo de arriba a la izquierda con lo de abajo a la derecha, así que
# responde a los bordes que van de abajo a la izquierda a arriba a la derecha. Cambia `kernel` en la primera celda de esta sección y
# vuelve a ejecutarla.
#
# </details>
#
# <details><summary>4. Ejercicio: ¿qué pasa con un umbral de 200? ¿Y de −1?</summary>
#
# Con 200 quedan solo los bordes más fuertes. Con −1 toda zona lisa es blanca, porque una suma de 0 supera −1: en negro queda solo lo
# que se oscurece de izquierda a derecha.
#
# </details>
