"""Kinds of random strokes, none of which aims at a particular sign.

Together they cover what signs are made of: corners and curves, open and closed, symmetric or not, one stroke or many.
What would often come out as a digit is left out: a single line, a round closed curve.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from training.outliers.strokes import Stroke, arc, closed, curve, line, mirrored

MAX_ROUNDNESS = 0.9  # share of its convex hull that a closed curve may fill: a rounder one is a 0
MIN_WIDTH = 0.25  # of a closed curve, as a share of its length: a narrower one is a 1

Family = Callable[[Generator], list[Stroke]]


def polylines(r: Generator) -> list[Stroke]:
    """Return one to three strokes with corners."""
    return [r.random((r.integers(4, 7), 2)) for _ in range(r.integers(1, 4))]


def polygons(r: Generator) -> list[Stroke]:
    """Return a closed stroke with three to ten corners around a middle, regular or not, sometimes with one in it."""
    corners = int(r.integers(3, 11))
    angles = 2 * np.pi * (np.arange(corners) + r.random()) / corners
    radii = np.ones(corners)
    if corners > 6 or r.random() < 0.5:  # regular ones with many corners are round
        radii[::2] = r.uniform(0.3, 0.7)
    if r.random() < 0.5:
        radii, angles = radii * r.uniform(0.5, 1, corners), angles + r.uniform(-0.3, 0.3, corners)
    outline = closed(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1))
    return [outline, *([polylines(r)[0] - 0.5] if r.random() < 0.25 else [])]


def curves(r: Generator) -> list[Stroke]:
    """Return one to three smooth open strokes."""
    return [curve(r.random((r.integers(4, 8), 2))) for _ in range(r.integers(1, 4))]


def loops(r: Generator) -> list[Stroke]:
    """Return a smooth closed stroke that is neither round nor narrow."""
    return _neither_0_nor_1(lambda: curve(r.random((r.integers(4, 8), 2)), is_closed=True))


def lobes(r: Generator) -> list[Stroke]:
    """Return a closed stroke with equal bays or tips all around, as of a flower or a cloud."""

    def outline() -> Stroke:
        angles = np.linspace(0, 2 * np.pi, 64)
        depth, power, count = r.uniform(0.25, 0.95), r.choice([0.5, 1, 2, 4]), r.choice([1, 3, 4, 5, 6, 7])  # 2: an 8
        radii = 1 - depth * np.abs(np.cos(count * angles / 2 + r.uniform(0, np.pi) * (count > 1))) ** power
        turned = angles + r.choice([0, np.pi / 2, np.pi, -np.pi / 2])
        return np.stack([radii * np.cos(turned), radii * np.sin(turned)], axis=1)

    return _neither_0_nor_1(outline)


def symmetric(r: Generator) -> list[Stroke]:
    """Return strokes and their mirror images, left and right or, less often, above and below."""
    strokes: list[Stroke] = []
    for _ in range(r.integers(1, 3)):
        points = r.random((r.integers(2, 5), 2))
        start_on_axis, end_on_axis = r.random(2) < (0.75, 0.6)
        if start_on_axis:
            points[0, 0] = 0
        if end_on_axis and (start_on_axis or r.random() < 0.5) and len(points) > 2:
            points[-1, 0] = 0
        half = curve(points) if len(points) > 2 and r.random() < 0.5 else points
        half[:, 0] = np.abs(half[:, 0])
        strokes += [half, mirrored(half)]
    if r.random() < 0.3:
        strokes.append(line((0, r.random()), (0, r.random())))
    outline = np.concatenate(strokes)
    if len(strokes) == 2 and _roundness(np.concatenate([strokes[0], strokes[1][::-1]])) > MAX_ROUNDNESS:
        strokes.append(line((r.uniform(0.2, 0.6), outline[:, 1].min()), (-r.uniform(0.2, 0.6), outline[:, 1].max())))
    return [one[:, ::-1] for one in strokes] if r.random() < 0.25 else strokes


def lattices(r: Generator) -> list[Stroke]:
    """Return strokes between the points of a grid, straight or round: what many letters consist of."""
    columns, rows = int(r.integers(2, 4)), int(r.integers(2, 4))
    strokes: list[Stroke] = []
    for _ in range(r.integers(3, 6)):
        start = r.integers(0, (columns, rows))
        end = r.integers(0, (columns, rows))
        if (start == end).all():
            end[1] = (start[1] + 1) % rows
        if r.random() < 0.25:
            middle = (start + end) / 2 + r.uniform(-0.6, 0.6) * (end - start)[::-1] * (1, -1)
            strokes.append(curve([start, middle, end]))
        else:
            strokes.append(line(start, end))
    return strokes


def compositions(r: Generator) -> list[Stroke]:
    """Return lines, arcs, circles, polygons and curves of random sizes at random places."""
    parts: list[Stroke] = []
    for _ in range(r.integers(2, 7)):
        place, size = r.uniform(0, 1, 2), r.uniform(0.1, 0.5)
        kind = r.integers(5)
        if kind == 0:
            angle = r.choice([0, np.pi / 2, r.uniform(0, np.pi)])
            way = 2 * size * np.array([np.cos(angle), np.sin(angle)])
            parts.append(line(place - way / 2, place + way / 2))
        elif kind == 1:
            parts.append(arc(place, size * r.uniform(0.5, 1, 2), r.uniform(0, 2 * np.pi), r.uniform(1.5, 5)))
        elif kind == 2:
            parts.append(arc(place, size * r.uniform(0.5, 1, 2)))
        else:
            shape = (polygons, curves)[kind - 3](r)[0]
            parts.append(place + size * (shape - shape.mean(axis=0)))
    return parts


def crossings(r: Generator) -> list[Stroke]:
    """Return lines across each other: through one place, or side by side in two directions."""
    if r.random() < 0.5:
        count = int(r.integers(2, 6))
        angles = np.pi * (np.arange(count) + r.uniform(-0.25, 0.25, count)) / count + r.uniform(0, np.pi)
        ways = np.stack([np.cos(angles), np.sin(angles)], axis=1) * r.uniform(0.6, 1, (count, 1))
        back = r.uniform(0.4, 1)
        return [line(-back * way, way) for way in ways]
    across, down = r.integers(1, 4), r.integers(2, 4)
    ends = np.array([0, 1]) + r.uniform(-0.15, 0.15, (across + down, 2))
    level = [line((a, y), (b, y)) for (a, b), y in zip(ends[:across], np.linspace(0.2, 0.8, across), strict=True)]
    upright = [line((x, a), (x, b)) for (a, b), x in zip(ends[across:], np.linspace(0.2, 0.8, down), strict=True)]
    return level + upright


def coils(r: Generator) -> list[Stroke]:
    """Return a stroke that repeats itself: a zigzag, a wave, a row of loops or a spiral."""
    turns = r.uniform(2, 6)
    t = np.linspace(0, 1, 120)
    kind = r.integers(4)
    if kind == 0:
        corners = int(r.integers(5, 11))
        return [np.stack([np.linspace(0, 1, corners), r.uniform(0.2, 0.6) * (np.arange(corners) % 2)], axis=1)]
    if kind == 1:
        return [np.stack([t, r.uniform(0.1, 0.3) * np.sin(2 * np.pi * turns * t)], axis=1)]
    if kind == 2:
        size = r.uniform(0.1, 0.3)
        angles = 2 * np.pi * turns * t
        return [np.stack([t + size * np.cos(angles), r.uniform(0.6, 1.5) * size * np.sin(angles)], axis=1)]
    angles = r.choice([-1, 1]) * 2 * np.pi * turns / 2 * t + r.uniform(0, 2 * np.pi)
    radii = r.uniform(0, 0.2) + t ** r.uniform(0.7, 1.2)
    return [np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)]


def scribbles(r: Generator) -> list[Stroke]:
    """Return one stroke that wanders about for long: from place to place, or on and on with some momentum."""
    points = r.normal(0, 1, (r.integers(16, 80), 2))
    if r.random() < 0.7:
        momentum = r.uniform(0, 0.9)
        for step in range(1, len(points)):
            points[step] += momentum * points[step - 1]
        points = np.cumsum(points, axis=0)
    return [curve(points)]


def hatches(r: Generator) -> list[Stroke]:
    """Return one stroke back and forth, as a hand fills an area: corners or turns, in any direction."""
    count = int(r.integers(5, 16))
    across = (np.arange(count) % 2) * r.uniform(0.5, 1) + r.normal(0, 0.1, count)
    along = np.linspace(0, r.uniform(0.6, 1.2), count) + r.normal(0, 0.03, count)
    angle = r.uniform(0, np.pi)
    x_and_y = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.stack([across, along], axis=1) @ x_and_y
    return [curve(points) if r.random() < 0.5 else points]


def rows(r: Generator) -> list[Stroke]:
    """Return two to five signs next to each other, as in a word; some are joined."""
    kinds = (polylines, curves, loops, lattices, symmetric, coils)
    strokes, x = [], 0.0
    count = int(r.integers(2, 6))
    for _ in range(count):
        sign = kinds[r.integers(len(kinds))](r)
        points = np.concatenate(sign)
        low, size = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-3)
        wide, high = r.uniform(0.4, 0.9), r.uniform(0.6, 1.3)
        strokes += [(one - low) / size * (wide, high) + (x, 1 - high) for one in sign]
        x += wide + r.uniform(-0.05, 0.3)
    if r.random() < 0.3:
        strokes.append(curve(np.stack([np.linspace(0, x, count + 2), r.uniform(0.3, 0.9, count + 2)], axis=1)))
    return strokes


def _neither_0_nor_1(make: Callable[[], Stroke]) -> list[Stroke]:
    """Return what is made as soon as it is not a digit."""
    while True:
        outline = make()
        sides = cv2.minAreaRect(outline.astype(np.float32))[1]
        if _roundness(outline) <= MAX_ROUNDNESS and min(sides) >= MIN_WIDTH * max(sides):
            return [outline]


def _roundness(outline: Stroke) -> float:
    """Return which share of its convex hull a closed stroke encloses."""
    points = outline.astype(np.float32)
    return cv2.contourArea(points) / max(cv2.contourArea(cv2.convexHull(points)), 1e-9)


FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        polylines,
        polygons,
        curves,
        loops,
        lobes,
        symmetric,
        lattices,
        compositions,
        crossings,
        coils,
        scribbles,
        hatches,
        rows,
    )
}
