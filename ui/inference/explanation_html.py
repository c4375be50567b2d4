"""What happens inside the network, as pictures in HTML: its input, what spoke for the answer, the feature maps."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.preprocess.pixels import encode_png
from ui.edges.convolution import NEGATIVE_RGB, POSITIVE_RGB

if TYPE_CHECKING:
    from model.explain import Explanation

STRONGEST = 0.995  # quantile of the saliency that gets the full colour: single pixels may be far above the others
NEIGHBOURS = 0.8  # pixels, sigma of a Gaussian: gradients of single pixels are noisy, those of a stroke tell something
MOST_MAPS = 96  # of a layer that are shown
ROW = 12  # feature maps side by side


def picture_html(pixels: np.ndarray, caption: str) -> str:
    """Return a figure of a picture, uint8 (h, w), (h, w, 1) or (h, w, 3) RGB, with a caption that says it in words."""
    data = b64encode(encode_png(pixels)).decode()
    text = escape(caption, quote=True)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def pairs_html(pairs: Iterable[tuple[str, str]]) -> str:
    """Return figures two by two, each pair side by side."""
    return f'<div class="pairs">{"".join(f"<div>{one}{other}</div>" for one, other in pairs)}</div>'


def saliency_picture(pixels: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    """Return the network's input with a colour where pixels spoke for the answer (orange) or against it (blue).

    Args:
        pixels: uint8 (h, w, 1) or (h, w, 3), the network's input.
        saliency: float32 (h, w); see `model.explain`.

    Returns:
        uint8 (h, w, 3) RGB.
    """
    grey = pixels.astype(np.float32).mean(axis=2, keepdims=True)
    saliency = cv2.GaussianBlur(saliency, (0, 0), NEIGHBOURS)
    share = np.clip(np.abs(saliency) / max(np.quantile(np.abs(saliency), STRONGEST), 1e-9), 0, 1)[..., None]
    colour = np.where(saliency[..., None] < 0, NEGATIVE_RGB, POSITIVE_RGB)
    return (0.5 * grey * (1 - share) + colour * share).round().astype(np.uint8)


def mosaic(maps: np.ndarray) -> np.ndarray:
    """Return a layer's feature maps as tiles, in the order of its filters, brightest where the layer answers most.

    Args:
        maps: float32 (h, w, filters), after the activation.

    Returns:
        uint8 (rows * (h + 1) - 1, columns * (w + 1) - 1), a line of black between two tiles.
    """
    height, width, count = maps.shape
    count = min(count, MOST_MAPS)
    low, high = float(maps.min()), float(maps.max())
    tiles = ((maps[..., :count] - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8)
    columns = min(ROW, count)
    rows = -(-count // columns)
    sheet = np.zeros((rows, columns, height + 1, width + 1), np.uint8)
    sheet.reshape(-1, height + 1, width + 1)[:count, :height, :width] = tiles.transpose(2, 0, 1)
    return sheet.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]


def maps_html(explanation: Explanation) -> str:
    """Return all feature maps, a figure a convolution, from the input to the answer."""
    figures = (
        picture_html(mosaic(maps), f"{name}: {maps.shape[2]} × ({maps.shape[0]} × {maps.shape[1]})")
        for name, maps in explanation.feature_maps.items()
    )
    return f'<div class="maps">{"".join(figures)}</div>'
