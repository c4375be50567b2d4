"""The learned kernels of a layer as a strip of tiles with names."""

from base64 import b64encode

import cv2
import numpy as np

from ui.edges.convolution import NEGATIVE_RGB, POSITIVE_RGB
from ui.edges.likeness import nearest_kernel
from ui.i18n import BROWSER_TEXT, Language, number, translate

MAX_TILES = 128


def kernel_strip(planes: np.ndarray) -> np.ndarray:
    """Return kernels as colored tiles next to each other: blue above zero, orange below, transparent at zero.

    Each tile is scaled alone: its largest weight has the full color.

    Args:
        planes: float32 (side, side, kernels).

    Returns:
        uint8 (side, kernels * side, 4) RGBA.
    """
    side, _, count = planes.shape
    strip = planes.transpose(0, 2, 1).reshape(side, count * side)
    largest = np.repeat(np.abs(planes).max(axis=(0, 1)), side)
    opacity = np.abs(strip) / np.maximum(largest, 1e-9)
    colors = np.where(strip[..., None] < 0, NEGATIVE_RGB, POSITIVE_RGB)
    return np.concatenate([colors, 255 * opacity[..., None]], axis=2).round().astype(np.uint8)


def gallery_value(kernel: np.ndarray, input_: int, chosen: int, language: Language) -> dict:
    """Return what kernel_gallery.js shows.

    Args:
        kernel: float32 (side, side, inputs, filters), of a layer.
        input_: number of the input map, from 1.
        chosen: number of the filter, from 1.
        language: of the names.
    """
    planes = kernel[:, :, min(input_, kernel.shape[2]) - 1, :MAX_TILES]
    strip = b64encode(cv2.imencode(".png", cv2.cvtColor(kernel_strip(planes), cv2.COLOR_RGBA2BGRA))[1].tobytes())
    names = [_name(planes[..., index], index + 1, language) for index in range(planes.shape[2])]
    return {"strip": f"data:image/png;base64,{strip.decode()}", "names": names, "chosen": min(chosen, len(names))}


def _name(plane: np.ndarray, filter_: int, language: Language) -> str:
    found = nearest_kernel(plane)
    if not found:
        return translate("filter_name", language, filter=filter_)
    like, cosine = BROWSER_TEXT[language][f"map_kernel_{found[0]}"], number(found[1], ".2f", language)
    return translate("filter_like", language, filter=filter_, kernel=like, cosine=cosine)
