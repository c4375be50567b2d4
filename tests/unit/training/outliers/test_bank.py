"""Drawings that are not digits, as a network's inputs."""

import cv2
import numpy as np
import pytest

from model import CnnModel
from model.errors import TrazoError
from model.preprocess.decode import decode
from tests.conftest import SAMPLE
from training.outliers.bank import KINDS, make_outliers, redraw_digits
from training.outliers.digits import MAX_TILT_RAD, redraw
from training.stream import HubStream

IMAGE_SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(0)
    images = np.zeros((20, 28, 28), np.uint8)
    for image in images:
        left, top = r.integers(5, 10, 2)
        image[top : top + 14, left : left + 3] = image[top : top + 3, left : left + 10] = 255
    return images, np.arange(20) % 10


def test_make_outliers_has_all_kinds_alike_and_none_is_blank(digits):
    outliers, kinds = make_outliers(3 * len(KINDS), *digits, IMAGE_SHAPE)
    assert outliers.shape == (3 * len(KINDS), *IMAGE_SHAPE) and outliers.dtype == np.uint8
    assert np.bincount(kinds).tolist() == [3] * len(KINDS)
    assert (outliers.max(axis=(1, 2, 3)) == 255).all()


def test_make_outliers_follow_from_the_seed_and_not_from_their_number(digits):
    few, many = (make_outliers(count, *digits, IMAGE_SHAPE, seed=1)[0] for count in (5, 40))
    assert (few == many[:5]).all() and len({one.tobytes() for one in many}) > 30
    others, _ = make_outliers(5, *digits, IMAGE_SHAPE, seed=2)
    assert not any((a == b).all() for a, b in zip(few, others, strict=True))


def test_make_outliers_have_the_shape_of_the_network(digits):
    assert make_outliers(2, *digits, (20, 24, 3))[0].shape == (2, 20, 24, 3)


def test_redraw_digits_are_in_turn_as_they_are_and_drawn_with_a_pen(digits):
    redrawn, labels = redraw_digits(60, *digits, IMAGE_SHAPE)
    assert redrawn.shape == (60, *IMAGE_SHAPE) and labels.tolist() == [*digits[1]] * 3
    np.testing.assert_array_equal(redrawn[0], redrawn[20])
    assert len({one.tobytes() for one in redrawn[1::2]}) == 30  # each time by another hand


def test_redraw_digits_leaves_out_blank_images_and_keeps_faint_ones(digits):
    images, labels = digits[0][:4].copy(), np.arange(4)
    images[0], images[1] = 0, images[1] // 8
    images = np.concatenate([images, np.ones((1, 28, 28), np.uint8)])  # the last one is blank, too
    labels = np.append(labels, 4)
    redrawn, kept = redraw_digits(6, images, labels, IMAGE_SHAPE)
    assert kept.tolist() == [1, 2, 3, 1, 2, 3] and (redrawn.max(axis=(1, 2, 3)) > 0).all()


def test_redraw_digits_all_blank_is_refused():
    with pytest.raises(TrazoError, match="no digit that could be drawn again"):
        redraw_digits(6, np.zeros((3, 28, 28), np.uint8), np.arange(3), IMAGE_SHAPE)


def test_redraw_slants_a_digit_and_leaves_its_lines_level():
    bars = np.zeros((28, 28), np.uint8)
    bars[13:16, 4:24] = 255
    turns = [cv2.minAreaRect(np.argwhere(redraw(bars, np.random.default_rng(seed)))[:, ::-1])[2] for seed in range(40)]
    angles = np.array([min(turn, 90 - turn) for turn in turns])
    assert angles.max() < np.rad2deg(MAX_TILT_RAD) + 4  # of its tilt alone, but for what an unsteady hand adds


def test_redraw_digits_are_still_these_digits():
    rows = next(HubStream(SAMPLE, "test", batch_size=200).ordered())
    images = np.stack([decode(one, IMAGE_SHAPE)[..., 0] for one in rows.images])
    redrawn, labels = redraw_digits(400, images, np.array(rows.labels), IMAGE_SHAPE)
    answers = CnnModel.from_pretrained().predict(redrawn).argmax(axis=1)
    assert (answers == labels).mean() > 0.98
