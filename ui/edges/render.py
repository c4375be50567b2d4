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
    first_center,
    flip_kernel,
    sums_to_image,
    to_gray,
    validate_choice,
    validate_threshold,
)
from ui.edges.kernels import display_gain, validate_kernel

MAX_SHOWN_SIDE_PX = 1600  # longer side of the images that are sent to a browser
HATCH_PX, HATCH_LEVELS = 8, (150, 90)  # of the border without sums: width of two stripes, their gray levels


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
class EdgeFacts:
    """What the tab says of a result, and what a browser needs to compute it."""

    kernel: list[list[float]]  # as it was applied: turned for a convolution
    gain: float  # see `display_gain`
    lit: float  # share of the sums that are not shown black
    lit_negative: float  # share of the sums that are not shown black and are below zero


@dataclass(frozen=True)
class EdgeView:
    """What the tab shows."""

    original: np.ndarray  # uint8 (h, w), the gray levels that are summed; longer side at most `MAX_SHOWN_SIDE_PX`
    edges: np.ndarray  # uint8 (h, w) or (h, w, 3) RGB, as large as the original
    facts: "EdgeFacts"


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


def edge_view_pngs(image: np.ndarray, matrix: Any, options: EdgeOptions) -> tuple[bytes, bytes, EdgeFacts]:
    """Return the result of `render_edges`: the original and its edges as PNG, and the facts."""
    view = render_edges(image, matrix, options)
    return encode_png(view.original), encode_png(view.edges), view.facts


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
    weights, gray = validate_kernel(matrix), to_gray(original_as_rgb(image))
    kernel = flip_kernel(weights) if options.flip else weights
    gain = display_gain(kernel) if options.threshold is None else 1.0
    sums = correlate(gray, kernel, options.padding, options.stride)
    result = sums_to_image(sums, options.sign, options.threshold, gain)
    is_lit = result.reshape(*sums.shape, -1).any(axis=2)
    facts = EdgeFacts(kernel.tolist(), gain, float(is_lit.mean()), float((is_lit & (sums < 0)).mean()))
    return EdgeView(gray.astype(np.uint8), _place(result, gray.shape, len(kernel), options), facts)


def original_as_rgb(pixels: np.ndarray) -> np.ndarray:
    """Return an image to be compared with its edges, uint8 (h, w, 3) RGB, as visible as by `to_gray`."""
    small = resize_by(pixels, min(1, MAX_SHOWN_SIDE_PX / max(pixels.shape[:2])))
    return resize_to_input(small, (*small.shape[:2], 3), fit_pixel_format(pixels))


def _place(result: np.ndarray, size: tuple[int, ...], side: int, options: EdgeOptions) -> np.ndarray:
    """Bring a result to the size of the image, each sum where its kernel was.

    A stride makes the result smaller: each sum then covers as many pixels as the kernel moved. Without padding there
    are no sums for the border, which is hatched.

    Args:
        result: uint8 (rows, columns) or (rows, columns, 3).
        size: the image's height and width.
        side: of the kernel.
        options: how the result was computed.
    """
    if options.padding == "same":
        return cv2.resize(result, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
    spans = []
    for length in size:
        first, count = first_center(length, side, options.padding, options.stride)
        start, end = first - (options.stride - 1) // 2, first + (count - 1) * options.stride + options.stride // 2 + 1
        spans.append(slice(max(start, 0), min(end, length)))
    rows, columns = spans
    diagonal = np.add.outer(np.arange(size[0]), np.arange(size[1])) % HATCH_PX < HATCH_PX // 2
    hatched = np.where(diagonal, *HATCH_LEVELS).astype(np.uint8)
    placed = hatched if result.ndim == 2 else np.repeat(hatched[..., None], 3, axis=2)
    height, width = placed[rows, columns].shape[:2]
    placed[rows, columns] = cv2.resize(result, (width, height), interpolation=cv2.INTER_NEAREST)
    return placed
