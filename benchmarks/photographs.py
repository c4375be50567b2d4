"""Simulate a camera's image of ink on paper: uneven light, a shadow, grain, a tint, JPEG. Everything random is seeded.

The exposure is right: only the lightest paper is clipped to white. Overexposed paper is left to the tests of
`model.preprocess.photo`, so that what was measured with these photographs stays comparable.
"""

import cv2
import numpy as np


def photograph(ink: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Return a drawing as if photographed on paper.

    Args:
        ink: float32 (h, w), 0 for paper, 1 for ink.
        r: source of randomness.

    Returns:
        uint8 (240 … 900, 240 … 900, 3); the drawing takes a third to five sixths of the shorter side.
    """
    height, width = (int(side) for side in r.integers(240, 900, 2))
    scale = min(height, width) * r.uniform(0.35, 0.85) / max(ink.shape)
    drawn = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    page = np.zeros((height, width), np.float32)
    margin = round(0.02 * min(height, width))
    top, left = (
        int(r.integers(margin, side - extent - margin + 1))
        for side, extent in zip(page.shape, drawn.shape, strict=True)
    )
    page[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    gray = r.uniform(150, 250) * _light(height, width, r) * (1 - r.uniform(0.35, 0.85) * page)
    gray += r.normal(0, r.uniform(1, 5), page.shape)
    color = (gray[..., None] * r.uniform(0.9, 1, 3)).clip(0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", color, [cv2.IMWRITE_JPEG_QUALITY, int(r.integers(60, 95))])
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def _light(height: int, width: int, r: np.random.Generator) -> np.ndarray:
    """Return the share of the light at each pixel: a window on one side, dark corners, sometimes a shadow's edge."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    turn = r.uniform(0, 2 * np.pi)
    light = (
        1 - r.uniform(0, 0.5) * (x * np.cos(turn) + y * np.sin(turn) + 1.4) / 2.8 - r.uniform(0, 0.2) * (x**2 + y**2)
    )
    if r.random() < 0.4:
        turn = r.uniform(0, 2 * np.pi)
        across = x * np.cos(turn) + y * np.sin(turn) - r.uniform(-0.6, 0.6)
        light *= 1 - r.uniform(0.2, 0.5) / (1 + np.exp(-across * r.uniform(6, 40)))
    return light
