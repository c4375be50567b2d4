"""Strokes that 1s, 7s and 9s get in other countries."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from model.errors import TrazoError
from model.preprocess.decode import decode_batch
from tests.conftest import SAMPLE
from training.augmentation.digit_variants import add_regional_strokes, check_digits

SEED = tf.constant([3, 4], tf.int32)


@pytest.fixture(scope="module")
def digits() -> tuple[tf.Tensor, tf.Tensor]:
    table = pq.read_table(f"{SAMPLE}/data/train-00000-of-00001.parquet")
    encoded = [np.frombuffer(row["bytes"], np.uint8) for row in table["image"].to_pylist()]
    images, bad = decode_batch(encoded, (28, 28, 1))
    assert not bad
    return tf.constant(images, tf.float32), tf.constant(table["label"].to_numpy(), tf.int64)


def changed(before: tf.Tensor, after: tf.Tensor) -> np.ndarray:
    return np.abs(after.numpy() - before.numpy()).max(axis=(1, 2, 3)) > 0


def test_add_regional_strokes_redraws_the_configured_share_of_1_7_9(digits):
    images, labels = digits
    redrawn = changed(images, add_regional_strokes(images, labels, SEED, 0.5))
    has_variant = np.isin(labels.numpy(), (1, 7, 9))
    assert not redrawn[~has_variant].any()
    assert 0.4 < redrawn[has_variant].mean() < 0.6
    assert changed(images, add_regional_strokes(images, labels, SEED, 1.0))[has_variant].all()


def test_add_regional_strokes_equal_seeds_give_equal_images(digits):
    images, labels = digits
    first, again, other = (add_regional_strokes(images, labels, seed, 1.0).numpy() for seed in (SEED, SEED, SEED + 1))
    assert (first == again).all() and not (first == other).all()


@pytest.mark.parametrize("digit", [1, 7, 9])
def test_add_regional_strokes_digit_gains_ink_and_stays_framed(digits, digit):
    images, labels = digits
    chosen = tf.boolean_mask(images, labels == digit)
    after = add_regional_strokes(chosen, tf.fill(len(chosen), tf.constant(digit, tf.int64)), SEED, 1.0).numpy()[..., 0]
    before = chosen.numpy()[..., 0]
    assert after.min() >= 0 and after.max() <= 255.01
    assert after.sum() > 1.03 * before.sum()
    rows, columns = np.mgrid[:28, :28]
    center = np.stack([(after * rows).sum((1, 2)), (after * columns).sum((1, 2))]) / after.sum((1, 2))
    assert np.abs(center - 13.5).max() < 0.8
    drawn = after > 0.5 * after.max(axis=(1, 2), keepdims=True)
    assert max(drawn.any(1).sum(1).max(), drawn.any(2).sum(1).max()) <= 22


def test_add_regional_strokes_one_is_widened(digits):
    images, labels = digits
    ones = tf.boolean_mask(images, labels == 1)
    after = add_regional_strokes(ones, tf.ones(len(ones), tf.int64), SEED, 1.0).numpy()[..., 0]
    width = lambda images: (images > 100).any(axis=1).sum(axis=1)  # noqa: E731
    assert np.median(width(after)) > 1.3 * np.median(width(ones.numpy()[..., 0]))


def test_add_regional_strokes_upstroke_of_one_is_too_steep_for_a_seven(digits):
    """On an upright stem, the far end is further down than it is to the side."""
    stem = np.zeros((64, 28, 28, 1), np.float32)
    stem[:, 4:24, 13:15] = 255
    after = add_regional_strokes(tf.constant(stem), tf.ones(64, tf.int64), SEED, 1.0).numpy()[..., 0]
    found = []
    for image in after:
        rows, columns = np.nonzero(image[:16] > 128)  # above the foot
        left = columns.argmin()
        found.append((np.median(columns) - columns[left], rows[left] - rows.min()))
    far = [(sideways, down) for sideways, down in found if sideways > 4]
    assert len(far) > 16  # of 64; most others have a short one
    assert all(down > 0.6 * sideways for sideways, down in far)


def test_check_digits_other_labels_are_refused():
    with pytest.raises(TrazoError, match="digits 0 to 9"):
        check_digits(("cat", "dog"))
