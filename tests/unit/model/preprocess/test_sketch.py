"""Drawings of every kind become inputs like those of MNIST."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from model.preprocess.decode import (
    decode,
    open_image,
)
from model.preprocess.foreground import MIN_INK_SHARE, BlankDrawingError, _ink_mask, extract_strokes
from model.preprocess.sketch import sketch_to_input, stroke_width

SHAPE = (28, 28, 1)


# --- Drawings ---


def drawn(scale: float = 1, width: int = 30, shift: tuple[int, int] = (0, 0)) -> np.ndarray:
    """A 2 in black on white, 400×400."""
    points = np.array([(110, 130), (150, 80), (220, 70), (270, 110), (265, 170), (110, 320), (290, 320)], float)
    points = ((points - 200) * scale + 200 + shift).round().astype(np.int32)
    canvas = np.full((400, 400), 255, np.uint8)
    return cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 0, width, cv2.LINE_AA)


def cut_out(gray: np.ndarray) -> np.ndarray:
    rows, columns = np.where(gray < 128)
    return gray[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def colored(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    share = (255 - drawn())[..., None] / 255
    return np.round(np.array(ink) * share + np.array(paper) * (1 - share)).astype(np.uint8)


def translucent(gray: int) -> np.ndarray:
    alpha = ((255 - drawn()) * 0.45).astype(np.uint8)
    return np.dstack([np.full((400, 400, 3), gray, np.uint8), alpha])


def framed(gray: np.ndarray, inset: int = 6, ink: int = 0, radius: int = 0) -> np.ndarray:
    box = inset, inset, 399 - inset, 399 - inset
    ImageDraw.Draw(image := Image.fromarray(gray)).rounded_rectangle(box, radius, outline=ink, width=3)
    return np.asarray(image)


def squared(gray: np.ndarray, lines: int) -> np.ndarray:
    sheet = np.full((400, 400), 255, np.uint8)
    sheet[::25] = sheet[:, ::25] = lines
    return np.minimum(gray, sheet)


VARIANTS = {
    "light on dark": lambda: 255 - drawn(),
    "color": lambda: np.stack([drawn(), drawn(), np.full((400, 400), 255, np.uint8)], axis=-1),
    "gray ink on gray paper": lambda: (drawn() // 4 + 100).astype(np.uint8),
    "black on nothing": lambda: np.dstack([np.zeros((400, 400, 3), np.uint8), 255 - drawn()]),
    "white on nothing": lambda: np.dstack([np.full((400, 400, 3), 255, np.uint8), 255 - drawn()]),
    "black on nothing that is white": lambda: np.dstack([np.repeat(drawn()[..., None], 3, 2), 255 - drawn()]),
    "off-center": lambda: drawn(0.5, 15, (80, -70)),
    "tiny": lambda: drawn(0.12, 4),
    "huge": lambda: np.kron(drawn(), np.ones((4, 4), np.uint8)),
    "thin": lambda: drawn(1, 6),
    "thick": lambda: drawn(1, 44),
    "a Pillow image": lambda: Image.fromarray(drawn()),
    "cut out closely": lambda: cut_out(drawn()),
    "cut out closely, light on dark": lambda: 255 - cut_out(drawn()),
    "cut out closely, thick": lambda: cut_out(drawn(1, 60)),
    "cut out closely and enlarged": lambda: np.asarray(
        Image.fromarray(cut_out(drawn())).resize((40, 56)).resize((200, 280))
    ),
    "blue on black": lambda: colored((0, 0, 200), (0, 0, 0)),
    "red on a green as dark": lambda: colored((255, 0, 0), (0, 128, 0)),
    "faint": lambda: colored((235, 235, 235), (255, 255, 255)),
    "white, half transparent": lambda: translucent(255),
    "black, half transparent": lambda: translucent(0),
    "on a squared sheet": lambda: squared(drawn(), 200),
    "on a squared sheet of dark lines": lambda: squared(drawn(), 150),
    "in a frame": lambda: framed(drawn()),
    "in a frame, light on dark": lambda: 255 - framed(drawn()),
    "in a frame at the very edge": lambda: framed(drawn(), inset=0),
    "in a frame at the very edge, light on dark": lambda: 255 - framed(drawn(), inset=0),
    "in a gray frame": lambda: framed(drawn(), ink=160),
    "in a frame with round corners": lambda: framed(drawn(), radius=60),
    "in a frame drawn by hand": lambda: np.asarray(
        Image.fromarray(framed(drawn(), inset=20)).rotate(2, Image.Resampling.BICUBIC, fillcolor=255)
    ),
}


def test_sketch_square_alone_is_a_drawing():
    square = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(square).rectangle((20, 20, 80, 80), outline=0, width=6)
    assert (sketch_to_input(square, SHAPE) > 128).sum() > 60


@pytest.mark.parametrize("name", VARIANTS)
def test_sketch_variant_looks_like_the_reference(name):
    reference, other = (sketch_to_input(d, SHAPE).astype(int) for d in (drawn(), VARIANTS[name]()))
    blank = np.abs(reference).mean()
    assert np.abs(reference - other).mean() < 0.3 * blank


@pytest.mark.parametrize("closer", [0, 10])
@pytest.mark.parametrize("width", [70, 110])
@pytest.mark.parametrize(
    "points", [[(110, 120), (260, 100), (280, 170), (120, 330), (300, 330)], [(200, 90), (190, 320)]]
)
def test_sketch_thick_strokes_that_fill_the_image_are_ink(points, width, closer):
    page = Image.new("L", (400, 400), 255)
    draw = ImageDraw.Draw(page)
    draw.line(points, 0, width, joint="curve")
    for x, y in (points[0], points[-1]):  # a pen is round
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 0)
    gray = cut_out(np.asarray(page))
    gray = gray[closer : len(gray) - closer, closer : gray.shape[1] - closer]
    reference, *others = (sketch_to_input(one, SHAPE).astype(int) for one in (page, gray, 255 - gray))
    assert all(np.abs(other - reference).mean() < 0.3 * reference.mean() for other in others)


def test_sketch_is_boxed_and_centered_like_mnist():
    """Its longer side 20 pixels, its center of mass at the center, full ink at 255."""
    pixels = sketch_to_input(drawn(shift=(60, 30)), SHAPE)[..., 0].astype(float)
    rows, columns = np.where(pixels > 60)
    assert abs(max(np.ptp(rows), np.ptp(columns)) + 1 - 20) <= 1
    y, x = np.mgrid[:28, :28]
    assert abs((pixels * y).sum() / pixels.sum() - 13.5) < 0.6 and abs((pixels * x).sum() / pixels.sum() - 13.5) < 0.6
    assert pixels.max() == 255 and pixels.min() == 0


def test_sketch_real_digits_stay_similar(digits):
    correlations = []
    for image in digits[::25]:
        before, after = decode(image, SHAPE).ravel(), sketch_to_input(open_image(image), SHAPE).ravel()
        correlations.append(np.corrcoef(before, after)[0, 1])
    assert np.median(correlations) > 0.8


def test_stroke_width_is_in_pixels():
    for width in (6, 15, 30):
        assert stroke_width((255 - drawn(width=width)) / np.float32(255)) == pytest.approx(width, abs=2)


@pytest.mark.parametrize(
    "drawing",
    [
        np.full((50, 50), 255, np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.random.default_rng(0).integers(240, 256, (50, 50), np.uint8),
    ],
    ids=["white", "nothing", "faint noise"],
)
def test_sketch_blank_drawing_is_refused(drawing):
    with pytest.raises(BlankDrawingError):
        sketch_to_input(drawing, SHAPE)


def test_sketch_two_distant_dots_are_a_drawing():
    page = np.full((4000, 100), 255, np.uint8)
    page[10:20, 10:20] = page[-20:-10, 50:60] = 0
    assert sketch_to_input(page, SHAPE).max() == 255


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 40, 255]))
    )
)
def test_sketch_any_image_is_a_drawing_or_blank(image):
    try:
        pixels = sketch_to_input(image, SHAPE)
    except BlankDrawingError:
        return
    assert pixels.shape == SHAPE and pixels.dtype == np.uint8 and pixels.max() == 255


def test_sketch_last_bit_of_distances_does_not_matter(digits, monkeypatch):
    """OpenCV's distances differ in their last bit with where an array lies in memory."""
    bitmaps = [np.where(decode(image, SHAPE)[..., 0] > 100, 0, 255).astype(np.uint8) for image in digits[:40]]
    expected = [sketch_to_input(bitmap, SHAPE) for bitmap in bitmaps]
    distance_transform, random = cv2.distanceTransform, np.random.default_rng(0)

    def noisy(*arguments):
        distance = distance_transform(*arguments)
        towards = np.where(random.random(distance.shape) < 0.5, np.inf, -np.inf).astype(np.float32)
        return np.where(distance > 0, np.nextafter(distance, towards), distance)

    monkeypatch.setattr(cv2, "distanceTransform", noisy)
    for bitmap, one in zip(bitmaps, expected, strict=True):
        np.testing.assert_array_equal(sketch_to_input(bitmap, SHAPE), one)


def test_ink_mask_is_the_same_for_integers_and_floats():
    levels = np.arange(256, dtype=np.uint8)
    for strongest in range(1, 256):
        ink = np.minimum(levels, strongest)[None]
        assert (_ink_mask(ink) == (ink > MIN_INK_SHARE * ink.max())).all()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_sketch_fewer_bits_than_container_are_visible(bits):
    expected = sketch_to_input(drawn(), SHAPE).astype(int)
    container = drawn().astype(np.uint16) << (bits - 8)
    for one in (container, 255 * 257 - container if bits == 16 else container, Image.fromarray(container)):
        assert np.abs(sketch_to_input(one, SHAPE) - expected).mean() < 3


# --- What else is on a screen ---


def with_bar(page: np.ndarray, turns: int, gray: int = 60) -> np.ndarray:
    """A bar along one side, with a gap in it as a title's letters make."""
    page = np.rot90(page, turns).copy()
    page[:28] = gray
    page[10:20, 20:60] = 255
    return np.rot90(page, -turns)


def captioned(page: np.ndarray) -> np.ndarray:
    return cv2.putText(page.copy(), "fig. 3a", (5, 395), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)


def dusty(page: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(0).random(page.shape) < 0.003, 0, page).astype(np.uint8)


BESIDES = {
    "a program's title": lambda: with_bar(drawn(0.8), 0),
    "a program's title, light on dark": lambda: 255 - with_bar(drawn(0.8), 0),
    "a bar on the left": lambda: with_bar(drawn(0.8), 1),
    "two bars": lambda: with_bar(with_bar(drawn(0.8), 0), 2),
    "a caption": lambda: captioned(drawn(0.8)),
    "dust": lambda: dusty(drawn(0.8)),
}


@pytest.mark.parametrize("name", BESIDES)
def test_sketch_other_things_on_a_screen_are_ignored(name):
    expected = sketch_to_input(drawn(0.8), SHAPE).astype(int)
    assert np.abs(sketch_to_input(BESIDES[name](), SHAPE) - expected).mean() < 0.15 * expected.mean()


def strokes(*lines, width: int = 14, shape: tuple[int, int] = (400, 400)) -> np.ndarray:
    page = np.full(shape, 255, np.uint8)
    for line in lines:
        cv2.polylines(page, [np.array(line, np.int32)], False, 0, width, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("margin", [0, 3, 60])
@pytest.mark.parametrize(
    "lines",
    [
        [[(130, 60), (280, 60)], [(130, 100), (130, 190), (240, 190), (280, 250), (240, 330), (120, 330)]],  # a 5
        [[(150, 60), (120, 220), (300, 220)], [(250, 150), (240, 340)]],  # a 4
        [[(200, 150), (200, 340)], [(200, 70), (200, 72)]],  # an i
        [[(200, 60), (200, 150)], [(200, 170), (200, 200)], [(200, 220), (200, 222)], [(200, 245), (200, 340)]],
    ],
    ids=["bar apart", "two strokes", "dot", "broken"],
)
@pytest.mark.parametrize("width", [3, 14])
def test_extract_strokes_keeps_every_stroke(lines, margin, width):
    page = np.pad(cut_out(strokes(*lines, width=width)), margin, constant_values=255)
    ink = extract_strokes(page)
    assert ink.sum() == pytest.approx((255 - page.astype(float)).sum() / 255, rel=0.02)
