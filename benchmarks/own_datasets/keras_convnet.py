"""keras.io's example for small gray images, written afresh for a dataset in the layout of a Hub repo.

    python keras_convnet.py FOLDER SIDE SEED

Source: https://keras.io/examples/vision/mnist_convnet/ (layers, optimizer, batches of 128,
15 epochs, a tenth held out).
"""

import sys

import keras
import numpy as np
from datasets import load_dataset

folder, side, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = load_dataset(folder)
keras.utils.set_random_seed(seed)


def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, float32 (n, side, side, 1), and labels."""
    images = [np.asarray(image.convert("L").resize((side, side))) for image in rows[split]["image"]]
    return np.stack(images)[..., None].astype("float32") / 255, np.array(rows[split]["label"])


images, labels = read("train")
order = np.random.default_rng(seed).permutation(len(labels))  # the held-out rows are the last ones
model = keras.Sequential(
    [
        keras.Input((side, side, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(labels.max() + 1, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images[order], labels[order], batch_size=128, epochs=15, validation_split=0.1, verbose=2)
print(model.evaluate(*read("test"), verbose=0)[1])
