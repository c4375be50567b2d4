"""AutoKeras for as many minutes as Trazo.

    python autokeras_search.py FOLDER SIDE SEED MINUTES

AutoKeras has no limit of time, so a callback ends the trial that runs when the time is up, and then the search. A tenth
of the rows is held out by hand: with its own split, AutoKeras 3.0 fails in its last step if there is a callback.
A trial whose pretrained weights cannot be downloaded fails; the best of the others counts.
"""

import sys
import tempfile
import time
from contextlib import suppress

import autokeras
import keras
import numpy as np
from datasets import load_dataset
from keras_tuner.errors import FatalError

folder, side, seed, minutes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
end = time.monotonic() + 60 * minutes
rows = load_dataset(folder)


class Deadline(keras.callbacks.Callback):
    """End the trial, and the next one at its start, when the time is up."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """End the search."""
        if time.monotonic() > end:
            raise FatalError("The time is up.")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End the trial: it is validated, and counts."""
        self.model.stop_training = self.model.stop_training or time.monotonic() > end


def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 (n, side, side, 3), and labels."""
    images = [np.asarray(image.convert("RGB").resize((side, side))) for image in rows[split]["image"]]
    return np.stack(images), np.array(rows[split]["label"])


images, labels = read("train")
order = np.random.default_rng(seed).permutation(len(labels))
held_out, kept = np.split(order, [len(order) // 10])
search = autokeras.ImageClassifier(max_trials=1000, directory=tempfile.mkdtemp(), seed=seed, objective="val_accuracy")
stopping = keras.callbacks.EarlyStopping(patience=10, min_delta=1e-4)
with suppress(FatalError, RuntimeError):  # the second: three trials in a row failed
    search.fit(
        images[kept],
        labels[kept],
        validation_data=(images[held_out], labels[held_out]),
        callbacks=[Deadline(), stopping],
        verbose=2,
    )
test_images, test_labels = read("test")
answers = search.tuner.get_best_models()[0].predict(test_images, verbose=0).argmax(1)
print((answers == test_labels).mean())
