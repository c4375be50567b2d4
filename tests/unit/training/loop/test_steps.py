"""One step of training and of validation."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from model import CnnConfig
from model.target_scaling import TargetScaling
from tests.support.tiny_training import CONFIG
from training.augmentation.mixing import MixedLabels
from training.config import TrainConfig
from training.loop.state import TrainState
from training.loop.steps import compile_steps
from training.loop.trainer import create_train_state

PLAIN = replace(CONFIG, dropout=0.0)
REGRESSION = CnnConfig(labels=("y",), task="regression", filters=(4,), convolutions=1, dense_units=())
IMAGES = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)), tf.float32)
LABELS = tf.constant([0, 0, 0, 0, 1, 2], tf.int64)


def steps(config: CnnConfig, **settings) -> tuple[TrainState, Callable, Callable]:
    """Return the state, and the steps of training and of validation."""
    chosen = TrainConfig(optimizer="sgd", learning_rate=0.01, schedule="constant", **settings)
    state = create_train_state(config, chosen, steps=1)
    return state, *compile_steps(state, config, chosen)


def run(config: CnnConfig, labels: tf.Tensor, **settings) -> tuple[TrainState, np.ndarray, np.ndarray, np.ndarray]:
    """Validate once, then train once; returns the state, the sums of both, and the answers."""
    state, train_step, eval_step = steps(config, **settings)
    sums, answers = eval_step(IMAGES, labels)
    return state, sums.numpy(), answers.numpy(), train_step(IMAGES, labels).numpy()


def validate(config: CnnConfig, **settings) -> np.ndarray:
    """Validate once; returns the sums."""
    return steps(config, **settings)[2](IMAGES, LABELS)[0].numpy()


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "kl_divergence"])
def test_steps_class_weights_count_rows_as_often_as_they_say(loss):
    config = replace(PLAIN, loss=loss)
    weights = (0.5, 3.0, *[1.0] * 8)
    plain = validate(config)
    weighted = validate(config, class_weights="balanced", class_weight_values=weights)
    ones = validate(config, class_weights="balanced", class_weight_values=(1.0,) * 10)
    assert ones == pytest.approx(plain) and weighted[0] != pytest.approx(plain[0], rel=1e-3)
    assert (weighted[1:] == plain[1:]).all()  # the metric and the number of rows are not weighted
    per_class = []
    for label in (0, 1, 2):
        only = (1e-9,) * label + (1.0,) + (1e-9,) * (9 - label)
        per_class.append(validate(config, class_weights="balanced", class_weight_values=only)[0])
    assert weighted[0] == pytest.approx(0.5 * per_class[0] + 3 * per_class[1] + per_class[2], rel=1e-3)


def test_steps_class_weights_change_the_gradient():
    first, *_ = run(PLAIN, LABELS)
    second, *_ = run(PLAIN, LABELS, class_weights="balanced", class_weight_values=(0.5, 3.0, *[1.0] * 8))
    assert any(
        (a.numpy() != b.numpy()).any() for a, b in zip(first.network.weights, second.network.weights, strict=True)
    )


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@pytest.mark.parametrize(("scale", "offset"), [(10.0, 2000.0), (1e-6, 0.0), (1e6, -3e6)])
def test_steps_of_a_regression_are_the_same_in_any_unit(loss, scale, offset):
    scores = np.array([-1.5, -0.5, 0.0, 0.25, 0.5, 1.25], np.float32)
    config = replace(REGRESSION, loss=loss)
    plain, unscaled, answers, trained = run(config, tf.constant(scores))
    scaled_config = replace(config, target_scaling=TargetScaling(offset, scale))
    scaled, sums, in_unit, other = run(scaled_config, tf.constant(offset + scale * scores, tf.float32))
    tolerance = max(1e-5, 1e-6 * abs(offset) / scale)
    assert sums[0] == pytest.approx(unscaled[0], rel=1e-3) and other[0] == pytest.approx(trained[0], rel=1e-3)
    assert sums[1] == pytest.approx(scale * unscaled[1], rel=1e-3)  # the absolute error has the targets' unit
    assert (in_unit - offset) / scale == pytest.approx(answers, abs=10 * tolerance)
    assert scaled.network(IMAGES).numpy()[:, 0] - offset == pytest.approx(
        scale * plain.network(IMAGES).numpy()[:, 0], abs=scale * 100 * tolerance
    )


def test_eval_step_answers_are_class_ids():
    state, _, answers, _ = run(PLAIN, LABELS, ema_momentum=0.9)
    assert answers.dtype == np.int64 and answers.shape == (6,)
    binary = replace(PLAIN, labels=("a", "b"), task="binary", loss="binary_crossentropy")
    state, _, answers, _ = run(binary, tf.minimum(LABELS, 1))
    assert set(answers) <= {0, 1} and state is not None


MIXED = MixedLabels(LABELS, LABELS[::-1], tf.constant([1.0, 0.75, 0.5, 0.25, 0.1, 0.0]))


def train_sums(config: CnnConfig, labels: tf.Tensor | MixedLabels, **settings) -> np.ndarray:
    """Take one step of training; returns its sums."""
    return steps(config, **settings)[1](IMAGES, labels).numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_train_step_loss_of_mixed_labels_is_that_of_mixed_one_hot_rows(smoothing):
    state, train_step, _ = steps(PLAIN, mixup=1.0, label_smoothing=smoothing)
    outputs = state.network(IMAGES, training=True)
    share = MIXED.share[:, None]
    soft = share * tf.one_hot(MIXED.first, 10) + (1 - share) * tf.one_hot(MIXED.second, 10)
    loss = tf.keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(soft, outputs)
    accuracy = tf.gather(soft, tf.argmax(outputs, axis=1), batch_dims=1)
    sums = train_step(IMAGES, MIXED).numpy()
    assert sums == pytest.approx([6 * float(loss), float(tf.reduce_sum(accuracy)), 6], rel=1e-4)


@pytest.mark.parametrize(("task", "loss"), [("multiclass", "hinge"), ("binary", "hinge"), ("binary", "log_loss")])
def test_train_step_mixed_labels_count_for_both_classes_by_their_weights(task, loss):
    labels = ("a", "b", "c")[: 2 if task == "binary" else 3]
    config = replace(PLAIN, labels=labels, task=task, loss=loss)
    weights = {"class_weights": "balanced", "class_weight_values": (0.5, 3.0, 1.0)[: len(labels)]}
    first = tf.minimum(LABELS, len(labels) - 1)
    expected = 0.3 * train_sums(config, first, **weights) + 0.7 * train_sums(config, first[::-1], **weights)
    found = train_sums(config, MixedLabels(first, first[::-1], tf.fill(6, 0.3)), mixup=1.0, **weights)
    assert found == pytest.approx(expected, rel=1e-4)


def test_train_step_of_a_regression_takes_mixed_numbers():
    assert train_sums(REGRESSION, tf.range(6.0), mixup=0.5)[2] == 6
