import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from model.errors import TrazoError
from model.preprocess.decode import decode_batch
from tests.conftest import SAMPLE
from training.augmentation.digit_variants import redraw

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


def test_only_ones_sevens_and_nines_are_redrawn_and_as_many_as_asked(digits):
    images, labels = digits
    redrawn = changed(images, redraw(images, labels, SEED, 0.5))
    of_three = np.isin(labels.numpy(), (1, 7, 9))
    assert not redrawn[~of_three].any()
    assert 0.4 < redrawn[of_three].mean() < 0.6
    assert changed(images, redraw(images, labels, SEED, 1.0))[of_three].all()


def test_equal_seeds_give_equal_pictures(digits):
    images, labels = digits
    first, again, other = (redraw(images, labels, seed, 1.0).numpy() for seed in (SEED, SEED, SEED + 1))
    assert (first == again).all() and not (first == other).all()


@pytest.mark.parametrize("digit", [1, 7, 9])
def test_a_digit_gains_ink_and_stays_framed_as_mnist_is(digits, digit):
    images, labels = digits
    chosen = tf.boolean_mask(images, labels == digit)
    after = redraw(chosen, tf.fill(len(chosen), tf.constant(digit, tf.int64)), SEED, 1.0).numpy()[..., 0]
    before = chosen.numpy()[..., 0]
    assert after.min() >= 0 and after.max() <= 255.01
    assert after.sum() > 1.03 * before.sum()
    rows, columns = np.mgrid[:28, :28]
    centre = np.stack([(after * rows).sum((1, 2)), (after * columns).sum((1, 2))]) / after.sum((1, 2))
    assert np.abs(centre - 13.5).max() < 0.8
    drawn = after > 0.5 * after.max(axis=(1, 2), keepdims=True)
    assert max(drawn.any(1).sum(1).max(), drawn.any(2).sum(1).max()) <= 22


def test_a_one_is_widened_at_its_foot_or_at_its_left(digits):
    images, labels = digits
    ones = tf.boolean_mask(images, labels == 1)
    after = redraw(ones, tf.ones(len(ones), tf.int64), SEED, 1.0).numpy()[..., 0]
    width = lambda pictures: (pictures > 100).any(axis=1).sum(axis=1)  # noqa: E731
    assert np.median(width(after)) > 1.3 * np.median(width(ones.numpy()[..., 0]))


def test_the_upstroke_of_a_one_falls_too_steeply_for_a_seven(digits):
    """Drawn on an upright stem its far end lies lower than it lies aside."""
    stem = np.zeros((64, 28, 28, 1), np.float32)
    stem[:, 4:24, 13:15] = 255
    after = redraw(tf.constant(stem), tf.ones(64, tf.int64), SEED, 1.0).numpy()[..., 0]
    found = []
    for picture in after:
        rows, columns = np.nonzero(picture[:16] > 128)  # above the foot
        left = columns.argmin()
        found.append((np.median(columns) - columns[left], rows[left] - rows.min()))
    far = [(aside, down) for aside, down in found if aside > 4]
    assert len(far) > 16  # of 64; most of the others have a short one
    assert all(down > 0.6 * aside for aside, down in far)


def test_other_labels_than_digits_are_refused():
    from model import CnnConfig
    from training.config import TrainConfig
    from training.loop.trainer import fit

    with pytest.raises(TrazoError, match="digits 0 to 9"):
        fit(CnnConfig(labels=("cat", "dog")), TrainConfig(digit_variants=0.5), None, None)
