"""Geometric augmentation: random, repeatable, and within its bounds."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.config import AugmentConfig
from training.augmentation.transforms import MAX_SHIFT, augment

SEED = tf.constant([3, 4], tf.int32)
PLAIN = AugmentConfig()
ELASTIC = AugmentConfig(augment=0.0, elastic_transform=0.04)
JITTER = AugmentConfig(augment=0.0, stroke_jitter=1.0)


@pytest.fixture
def images() -> tf.Tensor:
    """A bright square in the middle of each of 64 images, one channel brighter than the other."""
    pixels = np.zeros((64, 28, 28, 2), np.float32)
    pixels[:, 10:18, 10:18] = [255, 128]
    return tf.constant(pixels)


def test_augment_equal_seeds_give_equal_images(images):
    first, again, other = (augment(images, seed, PLAIN) for seed in (SEED, SEED, SEED + 1))
    assert (first.numpy() == again.numpy()).all()
    assert not (first.numpy() == other.numpy()).all()


def test_augment_changes_each_image_differently_and_its_channels_together(images):
    changed = augment(images, SEED, PLAIN).numpy()
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert len({image.tobytes() for image in changed}) == 64
    np.testing.assert_allclose(changed[..., 0] * (128 / 255), changed[..., 1], atol=1e-2)


def test_augment_strength_0_changes_nothing(images):
    assert augment(images, SEED, AugmentConfig(augment=0.0)) is images


def test_augment_moves_stay_within_bounds_around_the_center(images):
    changed = augment(images, SEED, PLAIN).numpy()[..., 0]
    rows, columns = np.mgrid[:28, :28]
    mass = changed.sum(axis=(1, 2))
    center = np.stack([(changed * rows).sum((1, 2)), (changed * columns).sum((1, 2))]) / mass
    assert np.abs(center - 13.5).max() <= MAX_SHIFT * 28 + 0.5
    assert np.abs(center.mean(axis=1) - 13.5).max() < 0.6  # neither direction is preferred
    assert (mass / mass.mean()).min() > 0.6 and (mass / mass.mean()).max() < 1.5  # zoomed, not lost


def test_augment_border_is_repeated():
    white = tf.fill((8, 12, 12, 1), 255.0)
    np.testing.assert_allclose(augment(white, SEED, PLAIN).numpy(), 255, atol=1e-3)


def test_elastic_transform_is_smooth_and_as_large_as_configured(images):
    ramp = tf.tile(tf.reshape(tf.range(28.0), (1, 1, 28, 1)), (64, 28, 1, 1))
    displacements = (augment(ramp, SEED, ELASTIC) - ramp).numpy()[:, :, 4:-4, 0]  # in columns
    assert 0.6 < displacements.std() / (0.04 * 28) < 1.4
    assert np.abs(np.diff(displacements, axis=1)).max() < 1.5 and np.abs(np.diff(displacements, axis=2)).max() < 1.5
    assert len({image.tobytes() for image in augment(images, SEED, ELASTIC).numpy()}) == 64
    flat = tf.fill((3, 12, 20, 1), 7.0)
    np.testing.assert_allclose(augment(flat, SEED, AugmentConfig(augment=0.0, elastic_transform=0.1)), 7, atol=1e-4)


def test_stroke_jitter_changes_strokes_by_a_pixel_at_most(images):
    changed = augment(images, SEED, JITTER).numpy()[..., 0]
    mass = changed.sum(axis=(1, 2)) / 255
    assert 6 * 6 <= mass.min() < 50 and 78 < mass.max() <= 10 * 10  # the square has 8 x 8
    assert not changed[:, :9].any() and not changed[:, :, 19:].any()


def test_stroke_jitter_presses_harder_in_any_direction():
    noise = tf.random.stateless_uniform((400, 28, 28, 1), SEED, 0, 255)
    gained = (augment(noise, SEED, JITTER) - noise).numpy()[..., 0]
    for axis in (1, 2):
        first, second = (half.sum(axis=(1, 2)) for half in np.split(gained, 2, axis=axis))
        assert 0.4 < (first < second).mean() < 0.6


def test_random_erasing_covers_a_rectangle_of_every_second_image():
    noise = tf.random.stateless_uniform((400, 28, 28, 1), SEED, 0, 255)
    config = AugmentConfig(augment=0.0, random_erasing=0.3)
    erased = (augment(noise, SEED, config).numpy() != noise.numpy())[..., 0]
    share = erased.mean(axis=(1, 2))
    assert share.max() < 0.36 and 0.4 < (share > 0).mean() < 0.6
    largest = erased[share.argmax()]
    rows, columns = np.flatnonzero(largest.any(1)), np.flatnonzero(largest.any(0))
    assert largest[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_augmentations_are_independent_of_each_other(images):
    together = augment(images, SEED, AugmentConfig(stroke_jitter=0.5))
    moved = augment(images, SEED, PLAIN)
    jittered = augment(moved, SEED, AugmentConfig(augment=0.0, stroke_jitter=0.5))
    assert (jittered.numpy() == together.numpy()).all()


def test_clean_fraction_leaves_that_share_unchanged(images):
    config = AugmentConfig(augment=1.5, elastic_transform=0.025, clean_fraction=0.25)
    unchanged = (augment(images, SEED, config).numpy() == images.numpy()).all(axis=(1, 2, 3))
    assert 0.1 < unchanged.mean() < 0.4
    without = augment(images, SEED, AugmentConfig(augment=1.5)).numpy()
    assert not (without == images.numpy()).all(axis=(1, 2, 3)).any()


def test_mirror_swaps_left_and_right_of_its_share():
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (256, 4, 5, 3)).astype(np.float32))
    changed = augment(images, SEED, AugmentConfig(augment=0.0, mirror=0.25)).numpy()
    mirrored = (changed == images.numpy()[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 40 < mirrored.sum() < 90
    assert (changed[~mirrored] == images.numpy()[~mirrored]).all()


def test_color_jitter_keeps_gray_gray_and_the_order_of_brightness():
    ramp = np.tile(np.linspace(60, 120, 8, dtype=np.float32)[:, None], (64, 8, 1, 3)).reshape(64, 8, 8, 3)
    changed = augment(tf.constant(ramp), SEED, AugmentConfig(augment=0.0, color_jitter=1.0)).numpy()
    np.testing.assert_allclose(changed[..., 0], changed[..., 2], atol=1e-3)
    assert (np.diff(changed.reshape(64, -1, 3)[:, :, 0].reshape(64, 64)[:, :8]) >= -1e-3).all()
    assert changed.min() >= 0 and changed.max() <= 255 and len({image.tobytes() for image in changed}) == 64


@pytest.mark.parametrize("channels", [1, 3])
def test_color_jitter_any_number_of_channels_has_its_shape(channels):
    images = tf.fill((4, 6, 6, channels), 200.0)
    assert augment(images, SEED, AugmentConfig(augment=0.0, color_jitter=0.5)).shape == images.shape


def test_random_crop_shifts_by_whole_pixels_and_reflects_the_border():
    rows, columns = np.meshgrid(np.arange(16), np.arange(24), indexing="ij")
    image = np.stack([rows, columns], axis=-1).astype(np.float32)
    changed = augment(tf.tile(image[None], (500, 1, 1, 1)), SEED, AugmentConfig(augment=0.0, random_crop=0.125)).numpy()
    reflected = np.pad(image, ((2, 2), (3, 3), (0, 0)), mode="reflect")
    windows = {reflected[y : y + 16, x : x + 24].tobytes(): (y - 2, x - 3) for y in range(5) for x in range(7)}
    shifts = [windows[one.tobytes()] for one in changed]
    assert len(set(shifts)) == 35
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.3  # no direction is preferred


@pytest.mark.parametrize("side", [1, 2, 3])
def test_random_crop_of_tiny_images_keeps_their_shape(side):
    images = tf.random.stateless_uniform((8, side, side, 1), SEED)
    assert augment(images, SEED, AugmentConfig(augment=0.0, random_crop=0.5)).shape == images.shape
