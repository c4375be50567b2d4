"""keras.io's example for photographs from scratch, written afresh for a dataset in the layout of a Hub repo.

    python keras_xception.py FOLDER SIDE SEED

Source: https://keras.io/examples/vision/image_classification_from_scratch/ (a small Xception, mirror and rotation,
Adam at 3e-4, batches of 128, 25 epochs, a fifth held out). The example has two classes and images of 180 pixels.
"""

import sys

import keras
import numpy as np
from datasets import load_dataset
from keras import layers

folder, side, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = load_dataset(folder)
keras.utils.set_random_seed(seed)


def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 (n, side, side, 3), and labels."""
    images = [np.asarray(image.convert("RGB").resize((side, side))) for image in rows[split]["image"]]
    return np.stack(images), np.array(rows[split]["label"])


def build(classes: int) -> keras.Model:
    """Return the network."""
    inputs = keras.Input((side, side, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomRotation(0.1)(x)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(128, 3, strides=2, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    shortcut = x
    for filters in (256, 512, 728):
        for _ in range(2):
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(filters, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = shortcut = layers.add([x, layers.Conv2D(filters, 1, strides=2, padding="same")(shortcut)])
    x = layers.SeparableConv2D(1024, 3, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(classes)(x))


images, labels = read("train")
order = np.random.default_rng(seed).permutation(len(labels))  # the held-out rows are the last ones
model = build(labels.max() + 1)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(3e-4), loss, metrics=["accuracy"])
model.fit(images[order], labels[order], batch_size=128, epochs=25, validation_split=0.2, verbose=2)
print(model.evaluate(*read("test"), verbose=0)[1])
