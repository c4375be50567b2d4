# %% [markdown] en
# ## 9. Against overfitting: dropout, L1 and L2, augmentation
#
# The base network knows its 300 images by heart. **Dropout** switches off a share of the hidden neurons at every step, a different one
# each time, so that none can rely on another.

# %% [markdown] es
# ## 9. Contra el sobreajuste: dropout, L1 y L2, aumentación
#
# La red base se sabe de memoria sus 300 imágenes. El **dropout** apaga en cada paso una parte de las neuronas ocultas, cada vez otra,
# para que ninguna pueda depender de las demás.

# %%
dropout = {
    "«base: none|base: ninguno»": {},
    "«0.2|0,2»": {"dropout": 0.2},
    "«0.5|0,5»": {"dropout": 0.5},
    "«0.8|0,8»": {"dropout": 0.8},
}
compare("Dropout", dropout)
curves("Dropout", dropout)
draw_study("dropout")

# %% [markdown] en
# **Regularization** adds a price for large weights to the loss. L1 asks for their absolute values and pushes small ones all the way to
# zero; L2 asks for their squares and shrinks above all the large ones; the **elastic net** asks for both.

# %% [markdown] es
# La **regularización** añade al coste un precio por los pesos grandes. L1 cobra su valor absoluto y empuja los pequeños hasta el cero; L2
# cobra su cuadrado y encoge sobre todo los grandes; la **red elástica** cobra las dos cosas.

# %%
penalties = {
    "«base: none|base: ninguna»": {},
    "«L1, 0.001|L1, 0,001»": {"l1": 1e-3},
    "«L2, 0.01|L2, 0,01»": {"l2": 1e-2},
    "«elastic net, 0.0005 and 0.005|red elástica, 0,0005 y 0,005»": {"l1": 5e-4, "l2": 5e-3},
}
compare("«Regularization|Regularización»", penalties)
_, axes = plt.subplots(1, 4, figsize=(12, 2.6), sharex=True, sharey=True)
for axis, (name, changed) in zip(axes, penalties.items()):
    dense = max(
        train(0, **changed).weights, key=np.size
    )  # «the weights of the hidden dense layer|los pesos de la capa densa oculta»
    zero = np.mean(np.abs(dense) < 0.001)
    axis.hist(np.clip(dense.ravel(), -0.3, 0.3), bins=41, color=GRAY)
    axis.set_title(f"{name}\n{percent(zero, LANGUAGE, 0)} «near 0|cerca de 0»", fontsize=9)
axes[0].set(ylabel="«weights|pesos»", yscale="log")
axes[0].xaxis.set_major_formatter(lambda weight, _: number(weight, "g", LANGUAGE))
plt.show()
draw_study("regularization")

# %% [markdown] en
# **Augmentation** makes more of the same images: slightly turned, shifted and zoomed at every epoch, they cannot be learned by heart.
# Training takes longer for it, so it also gets twice as many epochs.

# %% [markdown] es
# La **aumentación** saca más de las mismas imágenes: algo giradas, desplazadas y ampliadas en cada época, no se pueden aprender de
# memoria. Con ella hace falta entrenar más, así que se prueba también con el doble de épocas.

# %%
compare(
    "«Data augmentation|Aumentación de datos»",
    {
        "«base: none|base: ninguna»": {},
        "«augmented|aumentadas»": {"augmentation": True},
        "«none, 50 epochs|ninguna, 50 épocas»": {"epochs": 50},
        "«augmented, 50 epochs|aumentadas, 50 épocas»": {"augmentation": True, "epochs": 50},
    },
)
draw_study("augmentation")

# %% [markdown] en
# ## 10. How long to train: early stopping
#
# With too few epochs a network is not finished, with too many it overfits. **Early stopping** watches the validation loss: if it has not
# improved for `patience` epochs, the training ends and the weights of the best epoch are kept.

# %% [markdown] es
# ## 10. Cuánto entrenar: parada temprana
#
# Con muy pocas épocas la red no ha acabado; con demasiadas, sobreajusta. La **parada temprana** vigila el coste en validación: si no ha
# mejorado durante `patience` épocas, el entrenamiento acaba y se conservan los pesos de la mejor.

# %%
_, axes = plt.subplots(1, SEEDS, figsize=(4 * SEEDS, 3), sharey=True)
for seed, axis in zip(range(SEEDS), axes):
    full, stopped = train(seed), train(seed, patience=5)
    axis.plot(range(1, BASE["epochs"] + 1), full.history["val_loss"], ":", color=GRAY)
    epochs = len(stopped.history["val_loss"])
    axis.plot(range(1, epochs + 1), stopped.history["val_loss"], color=LINES[0])
    axis.plot(stopped.best + 1, stopped.history["val_loss"][stopped.best], "o", color=LINES[0])
    axis.axvline(epochs, color=LINES[1])
    axis.set(title=f"«seed|semilla» {seed}", xlabel="«epoch|época»")
    stop = f"«stopped after epoch|paró tras la época» {epochs}/{BASE['epochs']}"
    print(f"«seed|semilla» {seed}: {stop}; «best|la mejor»: {stopped.best + 1}")
axes[0].set_ylabel("«loss on validation|coste en validación»")
axes[0].yaxis.set_major_formatter(lambda loss, _: number(loss, ".1f", LANGUAGE))
plt.show()
compare(
    "«How long to train|Cuánto entrenar»",
    {
        f"«base:|base:» {BASE['epochs']} «epochs|épocas»": {},
        "«3 epochs|3 épocas»": {"epochs": 3},
        "«early stopping, patience 1|parada temprana, paciencia 1»": {"patience": 1},
        "«early stopping, patience 5|parada temprana, paciencia 5»": {"patience": 5},
    },
)
draw_study("early_stopping")

# %% [markdown] en
# The dot is the epoch whose weights are kept, the upright line the stop; dotted, how the loss would have continued. Where the
# accuracies are not distinguishable, the early stop still saved the rest of the epochs.
#
# All that was measured here, and the bundled study in words:

# %% [markdown] es
# El punto es la época cuyos pesos se conservan; la línea vertical, la parada; punteado, cómo habría seguido el coste. Si las
# exactitudes no se distinguen, parar antes ha ahorrado de todos modos las demás épocas.
#
# Todo lo que se ha medido aquí, y el estudio incluido en palabras:

# %%
from IPython.display import HTML, display

from ui.figures.study import study_html

for title, levels in measured.items():
    print(title)
    for verdict, words in VERDICTS.items():
        if names := [level.value for level in levels if level.verdict == verdict]:
            print(f"   {words}:", "; ".join(names))
if study is None:
    print("«This model has no study.|Este modelo no trae estudio.»")
else:
    display(HTML(study_html(study, LANGUAGE)))

# %% [markdown] en
# **Questions**
#
# <details><summary>1. With dropout the training loss is higher. Why is that not bad?</summary>
#
# It is measured while neurons are missing. What counts is the loss on other images, where none is missing.
#
# </details>
#
# <details><summary>2. Why is patience 1 risky?</summary>
#
# The validation loss wobbles from epoch to epoch. One worse epoch may be chance, and the training ends before it is finished.
#
# </details>
#
# <details><summary>3. Early stopping chooses the epoch by the validation images. Is the accuracy on them still honest?</summary>
#
# A little too good: the best of several epochs is partly the luckiest. An honest figure needs images that chose nothing: the test set.
#
# </details>
#
# <details><summary>4. Exercise: learn from 1,000 images instead of 300. What are dropout and augmentation worth then?</summary>
#
# In section 3, `images[:1000]` and `images[1000:]` with a `batch_size` of 2000 for the stream; then run the cells from there. With more
# data there is less to learn by heart, and the remedies gain less.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. Con dropout, el coste de entrenamiento es más alto. ¿Por qué no es malo?</summary>
#
# Se mide mientras faltan neuronas. Importa el coste en otras imágenes, donde no falta ninguna.
#
# </details>
#
# <details><summary>2. ¿Por qué es arriesgada la paciencia 1?</summary>
#
# El coste en validación oscila de una época a otra. Una época peor puede ser azar, y el entrenamiento acaba antes de tiempo.
#
# </details>
#
# <details><summary>3. La parada temprana elige la época con las imágenes de validación. ¿Sigue siendo honrada la exactitud en ellas?</summary>
#
# Es algo mejor de lo debido: la mejor de varias épocas es en parte la que tuvo más suerte. Una cifra honrada necesita imágenes que no
# hayan elegido nada: las de prueba.
#
# </details>
#
# <details><summary>4. Ejercicio: aprende de 1.000 imágenes en lugar de 300. ¿Cuánto valen entonces el dropout y la aumentación?</summary>
#
# En la sección 3, `images[:1000]` e `images[1000:]`, con un `batch_size` de 2000 para el flujo; después ejecuta las celdas desde ahí.
# Con más datos hay menos que aprender de memoria, y los remedios aportan menos.
#
# </details>
