"""Drawings that are not digits, and digits that were drawn again, as inputs of a network."""

from contextlib import suppress

import numpy as np

from model.preprocess.foreground import BlankDrawingError
from model.preprocess.sketch import sketch_to_input
from training.outliers.digits import CHANGES, Digits, redraw
from training.outliers.families import FAMILIES
from training.outliers.strokes import draw

KINDS = (*FAMILIES, *CHANGES)
MARGIN_PX = 4  # of paper around a digit


def make_outliers(
    count: int, images: np.ndarray, labels: np.ndarray, image_shape: tuple[int, int, int], seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return drawings that are not digits, the same number of each kind.

    Args:
        count: how many.
        images: of digits, uint8 (n, h, w), light on black; some kinds change them.
        labels: their digits, int (n,).
        image_shape: height, width, channels of the network.
        seed: equal seeds give equal drawings.

    Returns:
        (uint8 (count, h, w, c), as `sketch_to_input` prepares drawings; int64 (count,), the index of each one's kind
        in `KINDS`).
    """
    digits, kinds = Digits(images, labels), np.arange(count) % len(KINDS)
    outliers = np.empty((count, *image_shape), np.uint8)
    for position, kind in enumerate(kinds.tolist()):
        outliers[position] = _make_one(KINDS[kind], digits, image_shape, np.random.default_rng((seed, position)))
    return outliers, kinds


def redraw_digits(
    count: int, images: np.ndarray, labels: np.ndarray, image_shape: tuple[int, int, int], seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return digits that were drawn again, in turn as they are and with a pen, prepared like the outliers.

    What is learned from outliers alone would be what their preparation and their crisp strokes look like.

    Args:
        count: how many.
        images: see `make_outliers`; the first ones are taken, and then these again.
        labels: their digits.
        image_shape: height, width, channels of the network.
        seed: equal seeds give equal drawings.

    Returns:
        (uint8 (count, h, w, c), int64 (count,), the digits).
    """
    redrawn, digits = np.empty((count, *image_shape), np.uint8), np.empty(count, np.int64)
    inked = np.flatnonzero(images.any(axis=(1, 2)))
    for position in range(count):
        r = np.random.default_rng((seed, position))
        row = inked[position % len(inked)]
        redrawn[position], digits[position] = _draw_again(images[row], position % 2 == 1, image_shape, r), labels[row]
    return redrawn, digits


def _draw_again(
    image: np.ndarray, with_pen: bool, image_shape: tuple[int, int, int], r: np.random.Generator
) -> np.ndarray:
    page = np.pad(image, MARGIN_PX)
    if with_pen:
        with suppress(BlankDrawingError):  # a faint digit, of which the pen leaves nothing
            return sketch_to_input(redraw(page, r), image_shape)
    return sketch_to_input(page, image_shape)


def _make_one(kind: str, digits: Digits, image_shape: tuple[int, int, int], r: np.random.Generator) -> np.ndarray:
    while True:
        drawing = np.pad(CHANGES[kind](digits, r), MARGIN_PX) if kind in CHANGES else draw(FAMILIES[kind](r), r)
        try:
            return sketch_to_input(drawing, image_shape)
        except BlankDrawingError:  # all that is left of a digit's thin half, for instance
            continue
