"""Drawings that are not digits, and digits that were drawn again, as inputs of a network."""

import numpy as np

from model.errors import TrazoError
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

    Raises:
        TrazoError: if all images are blank.
    """
    pages = [np.pad(image, MARGIN_PX) for image in images[:count]]
    prepared = [_prepare(page, image_shape) for page in pages]
    usable = [row for row, one in enumerate(prepared) if one is not None]
    if not usable:
        raise TrazoError("--outliers: the first rows show no digit that could be drawn again")
    rows = np.resize(usable, count)
    redrawn = np.empty((count, *image_shape), np.uint8)
    for position, row in enumerate(rows.tolist()):
        with_pen = None
        if position % 2:
            drawn = redraw(pages[row], np.random.default_rng((seed, position)))
            with_pen = _prepare(drawn, image_shape)  # None for a faint digit, of which the pen leaves nothing
        redrawn[position] = prepared[row] if with_pen is None else with_pen
    return redrawn, labels[rows].astype(np.int64)


def _prepare(drawing: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray | None:
    try:
        return sketch_to_input(drawing, image_shape)
    except BlankDrawingError:
        return None


def _make_one(kind: str, digits: Digits, image_shape: tuple[int, int, int], r: np.random.Generator) -> np.ndarray:
    while True:
        drawing = np.pad(CHANGES[kind](digits, r), MARGIN_PX) if kind in CHANGES else draw(FAMILIES[kind](r), r)
        if (prepared := _prepare(drawing, image_shape)) is not None:  # a digit's thin half, for instance, may be blank
            return prepared
