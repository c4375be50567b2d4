"""What the network sees, as images in HTML: its input, and the pixels that the answer rests on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import cv2
import numpy as np

from model.preprocess.pixels import encode_png
from ui.edges.convolution import POSITIVE_RGB
from ui.i18n import Language, percent, translate
from ui.markup import html_text

FULL_COLOR_QUANTILE = 0.995  # of the saliency; a few pixels may be far above all others
PLACES = ("top_left", "top", "top_right", "left", "middle", "right", "bottom_left", "bottom", "bottom_right")
SALIENCY_SIGMA_PX = 0.8  # of a Gaussian: gradients of single pixels are noisy, those of a stroke are informative


def image_html(pixels: np.ndarray, caption: str, alt: str) -> str:
    """Return a figure of an image, uint8 (h, w), (h, w, 1) or (h, w, 3) RGB, with a caption.

    Args:
        pixels: of the image.
        caption: what it is.
        alt: what is seen on it, for those who do not see it.
    """
    source = f"data:image/png;base64,{b64encode(encode_png(pixels)).decode()}"
    return f'<figure><img src="{source}" alt="{html_text(alt)}"><figcaption>{html_text(caption)}</figcaption></figure>'


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
    opacity = _opacity(saliency)[..., None]
    return (0.5 * gray * (1 - opacity) + POSITIVE_RGB * opacity).round().astype(np.uint8)


def describe_input(pixels: np.ndarray, language: Language) -> str:
    """Return where the network's input, uint8 (h, w, 1) or (h, w, 3), has at least half of its highest brightness."""
    gray = pixels.astype(np.float32).mean(axis=2)
    rows, columns = np.nonzero(gray >= gray.max() / 2)
    ends = {"top": rows.min(), "bottom": rows.max(), "left": columns.min(), "right": columns.max()}
    return translate("seen_alt", language, width=gray.shape[1], height=gray.shape[0], **ends)


def describe_saliency(saliency: np.ndarray, language: Language) -> str:
    """Return in which of nine parts most of the color of `saliency_image` is; float32 (h, w)."""
    opacity = _opacity(saliency)
    parts = [part.sum() for band in np.array_split(opacity, 3) for part in np.array_split(band, 3, axis=1)]
    if not sum(parts):
        return translate("saliency", language)  # nothing is colored
    place = translate(f"place_{PLACES[int(np.argmax(parts))]}", language)
    share = percent(float(max(parts) / sum(parts)), language, 0)
    return translate("saliency_alt", language, place=place, share=share)


def _opacity(saliency: np.ndarray) -> np.ndarray:
    """Return how much of its color each pixel gets, float32 (h, w), 0 … 1."""
    smooth = np.maximum(cv2.GaussianBlur(saliency, (0, 0), SALIENCY_SIGMA_PX), 0)
    return np.clip(smooth / max(np.quantile(smooth, FULL_COLOR_QUANTILE), 1e-9), 0, 1)
