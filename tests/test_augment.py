import numpy as np
import pytest
import tensorflow as tf

from training.augment import SHIFT, augment

SEED = tf.constant([3, 4], tf.int32)


@pytest.fixture
def images() -> tf.Tensor:
    """A bright square in the middle of each of 64 pictures, one channel brighter than the other."""
    pixels = np.zeros((64, 28, 28, 2), np.float32)
    pixels[:, 10:18, 10:18] = [255, 128]
    return tf.constant(pixels)


def test_equal_seeds_give_equal_pictures(images):
    first, again, other = augment(images, SEED, 1.0), augment(images, SEED, 1.0), augment(images, SEED + 1, 1.0)
    assert (first.numpy() == again.numpy()).all()
    assert not (first.numpy() == other.numpy()).all()


def test_each_picture_is_changed_in_its_own_way_and_its_channels_together(images):
    changed = augment(images, SEED, 1.0).numpy()
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert len({picture.tobytes() for picture in changed}) == 64
    np.testing.assert_allclose(changed[..., 0] * (128 / 255), changed[..., 1], atol=1e-2)


def test_strength_zero_changes_nothing(images):
    assert augment(images, SEED, 0.0) is images


def test_changes_stay_within_their_bounds_and_around_the_centre(images):
    changed = augment(images, SEED, 1.0).numpy()[..., 0]
    rows, columns = np.mgrid[:28, :28]
    mass = changed.sum(axis=(1, 2))
    centre = np.stack([(changed * rows).sum((1, 2)), (changed * columns).sum((1, 2))]) / mass
    assert np.abs(centre - 13.5).max() <= SHIFT * 28 + 0.5
    assert np.abs(centre.mean(axis=1) - 13.5).max() < 0.6  # neither direction is preferred
    assert (mass / mass.mean()).min() > 0.6 and (mass / mass.mean()).max() < 1.5  # zoomed, not lost


def test_the_border_is_repeated():
    white = tf.fill((8, 12, 12, 1), 255.0)
    np.testing.assert_allclose(augment(white, SEED, 1.0).numpy(), 255, atol=1e-3)
