import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.config import AugmentConfig
from training.augmentation.geometric import SHIFT, augment

SEED = tf.constant([3, 4], tf.int32)


@pytest.fixture
def images() -> tf.Tensor:
    """A bright square in the middle of each of 64 pictures, one channel brighter than the other."""
    pixels = np.zeros((64, 28, 28, 2), np.float32)
    pixels[:, 10:18, 10:18] = [255, 128]
    return tf.constant(pixels)


def test_equal_seeds_give_equal_pictures(images):
    first, again, other = (
        augment(images, SEED, AugmentConfig()),
        augment(images, SEED, AugmentConfig()),
        augment(images, SEED + 1, AugmentConfig()),
    )
    assert (first.numpy() == again.numpy()).all()
    assert not (first.numpy() == other.numpy()).all()


def test_each_picture_is_changed_in_its_own_way_and_its_channels_together(images):
    changed = augment(images, SEED, AugmentConfig()).numpy()
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert len({picture.tobytes() for picture in changed}) == 64
    np.testing.assert_allclose(changed[..., 0] * (128 / 255), changed[..., 1], atol=1e-2)


def test_strength_zero_changes_nothing(images):
    assert augment(images, SEED, AugmentConfig(augment=0.0)) is images


def test_changes_stay_within_their_bounds_and_around_the_centre(images):
    changed = augment(images, SEED, AugmentConfig()).numpy()[..., 0]
    rows, columns = np.mgrid[:28, :28]
    mass = changed.sum(axis=(1, 2))
    centre = np.stack([(changed * rows).sum((1, 2)), (changed * columns).sum((1, 2))]) / mass
    assert np.abs(centre - 13.5).max() <= SHIFT * 28 + 0.5
    assert np.abs(centre.mean(axis=1) - 13.5).max() < 0.6  # neither direction is preferred
    assert (mass / mass.mean()).min() > 0.6 and (mass / mass.mean()).max() < 1.5  # zoomed, not lost


def test_the_border_is_repeated():
    white = tf.fill((8, 12, 12, 1), 255.0)
    np.testing.assert_allclose(augment(white, SEED, AugmentConfig()).numpy(), 255, atol=1e-3)


def test_an_elastic_distortion_is_smooth_and_as_large_as_asked(images):
    ramp = tf.tile(tf.reshape(tf.range(28.0), (1, 1, 28, 1)), (64, 28, 1, 1))
    moved = (augment(ramp, SEED, AugmentConfig(augment=0.0, elastic_transform=0.04)) - ramp).numpy()[
        :, :, 4:-4, 0
    ]  # displacement in columns
    assert 0.6 < moved.std() / (0.04 * 28) < 1.4
    assert np.abs(np.diff(moved, axis=1)).max() < 1.5 and np.abs(np.diff(moved, axis=2)).max() < 1.5
    assert (
        len(
            {
                picture.tobytes()
                for picture in augment(images, SEED, AugmentConfig(augment=0.0, elastic_transform=0.04)).numpy()
            }
        )
        == 64
    )
    flat = tf.fill((3, 12, 20, 1), 7.0)
    np.testing.assert_allclose(augment(flat, SEED, AugmentConfig(augment=0.0, elastic_transform=0.1)), 7, atol=1e-4)


def test_strokes_grow_and_shrink_by_a_pixel_at_most(images):
    changed = augment(images, SEED, AugmentConfig(augment=0.0, stroke_jitter=1.0)).numpy()[..., 0]
    mass = changed.sum(axis=(1, 2)) / 255
    assert 6 * 6 <= mass.min() < 50 and 78 < mass.max() <= 10 * 10  # the square has 8 x 8
    assert not changed[:, :9].any() and not changed[:, :, 19:].any()


def test_the_pen_presses_harder_in_any_direction(images):
    noise = tf.random.stateless_uniform((400, 28, 28, 1), SEED, 0, 255)
    gained = (augment(noise, SEED, AugmentConfig(augment=0.0, stroke_jitter=1.0)) - noise).numpy()[..., 0]
    for axis in (1, 2):
        first, second = (half.sum(axis=(1, 2)) for half in np.split(gained, 2, axis=axis))
        assert 0.4 < (first < second).mean() < 0.6


def test_erasing_covers_a_rectangle_of_each_second_picture(images):
    noise = tf.random.stateless_uniform((400, 28, 28, 1), SEED, 0, 255)
    erased = (augment(noise, SEED, AugmentConfig(augment=0.0, random_erasing=0.3)).numpy() != noise.numpy())[..., 0]
    share = erased.mean(axis=(1, 2))
    assert share.max() < 0.36 and 0.4 < (share > 0).mean() < 0.6
    one = erased[share.argmax()]
    rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
    assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


def test_one_kind_does_not_change_another(images):
    together = augment(images, SEED, AugmentConfig(stroke_jitter=0.5))
    moved = augment(images, SEED, AugmentConfig())
    assert (augment(moved, SEED, AugmentConfig(augment=0.0, stroke_jitter=0.5)).numpy() == together.numpy()).all()


def test_the_share_that_is_left_unchanged_is_as_it_was(images):
    after = augment(images, SEED, AugmentConfig(augment=1.5, elastic_transform=0.025, clean_fraction=0.25)).numpy()
    same = (after == images.numpy()).all(axis=(1, 2, 3))
    assert 0.1 < same.mean() < 0.4
    assert not (augment(images, SEED, AugmentConfig(augment=1.5)).numpy() == images.numpy()).all(axis=(1, 2, 3)).any()
