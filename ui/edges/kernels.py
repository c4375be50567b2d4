"""Kernels: the ones with a name, and what is accepted from outside."""

from typing import Any

import numpy as np

from ui.i18n import UserError

LARGEST = 31  # side of the largest kernel accepted
LARGEST_WEIGHT = 1_000_000  # sums over the largest kernel then stay far inside float32


def _matrix(*rows: list[float], by: float = 1) -> np.ndarray:
    return (np.array(rows) / by).astype(np.float32)


KERNELS: dict[str, np.ndarray] = {
    # The course's three.
    "vertical": _matrix([1, 0, -1], [1, 0, -1], [1, 0, -1]),
    "horizontal": _matrix([1, 1, 1], [0, 0, 0], [-1, -1, -1]),
    "all": _matrix([-1, -1, -1], [-1, 8, -1], [-1, -1, -1]),
    # First derivatives from left to right. Prewitt 1970 weighs the three rows alike, Sobel and Feldman 1968 the middle
    # one double, Scharr 2000 such that the slope comes out alike in every direction.
    "prewitt": _matrix([-1, 0, 1], [-1, 0, 1], [-1, 0, 1]),
    "sobel": _matrix([-1, 0, 1], [-2, 0, 2], [-1, 0, 1]),
    "scharr": _matrix([-3, 0, 3], [-10, 0, 10], [-3, 0, 3]),
    # The sum of the second derivatives along rows and columns.
    "laplacian": _matrix([0, 1, 0], [1, -4, 1], [0, 1, 0]),
    # The picture less its Laplacian; the mean of neighbours, weighted by a binomial; a relief lit from the upper left.
    "sharpen": _matrix([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
    "blur": _matrix(
        [1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1], by=256
    ),
    "emboss": _matrix([-2, -1, 0], [-1, 1, 1], [0, 1, 2]),
}


def as_kernel(kernel: Any) -> np.ndarray:
    """Check a kernel that came from outside.

    Args:
        kernel: a name in `KERNELS`, or a square matrix with an odd side, as an array or a list of rows.

    Returns:
        float32 (side, side).

    Raises:
        UserError: for anything else.
    """
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise UserError("kernel_name", name=kernel[:40], names=", ".join(KERNELS))
        return KERNELS[kernel]
    try:
        matrix = np.asarray(kernel)
    except ValueError:  # rows of different lengths
        raise UserError("kernel_shape", largest=LARGEST) from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] % 2 == 0 or len(matrix) > LARGEST:
        raise UserError("kernel_shape", largest=LARGEST)
    # Text, true/false and missing numbers (JSON's null) are no weights, though NumPy would convert some of them.
    if matrix.dtype.kind not in "iuf" or not (np.abs(matrix) <= LARGEST_WEIGHT).all():
        raise UserError("kernel_numbers", limit=f"{LARGEST_WEIGHT:,}".replace(",", " "))
    return matrix.astype(np.float32)


def keeps_brightness(kernel: np.ndarray) -> bool:
    """Return whether a kernel makes a picture: its weights add up to 1. Those of an edge kernel add up to 0."""
    return abs(kernel.sum()) > 0.5


def slides(shape: tuple[int, int, int, int]) -> bool:
    """Return whether a learned kernel of this shape can slide over a picture."""
    return shape[0] % 2 == 1 and shape[0] <= LARGEST


def plane(kernel: np.ndarray, filter_: int, input_: int) -> np.ndarray:
    """Return one plane of a learned kernel, as strong as Sobel's kernel is: the sizes of its weights add up to 8.

    Args:
        kernel: float32 (side, side, inputs, filters).
        filter_: which filter, from 1; beyond the last one is the last.
        input_: which of the maps that it reads, likewise.

    Returns:
        float32 (side, side).
    """
    chosen = kernel[:, :, min(input_, kernel.shape[2]) - 1, min(filter_, kernel.shape[3]) - 1]
    return chosen * (8 / max(np.abs(chosen).sum(), 1e-12))


def resized(kernel: np.ndarray, side: int) -> np.ndarray:
    """Return a kernel with another side, its middle kept: the border cut off, or zeros around."""
    more = (side - len(kernel)) // 2
    return np.pad(kernel, more) if more >= 0 else kernel[-more:more, -more:more]
