"""The head on frozen features is the optimum that scikit-learn finds, too."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from model import CnnConfig
from model.target_scaling import TargetScaling
from training.transfer.features import Features
from training.transfer.head import PENALTIES, fit_head

RANDOM = np.random.default_rng(0)
VALUES = (RANDOM.normal(0, 1, (300, 6)) * [1, 5, 0.1, 2, 1, 0] + [0, 3, -1, 0, 9, 4]).astype(
    np.float32
)  # one is constant
NETWORK = {"filters": (6,), "dense_units": (), "image_shape": (8, 8, 1)}


def split(labels: np.ndarray) -> tuple[Features, Features]:
    return Features(VALUES[:200], labels[:200]), Features(VALUES[200:], labels[200:])


def standardized(values: np.ndarray) -> np.ndarray:
    train = VALUES[:200].astype(np.float64)
    deviation = train.std(axis=0)
    return (values - train.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


@pytest.mark.parametrize("classes", [2, 4])
def test_head_of_classes_is_the_logistic_regression(classes):
    noisy = VALUES[:, 0] + VALUES[:, 1] / 5 + RANDOM.normal(0, 0.5, 300)
    labels = np.digitize(noisy, np.quantile(noisy, np.arange(1, classes) / classes))
    train, validation = split(labels.astype(np.int64))
    task = "binary" if classes == 2 else "multiclass"
    config = CnnConfig(**NETWORK, labels=tuple("abcd"[:classes]), task=task)
    head = fit_head(config, train, validation, penalties=[0.01])
    expected = LogisticRegression(C=1 / (0.01 * 200), tol=1e-8, max_iter=5000)
    expected.fit(standardized(train.values), train.labels)
    scores = head.scores(validation.values)
    found = np.log(1 / (1 + np.exp(-scores))) if classes == 2 else scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    logs = expected.predict_log_proba(standardized(validation.values))
    np.testing.assert_allclose(found, logs[:, -1:] if classes == 2 else logs, atol=2e-2)
    assert head.loss == pytest.approx(-logs[np.arange(100), validation.labels].mean(), abs=1e-3)
    assert head.loss_on(config, validation) == pytest.approx(head.loss, abs=1e-4)


def test_head_of_a_regression_is_the_ridge_regression():
    targets = (50 + 10 * VALUES[:, 0] - 3 * VALUES[:, 3] + RANDOM.normal(0, 1, 300)).astype(np.float32)
    train, validation = split(targets)
    scaling = TargetScaling(float(targets.mean()), float(targets.std()))
    config = CnnConfig(**NETWORK, labels=("age",), task="regression", target_scaling=scaling)
    offset, scale = config.target_offset_and_scale
    head = fit_head(config, train, validation, penalties=[0.01])
    expected = Ridge(alpha=0.01 * 200 / 2)  # the loss is the mean of squares, the penalty half a sum
    expected.fit(standardized(train.values), (train.labels - offset) / scale)
    found = head.scores(validation.values)[:, 0]
    np.testing.assert_allclose(found, expected.predict(standardized(validation.values)), atol=2e-2)


def test_head_weights_of_classes_count():
    labels = (VALUES[:, 0] + RANDOM.normal(0, 2, 300) > 1.5).astype(np.int64)
    train, validation = split(labels)
    config = CnnConfig(**NETWORK, labels=("a", "b"), task="binary")
    plain, weighted = (fit_head(config, train, validation, weights) for weights in ((), (0.3, 3.0)))
    assert (weighted.scores(VALUES) > 0).mean() > (plain.scores(VALUES) > 0).mean() + 0.1


def test_head_penalty_is_the_best_on_validation():
    train, validation = split((VALUES[:, 0] > 0).astype(np.int64))
    config = CnnConfig(**NETWORK, labels=("a", "b"), task="binary")
    assert fit_head(config, train, validation).penalty < 0.01
    opposite = Features(validation.values, 1 - validation.labels)  # what is learned is wrong there
    assert fit_head(config, train, opposite).penalty == max(PENALTIES)
