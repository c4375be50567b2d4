# %% [markdown] en
# ## 4. Layers and neurons
#
# **Input:** as many neurons as there are features. A simpler input without loss of information is easier to learn from; here an image
# with half the side has a quarter of the pixels. **Hidden layers:** more of them see more complex patterns, and overfit more
# easily. **Output:** one neuron for two classes, one per class for several, one for a regression.

# %% [markdown] es
# ## 4. Capas y neuronas
#
# **Entrada:** tantas neuronas como características. De una entrada más simple, sin pérdida de información, se aprende mejor; aquí,
# una imagen con la mitad del lado tiene la cuarta parte de los píxeles. **Capas ocultas:** con más se ven patrones más
# complejos, y se sobreajusta antes. **Salida:** una neurona para dos clases, una por clase si son más, una en una regresión.

# %%
compare(
    "«Input, layers and neurons|Entrada, capas y neuronas»",
    {
        "«base: 14 × 14, 2 blocks|base: 14 × 14, 2 bloques»": {},
        "«input of 28 × 28|entrada de 28 × 28»": {"side": 28},
        "«input of 7 × 7|entrada de 7 × 7»": {"side": 7},
        "«1 block|1 bloque»": {"filters": (8,)},
        "«3 blocks|3 bloques»": {"filters": (8, 16, 32)},
        "«a quarter of the neurons|la cuarta parte de neuronas»": {"filters": (2, 4), "neurons": 8},
        "«four times the neurons|cuatro veces más neuronas»": {"filters": (32, 64), "neurons": 128},
    },
)
for choice in ("layers", "neurons"):
    draw_study(choice)

# %% [markdown] en
# **Questions**
#
# <details><summary>1. How many parameters does the first convolution have, and why so few?</summary>
#
# 8 kernels of 3 × 3 weights and 8 biases: 80. A convolution uses the same kernel at every place, so their number does not
# depend on the size of the image.
#
# </details>
#
# <details><summary>2. Which layer of the base network has most parameters?</summary>
#
# The hidden dense layer: 3 × 3 × 16 values × 32 neurons + 32 biases = 4,640, as the table of section 3 shows. It has no shared
# weights.
#
# </details>
#
# <details><summary>3. Exercise: try `"filters": (8, 16, 32, 64)`. Why does it fail?</summary>
#
# Each block halves the side: 14 → 7 → 3 → 1, and a side of 1 cannot be halved. Keras refuses to build the network. With
# `"side": 28` it works.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. ¿Cuántos parámetros tiene la primera convolución, y por qué tan pocos?</summary>
#
# 8 kernels de 3 × 3 pesos y 8 sesgos: 80. Una convolución usa el mismo kernel en todos los sitios, así que su número no depende
# del tamaño de la imagen.
#
# </details>
#
# <details><summary>2. ¿Qué capa de la red base tiene más parámetros?</summary>
#
# La capa densa oculta: 3 × 3 × 16 valores × 32 neuronas + 32 sesgos = 4.640, como enseña la tabla de la sección 3. Sus pesos no
# se comparten.
#
# </details>
#
# <details><summary>3. Ejercicio: prueba `"filters": (8, 16, 32, 64)`. ¿Por qué falla?</summary>
#
# Cada bloque reduce el lado a la mitad: 14 → 7 → 3 → 1, y un lado de 1 no se puede dividir más. Keras se niega a construir la red.
# Con `"side": 28` sí funciona.
#
# </details>
