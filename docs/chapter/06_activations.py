# %% [markdown] en
# ## 5. Activation functions
#
# Without an activation, all layers together would be one linear function. ReLU is the default in hidden layers; its neurons can "die"
# (the slope is 0 below 0), which Leaky ReLU and PReLU repair. Sigmoid and hyperbolic tangent **saturate**: far from 0 their slope,
# and with it the gradient, vanishes. The dotted line is the slope.

# %% [markdown] es
# ## 5. Funciones de activación
#
# Sin función de activación, todas las capas juntas serían una sola función lineal. ReLU es la opción por defecto en las capas
# ocultas; sus neuronas pueden «morir» (por debajo de 0 la pendiente es 0), y Leaky ReLU y PReLU lo remedian. Sigmoide y
# tangente hiperbólica se **saturan**: lejos del 0 su pendiente, y con ella el gradiente, se desvanece. La línea de puntos es la
# pendiente.

# %%
x = tf.linspace(-4.0, 4.0, 200)
_, axes = plt.subplots(2, 4, figsize=(11, 4.5), sharex=True, sharey=True)
for axis, name in zip(axes.ravel(), ("relu", "leaky_relu", "elu", "swish", "gelu", "tanh", "sigmoid", "softplus")):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = keras.activations.get(name)(x)
    axis.plot(x, y, color=LINES[0])
    axis.plot(x, tape.gradient(y, x), ":", color=LINES[0])
    axis.set(title=name, ylim=(-1.5, 3))
plt.tight_layout()
plt.show()

# %% [markdown] en
# What this does to the gradient: how large it is in each layer of a fresh network with six convolutions, from the last to the first.
# With sigmoid it shrinks at every step, and the first layers hardly learn.

# %% [markdown] es
# Lo que eso le hace al gradiente: su tamaño en cada capa de una red recién creada con seis convoluciones. Con la sigmoide se
# encoge a cada paso hacia la primera, y las primeras capas apenas aprenden.

# %%
_, axis = plt.subplots(figsize=(8, 3))
for activation, color in zip(("relu", "tanh", "sigmoid"), LINES):
    keras.utils.set_random_seed(0)
    deep = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.AveragePooling2D(2)])
    for _ in range(6):
        deep.add(keras.layers.Conv2D(8, 3, padding="same", activation=activation))
    deep.add(keras.layers.GlobalAveragePooling2D())
    deep.add(keras.layers.Dense(10, "softmax"))
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean(keras.losses.categorical_crossentropy(y_train, deep(scale(x_train, "z-score"))))
    gradients = tape.gradient(cost, [layer.kernel for layer in deep.layers[1:7]])
    axis.plot(range(1, 7), [tf.norm(gradient) for gradient in gradients], "o-", color=color, label=activation)
axis.set(xlabel="«convolution|convolución»", ylabel="«size of the gradient|tamaño del gradiente»", yscale="log")
axis.legend()
plt.show()

# %% [markdown] en
# **Batch normalization** brings the values in front of each activation back to mean 0 and variance 1, where no function saturates. So
# each activation is measured without and with it, in a network of three blocks.

# %% [markdown] es
# La **normalización por lotes** devuelve los valores delante de cada activación a media 0 y varianza 1, donde ninguna función se
# satura. Por eso cada activación se mide sin ella y con ella, en una red de tres bloques.

# %%
compare(
    "«Activation, without and with normalization|Activación, sin y con normalización»",
    {
        activation + (" + «normalization|normalización»" if normalization else ""): {
            "filters": (8, 16, 32),
            "activation": activation,
            "normalization": normalization,
        }
        for normalization in (False, True)
        for activation in ("relu", "tanh", "sigmoid")
    },
)
draw_study("activation")

# %% [markdown] en
# **Questions**
#
# <details><summary>1. Why does the input layer have no activation?</summary>
#
# It has no weights whose result could be bent. Its values are scaled instead: section 6.
#
# </details>
#
# <details><summary>2. The slope of the sigmoid is at most 0.25. What is left of the gradient after six layers?</summary>
#
# At most 0.25⁶, about 0.0002, if the weights do not make up for it. This is the *vanishing gradient*.
#
# </details>
#
# <details><summary>3. Exercise: add "leaky_relu" and "swish" to the comparison.</summary>
#
# Put their names into the list of the last cell. If their dots are gray, three seeds do not tell them from ReLU: then the simplest
# function is a good choice.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. ¿Por qué no lleva función de activación la capa de entrada?</summary>
#
# No tiene pesos cuyo resultado se pueda doblar. Sus valores se escalan: sección 6.
#
# </details>
#
# <details><summary>2. La pendiente de la sigmoide es como mucho 0,25. ¿Qué queda del gradiente tras seis capas?</summary>
#
# Como mucho 0,25⁶, unos 0,0002, si los pesos no lo compensan. Es el *desvanecimiento del gradiente*.
#
# </details>
#
# <details><summary>3. Ejercicio: añade "leaky_relu" y "swish" a la comparación.</summary>
#
# Pon sus nombres en la lista de la última celda. Si sus puntos salen grises, tres semillas no los distinguen de ReLU: entonces la
# función más simple es una buena elección.
#
# </details>
