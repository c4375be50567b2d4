"""Digits drawn again, and what is not a digit any more: mirrored, turned, put together from halves, crossed out."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from training.outliers.strokes import random_change

MIRRORED = (3, 4, 6, 7, 9)  # left and right; a mirrored 2 is a 5, and the others are their own mirror images
FLIPPED = (4, 7)  # above and below; a flipped 6 is nearly a 9
TURNED = (2, 3, 4, 5, 6, 7, 9)  # by a quarter; of a slanted 1 or 8 that is what it was
UPSIDE_DOWN = (3, 4, 7)  # the others are, or may be taken for, digits again
# The digits whose upper, or lower, half looks like that of a digit: halves of two that share one may be this digit.
SAME_TOP = (
    {0, 8, 9},
    {1, 4, 6},
    {2, 3, 7, 8, 9},
    {2, 3, 7, 8, 9},
    {1, 4},
    {5},
    {1, 6},
    {2, 3, 7},
    {0, 2, 3, 8, 9},
    {0, 2, 3, 8, 9},
)
SAME_FOOT = (
    {0, 5, 6, 8},
    {1, 4, 7, 9},
    {2},
    {3, 5, 8, 9},
    {1, 4, 7, 9},
    {3, 5, 8, 9},
    {0, 5, 6, 8},
    {1, 4, 7, 9},
    {0, 3, 5, 6, 8},
    {1, 3, 4, 7, 9},
)


REDRAWN_SCALE = 5  # a digit is drawn again on so many times more pixels
MAX_TILT_RAD = 0.15  # either way
MAX_SLANT = 0.25  # horizontal shift per height
MAX_STRETCH = 1.3  # of one side against the other
MAX_PUSH = 0.03  # displacement by an unsteady hand, as a share of the side
THINNEST, THICKEST = 170, 50  # the gray level above which a pixel is ink


class Digits:
    """Images of digits, from which random ones are taken."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Keep images, uint8 (n, h, w) light on black, by their labels, int (n,)."""
        self._images = images
        self._rows = [np.flatnonzero(labels == digit) for digit in range(10)]

    def choose(self, r: Generator, *allowed: int) -> np.ndarray:
        """Return the image of one of these digits, cropped to its ink; of any digit if none is given."""
        known = [digit for digit in allowed or range(10) if len(self._rows[digit])]
        image = self._images[r.choice(self._rows[r.choice(known)])]
        x, y, width, height = cv2.boundingRect((image > 64).astype(np.uint8))
        return image[y : y + height, x : x + width]


def redraw(digit: np.ndarray, r: Generator) -> np.ndarray:
    """Return a digit as another hand draws it with a pen on a screen: crisp strokes, moved and bent a little.

    Args:
        digit: uint8 (h, w), light on black.
        r: all randomness.

    Returns:
        uint8, 0 or 255, `REDRAWN_SCALE` times as large.
    """
    size = np.array(digit.shape[::-1])  # width, height
    x_and_y = np.stack(np.meshgrid(*map(np.arange, REDRAWN_SCALE * size)), axis=-1) / REDRAWN_SCALE
    away = (x_and_y - size / 2) / size.max()
    change = random_change(r, MAX_TILT_RAD, MAX_SLANT, MAX_STRETCH)
    waves, phases = r.uniform(-7, 7, (3, 2)), r.uniform(0, 2 * np.pi, 3)
    pushes = r.normal(0, MAX_PUSH * r.random() / 2, (3, 2))
    places = (away @ change + np.sin(away @ waves.T + phases) @ pushes) * size.max() + size / 2
    x, y = np.moveaxis(places.astype(np.float32), 2, 0)
    moved = cv2.remap(digit, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    return np.where(moved > r.integers(THICKEST, THINNEST), np.uint8(255), np.uint8(0))


def mirror(digits: Digits, r: Generator) -> np.ndarray:
    """Return a digit mirrored left and right, or above and below."""
    return digits.choose(r, *MIRRORED)[:, ::-1] if r.random() < 0.6 else digits.choose(r, *FLIPPED)[::-1]


def turn(digits: Digits, r: Generator) -> np.ndarray:
    """Return a digit turned by a quarter, or a half."""
    if r.random() < 0.3:
        return np.rot90(digits.choose(r, *UPSIDE_DOWN), 2)
    return np.rot90(digits.choose(r, *TURNED), r.choice([1, 3]))


def recombine(digits: Digits, r: Generator) -> np.ndarray:
    """Return the upper half of one digit over the lower half of another."""
    top, foot = r.integers(0, 10, 2)
    while SAME_TOP[top] & SAME_FOOT[foot]:
        top, foot = r.integers(0, 10, 2)
    upper, lower = digits.choose(r, int(top)), digits.choose(r, int(foot))
    width = max(upper.shape[1], lower.shape[1])
    halves = upper[: len(upper) // 2], lower[len(lower) // 2 :]
    return np.concatenate([_fit(half, len(half), width) for half in halves])


def overlay(digits: Digits, r: Generator) -> np.ndarray:
    """Return two digits over each other."""
    first, second = digits.choose(r, 2, 3, 4, 5, 6, 8, 9), digits.choose(r)
    height, width = np.maximum(first.shape, second.shape) + r.integers(0, 8, 2)
    pages = np.zeros((2, height, width), np.uint8)
    for page, one in zip(pages, (first, second), strict=True):
        top, left = (int(r.integers(0, free + 1)) for free in (height - len(one), width - one.shape[1]))
        page[top : top + len(one), left : left + one.shape[1]] = one
    return pages.max(axis=0)


def strike(digits: Digits, r: Generator) -> np.ndarray:
    """Return a digit with one to three long lines across it, or in a ring."""
    digit = digits.choose(r, 2, 3, 4, 5, 6, 8, 9)  # a crossed 0 or 7 is one, and a line across a 1 a plus
    around = max(digit.shape) // 2
    page = np.ascontiguousarray(np.pad(digit, around))
    height, width = page.shape
    pen = int(r.integers(2, 4))
    if r.random() < 0.3:
        axes = int(width * r.uniform(0.4, 0.48)), int(height * r.uniform(0.38, 0.48))
        cv2.ellipse(page, (width // 2, height // 2), axes, 0, 0, 360, 255, pen, cv2.LINE_AA)
        return page
    for _ in range(r.integers(1, 4)):
        start, end = r.integers(0, height, 2).tolist()
        is_level = r.random() < 0.7
        first, last = ((0, start), (width - 1, end)) if is_level else ((start, 0), (end, height - 1))
        cv2.line(page, first, last, 255, pen, cv2.LINE_AA)
    return page


def several(digits: Digits, r: Generator) -> np.ndarray:
    """Return two to four digits next to each other, or two above each other."""
    chosen = [digits.choose(r) for _ in range(r.integers(2, 5))]
    if len(chosen) == 2 and r.random() < 0.3:
        width = max(one.shape[1] for one in chosen)
        return np.concatenate(
            [np.pad(_fit(one, len(one), width), ((0, int(r.integers(1, 6))), (0, 0))) for one in chosen]
        )
    height = max(map(len, chosen))
    return np.concatenate(
        [np.pad(_fit(one, height, one.shape[1]), ((0, 0), (0, int(r.integers(0, 6))))) for one in chosen], axis=1
    )


def _fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return an image in the middle of a larger black one."""
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    return np.pad(image, ((top, height - image.shape[0] - top), (left, width - image.shape[1] - left)))


CHANGES: dict[str, Callable[[Digits, Generator], np.ndarray]] = {
    change.__name__: change for change in (mirror, turn, recombine, overlay, strike, several)
}
