"""What the network sees, as images in HTML: its input, and the pixels that the answer rests on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import cv2
import numpy as np

from model.preprocess.pixels import encode_png
from ui.edges.convolution import POSITIVE_RGB
from ui.markup import html_text

FULL_COLOR_QUANTILE = 0.995  # of the saliency; a few pixels may be far above all others
SALIENCY_SIGMA_PX = 0.8  # of a Gaussian: gradients of single pixels are noisy, those of a stroke are informative


def image_html(pixels: np.ndarray, caption: str) -> str:
    """Return a figure of an image, uint8 (h, w), (h, w, 1) or (h, w, 3) RGB, with a caption that describes it."""
    data = b64encode(encode_png(pixels)).decode()
    text = html_text(caption)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def pairs_html(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs of figures, each pair side by side."""
    return f'<div class="pairs">{"".join(f"<div>{left}{right}</div>" for left, right in pairs)}</div>'


def saliency_image(pixels: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Return the network's input, with the pixels colored that the answer rests on.

    Negative values are left out. They would be read as evidence against the answer, which an estimate from the gradient
    does not show.

    Args:
        pixels: uint8 (h, w, 1) or (h, w, 3), the network's input.
        saliency: float32 (h, w); see `model.explain`.

    Returns:
        uint8 (h, w, 3) RGB.
    """
    gray = pixels.astype(np.float32).mean(axis=2, keepdims=True)
    saliency = np.maximum(cv2.GaussianBlur(saliency, (0, 0), SALIENCY_SIGMA_PX), 0)
    full_color = max(np.quantile(saliency, FULL_COLOR_QUANTILE), 1e-9)
    opacity = np.clip(saliency / full_color, 0, 1)[..., None]
    return (0.5 * gray * (1 - opacity) + POSITIVE_RGB * opacity).round().astype(np.uint8)
