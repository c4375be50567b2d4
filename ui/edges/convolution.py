"""A kernel slides over a grey picture: the sums, how they are shown, and the arithmetic behind one of them."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import cv2
import numpy as np

from model.preprocess.decode import resize_to_input
from ui.i18n import UserError

Padding = Literal["same", "valid"]
Sign = Literal["clipped", "absolute", "signed"]
PADDINGS: tuple[Padding, ...] = ("same", "valid")
SIGNS: tuple[Sign, ...] = ("clipped", "absolute", "signed")
STRIDES = (1, 2, 3, 4)
THRESHOLD = 50

# The two colours of signed sums: blue below zero and orange above differ for every kind of colour blindness. RGB.
NEGATIVE, POSITIVE = np.array([64, 132, 255], np.float32), np.array([255, 150, 50], np.float32)


def as_grey(picture: np.ndarray) -> np.ndarray:
    """Return a picture's grey levels, float32 (h, w), 0 … 255.

    Args:
        picture: uint8 (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, which is laid on white; uint16 likewise.
    """
    height, width = picture.shape[:2]
    return resize_to_input(picture, (height, width, 1))[..., 0].astype(np.float32)


def first_centre(size: int, side: int, padding: Padding, stride: int) -> tuple[int, int]:
    """Return where along one axis the kernel's centre lies for the first sum, and how many sums there are.

    As in TensorFlow: `valid` keeps the kernel inside; `same` gives one sum for each `stride` pixels begun, and puts of
    the zeros that this needs the smaller half before the first pixel.
    """
    if padding == "valid":
        return side // 2, max(0, (size - side) // stride + 1)
    count = -(-size // stride)
    zeros = max((count - 1) * stride + side - size, 0)
    return side // 2 - zeros // 2, count


def correlate(grey: np.ndarray, kernel: np.ndarray, padding: Padding = "same", stride: int = 1) -> np.ndarray:
    """Return the cross-correlation of a picture with a kernel.

    It is multiplied and added as the kernel lies, without the flip of the mathematician's convolution: what every CNN
    library calls a convolution.

    Args:
        grey: float32 (h, w).
        kernel: float32 (side, side), an odd side.
        padding: `same`: outside the picture everything counts as 0; `valid`: the kernel stays inside.
        stride: pixels from one sum to the next, along both axes.

    Returns:
        float32 (rows, columns), as `tf.nn.conv2d` gives it.

    Raises:
        UserError: when the kernel is larger than a picture without padding.
    """
    sums = cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    (top, rows), (left, columns) = (first_centre(size, len(kernel), padding, stride) for size in grey.shape)
    if not rows or not columns:
        raise UserError("kernel_larger", side=len(kernel))
    return sums[top::stride, left::stride][:rows, :columns]


def nearest_sum(
    place: tuple[int, int], shape: tuple[int, int], side: int, padding: Padding = "same", stride: int = 1
) -> tuple[int, int]:
    """Return the row and the column of the sum whose centre lies nearest to a pixel of the picture."""
    found = []
    for position, size in zip(place, shape, strict=True):
        first, count = first_centre(size, side, padding, stride)
        found.append(min(max(round((position - first) / stride), 0), count - 1))
    return found[0], found[1]


def shown(sums: np.ndarray, sign: Sign = "clipped", threshold: float | None = THRESHOLD) -> np.ndarray:
    """Return sums as a picture.

    Args:
        sums: float32 (h, w).
        sign: `clipped`: below 0 is black; `absolute`: the sign does not count; `signed`: a colour for each sign.
        threshold: what is above it is shown in full, all else black; None: brightness is the sum, up to 255.

    Returns:
        uint8 (h, w), for `signed` (h, w, 3).
    """
    size = np.abs(sums) if sign != "clipped" else sums
    share = np.clip(size / 255, 0, 1) if threshold is None else (size > threshold).astype(np.float32)
    if sign != "signed":
        return (255 * share).round().astype(np.uint8)
    return (np.where(sums[..., None] < 0, NEGATIVE, POSITIVE) * share[..., None]).round().astype(np.uint8)


def as_threshold(threshold: Any) -> float:
    """Check a threshold that came from outside.

    Raises:
        UserError: when it is not a finite number.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not np.isfinite(float(threshold)):
        raise UserError("threshold_number")
    return float(threshold)


def validate_choice(value: Any, choices: tuple) -> Any:
    """Check a choice that came from outside.

    Raises:
        UserError: when there is no such one.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value not in choices:
        raise UserError("choice_unknown", choices=", ".join(map(str, choices)))
    return value


@dataclass(frozen=True)
class Arithmetic:
    """How one sum came about."""

    row: int  # of the sum's centre, in the picture
    column: int
    patch: np.ndarray  # float32 (side, side): the grey levels below the kernel, 0 outside the picture
    kernel: np.ndarray  # float32 (side, side)

    @property
    def products(self) -> np.ndarray:
        """Each grey level times its weight, float32 (side, side)."""
        return self.patch * self.kernel

    @property
    def total(self) -> float:
        """The sum."""
        return float(self.products.sum())


def arithmetic(
    grey: np.ndarray, kernel: np.ndarray, row: int, column: int, padding: Padding = "same", stride: int = 1
) -> Arithmetic:
    """Return how `correlate` came to its sum at a row and a column of its result.

    Raises:
        IndexError: when the result has no such row or column.
    """
    half = len(kernel) // 2
    centres = []
    for position, size in zip((row, column), grey.shape, strict=True):
        first, count = first_centre(size, len(kernel), padding, stride)
        if not 0 <= position < count:
            raise IndexError(f"{position} is not one of {count}")
        centres.append(first + position * stride)
    top, left = centres  # of the patch, in the padded picture
    patch = np.pad(grey, half)[top : top + len(kernel), left : left + len(kernel)]
    return Arithmetic(centres[0], centres[1], patch, kernel)
