# %% [markdown] en
# ## 6. Scaling
#
# The input gets no activation: it is **scaled**. Without scaling the largest unit dominates. Three people, by age and yearly salary: how
# far is the first from the second, who is 40 years older, and from the third, who earns 8,000 euros more?

# %% [markdown] es
# ## 6. Escalado
#
# A la entrada no se le pone función de activación: se **escala**. Sin escalar manda la unidad más grande. Tres personas, por edad y
# salario anual: ¿a qué distancia está la primera de la segunda, que tiene 40 años más, y de la tercera, que gana 8.000 euros más?

# %%
people = np.array([[25, 30_000], [65, 31_000], [26, 38_000]], float)  # «age, yearly salary|edad, salario anual»
low, high = people.min(0), people.max(0)
q1, median, q3 = np.percentile(people, (25, 50, 75), axis=0)
for name, scaled in {
    "«as they are|tal como son»": people,
    "min-max": (people - low) / (high - low),
    "z-score": (people - people.mean(0)) / people.std(0),
    "«robust|robusto»": (people - median) / (q3 - q1),
}.items():
    first, second, third = scaled
    older, richer = np.linalg.norm(first - second), np.linalg.norm(first - third)
    print(f"{name:14}{number(older, ',.2f', LANGUAGE):>10}{number(richer, ',.2f', LANGUAGE):>10}")

# %% [markdown] en
# And for the network? From 0 to 255, the sums and the gradients are hundreds of times larger than a usual learning rate
# expects.

# %% [markdown] es
# ¿Y para la red? De 0 a 255, las sumas y los gradientes son cientos de veces mayores de lo que supone una tasa de aprendizaje
# habitual.

# %%
compare(
    "«Scaling|Escalado»",
    {
        "«base: z-score|base: z-score»": {},
        "min-max": {"scaling": "min-max"},
        "«none: 0 to 255|ninguno: de 0 a 255»": {"scaling": "none"},
    },
)
draw_study("scaling")

# %% [markdown] en
# ## 7. Output layer and loss
#
# The output depends on the task, and the possible losses depend on the output:

# %% [markdown] es
# ## 7. Capa de salida y función de coste
#
# La salida depende de la tarea, y de la salida dependen las funciones de coste posibles:

# %%
from model.heads import HEADS, output_activation, output_units

tasks = {
    "binary": "«two classes|dos clases»",
    "multiclass": "«ten classes|diez clases»",
    "regression": "«a number|un número»",
}
for task, name in tasks.items():
    losses = HEADS[task].losses
    print(f"{name:14}{output_units(task, 10):>3} × {output_activation(task, losses[0]):9}", ", ".join(losses))

# %% [markdown] en
# Several names are one function: with one class per image, categorical and sparse categorical cross-entropy and the Kullback-Leibler
# divergence give the same number. The others really differ.

# %% [markdown] es
# Varios nombres son la misma función: con una clase por imagen, la entropía cruzada categórica, la categórica dispersa y la divergencia
# de Kullback-Leibler dan el mismo número. Las demás sí son distintas.

# %%
answer = np.array([[0.7, 0.2, 0.1]], np.float32)
one_hot, class_id = np.array([[1.0, 0, 0]], np.float32), np.array([0])
for loss, target in {
    "categorical_crossentropy": one_hot,
    "sparse_categorical_crossentropy": class_id,
    "kl_divergence": one_hot,
    "mse": one_hot,
    "categorical_hinge": one_hot,
    "cosine_similarity": one_hot,
}.items():
    print(f"{loss:34}{number(float(keras.losses.get(loss)(target, answer)[0]), '.4f', LANGUAGE):>8}")

compare(
    "«Loss|Función de coste»",
    {
        "«base: cross-entropy|base: entropía cruzada»": {},
        "«mean squared error|error cuadrático medio»": {"loss": "mse"},
        "hinge": {"loss": "categorical_hinge"},
        "«cosine similarity|similitud del coseno»": {"loss": "cosine_similarity"},
    },
)
draw_study("loss")

# %% [markdown] en
# **Questions**
#
# <details><summary>1. The scaling is fitted on the training images only. Why?</summary>
#
# Everything that is computed from the validation images lets the network know something about them before it is measured.
#
# </details>
#
# <details><summary>2. In these images most pixels are 0. What does the robust scaling divide by?</summary>
#
# By the interquartile range, which is 0 then. Trazo divides by the standard deviation in that case: a formula that divides by zero
# has to be thought through for the data at hand.
#
# </details>
#
# <details><summary>3. The cosine similarity is negative here. Is that an error?</summary>
#
# No. A loss has to be smaller when the answer is better, and a cosine is 1 for the best. So Keras takes its negative.
#
# </details>
#
# <details><summary>4. Exercise: without scaling, does a smaller learning rate help?</summary>
#
# Compare `{"scaling": "none"}` with `{"scaling": "none", "learning_rate": 0.0001}`. What scaling repairs is the size of the steps, so
# smaller steps repair a part of it, too.
#
# </details>

# %% [markdown] es
# **Preguntas**
#
# <details><summary>1. El escalado se ajusta solo con las imágenes de entrenamiento. ¿Por qué?</summary>
#
# Todo lo que se calcula con las imágenes de validación le cuenta a la red algo de ellas antes de medirla.
#
# </details>
#
# <details><summary>2. En estas imágenes casi todos los píxeles son 0. ¿Entre qué divide el escalado robusto?</summary>
#
# Entre el rango intercuartílico, que entonces es 0. Trazo divide en ese caso entre la desviación típica: una fórmula que divide por
# cero hay que pensarla para los datos que se tienen.
#
# </details>
#
# <details><summary>3. La similitud del coseno sale negativa. ¿Es un error?</summary>
#
# No. Un coste tiene que ser menor cuanto mejor es la respuesta, y el coseno de la mejor es 1. Por eso Keras le cambia el signo.
#
# </details>
#
# <details><summary>4. Ejercicio: sin escalado, ¿ayuda una tasa de aprendizaje menor?</summary>
#
# Compara `{"scaling": "none"}` con `{"scaling": "none", "learning_rate": 0.0001}`. Lo que arregla el escalado es el tamaño de los
# pasos, así que unos pasos más pequeños también lo arreglan en parte.
#
# </details>
