"""What the edges tab shows for an image and a kernel: the original, its edges, and the arithmetic of one pixel."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from model.preprocess.decode import resize_to_input
from model.preprocess.facts import fit_pixel_format
from model.preprocess.pixels import encode_png, resize_by
from ui.edges.convolution import (
    DEFAULT_THRESHOLD,
    PADDINGS,
    SIGN_MODES,
    STRIDES,
    Arithmetic,
    Padding,
    SignMode,
    correlate,
    explain_sum,
    is_finite,
    nearest_sum,
    sums_to_image,
    to_gray,
    validate_choice,
    validate_threshold,
)
from ui.edges.kernels import validate_kernel

MAX_SHOWN_SIDE_PX = 1600  # longer side of the images that are sent to a browser


@dataclass(frozen=True)
class EdgeOptions:
    """How an image's edges are computed and shown."""

    sign: SignMode = "clipped"
    threshold: float | None = DEFAULT_THRESHOLD  # None: the brightness is the sum
    padding: Padding = "same"
    stride: int = 1
    row: Any = None  # of the pixel whose arithmetic is shown; see `clamp_index`
    column: Any = None

    @classmethod
    def from_controls(
        cls, sign: Any, output: Any, threshold: Any, padding: Any, stride: Any, row: Any, column: Any
    ) -> "EdgeOptions":
        """Return the options for the values of the tab's controls, which came from a client.

        Raises:
            UserError: if a value is not possible.
        """
        return cls(
            sign=validate_choice(sign, SIGN_MODES),
            threshold=validate_threshold(threshold) if output == "binary" else None,
            padding=validate_choice(padding, PADDINGS),
            stride=validate_choice(stride, STRIDES),
            row=row,
            column=column,
        )


@dataclass(frozen=True)
class EdgeView:
    """What the tab shows."""

    original: np.ndarray  # uint8 (h, w, 3) RGB, the longer side at most `MAX_SHOWN_SIDE_PX`
    edges: np.ndarray  # uint8 (h, w) or (h, w, 3) RGB, as large as the original
    arithmetic: Arithmetic


def edge_map(image: np.ndarray, kernel: Any = "vertical", threshold: float = DEFAULT_THRESHOLD) -> np.ndarray:
    """Return the edges of an image: gray, cross-correlated with a kernel (`correlate`), above a threshold.

    Args:
        image: uint8 or uint16, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA; see `to_gray`.
        kernel: a name in `KERNELS`, or a matrix; see `validate_kernel`.
        threshold: in gray levels times weights. A pixel is white if its sum, with its sign, is above the threshold.

    Returns:
        uint8 (h, w), 255 for edges and 0 elsewhere.

    Raises:
        UserError: if the kernel or the threshold is not valid.

    Example:
        >>> edge_map(np.asarray(Image.open("photo.jpg")), "sobel", threshold=80)
    """
    sums = correlate(to_gray(image), validate_kernel(kernel))
    return sums_to_image(sums, "clipped", validate_threshold(threshold))


def edge_map_png(image: np.ndarray, kernel: Any, threshold: float) -> bytes:
    """Return the result of `edge_map` as PNG."""
    return encode_png(edge_map(image, kernel, threshold))


def edge_view_pngs(
    image: np.ndarray, size: tuple[int, int], matrix: Any, options: EdgeOptions
) -> tuple[bytes, bytes, Arithmetic]:
    """Return the result of `render_edges`: the original and its edges as PNG, and the arithmetic."""
    view = render_edges(image, size, matrix, options)
    return encode_png(view.original), encode_png(view.edges), view.arithmetic


def render_edges(image: np.ndarray, size: tuple[int, int], matrix: Any, options: EdgeOptions) -> EdgeView:
    """Return everything that the tab shows for an image and a kernel.

    Args:
        image: as `edge_map` takes it.
        size: height and width of the image before it was scaled down, in which the row and column count.
        matrix: the kernel; see `validate_kernel`.
        options: what was chosen.

    Raises:
        UserError: if the kernel is not valid or does not fit into the image.
    """
    kernel, gray = validate_kernel(matrix), to_gray(image)
    layout = options.padding, options.stride
    result = sums_to_image(correlate(gray, kernel, *layout), options.sign, options.threshold)
    original = original_as_rgb(image)
    (height, width), (rows, columns) = size, gray.shape
    pixel = (
        clamp_index(options.row, height) * rows // height,
        clamp_index(options.column, width) * columns // width,
    )
    row, column = nearest_sum(pixel, (rows, columns), len(kernel), *layout)
    return EdgeView(original, _resize_like(result, original), explain_sum(gray, kernel, row, column, *layout))


def original_as_rgb(pixels: np.ndarray) -> np.ndarray:
    """Return an image to be compared with its edges, uint8 (h, w, 3) RGB, as visible as by `to_gray`."""
    small = resize_by(pixels, min(1, MAX_SHOWN_SIDE_PX / max(pixels.shape[:2])))
    return resize_to_input(small, (*small.shape[:2], 3), fit_pixel_format(pixels))


def clamp_index(index: Any, size: int) -> int:
    """Return a row or column that came from a client as one inside the image; the middle if it is not a finite number.

    Args:
        index: any value.
        size: rows or columns of the image.
    """
    return min(max(int(index), 0), size - 1) if is_finite(index) else size // 2


def _resize_like(result: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Bring a result, which a stride or missing padding makes smaller, to the size of the original."""
    height, width = original.shape[:2]
    interpolation = cv2.INTER_NEAREST if result.shape[0] < height else cv2.INTER_AREA
    return cv2.resize(result, (width, height), interpolation=interpolation)
