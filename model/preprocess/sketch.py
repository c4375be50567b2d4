"""Any drawing -> the network's input; this module alone decides on size, stroke width and centering.

Training, evaluation, `predict` and the demo all use it, so they cannot prepare a drawing differently.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from PIL import Image

from model.pixel_format import PixelFormat
from model.preprocess.cost import describe_failure
from model.preprocess.decode import decode_batch, read_pixels, to_array
from model.preprocess.foreground import MAX_COUNTED_SIDE_PX, MIN_INK_SHARE, crop, extract_strokes, find_strokes
from model.preprocess.handwriting import count_doubts
from model.preprocess.pixels import resize_by
from model.preprocess.segmentation import split_characters

# MNIST was made by fitting a digit into 20x20 and placing its center of mass at the center of 28x28
# (LeCun et al., http://yann.lecun.com/exdb/mnist/); the shares serve other sizes as well.
BOX_SHARE = 20 / 28
OVERSAMPLING = 8  # drawings are shaped at 8 times the network's size, then averaged down
# Width of MNIST strokes: the median of `stroke_width` over training rows of the bundled sample, enlarged
# `OVERSAMPLING` times as drawings are; at their own size it could be measured in whole pixels only.
STROKE_SHARE = 2.34 / 28


@dataclass(frozen=True)
class Sign:
    """One sign of a sheet.

    Attributes:
        pixels: uint8 of the network's shape; None for a mark, which the network is not asked about.
        line: the number of its line, from 0 at the top.
        mark: see `split_characters`; empty if the network reads it.
    """

    pixels: np.ndarray | None
    line: int = 0
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """What is drawn or written on a sheet.

    Attributes:
        whole: uint8 of the network's shape, what `sketch_to_input` makes of the whole sheet.
        signs: line by line, each from left to right.
        doubts: how many facts speak against handwriting: see `count_doubts`; too many signs are one more.
    """

    whole: np.ndarray
    signs: list[Sign]
    doubts: int = 0

    @property
    def inputs(self) -> list[np.ndarray]:
        """The network's input for each sign that it reads."""
        return [sign.pixels for sign in self.signs if sign.pixels is not None]


def sketch_to_input(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Prepare a free drawing the way MNIST's makers prepared their scans: light ink on black, boxed and centered.

    The drawing may have any size, be dark on light or light on dark, opaque or transparent, off-center, tiny or
    huge, or photographed on paper under uneven light (`photo`). Its ink is cut out, its strokes are brought to the
    width of MNIST's, its longer side to 20/28 of the network's side, and its center of mass to the center; grays are
    area averages.

    Args:
        drawing: see `to_array`.
        image_shape: height, width, channels of the network.

    Returns:
        uint8 of that shape, 0 for paper, 255 for full ink.

    Raises:
        BlankDrawingError: if nothing is drawn.
        ImageError: if it is not an image.
    """
    return _ink_to_input(extract_strokes(to_array(drawing)), image_shape)


def read_sheet(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> Sheet:
    """Prepare each sign of a drawing as `sketch_to_input` prepares a whole drawing.

    Args:
        drawing: see `to_array`.
        image_shape: height, width, channels of the network.

    Returns:
        the sheet; the input of a single sign is what `sketch_to_input` returns.

    Raises:
        BlankDrawingError: if nothing is drawn.
        ImageError: if it is not an image.

    Example:
        `[sign.mark or "digit" for sign in read_sheet(drawing, (28, 28, 1)).signs]` of "3,5" is
        `["digit", ",", "digit"]`.
    """
    ink, photo = find_strokes(to_array(drawing))
    doubts = 0 if photo is None else count_doubts(photo)
    small = _resize_longest_side(crop(ink), MAX_COUNTED_SIDE_PX) if max(ink.shape) > MAX_COUNTED_SIDE_PX else ink
    characters = split_characters(small, stroke_width(small))
    whole = _ink_to_input(ink, image_shape)
    if len(characters) == 1:
        return Sheet(whole, [Sign(whole)], doubts + characters[0].is_crowd)
    signs = [Sign(None if one.mark else _ink_to_input(one.ink, image_shape), one.line, one.mark) for one in characters]
    return Sheet(whole, signs, doubts)


def sketch_to_inputs(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Return the network's input for each sign of a drawing but the marks; see `read_sheet`.

    Returns:
        at least one uint8 array of that shape.
    """
    return read_sheet(drawing, image_shape).inputs


def decode_mixed_batch(
    encoded: Sequence[np.ndarray],
    sketches: np.ndarray,
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
    costly: Callable[[int], AbstractContextManager] = nullcontext,
) -> tuple[np.ndarray, dict[int, str]]:
    """Decode a batch as `decode_batch` does, except that some of its images are free drawings.

    Args:
        encoded: the files' bytes, uint8 (bytes,) each.
        sketches: bool (n,): which images `sketch_to_input` prepares.
        image_shape: height, width, channels (1 gray, 3 RGB).
        pixel_format: of the images that are not drawings; a drawing is made visible by itself.
        costly: see `decode_batch`.

    Returns:
        what `decode_batch` returns; a drawing without a stroke counts as an image that cannot be decoded.
    """
    images, errors = np.zeros((len(encoded), *image_shape), np.uint8), dict[int, str]()
    plain = np.flatnonzero(~sketches)
    images[plain], plain_errors = decode_batch(
        [encoded[position] for position in plain.tolist()],
        image_shape,
        pixel_format,
        lambda position: costly(int(plain[position])),
    )
    errors |= {int(plain[position]): reason for position, reason in plain_errors.items()}
    for position in np.flatnonzero(sketches).tolist():
        try:
            pixels = read_pixels(encoded[position].tobytes(), costly=partial(costly, position))
            images[position] = sketch_to_input(pixels, image_shape)
        except Exception as error:  # one broken image must not fail the whole batch
            errors[position] = describe_failure(error)
    return images, errors


def stroke_width(ink: np.ndarray) -> float:
    """Return the typical stroke width of ink, float32 (h, w) from 0 to 1, in pixels.

    Along the middle line of a stroke the distance to the nearest paper is half the stroke's width; the middle line
    is where that distance has its local maxima.
    """
    mask = np.pad((ink > 0.5).astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # A squared distance is a whole number. OpenCV's floats differ in their last bit from call to call, which would
    # make a random choice among equal neighbors.
    squared = np.rint(distance**2)
    ridge = (squared > 0) & (squared >= cv2.dilate(squared, np.ones((3, 3), np.uint8)))
    return float(2 * np.median(np.sqrt(squared[ridge].astype(np.float64))) - 1) if ridge.any() else 1.0


def _ink_to_input(ink: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    ink = crop(ink)
    side = min(height, width)
    box, stroke = side * BOX_SHARE * OVERSAMPLING, side * STROKE_SHARE * OVERSAMPLING

    # Widening strokes by d pixels widens the box by d as well, so the ink is first resized to what remains.
    ink = _resize_longest_side(ink, box)
    growth = stroke - stroke_width(ink)
    growth = float(np.clip(growth, -stroke, 0.9 * stroke))
    ink = _thicken(_resize_longest_side(ink, box - growth), growth)
    ink = _resize_longest_side(crop(ink), box)

    canvas = _center_by_mass(ink, height * OVERSAMPLING, width * OVERSAMPLING)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    small = np.round(small * (255 / max(small.max(), 1e-6))).astype(np.uint8)
    return np.repeat(small[..., None], channels, axis=2)


def _resize_longest_side(ink: np.ndarray, side: float) -> np.ndarray:
    return resize_by(ink, side / max(ink.shape))


def _thicken(ink: np.ndarray, growth: float) -> np.ndarray:
    """Widen strokes by `growth` pixels in total, or thin them if it is negative, with a disc."""
    radius = round(abs(growth) / 2)
    if not radius:
        return ink
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if growth > 0:
        return cv2.dilate(cv2.copyMakeBorder(ink, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0), disc)
    thinned = cv2.erode(ink, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return thinned if thinned.max() > MIN_INK_SHARE else ink


def _center_by_mass(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """Place ink on a black canvas, its center of mass at the center, moved back if it would leave the canvas."""
    moments = cv2.moments(ink)
    x, y = moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5
    top = int(np.clip(round(height / 2 - y), 0, height - ink.shape[0]))
    left = int(np.clip(round(width / 2 - x), 0, width - ink.shape[1]))
    canvas = np.zeros((height, width), np.float32)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas
