# %% [markdown] en
# ## 11. An automatic search with KerasTuner
#
# So many choices can be searched automatically. KerasTuner draws **trials** from a space of hyperparameters, trains each, and keeps
# the one with the best accuracy on validation. Our space holds what the sections above measured.

# %% [markdown] es
# ## 11. Búsqueda automática con KerasTuner
#
# Tantas elecciones se pueden buscar automáticamente. KerasTuner saca **ensayos** de un espacio de hiperparámetros, entrena cada uno y
# se queda con el de mejor exactitud en validación. Nuestro espacio contiene lo que han medido las secciones de arriba.

# %%
import keras_tuner

TRIALS = 8
SPACE = {
    "neurons": (16, 32, 64),
    "activation": ("relu", "leaky_relu", "tanh"),
    "normalization": (False, True),
    "dropout": (0.0, 0.25, 0.5),
    "l2": (0.0, 0.001, 0.01),
    "learning_rate": (0.003, 0.01, 0.03),
}


def build_trial(hp):
    return compiled(BASE | {name: hp.Choice(name, list(values)) for name, values in SPACE.items()})


keras.utils.set_random_seed(0)
tuner = keras_tuner.RandomSearch(
    build_trial,
    objective="val_accuracy",
    max_trials=TRIALS,
    seed=0,
    directory=tempfile.mkdtemp(),
    project_name="search",
)
tuner.search(
    scale(x_train, "z-score"),
    y_train,
    batch_size=50,
    epochs=BASE["epochs"],
    validation_data=(scale(x_val, "z-score"), y_val),
    verbose=0,
)
trials = tuner.oracle.get_best_trials(TRIALS)

for trial in trials:
    chosen = {name: type(BASE[name])(value) for name, value in trial.hyperparameters.values.items()}
    print(percent(trial.score, LANGUAGE), *(f"{name}={value}" for name, value in chosen.items()), sep="  ")

# %% [markdown] en
# The best of several trials is partly the luckiest one. So the winner is trained again, with the seeds of all comparisons above, and
# compared with the base. The comment is computed from what came out.

# %% [markdown] es
# El mejor de varios ensayos es en parte el que tuvo más suerte. Por eso la red ganadora se entrena otra vez, con las semillas de todas las
# comparaciones de arriba, y se compara con la base. El comentario se calcula con lo que ha salido.

# %%
chosen = trials[0].hyperparameters.values.items()
winner = {name: type(BASE[name])(value) for name, value in chosen if value != BASE[name]}
values = {"base": {}, "«winner|ganadora»": winner}
compare("«The search's winner|La ganadora de la búsqueda»", values)
_, again = measure(values)
print()
print(
    "«It differs from the base in|Se distingue de la base en»", *(f"{name} = {value}" for name, value in winner.items())
)
print("«Accuracy in the search|Exactitud en la búsqueda»:", percent(trials[0].score, LANGUAGE))
print("«Trained again, mean|Entrenada otra vez, media»:", percent(again.mean, LANGUAGE))
if trials[0].score > again.mean:
    print(
        "«The search promised more than other seeds keep: it also chose luck.|La búsqueda prometía más de lo que cumplen otras semillas: eligió también suerte.»"
    )
else:
    print("«Other seeds keep what the search promised.|Otras semillas cumplen lo que la búsqueda prometía.»")
if again.verdict == "better":
    print(
        "«It is better than the base by more than chance: the search was worth its time.|Es mejor que la base por más que azar: la búsqueda ha valido la pena.»"
    )
elif again.verdict == "worse":
    print(
        "«It is worse than the base by more than chance: one run per trial chose wrongly.|Es peor que la base por más que azar: un solo entrenamiento por ensayo eligió mal.»"
    )
else:
    print(
        "«So few seeds cannot tell it from the base: no gain is shown yet.|Tan pocas semillas no la distinguen de la base: aún no hay mejora demostrada.»"
    )

# %% [markdown] en
# And once, at the very end, the test images, which chose nothing so far:

# %% [markdown] es
# Y una sola vez, al final de todo, las imágenes de prueba, que hasta ahora no han elegido nada:

# %%
test = HubStream(str(SAMPLE), split="test", seed=0, batch_size=1000)
x_test, y_test = next(iter(make_train_data(test, augment=AugmentConfig(augment=0))))
for name, changed in values.items():
    network = build(**BASE | changed)
    shares = []
    for seed in range(SEEDS):
        network.set_weights(train(seed, **changed).weights)
        answers = network.predict(scale(x_test.numpy(), BASE["scaling"]), verbose=0).argmax(axis=1)
        shares.append(np.mean(answers == y_test.numpy()))
    print(f"{name:10}" + "   ".join(percent(share, LANGUAGE) for share in shares))

# %% [markdown] en
# What a search with 63 trials on MNIST found, and what can be concluded from it: [tuning.md](tuning.md). With Trazo's own command it
# survives any interruption: `python -m training tune --dataset training/sample --output runs/search`. The demo's tab *Tuning* draws it.
#
# **Questions**
#
# <details><summary>1. Three values for each of five hyperparameters and two for one: how many combinations are there?</summary>
#
# 3⁵ × 2 = 486. Eight trials saw less than 2 % of them. Random points still are a good start: each of them tries new values of *every*
# hyperparameter.
#
# </details>
#
# <details><summary>2. Why is the test set looked at only once?</summary>
#
# If it chose between networks, it would be another validation set, and its figure would be too good.
#
# </details>
#
# <details><summary>3. Exercise: let the search run 30 trials. Does the winner get better?</summary>
#
# `TRIALS = 30`. The score of the best trial can only rise, since it is a maximum over more. Whether its mean over other seeds rises,
# too, is what the last comparison shows.
#
# </details>

# %% [markdown] es
# Qué encontró una búsqueda de 63 ensayos en MNIST, y qué se puede concluir de ella: [tuning.es.md](tuning.es.md). Con la orden de Trazo
# sobrevive a cualquier interrupción: `python -m training tune --dataset training/sample --output runs/search`. La pestaña
# *Ajuste* de la demostración la dibuja.
#
# **Preguntas**
#
# <details><summary>1. Tres valores en cinco hiperparámetros y dos en otro: ¿cuántas combinaciones hay?</summary>
#
# 3⁵ × 2 = 486. Ocho ensayos han visto menos del 2 %. Aun así, los puntos aleatorios son un buen comienzo: cada uno prueba valores
# nuevos de *todos* los hiperparámetros.
#
# </details>
#
# <details><summary>2. ¿Por qué se miran una sola vez las imágenes de prueba?</summary>
#
# Si eligieran entre redes, serían otras imágenes de validación, y su cifra sería demasiado buena.
#
# </details>
#
# <details><summary>3. Ejercicio: deja que la búsqueda haga 30 ensayos. ¿Mejora la ganadora?</summary>
#
# `TRIALS = 30`. El resultado del mejor ensayo solo puede subir, porque es un máximo entre más. Si sube también su media con otras
# semillas, lo dice la última comparación.
#
# </details>
