"""Kernels: the named ones, the check of one that came from a client, and planes of learned ones."""

from typing import Any

import numpy as np

from model.limits import MAX_KERNEL_SIDE_PX
from ui.i18n import UserError

MIN_VISIBLE_SIZE = 4  # of the sum of absolute weights
MAX_WEIGHT = 1_000_000  # sums over the largest kernel then stay well inside float32


def _matrix(*rows: list[float], divisor: float = 1) -> np.ndarray:
    return (np.array(rows) / divisor).astype(np.float32)


KERNELS: dict[str, np.ndarray] = {
    # The course's three.
    "vertical": _matrix([1, 0, -1], [1, 0, -1], [1, 0, -1]),
    "horizontal": _matrix([1, 1, 1], [0, 0, 0], [-1, -1, -1]),
    "all": _matrix([-1, -1, -1], [-1, 8, -1], [-1, -1, -1]),
    # First derivatives from left to right. Prewitt 1970 weights the three rows equally, Sobel and Feldman 1968 double
    # the middle one, Scharr 2000 makes the slope the same in every direction.
    "prewitt": _matrix([-1, 0, 1], [-1, 0, 1], [-1, 0, 1]),
    "sobel": _matrix([-1, 0, 1], [-2, 0, 2], [-1, 0, 1]),
    "scharr": _matrix([-3, 0, 3], [-10, 0, 10], [-3, 0, 3]),
    # The sum of the second derivatives along rows and columns.
    "laplacian": _matrix([0, 1, 0], [1, -4, 1], [0, 1, 0]),
    # The image minus its Laplacian; the mean of the neighbors with binomial weights; a relief lit from the upper left.
    "sharpen": _matrix([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
    "blur": _matrix(
        [1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1], divisor=256
    ),
    "emboss": _matrix([-2, -1, 0], [-1, 1, 1], [0, 1, 2]),
}


def validate_kernel(kernel: Any) -> np.ndarray:
    """Check a kernel that came from a client.

    Args:
        kernel: a name in `KERNELS`, or a square matrix with an odd side, as an array or a list of rows.

    Returns:
        float32 (side, side).

    Raises:
        UserError: if it is anything else.
    """
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise UserError("kernel_name", name=kernel[:40], names=", ".join(KERNELS))
        return KERNELS[kernel]
    try:
        matrix = np.asarray(kernel)
    except ValueError:  # rows of different lengths
        raise UserError("kernel_shape", largest=MAX_KERNEL_SIDE_PX) from None
    if (
        matrix.ndim != 2
        or matrix.shape[0] != matrix.shape[1]
        or matrix.shape[0] % 2 == 0
        or len(matrix) > MAX_KERNEL_SIDE_PX
    ):
        raise UserError("kernel_shape", largest=MAX_KERNEL_SIDE_PX)
    # Text, true/false and missing numbers (JSON's null) are not weights, though NumPy would convert some of them.
    if matrix.dtype.kind not in "iuf" or not (np.abs(matrix) <= MAX_WEIGHT).all():
        raise UserError("kernel_numbers", limit=f"{MAX_WEIGHT:,}".replace(",", " "))
    return matrix.astype(np.float32)


def kernel_name(kernel: np.ndarray) -> str | None:
    """Return the name in `KERNELS` of a kernel, float32 (side, side), or None if it is none of them."""
    return next((name for name, named in KERNELS.items() if np.array_equal(named, kernel)), None)


def keeps_brightness(kernel: np.ndarray) -> bool:
    """Return whether a kernel's result is an image like its input: the weights add up to 1, for edge kernels to 0."""
    return abs(kernel.sum()) > 0.5


def display_gain(kernel: np.ndarray) -> float:
    """Return what a result's brightness is multiplied by in order to be visible; 1 for all kernels of `KERNELS`.

    The weights of a learned kernel are small: the network's other layers make up for it. Such a kernel is shown as
    bright as Sobel's, whose absolute weights add up to 8.

    Args:
        kernel: float32 (side, side).
    """
    size = float(np.abs(kernel).sum())
    is_mean = abs(kernel.sum() - 1) < 1e-3
    return 8 / size if 0 < size < MIN_VISIBLE_SIZE and not is_mean else 1.0


def is_supported_shape(shape: tuple[int, int, int, int]) -> bool:
    """Return whether a learned kernel of this shape (side, side, inputs, filters) can be used here."""
    return shape[0] % 2 == 1 and shape[0] <= MAX_KERNEL_SIDE_PX


def kernel_plane(kernel: np.ndarray, filter_: int, input_: int) -> np.ndarray:
    """Return one plane of a learned kernel, with the network's own weights.

    Args:
        kernel: float32 (side, side, inputs, filters).
        filter_: the filter's number, from 1; a number that is too large means the last one.
        input_: the input map's number, likewise.

    Returns:
        float32 (side, side).
    """
    return kernel[:, :, min(input_, kernel.shape[2]) - 1, min(filter_, kernel.shape[3]) - 1]


def resize_kernel(kernel: np.ndarray, side: int) -> np.ndarray:
    """Return a kernel with another side and the same center: cropped, or surrounded by zeros."""
    margin = (side - len(kernel)) // 2
    return np.pad(kernel, margin) if margin >= 0 else kernel[-margin:margin, -margin:margin]
