"""The classifier by which a detector rejects what looks like a digit, and is none."""

import warnings
from collections.abc import Callable

from model.backend import tf
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from model.config import CnnConfig
from model.ood import OutlierClassifier
from training.data.stream import HubStream
from training.outliers.bank import make_outliers, redraw_digits
from training.outliers.rows import read_digits

HIDDEN_UNITS = 64
REDRAWN_PER_DIGIT = 2
EPOCHS = 12
BATCH_ROWS = 256
LEARNING_RATE = 2e-3
L2 = 1e-3


def collect_drawing_features(
    run: Callable[[tf.Tensor], list[tf.Tensor]], config: CnnConfig, train: HubStream, outliers: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of digits that were drawn again, and of drawings of no digit, both float32 (n, features).

    Both are prepared by `sketch_to_input`. A classifier that knew only outliers so prepared would learn what its
    preparation leaves, and reject digits that are drawn.

    Args:
        run: of `compile_logits_and_features`.
        config: of the network.
        train: rows of digits; the first ones are drawn again, and changed until they are not digits.
        outliers: how many drawings are not digits.
        seed: of these.
    """
    digits, labels = read_digits(train, config)
    redrawn, _ = redraw_digits(REDRAWN_PER_DIGIT * len(digits), digits, labels, config.image_shape, seed)
    drawings, _ = make_outliers(outliers, digits, labels, config.image_shape, seed)
    return _features(run, redrawn), _features(run, drawings)


def _features(run: Callable[[tf.Tensor], list[tf.Tensor]], images: np.ndarray) -> np.ndarray:
    parts = np.array_split(images, -(-len(images) // BATCH_ROWS))
    return np.concatenate([run(tf.constant(part, tf.float32))[1].numpy() for part in parts])


def fit_outlier_classifier(known: np.ndarray, outliers: np.ndarray, seed: int) -> OutlierClassifier:
    """Fit the classifier on the features of what was learned and of outliers, both float32 (n, features)."""
    features = np.concatenate([known, outliers])
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale == 0] = 1  # a dead neuron's
    fitted = MLPClassifier(
        (HIDDEN_UNITS,),
        alpha=L2,
        batch_size=BATCH_ROWS,
        learning_rate_init=LEARNING_RATE,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs were found to be enough
        fitted.fit((features - mean) / scale, np.repeat([0, 1], [len(known), len(outliers)]))
    hidden, kernel = fitted.coefs_
    hidden = hidden / scale[:, None]
    arrays = hidden, fitted.intercepts_[0] - mean @ hidden, kernel, fitted.intercepts_[1]
    return OutlierClassifier(*(array.astype(np.float32) for array in arrays))
