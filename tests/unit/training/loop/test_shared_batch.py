"""A batch in slices is used, and mixed, as the whole batch is."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import AugmentConfig
from training.augmentation.mixing import mix_images
from training.loop.shared_batch import exchange_usable_rows, mix_with_all, usable_rows
from training.loop.workers import ALONE

SEED = tf.constant([5, 6], tf.int32)
COUNT = tf.constant(10)
IMAGES = tf.constant(np.random.default_rng(0).uniform(0, 255, (10, 6, 6, 1)), tf.float32)
SLICES = ([0, 2, 5], [3, 4, 9], [])  # rows 1, 6, 7 and 8 cannot be used


class Total:
    """Stands for all workers: a sum is what the slices add up to."""

    def __init__(self, *totals: tf.Tensor) -> None:
        self._totals = list(totals)

    def sum_tensors(self, x: tf.Tensor) -> tf.Tensor:
        total = self._totals.pop(0)
        assert x.dtype == total.dtype and x.shape[1:] == total.shape[1:]
        return total


def rows_of(positions: list[int]) -> BatchRows:
    return BatchRows(tf.constant(positions, tf.int32), COUNT)


def exchange() -> tf.Tensor:
    return tf.add_n([exchange_usable_rows(rows_of(positions), ALONE) for positions in SLICES])


def test_usable_rows_are_numbered_as_one_process_numbers_them():
    usable = exchange()
    assert usable.numpy().tolist() == [1, 0, 1, 1, 1, 1, 0, 0, 0, 1]
    numbered = [usable_rows(rows_of(positions), usable) for positions in SLICES]
    assert [one.positions.numpy().tolist() for one in numbered] == [[0, 1, 4], [2, 3, 5], []]
    assert {int(one.count) for one in numbered} == {6}


@pytest.mark.parametrize("options", [{"mixup": 0.7}, {"cutmix": 0.7, "clean_fraction": 0.3}])
@pytest.mark.parametrize("dtype", [tf.int64, tf.float32])
def test_mix_with_all_equals_mixing_the_whole_batch(options, dtype):
    usable, config, labels = exchange(), AugmentConfig(augment=0.0, **options), tf.range(10, dtype=dtype)
    positions = sorted(position for one in SLICES for position in one)
    whole = mix_images(tf.gather(IMAGES, positions), tf.gather(labels, positions), SEED, config, rows_of(positions))
    used = tf.cast(usable, tf.float32)[:, None, None, None]
    for chosen in SLICES:
        rows = rows_of(chosen)
        images, own_labels = (tf.gather(x, rows.positions) for x in (IMAGES, labels))
        workers = Total(IMAGES * used, labels * tf.cast(usable, dtype))
        mixed = mix_with_all(images, own_labels, rows, SEED, config, usable, workers)
        own = tf.constant([positions.index(position) for position in chosen], tf.int32)
        for ours, theirs in zip(tf.nest.flatten(mixed), tf.nest.flatten(whole), strict=True):
            np.testing.assert_array_equal(ours, tf.gather(theirs, own))
