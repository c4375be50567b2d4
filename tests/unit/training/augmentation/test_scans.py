"""Digits as coarse scanners deliver them."""

import numpy as np
import pytest
import tensorflow as tf

from training.augmentation.scans import scan_coarsely

SEED = tf.constant([3, 4], tf.int32)


@pytest.fixture(scope="module")
def ones() -> tf.Tensor:
    """Two hundred upright strokes, 20 pixels high and 3 wide, not at full brightness."""
    images = np.zeros((200, 28, 28, 1), np.float32)
    images[:, 4:24, 12:15] = 200
    return tf.constant(images)


def extents(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return heights and widths of what is drawn."""
    drawn = images[..., 0] > 0.4 * images.max(axis=(1, 2, 3))[:, None, None]
    return drawn.any(axis=2).sum(axis=1), drawn.any(axis=1).sum(axis=1)


def test_scan_coarsely_changes_the_configured_share(ones):
    scans = scan_coarsely(ones, SEED, 0.3).numpy()
    changed = np.abs(scans - ones.numpy()).max(axis=(1, 2, 3)) > 0
    assert 0.2 < changed.mean() < 0.4


def test_scan_coarsely_equal_seeds_give_equal_scans(ones):
    first, again, other = (scan_coarsely(ones, seed, 1.0).numpy() for seed in (SEED, SEED, SEED + 1))
    assert (first == again).all() and not (first == other).all()


@pytest.mark.parametrize("seed", range(6))
def test_scan_coarsely_half_keep_their_aspect_and_none_leaves_the_box(ones, seed):
    scans = scan_coarsely(ones, tf.constant([seed, 7]), 1.0).numpy()
    heights, widths = extents(scans)
    assert 0.3 < (widths <= 7).mean() < 0.7  # a pixel of the coarsest scan is more than 2 wide
    assert (widths >= 12).mean() > 0.15
    assert heights.max() <= 23 and widths.max() <= 23
    assert scans.min() >= 0 and 100 < scans.max() <= 200.01


def test_scan_coarsely_blank_image_stays_blank():
    scans = scan_coarsely(tf.zeros((4, 28, 28, 1)), SEED, 1.0).numpy()
    assert (scans == 0).all()


def test_scan_coarsely_scans_stay_centered(ones):
    scans = scan_coarsely(ones, SEED, 1.0).numpy()[..., 0]
    columns = (scans.sum(axis=1) * np.arange(28)).sum(axis=1) / scans.sum(axis=(1, 2))
    assert np.abs(columns - 13.5).max() < 1
