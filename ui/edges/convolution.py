"""Convolution of a gray image with a kernel: the sums, and the sums as an image."""

import math
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
# With the kernel turned by 180°, as SciPy does, or as it is, as Keras does.
OPERATIONS = ("convolution", "correlation")
DEFAULT_THRESHOLD = 50

# Blue above zero and orange below, everywhere in the page; they differ for every kind of color blindness.
POSITIVE_RGB, NEGATIVE_RGB = np.array([64, 132, 255], np.float32), np.array([255, 150, 50], np.float32)
# Shares of red, green and blue in a gray level (ITU-R BT.601), as Pillow rounds them: 16 bits after the point.
RED, GREEN, BLUE = 19595, 38470, 7471


def to_gray(image: np.ndarray) -> np.ndarray:
    """Return an image's gray levels, float32 (h, w), whole numbers from 0 to 255.

    They are those of Pillow's `convert("L")`, which the course uses, to the last bit.

    Args:
        image: uint8 or uint16, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA. Transparency is placed on white, or on black if
            the image would not be visible on white; white is the highest value that so many bits can have.
    """
    height, width = image.shape[:2]
    if image.ndim == 2:
        return resize_to_input(image, (height, width, 1), fit_pixel_format(image))[..., 0].astype(np.float32)
    red, green, blue = np.moveaxis(
        resize_to_input(image, (height, width, 3), fit_pixel_format(image)).astype(np.uint32), 2, 0
    )
    return ((RED * red + GREEN * green + BLUE * blue + 0x8000) >> 16).astype(np.float32)


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


def flip_kernel(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel turned by 180°, which makes a convolution of a cross-correlation.

    Args:
        kernel: float32 (side, side).
    """
    return np.ascontiguousarray(kernel[::-1, ::-1])


def correlate(gray: np.ndarray, kernel: np.ndarray, padding: Padding = "same", stride: int = 1) -> np.ndarray:
    """Return the cross-correlation of an image with a kernel, which Keras and PyTorch call a convolution.

    A convolution in the strict sense, such as `scipy.signal.convolve2d`, turns the kernel by 180° first: see
    `flip_kernel`.

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


def sums_to_image(
    sums: np.ndarray, sign: SignMode = "clipped", threshold: float | None = DEFAULT_THRESHOLD, gain: float = 1
) -> np.ndarray:
    """Return sums as an image.

    Args:
        sums: float32 (h, w).
        sign: `clipped`: below 0 is black; `absolute`: the sign is ignored; `signed`: one color per sign.
        threshold: sums above it are shown in full, all others black; None: the brightness is the sum, up to 255.
        gain: what the brightness is multiplied by; a threshold is of the sums as they are.

    Returns:
        uint8 (h, w); for `signed` (h, w, 3) RGB.
    """
    size = np.abs(sums) if sign != "clipped" else sums
    share = np.clip(gain * size / 255, 0, 1) if threshold is None else (size > threshold).astype(np.float32)
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
