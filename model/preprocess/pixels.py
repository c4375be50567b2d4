"""Resize, composite and encode arrays of pixels."""

from functools import lru_cache

import cv2
import numpy as np

from model.pixel_format import WHITE_LEVELS


def resize_by(pixels: np.ndarray, scale: float, enlarge_with: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Scale both sides of an image.

    Args:
        pixels: uint8 or float32 (h, w[, c]).
        scale: the factor; each side keeps at least one pixel.
        enlarge_with: OpenCV's interpolation for a factor of 1 or more; smaller images are averages of areas.

    Returns:
        (round(h · scale), round(w · scale)[, c]) of the same dtype.
    """
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else enlarge_with)


def fitted_size(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of an image that is fitted into a target with its aspect kept."""
    scale = min(target[0] / size[0], target[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def letterbox(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image, uint8 (h, w[, c]), to a size with its aspect kept; the rest is filled with black."""
    rows, columns = fitted_size(pixels.shape[:2], (height, width))
    is_smaller = rows < pixels.shape[0] or columns < pixels.shape[1]
    resized = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas = np.zeros((height, width, *pixels.shape[2:]), np.uint8)
    canvas[top : top + rows, left : left + columns] = resized
    return canvas


def composite_over(background: int, rgba: np.ndarray) -> np.ndarray:
    """Place an image with transparency, uint8 (h, w, 4), on a gray from 0 (black) to 255: uint8 (h, w, 3)."""
    alpha = cv2.cvtColor(cv2.extractChannel(rgba, 3), cv2.COLOR_GRAY2RGB)
    on_black = cv2.multiply(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    if background == 0:
        return on_black
    return cv2.add(on_black, cv2.convertScaleAbs(255 - alpha, alpha=background / 255))


def to_8_bits(pixels: np.ndarray, white_level: int) -> np.ndarray:
    """Return an image with its white at 255.

    Args:
        pixels: uint8, which is returned as it is, or uint16 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4).
        white_level: the value of white in 16-bit images; transparency always has the full 16 bits.
    """
    if pixels.dtype == np.uint8:
        return pixels
    scaled = _levels(white_level)[pixels]
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        scaled[..., 3] = _levels(65535)[pixels[..., 3]]
    return scaled


@lru_cache(len(WHITE_LEVELS))
def _levels(white_level: int) -> np.ndarray:
    """Return the gray level of every value of 16 bits, uint8 (65536,): faster than arithmetic, and no floats."""
    return np.minimum(np.round(np.arange(65536) * (255 / white_level)), 255).astype(np.uint8)


def encode_png(pixels: np.ndarray) -> bytes:
    """Return an image, uint8 (h, w), (h, w, 1) or (h, w, 3) RGB, as a PNG file."""
    is_rgb = pixels.ndim == 3 and pixels.shape[2] == 3
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if is_rgb else pixels)[1].tobytes()
