"""Scaling of images with the aspect kept, and their encoding as PNG."""

import cv2
import numpy as np


def rescale(pixels: np.ndarray, scale: float, enlarge: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Scale an image by a factor; each side keeps at least one pixel.

    Args:
        pixels: (h, w) or (h, w, c).
        scale: factor for both sides; below 1 every new pixel is the average of the area that it covers.
        enlarge: OpenCV's interpolation for a factor of 1 or more.

    Returns:
        the image with sides of `round(scale * side)` pixels, same dtype.
    """
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else enlarge)


def encode_png(pixels: np.ndarray) -> bytes:
    """Return an image as a PNG file: uint8 (h, w), (h, w, 1) or (h, w, 3) RGB."""
    is_rgb = pixels.ndim == 3 and pixels.shape[2] == 3
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if is_rgb else pixels)[1].tobytes()
