"""Cross-correlation of a gray image with a kernel: the sums, the sums as an image, and the arithmetic of one sum."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import cv2
import numpy as np

from model.preprocess.decode import resize_to_input
from model.preprocess.facts import fit_pixel_format
from ui.i18n import UserError

Padding = Literal["same", "valid"]
SignMode = Literal["clipped", "absolute", "signed"]
PADDINGS: tuple[Padding, ...] = ("same", "valid")
SIGN_MODES: tuple[SignMode, ...] = ("clipped", "absolute", "signed")
STRIDES = (1, 2, 3, 4)
DEFAULT_THRESHOLD = 50

# Blue below zero and orange above differ for every kind of color blindness.
NEGATIVE_RGB, POSITIVE_RGB = np.array([64, 132, 255], np.float32), np.array([255, 150, 50], np.float32)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Return an image's gray levels, float32 (h, w), 0 … 255.

    Args:
        image: uint8 or uint16, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA. Transparency is placed on white, or on black if
            the image would not be visible on white; white is the highest value that so many bits can have.
    """
    height, width = image.shape[:2]
    return resize_to_input(image, (height, width, 1), fit_pixel_format(image))[..., 0].astype(np.float32)


def first_center(size: int, side: int, padding: Padding, stride: int) -> tuple[int, int]:
    """Return where the kernel's center is for the first sum along one axis, and how many sums there are.

    As in TensorFlow: `valid` keeps the kernel inside the image. `same` gives `ceil(size / stride)` sums; the smaller
    half of the zeros that this needs goes before the first pixel.
    """
    if padding == "valid":
        return side // 2, max(0, (size - side) // stride + 1)
    count = -(-size // stride)
    zeros = max((count - 1) * stride + side - size, 0)
    return side // 2 - zeros // 2, count


def correlate(gray: np.ndarray, kernel: np.ndarray, padding: Padding = "same", stride: int = 1) -> np.ndarray:
    """Return the cross-correlation of an image with a kernel.

    The kernel is not flipped as in a mathematician's convolution. Every CNN library calls this a convolution.

    Args:
        gray: float32 (h, w).
        kernel: float32 (side, side), an odd side.
        padding: `same`: pixels outside the image count as 0; `valid`: the kernel stays inside.
        stride: pixels from one sum to the next, along both axes.

    Returns:
        float32 (rows, columns), as `tf.nn.conv2d` gives it.

    Raises:
        UserError: if the kernel is larger than an image without padding.

    Example:
        >>> correlate(to_gray(image), KERNELS["sobel"], stride=2)
    """
    sums = cv2.filter2D(gray, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    (top, rows), (left, columns) = (first_center(size, len(kernel), padding, stride) for size in gray.shape)
    if not rows or not columns:
        raise UserError("kernel_larger", side=len(kernel))
    return sums[top::stride, left::stride][:rows, :columns]


def nearest_sum(
    pixel: tuple[int, int], shape: tuple[int, int], side: int, padding: Padding = "same", stride: int = 1
) -> tuple[int, int]:
    """Return the row and column of the sum whose center is nearest to a pixel of the image.

    Args:
        pixel: row and column in the image.
        shape: height and width of the image.
        side: of the kernel.
        padding: see `correlate`.
        stride: see `correlate`.
    """
    nearest = []
    for position, size in zip(pixel, shape, strict=True):
        first, count = first_center(size, side, padding, stride)
        nearest.append(min(max(round((position - first) / stride), 0), count - 1))
    return nearest[0], nearest[1]


def sums_to_image(
    sums: np.ndarray, sign: SignMode = "clipped", threshold: float | None = DEFAULT_THRESHOLD
) -> np.ndarray:
    """Return sums as an image.

    Args:
        sums: float32 (h, w).
        sign: `clipped`: below 0 is black; `absolute`: the sign is ignored; `signed`: one color per sign.
        threshold: sums above it are shown in full, all others black; None: the brightness is the sum, up to 255.

    Returns:
        uint8 (h, w); for `signed` (h, w, 3) RGB.
    """
    size = np.abs(sums) if sign != "clipped" else sums
    share = np.clip(size / 255, 0, 1) if threshold is None else (size > threshold).astype(np.float32)
    if sign != "signed":
        return (255 * share).round().astype(np.uint8)
    return (np.where(sums[..., None] < 0, NEGATIVE_RGB, POSITIVE_RGB) * share[..., None]).round().astype(np.uint8)


def validate_threshold(threshold: Any) -> float:
    """Check a threshold that came from a client.

    Raises:
        UserError: if it is not a finite number.
    """
    if isinstance(threshold, bool) or not is_finite(threshold):
        raise UserError("threshold_number")
    return float(threshold)


def is_finite(value: Any) -> bool:
    """Return whether a value that came from a client is a number that a float can hold."""
    try:
        return isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # JSON's integers have any number of digits
        return False


def validate_choice(value: Any, choices: tuple) -> Any:
    """Check a choice that came from a client.

    Raises:
        UserError: if it is not one of the choices.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value not in choices:
        raise UserError("choice_unknown", choices=", ".join(map(str, choices)))
    return value


@dataclass(frozen=True)
class Arithmetic:
    """How one sum was computed."""

    row: int  # of the sum's center, in the image
    column: int
    patch: np.ndarray  # float32 (side, side): the gray levels below the kernel, 0 outside the image
    kernel: np.ndarray  # float32 (side, side)

    @property
    def products(self) -> np.ndarray:
        """Each gray level times its weight, float32 (side, side)."""
        return self.patch * self.kernel

    @property
    def total(self) -> float:
        """The sum."""
        return float(self.products.sum())


def explain_sum(
    gray: np.ndarray, kernel: np.ndarray, row: int, column: int, padding: Padding = "same", stride: int = 1
) -> Arithmetic:
    """Return how `correlate` computed the sum at a row and column of its result.

    Raises:
        IndexError: if the result has no such row or column.
    """
    half = len(kernel) // 2
    centers = []
    for position, size in zip((row, column), gray.shape, strict=True):
        first, count = first_center(size, len(kernel), padding, stride)
        if not 0 <= position < count:
            raise IndexError(f"{position} is not one of {count}")
        centers.append(first + position * stride)
    top, left = centers  # of the patch, in the padded image
    patch = np.pad(gray, half)[top : top + len(kernel), left : left + len(kernel)]
    return Arithmetic(centers[0], centers[1], patch, kernel)
