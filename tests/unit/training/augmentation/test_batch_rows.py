"""What happens to a row depends on its place in the global batch alone."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import SEED_OFFSETS, AugmentConfig
from training.augmentation.digit_variants import add_regional_strokes
from training.augmentation.scans import scan_coarsely
from training.augmentation.transforms import augment

SEED = tf.constant([3, 4], tf.int32)
COUNT = 12
IMAGES = tf.constant(np.random.default_rng(0).uniform(0, 255, (COUNT, 28, 28, 3)), tf.float32)
OPTIONS = ["augment", *(name for name in SEED_OFFSETS if name not in ("mixup", "cutmix"))]


def change(images: tf.Tensor, labels: tf.Tensor, option: str, rows: BatchRows | None = None) -> np.ndarray:
    if option == "digit_variants":
        return add_regional_strokes(images, labels, SEED, 1.0, rows).numpy()
    if option == "coarse_scans":
        return scan_coarsely(images, SEED, 0.5, rows).numpy()
    strength = 0.1 if option == "elastic_transform" else 0.5
    others = {"augment": 0.0, "mirror": 0.5} if option == "clean_fraction" else {"augment": 0.0}
    return augment(images, SEED, AugmentConfig(**others | {option: strength}), rows).numpy()


@pytest.mark.parametrize("option", OPTIONS)
def test_augmentation_of_a_slice_equals_that_of_the_batch(option):
    labels = tf.constant([1, 7, 9] * 4, tf.int64)
    whole = change(IMAGES, labels, option)
    assert (whole != IMAGES.numpy()).any()
    for positions in ([0, 1, 2, 3], [4, 7, 11], []):
        chosen = tf.constant(positions, tf.int32)
        rows = BatchRows(chosen, tf.constant(COUNT))
        changed = change(tf.gather(IMAGES, chosen), tf.gather(labels, chosen), option, rows)
        np.testing.assert_allclose(changed, whole[positions], rtol=0, atol=1e-3)  # of 255


def test_batch_rows_uniform_numbers_have_the_dimensions_and_limits_asked_for():
    rows = BatchRows(tf.constant([0, 5]), tf.constant(9))
    drawn = rows.uniform(SEED, before=(2,), after=(3,), low=-4.0, high=-3.0).numpy()
    assert drawn.shape == (2, 2, 3) and drawn.min() >= -4 and drawn.max() < -3
    whole = BatchRows.whole(9).uniform(SEED, before=(2,), after=(3,), low=-4.0, high=-3.0).numpy()
    np.testing.assert_array_equal(drawn, whole[:, [0, 5]])
