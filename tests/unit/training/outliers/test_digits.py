"""Changed digits: none of them may be a digit again."""

import numpy as np
import pytest

from training.outliers.digits import (
    CHANGES,
    FLIPPED,
    MIRRORED,
    SAME_FOOT,
    SAME_TOP,
    TURNED,
    UPSIDE_DOWN,
    Digits,
    mirror,
    turn,
)

# Each digit is a block of a separate gray, which shows where a part of a changed one comes from.
GRAYS = [100 + 10 * digit for digit in range(10)]


def blocks() -> Digits:
    images = np.zeros((10, 28, 28), np.uint8)
    for digit, gray in enumerate(GRAYS):
        images[digit, 4:24, 8:20] = gray
    return Digits(images, np.arange(10))


def used(image: np.ndarray) -> set[int]:
    return {GRAYS.index(gray) for gray in np.unique(image).tolist() if gray in GRAYS}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_give_an_image_with_ink(change):
    for r in map(np.random.default_rng, range(20)):
        image = CHANGES[change](blocks(), r)
        assert image.ndim == 2 and image.dtype == np.uint8 and used(image)


def test_recombine_takes_no_halves_of_one_digit():
    digits = blocks()
    for r in map(np.random.default_rng, range(200)):
        image = CHANGES["recombine"](digits, r)
        (top,), (foot,) = used(image[0]), used(image[-1])
        assert not SAME_TOP[top] & SAME_FOOT[foot] and top != foot


def test_same_halves_hold_the_digit_itself():
    assert all(digit in SAME_TOP[digit] and digit in SAME_FOOT[digit] for digit in range(10))


def test_mirror_and_turn_leave_out_digits_that_stay_digits():
    digits = blocks()
    mirrored = set().union(*(used(mirror(digits, r)) for r in map(np.random.default_rng, range(100))))
    turned = set().union(*(used(turn(digits, r)) for r in map(np.random.default_rng, range(100))))
    assert mirrored == {*MIRRORED, *FLIPPED} and not mirrored & {0, 1, 2, 5, 8}
    assert turned == {*TURNED, *UPSIDE_DOWN} and not turned & {0, 1, 8}


def test_several_are_at_least_two_digits_wide_or_high():
    for r in map(np.random.default_rng, range(50)):
        height, width = CHANGES["several"](blocks(), r).shape
        assert height >= 40 or width >= 24


def test_digits_are_cropped_to_their_ink_and_missing_ones_not_chosen():
    digits = Digits(np.pad(np.full((1, 5, 3), 200, np.uint8), ((0, 0), (10, 13), (12, 13))), np.array([4]))
    assert digits.choose(np.random.default_rng(0)).shape == (5, 3)
