"""What the edges tab shows for an image and a kernel: the original and its edges."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from model.preprocess.decode import resize_to_input
from model.preprocess.facts import fit_pixel_format
from model.preprocess.pixels import encode_png, resize_by
from ui.edges.convolution import (
    DEFAULT_THRESHOLD,
    OPERATIONS,
    PADDINGS,
    SIGN_MODES,
    STRIDES,
    Padding,
    SignMode,
    correlate,
    flip_kernel,
    sums_to_image,
    to_gray,
    validate_choice,
    validate_threshold,
)
from ui.edges.kernels import display_gain, validate_kernel

MAX_SHOWN_SIDE_PX = 1600  # longer side of the images that are sent to a browser


@dataclass(frozen=True)
class EdgeOptions:
    """How an image's edges are computed and shown."""

    sign: SignMode = "clipped"
    threshold: float | None = DEFAULT_THRESHOLD  # None: the brightness is the sum
    padding: Padding = "same"
    stride: int = 1
    flip: bool = False  # whether the kernel is turned by 180° first, as SciPy and the course do

    @classmethod
    def from_controls(
        cls, sign: Any, output: Any, threshold: Any, padding: Any, stride: Any, operation: Any
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
            flip=validate_choice(operation, OPERATIONS) == "convolution",
        )


@dataclass(frozen=True)
class EdgeView:
    """What the tab shows."""

    original: np.ndarray  # uint8 (h, w, 3) RGB, the longer side at most `MAX_SHOWN_SIDE_PX`
    edges: np.ndarray  # uint8 (h, w) or (h, w, 3) RGB, as large as the original
    kernel: np.ndarray  # float32 (side, side), as it was applied: turned for a convolution
    gain: float  # see `display_gain`


def edge_map(
    image: np.ndarray, kernel: Any = "vertical", threshold: float = DEFAULT_THRESHOLD, flip: bool = False
) -> np.ndarray:
    """Return the edges of an image: gray, cross-correlated with a kernel (`correlate`), above a threshold.

    Args:
        image: uint8 or uint16, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA; see `to_gray`.
        kernel: a name in `KERNELS`, or a matrix; see `validate_kernel`.
        threshold: in gray levels times weights. A pixel is white if its sum, with its sign, is above the threshold.
        flip: whether the kernel is turned by 180° first, as in `scipy.signal.convolve2d`.

    Returns:
        uint8 (h, w), 255 for edges and 0 elsewhere.

    Raises:
        UserError: if the kernel or the threshold is not valid.

    Example:
        >>> edge_map(np.asarray(Image.open("photo.jpg")), "sobel", threshold=80)
    """
    weights = validate_kernel(kernel)
    sums = correlate(to_gray(image), flip_kernel(weights) if flip else weights)
    return sums_to_image(sums, "clipped", validate_threshold(threshold))


def edge_map_png(image: np.ndarray, kernel: Any, threshold: float, flip: bool) -> bytes:
    """Return the result of `edge_map` as PNG."""
    return encode_png(edge_map(image, kernel, threshold, flip))


def edge_view_pngs(
    image: np.ndarray, matrix: Any, options: EdgeOptions
) -> tuple[bytes, bytes, list[list[float]], float]:
    """Return the result of `render_edges`: the original and its edges as PNG, the kernel's rows, and the gain."""
    view = render_edges(image, matrix, options)
    return encode_png(view.original), encode_png(view.edges), view.kernel.tolist(), view.gain


def render_edges(image: np.ndarray, matrix: Any, options: EdgeOptions) -> EdgeView:
    """Return everything that the tab shows for an image and a kernel.

    The edges are those of the image that is shown, so that a browser can compute each of their pixels from it.

    Args:
        image: as `edge_map` takes it.
        matrix: the kernel; see `validate_kernel`.
        options: what was chosen.

    Raises:
        UserError: if the kernel is not valid or does not fit into the image.
    """
    weights, original = validate_kernel(matrix), original_as_rgb(image)
    kernel = flip_kernel(weights) if options.flip else weights
    gain = display_gain(kernel) if options.threshold is None else 1.0
    sums = correlate(to_gray(original), kernel, options.padding, options.stride)
    result = sums_to_image(sums, options.sign, options.threshold, gain)
    return EdgeView(original, _resize_like(result, original), kernel, gain)


def original_as_rgb(pixels: np.ndarray) -> np.ndarray:
    """Return an image to be compared with its edges, uint8 (h, w, 3) RGB, as visible as by `to_gray`."""
    small = resize_by(pixels, min(1, MAX_SHOWN_SIDE_PX / max(pixels.shape[:2])))
    return resize_to_input(small, (*small.shape[:2], 3), fit_pixel_format(pixels))


def _resize_like(result: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Bring a result, which a stride or missing padding makes smaller, to the size of the original."""
    height, width = original.shape[:2]
    interpolation = cv2.INTER_NEAREST if result.shape[0] < height else cv2.INTER_AREA
    return cv2.resize(result, (width, height), interpolation=interpolation)
