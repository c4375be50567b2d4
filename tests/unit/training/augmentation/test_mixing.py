"""Images and labels that get a share of another one of the batch."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.config import AugmentConfig
from training.augmentation.mixing import mix_images
from training.augmentation.transforms import augment

SEED = tf.constant([3, 4], tf.int32)
COUNT = 400
LABELS = tf.range(COUNT, dtype=tf.int64)
# Each image has one gray level, so that every pixel shows which image it is from.
LEVELS = np.arange(COUNT, dtype=np.float32)
IMAGES = tf.constant(np.broadcast_to(LEVELS[:, None, None, None], (COUNT, 12, 16, 3)))


def mixed(**options) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    images, labels = mix_images(IMAGES, LABELS, SEED, AugmentConfig(augment=0.0, **options))
    return images.numpy(), *(part.numpy() for part in labels)


def test_mixup_blends_whole_images_as_much_as_labels():
    images, first, second, share = mixed(mixup=0.5)
    chosen = share < 1
    assert 0.4 < chosen.mean() < 0.6 and (first == LABELS.numpy()).all()
    np.testing.assert_allclose(images[..., 0].mean(axis=(1, 2)), share * first + (1 - share) * second, rtol=1e-4)
    assert (np.ptp(images, axis=(1, 2, 3)) == 0).all()
    assert 0.45 < share[chosen].mean() < 0.55 and share[chosen].min() < 0.1 and share[chosen].max() > 0.9


def test_cutmix_takes_a_rectangle_of_the_area_that_the_label_loses():
    images, first, second, share = mixed(cutmix=1.0)
    foreign = images[..., 0] == second[:, None, None]
    moved = first != second
    assert ((images[..., 0] == first[:, None, None]) | foreign).all()
    np.testing.assert_allclose(1 - foreign.mean(axis=(1, 2))[moved], share[moved], atol=1e-6)
    assert 0.4 < share.mean() < 0.6
    largest = foreign[(foreign.mean(axis=(1, 2)) < 0.5).nonzero()[0][0]]
    rows, columns = np.flatnonzero(largest.any(1)), np.flatnonzero(largest.any(0))
    assert largest[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_mixing_each_other_image_is_used_once():
    _, _, second, _ = mixed(mixup=1.0)
    assert sorted(second) == list(range(COUNT)) and (second != LABELS.numpy()).mean() > 0.9


def test_mixing_both_ways_gives_an_image_one_of_them():
    together, alone = mixed(mixup=0.5, cutmix=0.5), mixed(cutmix=0.5)
    cut = np.ptp(together[0], axis=(1, 2, 3)) > 0
    assert (together[0][cut] == alone[0][cut]).all() and (together[2][cut] == alone[2][cut]).all()
    assert 0.6 < (together[3] < 1).mean() < 0.9


def test_mixing_leaves_clean_images_and_their_labels_as_they_are():
    config = AugmentConfig(augment=0.0, random_erasing=0.3, mixup=1.0, clean_fraction=0.25)
    images, (_, _, share) = mix_images(augment(IMAGES, SEED, config), LABELS, SEED, config)
    clean = share.numpy() == 1
    assert 0.15 < clean.mean() < 0.35
    assert (images.numpy()[clean] == IMAGES.numpy()[clean]).all()


def test_mixing_of_a_regression_mixes_the_numbers():
    config = AugmentConfig(augment=0.0, mixup=1.0)
    images, targets = mix_images(IMAGES, tf.cast(LABELS, tf.float32), SEED, config)
    np.testing.assert_allclose(images.numpy().mean(axis=(1, 2, 3)), targets.numpy(), rtol=1e-4)
    assert np.abs(targets.numpy() - LEVELS).mean() > 10


@pytest.mark.parametrize("count", [0, 1])
def test_mixing_any_number_of_images_keeps_their_shape(count):
    images, labels = mix_images(IMAGES[:count], LABELS[:count], SEED, AugmentConfig(mixup=0.5, cutmix=0.5))
    assert images.shape == (count, 12, 16, 3) and all(part.shape == (count,) for part in labels)
