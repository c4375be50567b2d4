"""Drawings of no class that join the batches of a training."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from model.config import CnnConfig
from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support.tiny_training import CONFIG
from training.augmentation.batch_rows import BatchRows
from training.config import TrainConfig
from training.loop.exposure import DIGITS_WEIGHT, NO_DIGIT, WEIGHT, OutlierExposure, make_exposure
from training.loop.steps import compile_steps
from training.loop.trainer import create_train_state, fit
from training.stream import HubStream

IMAGES = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)), tf.float32)
LABELS = tf.constant([0, 0, 0, 0, 1, 2], tf.int64)
DRAWINGS = tf.constant(np.random.default_rng(1).integers(0, 60, (40, 28, 28, 1)), tf.uint8)
AGAIN = tf.constant(np.random.default_rng(2).integers(100, 160, (30, 28, 28, 1)), tf.uint8)
STILL = TrainConfig(augment=0.0)


def make(rows: int, settings: TrainConfig = STILL) -> OutlierExposure:
    """Return an exposure to dark drawings, and to brighter ones of the class 2."""
    return OutlierExposure(DRAWINGS, AGAIN, tf.fill((30,), tf.constant(2, tf.int64)), rows, settings)


def train(steps: int, exposure: OutlierExposure | None):
    """Train on one batch; returns the network and the sums of the last step."""
    config, settings = replace(CONFIG, dropout=0.0), TrainConfig(learning_rate=0.01, schedule="constant")
    state = create_train_state(config, settings, steps=steps)
    train_step, _ = compile_steps(state, config, settings, exposure)
    for _ in range(steps):
        sums = train_step(IMAGES, LABELS)
    return state.network, sums.numpy()


def highest_probabilities(network) -> np.ndarray:
    joined = tf.concat([IMAGES, tf.cast(DRAWINGS[:20], tf.float32)], 0)  # normalized as in a step
    return network(joined, training=True).numpy()[len(IMAGES) :].max(axis=1)


def test_exposure_makes_the_network_undecided_about_drawings_only():
    exposed, sums = train(60, make(40))
    other, _ = train(60, None)
    assert highest_probabilities(exposed).mean() < 0.5 * highest_probabilities(other).mean()
    assert sums[2] == len(IMAGES)  # the drawings are not counted


@pytest.mark.parametrize("settings", [STILL, TrainConfig(elastic_transform=0.02, coarse_scans=0.5)])
def test_exposure_sample_depends_on_step_and_seed_only(settings):
    exposure = make(6, settings)
    (first, labels), (again, _) = (exposure.sample(tf.constant(7, tf.int64)) for _ in range(2))
    assert (first.numpy() == again.numpy()).all() and first.shape == (6, 28, 28, 1)
    assert labels.numpy().tolist() == [NO_DIGIT, 2] * 3
    later, _ = exposure.sample(tf.constant(8, tf.int64))
    other, _ = replace(exposure, settings=replace(settings, seed=4)).sample(tf.constant(7, tf.int64))
    assert not (first.numpy() == later.numpy()).all() and not (first.numpy() == other.numpy()).all()


def test_exposure_sample_chooses_from_both_banks():
    images, labels = make(2000).sample(tf.constant(0, tf.int64))
    for bank, label in ((DRAWINGS, NO_DIGIT), (AGAIN, 2)):
        chosen = {one.tobytes() for one in images.numpy()[labels.numpy() == label]}
        assert chosen == {one.tobytes() for one in tf.cast(bank, tf.float32).numpy()}


def test_exposure_sample_is_augmented_like_the_rows():
    images, _ = make(40, TrainConfig(augment=1.0)).sample(tf.constant(0, tf.int64))
    still, _ = make(40).sample(tf.constant(0, tf.int64))
    assert (np.abs(images - still).mean(axis=(1, 2, 3)) > 1).all()


def test_exposure_loss_is_that_of_equal_probabilities_or_of_the_label():
    logits = tf.constant([[0.0, 0.0, 0.0], [2.0, 0.0, -1.0], [3.0, -1.0, 0.0], [0.0, 1.0, 0.0]])
    targets = [[1 / 3] * 3, [1, 0, 0], [1 / 3] * 3, [0, 1, 0]]
    losses = tf.keras.losses.categorical_crossentropy(targets, logits, from_logits=True).numpy()
    expected = WEIGHT * losses[::2].mean() + DIGITS_WEIGHT * losses[1::2].mean()
    loss = make(4).loss(logits, tf.constant([NO_DIGIT, 0, NO_DIGIT, 1], tf.int64)).numpy()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_exposure_parts_of_workers_are_the_whole():
    exposure, step = make(5, TrainConfig(elastic_transform=0.02)), tf.constant(7, tf.int64)
    rows = BatchRows(tf.constant([1, 2]), tf.constant(4))
    for size in (1, 2, 3, 7):
        parts = [exposure.part_of(rank, size) for rank in range(size)]
        sampled = [exposure.sample(step, part) for part in parts]
        for number, whole in enumerate(exposure.sample(step)):
            np.testing.assert_allclose(np.concatenate([one[number] for one in sampled]), whole, atol=1e-3)
        joined = [exposure.join(rows, part) for part in parts]
        assert {int(one.count) for one in joined} == {9}
        assert np.concatenate([one.positions[2:] for one in joined]).tolist() == [4, 5, 6, 7, 8]


def test_make_exposure_draws_what_the_settings_say():
    train_rows = HubStream(SAMPLE, batch_size=64)
    exposure = make_exposure(CnnConfig(), TrainConfig(outliers=36, batch_size=64), train_rows)
    assert exposure is not None and exposure.rows == 16
    assert exposure.outliers.shape == exposure.digits.shape == (36, 28, 28, 1)
    assert make_exposure(CnnConfig(), TrainConfig(), train_rows) is None


def test_fit_outliers_of_other_labels_are_refused():
    stream = HubStream(SAMPLE, batch_size=64)
    with pytest.raises(TrazoError, match="digits 0 to 9"):
        fit(CnnConfig(labels=("cat", "dog")), TrainConfig(outliers=10), stream, stream)
