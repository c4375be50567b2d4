"""Resize, composite and encode arrays of pixels."""

import cv2
import numpy as np


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


def letterbox(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image, uint8 (h, w[, c]), to a size with its aspect kept; the rest is filled with black."""
    resized = resize_by(pixels, min(height / pixels.shape[0], width / pixels.shape[1]))
    top, left = (height - resized.shape[0]) // 2, (width - resized.shape[1]) // 2
    canvas = np.zeros((height, width, *pixels.shape[2:]), np.uint8)
    canvas[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
    return canvas


def composite_over(background: int, rgba: np.ndarray) -> np.ndarray:
    """Place an image with transparency, uint8 (h, w, 4), on black (0) or white (255): uint8 (h, w, 3)."""
    alpha = cv2.cvtColor(cv2.extractChannel(rgba, 3), cv2.COLOR_GRAY2RGB)
    on_black = cv2.multiply(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    return cv2.add(on_black, 255 - alpha) if background else on_black


def encode_png(pixels: np.ndarray) -> bytes:
    """Return an image, uint8 (h, w), (h, w, 1) or (h, w, 3) RGB, as a PNG file."""
    is_rgb = pixels.ndim == 3 and pixels.shape[2] == 3
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if is_rgb else pixels)[1].tobytes()
