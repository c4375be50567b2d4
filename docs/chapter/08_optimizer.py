# %% [markdown] en
# ## 8. Learning rate and optimizer
#
# The **learning rate** is the length of a step. Too small, and the network has hardly moved after the last epoch; too large, and
# every step overshoots.

# %% [markdown] es
# ## 8. Tasa de aprendizaje y optimizador
#
# La **tasa de aprendizaje** es la longitud del paso. Si es muy pequeña, la red apenas se ha movido tras la última época; si es muy
# grande, cada paso se pasa de largo.

# %%
rates = {
    "«base: 0.01|base: 0,01»": {},
    "«0.0001|0,0001»": {"learning_rate": 0.0001},
    "«0.001|0,001»": {"learning_rate": 0.001},
    "«0.1|0,1»": {"learning_rate": 0.1},
    "1": {"learning_rate": 1.0},
}
compare("«Learning rate of Adam|Tasa de aprendizaje de Adam»", rates)
curves("«Learning rate of Adam|Tasa de aprendizaje de Adam»", rates)
draw_study("learning_rate")

# %% [markdown] en
# The course says that Adam usually does best. Is that so? Every **optimizer** asks for another rate, and at one rate for all we
# would compare rates. So each one first gets its own best rate, from a small grid and with a seed that is not used afterwards.

# %% [markdown] es
# El curso dice que Adam suele ser el mejor. ¿Es así? Cada **optimizador** pide otra tasa, y con la misma para todos compararíamos
# tasas. Por eso cada uno recibe primero la mejor de las suyas, de una rejilla pequeña y con una semilla que después no se usa.

# %%
GRID = {
    "adam": (0.003, 0.01, 0.03),
    "rmsprop": (0.001, 0.003, 0.01),
    "sgd": (0.03, 0.1, 0.3),
}
best = {}
for optimizer, rates in GRID.items():
    scores = {rate: train(100, optimizer=optimizer, learning_rate=rate).score for rate in rates}
    best[optimizer] = max(scores, key=scores.get)
    print(
        f"{optimizer:10}"
        + "   ".join(f"{number(rate, 'g', LANGUAGE):>7}: {percent(score, LANGUAGE)}" for rate, score in scores.items())
    )
compare(
    "«Optimizers, each with its best rate|Optimizadores, cada uno con su mejor tasa»",
    {
        f"{optimizer}, {number(rate, 'g', LANGUAGE)}": {"optimizer": optimizer, "learning_rate": rate}
        for optimizer, rate in best.items()
    },
)
draw_study("optimizer")

# %% [markdown] en
# **Questions**
#
# <details><summary>1. Why does the grid use another seed than the comparison?</summary>
#
# The best of three rates is partly the luckiest. With the same seed that luck would be counted as merit, most for the optimizer with
# most rates.
#
# </details>
#
# <details><summary>2. Why does plain gradient descent (`sgd`) need a larger rate than Adam?</summary>
#
# Adam divides each step by the usual size of the gradient, so that its rate is about the step itself. `sgd` multiplies the gradient as
# it is, and here gradients are much smaller than 1.
#
# </details>
#
# <details><summary>3. Exercise: make the unfair comparison, 0.01 for all. Who seems to win?</summary>
#
# `compare("…", {name: {"optimizer": name, "learning_rate": 0.01} for name in GRID})`. Either way, you compared how well 0.01 suits
# each of them.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. ¿Por qué usa la rejilla otra semilla que la comparación?</summary>
#
# La mejor de tres tasas es en parte la que tuvo más suerte. Con la misma semilla, esa suerte contaría como mérito, sobre todo para
# el optimizador con más tasas.
#
# </details>
#
# <details><summary>2. ¿Por qué necesita el descenso de gradiente simple (`sgd`) una tasa mayor que Adam?</summary>
#
# Adam divide cada paso por el tamaño habitual del gradiente, de modo que su tasa es más o menos el paso. `sgd` multiplica el gradiente
# tal como es, y aquí los gradientes son mucho menores que 1.
#
# </details>
#
# <details><summary>3. Ejercicio: haz la comparación injusta, 0,01 para todos. ¿Quién parece ganar?</summary>
#
# `compare("…", {name: {"optimizer": name, "learning_rate": 0.01} for name in GRID})`. Sea quien sea, has comparado lo bien que le va
# 0,01 a cada uno.
#
# </details>
