"""Random strokes: every kind draws something, always another thing, and nothing that is round as a 0."""

import cv2
import numpy as np
import pytest

from training.outliers.families import FAMILIES, MAX_ROUNDNESS
from training.outliers.strokes import PAGE_PX, arc, closed, curve, draw, line, mirrored


@pytest.mark.parametrize("kind", FAMILIES)
def test_families_draw_within_the_page_and_never_the_same(kind):
    pages = [draw(FAMILIES[kind](r), r) for r in map(np.random.default_rng, range(20))]
    assert all(page.shape == (PAGE_PX, PAGE_PX) and page.dtype == np.uint8 for page in pages)
    assert len({page.tobytes() for page in pages}) == 20
    for page in pages:
        border = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
        assert border.min() == 255 and (page < 128).mean() > 0.01


@pytest.mark.parametrize("kind", FAMILIES)
def test_families_equal_seeds_give_equal_strokes(kind):
    first, second = (FAMILIES[kind](np.random.default_rng(3)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", ["loops", "lobes"])
def test_families_closed_curves_are_not_round(kind):
    for r in map(np.random.default_rng, range(50)):
        (outline,) = FAMILIES[kind](r)
        points = outline.astype(np.float32)
        assert cv2.contourArea(points) <= MAX_ROUNDNESS * cv2.contourArea(cv2.convexHull(points)) + 1e-6


def test_curve_passes_through_its_points_in_order():
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4]], float)
    smooth = curve(points)
    nearest = [np.linalg.norm(smooth - point, axis=1).argmin() for point in points]
    assert nearest == sorted(nearest) and np.allclose(smooth[nearest], points)
    ring = curve(points, is_closed=True)
    assert np.allclose(ring[0], ring[-1]) and np.allclose(ring[0], points[0])


def test_strokes_are_what_they_are_called():
    assert line((0, 0), (1, 2)).tolist() == [[0, 0], [1, 2]]
    assert closed(line((0, 0), (1, 2))).tolist() == [[0, 0], [1, 2], [0, 0]]
    assert mirrored(line((1, 2), (3, 4))).tolist() == [[-1, 2], [-3, 4]]
    ring = arc((1, 1), (2, 2))
    assert np.allclose(np.linalg.norm(ring - 1, axis=1), 2) and np.allclose(ring[0], ring[-1])
