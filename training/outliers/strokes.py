"""Strokes of a pen as lists of points, and the drawing that they leave on a page."""

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator

Point: TypeAlias = Sequence[float] | np.ndarray  # x to the right, y down, in any unit
Stroke: TypeAlias = np.ndarray  # float64 (n, 2): points

PAGE_PX = 140  # side of the page; more would cost time, and the network sees fewer pixels
MIN_PEN_PX, MAX_PEN_PX = 3, 20
MAX_TILT_RAD = 0.25  # of a drawing, either way
MAX_SLANT = 0.3  # horizontal shift per height
MAX_STRETCH = 1.5  # of one side of a drawing against the other
MAX_TREMOR = 0.035  # displacement by an unsteady hand, as a share of the longer side
POINTS_PER_CURVE = 10  # between two of its given points
SUBPIXEL_BITS = 4  # of OpenCV's coordinates
FILLED_SHARE = 0.1  # of the drawings whose closed strokes are filled


def line(*points: Point) -> Stroke:
    """Return straight pieces from point to point."""
    return np.array(points, float)


def closed(stroke: Stroke) -> Stroke:
    """Return a stroke that ends where it starts."""
    return np.concatenate([stroke, stroke[:1]])


def arc(center: Point, radii: Point, start: float = 0, sweep: float = 2 * np.pi) -> Stroke:
    """Return a part of an ellipse, from an angle on, in radians clockwise from the right."""
    angles = start + sweep * np.linspace(0, 1, 32)
    return np.asarray(center) + np.asarray(radii) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def curve(points: Sequence[Point] | np.ndarray, is_closed: bool = False) -> Stroke:
    """Return a smooth curve through points: a Catmull-Rom spline."""
    given = np.asarray(points, float)
    if is_closed:
        padded = np.concatenate([given[-1:], given, given[:2]])
    else:
        padded = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    t = np.linspace(0, 1, POINTS_PER_CURVE, endpoint=False)[:, None]
    before, start, end, after = (padded[shift : len(padded) - 3 + shift, None] for shift in range(4))
    pieces = start + t / 2 * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return np.concatenate([pieces.reshape(-1, 2), padded[-2:-1]])


def mirrored(stroke: Stroke) -> Stroke:
    """Return a stroke mirrored at the vertical line x = 0."""
    return stroke * (-1, 1)


def draw(strokes: Sequence[Stroke], r: Generator) -> np.ndarray:
    """Return the drawing of an unsteady hand, with a pen of a random width: uint8 (PAGE_PX, PAGE_PX), dark on light.

    Args:
        strokes: at least one, of any place and size; all are tilted, slanted, stretched and bent together.
        r: all randomness.
    """
    bent = _bend([_with_steps(one) for one in strokes], r)
    points = np.concatenate(bent)
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    scale = PAGE_PX * r.uniform(0.6, 0.8) / max(size.max(), 1e-6)
    place = (PAGE_PX - size * scale) / 2 - low * scale
    page = np.full((PAGE_PX, PAGE_PX), 255, np.uint8)
    pen = round(MIN_PEN_PX * (MAX_PEN_PX / MIN_PEN_PX) ** r.random())  # thin ones more often
    is_filled = r.random() < FILLED_SHARE
    for one in bent:
        pixels = np.round((one * scale + place) * 2**SUBPIXEL_BITS).astype(np.int32)
        if is_filled and np.allclose(one[0], one[-1]):
            cv2.fillPoly(page, [pixels], 0, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.polylines(page, [pixels], False, 0, pen, cv2.LINE_AA, SUBPIXEL_BITS)
    return page


def random_change(r: Generator, max_tilt_rad: float, max_slant: float, max_stretch: float) -> np.ndarray:
    """Return a matrix, float64 (2, 2), that tilts, slants and stretches points (x, y) by which it is multiplied."""
    tilt, slant = r.uniform(-max_tilt_rad, max_tilt_rad), r.uniform(-max_slant, max_slant)
    stretch = max_stretch ** r.uniform(-0.5, 0.5)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    return np.array([[stretch, 0], [slant, 1 / stretch]]) @ turn


def _with_steps(stroke: Stroke, steps: int = 24) -> Stroke:
    """Return a stroke with more points on its long straight pieces, so that these can bend."""
    ways = np.linalg.norm(np.diff(stroke, axis=0), axis=1)
    counts = np.maximum(1, np.ceil(steps * ways / max(ways.sum(), 1e-9)).astype(int))
    pieces = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stroke[:-1], stroke[1:], counts, strict=True)]
    return np.concatenate([*pieces, stroke[-1:]])


def _bend(strokes: list[Stroke], r: Generator) -> list[Stroke]:
    """Tilt, slant and stretch strokes together, and move their points a little by smooth waves."""
    change = random_change(r, MAX_TILT_RAD, MAX_SLANT, MAX_STRETCH)
    moved = [one @ change for one in strokes]
    points = np.concatenate(moved)
    side = max(np.ptp(points, axis=0).max(), 1e-6)
    waves, phases = r.uniform(-7, 7, (3, 2)) / side, r.uniform(0, 2 * np.pi, 3)
    pushes = r.normal(0, side * MAX_TREMOR * r.random() / 2, (3, 2))
    slips = r.normal(0, side * MAX_TREMOR * r.random() / 2, (len(moved), 2))  # of each stroke as a whole
    return [one + np.sin(one @ waves.T + phases) @ pushes + slip for one, slip in zip(moved, slips, strict=True)]
