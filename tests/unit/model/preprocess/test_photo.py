"""Photographs of paper are made here as a camera makes them: light that falls off, a shadow, grain, JPEG."""

import cv2
import numpy as np
import pytest

from model.preprocess import foreground as converted
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.photo import extract_strokes_from_photo
from model.preprocess.sketch import sketch_to_input

SHAPE = (28, 28, 1)
HEIGHT, WIDTH = 480, 640


def drawing(width: int = 14) -> np.ndarray:
    """A 5, as ink from 0 to 1 on (480, 640)."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(ink, [np.array([[330, 120], [250, 120], [240, 210]])], False, 255, width, cv2.LINE_AA)
    cv2.ellipse(ink, (270, 270), (65, 60), 0, -120, 130, 255, width, cv2.LINE_AA)
    return ink.astype(np.float32) / 255


def light(kind: str) -> np.ndarray:
    """Share of the full light that falls on each pixel, (480, 640)."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    if kind == "even":
        return np.ones_like(x)
    if kind == "window":  # a third of the light on the far side
        return 0.67 - 0.33 * x
    if kind == "lamp":  # dark corners
        return 1 - 0.3 * (x**2 + y**2)
    return 1 - 0.4 / (1 + np.exp(-12 * (x + 0.5 * y - 0.3)))  # the soft edge of a shadow


def photograph(ink: np.ndarray, kind: str, contrast: float = 0.6, paper: float = 220.0, seed: int = 0) -> np.ndarray:
    """What a camera makes of ink on paper, uint8 (480, 640, 3)."""
    gray = paper * light(kind) * (1 - contrast * ink) + np.random.default_rng(seed).normal(0, 3, ink.shape)
    color = (gray[..., None] * (1.0, 0.97, 0.9)).clip(0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", color, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR)


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the ink in which two images differ."""
    one, other = one.astype(float), other.astype(float)
    return float(np.abs(one - other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("contrast", [0.25, 0.8])
@pytest.mark.parametrize("kind", ["even", "window", "lamp", "shadow"])
def test_photo_uneven_light_does_not_change_a_drawing(kind, contrast):
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(drawing(), kind, contrast), SHAPE), clean) < 0.12


def test_photo_chalk_on_a_blackboard_is_ink():
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(drawing(), "window", contrast=-2.0, paper=60.0), SHAPE), clean) < 0.12


def test_photo_dim_light_does_not_make_paper_a_blackboard():
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(drawing(), "lamp", paper=90.0), SHAPE), clean) < 0.12


@pytest.mark.parametrize(("contrast", "paper"), [(0.6, 220.0), (0.6, 90.0), (-2.0, 60.0)])
@pytest.mark.parametrize("kind", ["even", "window", "lamp", "shadow"])
def test_photo_broad_strokes_are_not_confused_with_gaps(kind, contrast, paper):
    ink = drawing(width=64)
    clean = sketch_to_input(255 - (255 * ink).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(ink, kind, contrast, paper), SHAPE), clean) < 0.12


def test_photo_filled_areas_are_not_confused_with_grain():
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    strokes = [np.array([[300, 60], [230, 270], [420, 270]]), np.array([[370, 180], [370, 430]])]  # a 4
    ink = cv2.polylines(ink, strokes, False, 255, 100, cv2.LINE_AA).astype(np.float32) / 255
    clean = sketch_to_input(255 - (255 * ink).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(ink, "even"), SHAPE), clean) < 0.12


def test_photo_specks_and_edge_of_the_table_are_ignored():
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    ink = drawing()
    cv2.circle(ink, (500, 400), 5, 1.0, -1)
    ink[:, :20] = 1.0
    assert unlike(sketch_to_input(photograph(ink, "window"), SHAPE), clean) < 0.12


@pytest.mark.parametrize("kind", ["even", "window", "lamp", "shadow"])
def test_photo_empty_paper_is_blank_in_any_light(kind):
    with pytest.raises(BlankDrawingError):
        sketch_to_input(photograph(np.zeros((HEIGHT, WIDTH), np.float32), kind), SHAPE)


@pytest.mark.parametrize("turn", range(4))
def test_photo_whose_light_fades_to_black_is_blank(turn):
    fading = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    with pytest.raises(BlankDrawingError):
        sketch_to_input(np.ascontiguousarray(np.rot90(fading, turn)), SHAPE)


def test_screen_drawing_is_not_processed_as_photo(monkeypatch):
    taken = []
    monkeypatch.setattr(converted, "extract_strokes_from_photo", lambda gray: taken.append(gray.shape) or gray / 255)
    sketch_to_input((255 - 255 * drawing()).astype(np.uint8), SHAPE)
    assert not taken
    sketch_to_input(photograph(drawing(), "window"), SHAPE)
    assert taken


def test_photo_ink_is_between_0_and_1_and_size_is_reduced():
    ink = extract_strokes_from_photo(photograph(drawing(), "lamp")[..., 0].astype(np.float32))
    assert ink.shape == (420, 560) and ink.dtype == np.float32
    assert ink.min() == 0 and ink.max() == 1


@pytest.mark.parametrize("shape", [(64, 64), (64, 900), (70, 66), (40, 50), (64, 40_000), (40_000, 64), (65, 33_000)])
def test_photo_any_shape_is_processed(shape):
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(np.float32)
    assert np.isfinite(extract_strokes_from_photo(noise)).all()


@pytest.mark.parametrize("exposure", [1.2, 1.35, 1.5])
@pytest.mark.parametrize("kind", ["window", "lamp", "shadow"])
def test_photo_partly_overexposed_paper_is_not_a_screen(kind, exposure):
    """A camera clips up to most of it to white; what is less light is still paper."""
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    assert unlike(sketch_to_input(photograph(drawing(), kind, paper=220.0 * exposure), SHAPE), clean) < 0.15


@pytest.mark.parametrize("side", [40, 60])
def test_photo_small_with_uneven_light_does_not_change_a_drawing(side):
    clean = sketch_to_input(255 - (255 * drawing()).astype(np.uint8), SHAPE)
    small = cv2.resize(photograph(drawing(), "window"), (side * 4 // 3, side), interpolation=cv2.INTER_AREA)
    assert unlike(sketch_to_input(small, SHAPE), clean) < 0.25
