"""Arrays for a browser, in few bytes: images with 256 levels each, and numbers as they are."""

from base64 import b64encode
from typing import Any

import numpy as np

LEVELS = 255


def pack_numbers(values: np.ndarray) -> str:
    """Return numbers as little-endian float32 in base64."""
    return b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def pack_maps(maps: np.ndarray, max_values: int) -> dict[str, Any]:
    """Return maps as images.

    Args:
        maps: float32 (height, width, n).
        max_values: larger maps lose rows and columns: every `step`-th is kept, with its true value.

    Returns:
        the maps' height and width, `step`, the lowest and highest value of each map, and `data`, base64 of uint8
        (n, ceil(height / step), ceil(width / step)): 0 is the map's lowest value, 255 its highest.
    """
    height, width, count = maps.shape
    step = 1
    while -(-height // step) * -(-width // step) * count > max_values and step < max(height, width):
        step += 1
    kept = np.nan_to_num(maps[::step, ::step].transpose(2, 0, 1)).astype(np.float64)
    low, high = kept.min(axis=(1, 2)), kept.max(axis=(1, 2))
    spread = np.where(high > low, high - low, 1)
    levels = ((kept - low[:, None, None]) * (LEVELS / spread[:, None, None])).round().astype(np.uint8)
    return {
        "height": height,
        "width": width,
        "step": step,
        "low": [short(one) for one in low],
        "high": [short(one) for one in high],
        "data": b64encode(levels.tobytes()).decode(),
    }


def short(value: float) -> float | None:
    """Return a number with seven digits, as many as float32 has; None if it is not finite."""
    return float(f"{value:.7g}") if np.isfinite(value) else None
