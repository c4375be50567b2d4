"""Losses and metrics of each task, against NumPy and scikit-learn."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from model.errors import TrazoError
from model.heads import HEADS
from model.losses import make_loss, make_metric_function

RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(0, 4, 50)
SOFTMAX = RANDOM.dirichlet(np.ones(4), 50).astype(np.float32)
BITS = RANDOM.integers(0, 2, 50)
SIGMOID = RANDOM.uniform(0.05, 0.95, (50, 1)).astype(np.float32)
NUMBERS = RANDOM.uniform(0.1, 5, 50).astype(np.float32)
GUESSES = RANDOM.uniform(0.1, 5, (50, 1)).astype(np.float32)
ONE_HOT = np.eye(4)[IDS]
ERROR = NUMBERS - GUESSES[:, 0]

# What each loss is, written with NumPy and scikit-learn.
EXPECTED = {
    ("multiclass", "sparse_categorical_crossentropy"): lambda: log_loss(IDS, SOFTMAX, labels=range(4)),
    ("multiclass", "categorical_crossentropy"): lambda: log_loss(IDS, SOFTMAX, labels=range(4)),
    ("multiclass", "log_loss"): lambda: log_loss(IDS, SOFTMAX, labels=range(4)),
    ("multiclass", "kl_divergence"): lambda: log_loss(IDS, SOFTMAX, labels=range(4)),
    ("multiclass", "hinge"): lambda: np.maximum(
        0, 1 + (SOFTMAX - 10 * ONE_HOT).max(axis=1) - (SOFTMAX * ONE_HOT).sum(axis=1)
    ).mean(),
    ("multiclass", "cosine_similarity"): lambda: (
        -((SOFTMAX * ONE_HOT).sum(axis=1) / np.linalg.norm(SOFTMAX, axis=1)).mean()
    ),
    ("binary", "binary_crossentropy"): lambda: log_loss(BITS, SIGMOID[:, 0]),
    ("binary", "log_loss"): lambda: log_loss(BITS, SIGMOID[:, 0]),
    ("binary", "hinge"): lambda: np.maximum(0, 1 - (2 * BITS - 1) * (2 * SIGMOID[:, 0] - 1)).mean(),
    ("regression", "mse"): lambda: (ERROR**2).mean(),
    ("regression", "mae"): lambda: np.abs(ERROR).mean(),
    ("regression", "huber"): lambda: np.where(np.abs(ERROR) <= 1, ERROR**2 / 2, np.abs(ERROR) - 0.5).mean(),
    ("regression", "poisson"): lambda: (GUESSES[:, 0] - NUMBERS * np.log(GUESSES[:, 0])).mean(),
}
DATA = {"multiclass": (IDS, SOFTMAX), "binary": (BITS, SIGMOID), "regression": (NUMBERS, GUESSES)}
ROWS = [(task, loss) for task, head in HEADS.items() for loss in head.losses]


@pytest.mark.parametrize(("task", "loss"), ROWS)
def test_loss_is_what_its_name_says(task, loss):
    targets, outputs = DATA[task]
    value = float(make_loss(task, loss, 4)(targets, outputs))
    assert value == pytest.approx(EXPECTED[task, loss](), rel=1e-4)


def test_make_loss_unsuitable_loss_is_refused():
    with pytest.raises(TrazoError, match=f"these suit it: {', '.join(HEADS['binary'].losses)}"):
        make_loss("binary", "mse", 2)


def test_loss_label_smoothing_moves_mass_to_all_classes():
    smooth = float(make_loss("multiclass", "sparse_categorical_crossentropy", 4, 0.1)(IDS, SOFTMAX))
    assert smooth == pytest.approx(-((0.9 * ONE_HOT + 0.025) * np.log(SOFTMAX)).sum(axis=1).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("multiclass", lambda: SOFTMAX.argmax(axis=1) == IDS),
        ("binary", lambda: (SIGMOID[:, 0] > 0.5) == BITS),
        ("regression", lambda: np.abs(ERROR)),
    ],
)
def test_metric_is_accuracy_or_absolute_error_per_row(task, expected):
    targets, outputs = DATA[task]
    values = make_metric_function(task)(keras.ops.convert_to_tensor(targets), keras.ops.convert_to_tensor(outputs))
    np.testing.assert_allclose(np.asarray(values), expected(), rtol=1e-5)
