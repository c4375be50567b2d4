"""Image files in every format, made in memory."""

import io

import cv2
import numpy as np
from PIL import Image


def encode_image(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    """Return an image as a file; `kind` and `options` are Pillow's."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def encode_16_bits(pixels: np.ndarray, ending: str = ".png") -> bytes:
    """Return an image, uint16 (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, as a file of 16 bits."""
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    return cv2.imencode(ending, pixels)[1].tobytes()


def drawing(gray: int = 0, side: int = 32, alpha: int = 255) -> Image.Image:
    """Return a disc of this gray on a transparent ground, as icons are stored."""
    y, x = np.mgrid[:side, :side] - side / 2
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[x**2 + y**2 < (side / 4) ** 2] = (gray, gray, gray, alpha)
    return Image.fromarray(pixels)


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return something like a photograph, uint8 (h, w, 3): smooth colors, edges, and a camera's noise."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    for _ in range(12):
        center, radius = random.integers(0, (width, height)), int(random.integers(5, 5 + min(height, width) // 5))
        cv2.circle(pixels, center.tolist(), radius, random.integers(0, 256, 3).tolist(), -1)
    pixels += random.normal(0, 6, (height, width, 1)).astype(np.int16)
    return np.clip(pixels, 0, 255).astype(np.uint8)
