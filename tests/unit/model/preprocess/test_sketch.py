import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from model.preprocess.decode import (
    MAX_PIXELS,
    ImageError,
    decode,
    decode_batch,
    open_image,
    resize_to_input,
    to_array,
)
from model.preprocess.foreground import MIN_INK_SHARE, BlankDrawingError, _ink_mask, extract_strokes
from model.preprocess.sketch import sketch_to_input, stroke_width
from tests.conftest import SAMPLE
from tests.support.tiff_files import in_tiles

SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def digits() -> list[bytes]:
    return [row["bytes"] for row in pq.read_table(f"{SAMPLE}/data/test-00000-of-00001.parquet")["image"].to_pylist()]


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_decoding_gives_the_pixels_that_pillow_gives(digits):
    for image in digits[:50]:
        expected = np.asarray(Image.open(io.BytesIO(image)))
        assert (decode(image, SHAPE)[..., 0] == expected).all()
        assert (resize_to_input(to_array(Image.open(io.BytesIO(image))), SHAPE)[..., 0] == expected).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_formats_decode_to_rgb_in_the_right_order(kind):
    colour = Image.new("RGB", (12, 10), (200, 100, 30))
    pixels = decode(encoded(colour, kind, **({"lossless": True} if kind == "WEBP" else {})), (10, 12, 3))
    assert np.abs(pixels.astype(int) - (200, 100, 30)).max() <= 3
    grey = decode(encoded(colour, kind), (10, 12, 1))
    assert abs(int(grey[0, 0, 0]) - 122) <= 4  # 0.299 R + 0.587 G + 0.114 B


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "YCbCr"])
def test_every_mode_of_pillow_is_taken(mode):
    grey = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (6, 3)))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "CMYK":
        image = grey.convert("RGB").convert(mode)
    else:
        image = grey.convert(mode)
    np.testing.assert_allclose(resize_to_input(to_array(image), (6, 6, 1))[..., 0], np.asarray(grey), atol=2)
    assert resize_to_input(to_array(image), (6, 6, 3)).shape == (6, 6, 3)


def test_a_batch_decodes_as_its_images_do_one_by_one(digits):
    grey = [np.frombuffer(image, np.uint8) for image in digits[:9]]
    images, bad = decode_batch(grey, SHAPE)
    assert not bad
    np.testing.assert_array_equal(images, [decode(one, SHAPE) for one in grey])
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8))
    colour = [np.frombuffer(encoded(noise.rotate(90 * turn), "PNG"), np.uint8) for turn in range(3)]
    np.testing.assert_array_equal(decode_batch(colour, (28, 28, 3))[0][0], np.asarray(noise))
    mixed = [grey[0], colour[0], np.frombuffer(encoded(noise.convert("RGBA"), "PNG"), np.uint8)]
    mixed.append(np.frombuffer(encoded(Image.fromarray(np.full((28, 28), 40000, np.uint16)), "PNG"), np.uint8))
    for shape in (SHAPE, (28, 28, 3)):
        images, bad = decode_batch(mixed, shape)
        assert not bad
        np.testing.assert_array_equal(images, [decode(one, shape) for one in mixed])


def test_a_batch_tells_which_images_cannot_be_decoded(digits):
    good, empty, text = (np.frombuffer(content, np.uint8) for content in (digits[0], b"", b"hello"))
    images, bad = decode_batch([good, empty, text, good], SHAPE)
    assert sorted(bad) == [1, 2] and "not an image" in bad[2]
    assert (images[0] == images[3]).all() and images[0].any() and not images[1:3].any()
    assert decode_batch([], SHAPE)[0].shape == (0, *SHAPE)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    huge = encoded(Image.new("1", (9000, MAX_PIXELS // 9000 + 1)), "PNG")
    with pytest.raises(ImageError, match="64,000,000"):
        decode(huge, SHAPE)


def test_a_turned_camera_gives_an_upright_picture():
    picture = Image.fromarray(np.arange(600, dtype=np.uint16).astype(np.uint8).reshape(20, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode, shape in (("L", (30, 20, 1)), ("RGB", (30, 20, 3))):
        turned = encoded(picture.convert(mode), "JPEG", exif=exif, quality=95)
        expected = resize_to_input(to_array(open_image(turned)), shape)
        assert np.abs(decode(turned, shape).astype(int) - expected).max() <= 4


def test_transparency_is_laid_on_white_and_exif_turns_the_picture():
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (resize_to_input(to_array(clear), (4, 4, 1)) == 255).all()
    upright = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    turned = open_image(encoded(upright, "PNG", exif=exif))
    assert to_array(turned).shape == (3, 2)


def test_the_aspect_is_kept_and_the_rest_is_black():
    wide = np.full((10, 40), 255, np.uint8)
    pixels = resize_to_input(wide, (20, 20, 1))[..., 0]
    assert (pixels[8:12] > 200).all() and (pixels[:7] == 0).all() and (pixels[13:] == 0).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an image"),
        (b"hello", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "not an image"),
        (encoded(Image.effect_noise((64, 64), 50), "PNG")[:200], "cannot be decoded"),
    ],
    ids=["empty", "text", "svg", "cut short"],
)
def test_bytes_that_are_no_picture_are_refused(content, message):
    with pytest.raises(ImageError, match=message):
        decode(content, SHAPE)


def test_a_picture_that_announces_too_many_pixels_is_refused_unread():
    bomb = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError):
        open_image(bytes(bomb))
    with pytest.raises(ImageError):
        decode(bytes(bomb), SHAPE)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4), int), np.zeros(4, np.uint8), np.zeros((4, 4, 2), np.uint8)]
)
def test_arrays_of_another_kind_are_refused(array):
    with pytest.raises(ImageError, match="an image"):
        to_array(array)


# --- Drawings ---


def drawn(scale: float = 1, width: int = 30, shift: tuple[int, int] = (0, 0)) -> np.ndarray:
    """A 2 in black on white, 400×400."""
    points = np.array([(110, 130), (150, 80), (220, 70), (270, 110), (265, 170), (110, 320), (290, 320)], float)
    points = ((points - 200) * scale + 200 + shift).round().astype(np.int32)
    canvas = np.full((400, 400), 255, np.uint8)
    return cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 0, width, cv2.LINE_AA)


def cut_out(grey: np.ndarray) -> np.ndarray:
    rows, columns = np.where(grey < 128)
    return grey[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def coloured(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    share = (255 - drawn())[..., None] / 255
    return np.round(np.array(ink) * share + np.array(paper) * (1 - share)).astype(np.uint8)


def translucent(grey: int) -> np.ndarray:
    alpha = ((255 - drawn()) * 0.45).astype(np.uint8)
    return np.dstack([np.full((400, 400, 3), grey, np.uint8), alpha])


def framed(grey: np.ndarray, inset: int = 6, ink: int = 0, radius: int = 0) -> np.ndarray:
    box = inset, inset, 399 - inset, 399 - inset
    ImageDraw.Draw(image := Image.fromarray(grey)).rounded_rectangle(box, radius, outline=ink, width=3)
    return np.asarray(image)


def squared(grey: np.ndarray, lines: int) -> np.ndarray:
    sheet = np.full((400, 400), 255, np.uint8)
    sheet[::25] = sheet[:, ::25] = lines
    return np.minimum(grey, sheet)


VARIANTS = {
    "light on dark": lambda: 255 - drawn(),
    "colour": lambda: np.stack([drawn(), drawn(), np.full((400, 400), 255, np.uint8)], axis=-1),
    "grey ink on grey paper": lambda: (drawn() // 4 + 100).astype(np.uint8),
    "black on nothing": lambda: np.dstack([np.zeros((400, 400, 3), np.uint8), 255 - drawn()]),
    "white on nothing": lambda: np.dstack([np.full((400, 400, 3), 255, np.uint8), 255 - drawn()]),
    "black on nothing that is white": lambda: np.dstack([np.repeat(drawn()[..., None], 3, 2), 255 - drawn()]),
    "off-centre": lambda: drawn(0.5, 15, (80, -70)),
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
    "blue on black": lambda: coloured((0, 0, 200), (0, 0, 0)),
    "red on a green as dark": lambda: coloured((255, 0, 0), (0, 128, 0)),
    "faint": lambda: coloured((235, 235, 235), (255, 255, 255)),
    "white, half transparent": lambda: translucent(255),
    "black, half transparent": lambda: translucent(0),
    "on a squared sheet": lambda: squared(drawn(), 200),
    "on a squared sheet of dark lines": lambda: squared(drawn(), 150),
    "in a frame": lambda: framed(drawn()),
    "in a frame, light on dark": lambda: 255 - framed(drawn()),
    "in a frame at the very edge": lambda: framed(drawn(), inset=0),
    "in a frame at the very edge, light on dark": lambda: 255 - framed(drawn(), inset=0),
    "in a grey frame": lambda: framed(drawn(), ink=160),
    "in a frame with round corners": lambda: framed(drawn(), radius=60),
    "in a frame drawn by hand": lambda: np.asarray(
        Image.fromarray(framed(drawn(), inset=20)).rotate(2, Image.Resampling.BICUBIC, fillcolor=255)
    ),
}


def test_a_square_alone_is_a_drawing():
    square = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(square).rectangle((20, 20, 80, 80), outline=0, width=6)
    assert (sketch_to_input(square, SHAPE) > 128).sum() > 60


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_drawing_looks_the_same_however_it_was_drawn(name):
    reference, other = (sketch_to_input(d, SHAPE).astype(int) for d in (drawn(), VARIANTS[name]()))
    blank = np.abs(reference).mean()
    assert np.abs(reference - other).mean() < 0.3 * blank


@pytest.mark.parametrize("closer", [0, 10])
@pytest.mark.parametrize("width", [70, 110])
@pytest.mark.parametrize(
    "points", [[(110, 120), (260, 100), (280, 170), (120, 330), (300, 330)], [(200, 90), (190, 320)]]
)
def test_thick_strokes_that_fill_most_of_the_picture_are_ink(points, width, closer):
    page = Image.new("L", (400, 400), 255)
    draw = ImageDraw.Draw(page)
    draw.line(points, 0, width, joint="curve")
    for x, y in (points[0], points[-1]):  # a pen is round
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 0)
    grey = cut_out(np.asarray(page))
    grey = grey[closer : len(grey) - closer, closer : grey.shape[1] - closer]
    reference, *others = (sketch_to_input(one, SHAPE).astype(int) for one in (page, grey, 255 - grey))
    assert all(np.abs(other - reference).mean() < 0.3 * reference.mean() for other in others)


def test_a_drawing_becomes_what_mnists_makers_made():
    """Its longer side 20 pixels, its centre of mass at the centre, full ink at 255."""
    pixels = sketch_to_input(drawn(shift=(60, 30)), SHAPE)[..., 0].astype(float)
    rows, columns = np.where(pixels > 60)
    assert abs(max(np.ptp(rows), np.ptp(columns)) + 1 - 20) <= 1
    y, x = np.mgrid[:28, :28]
    assert abs((pixels * y).sum() / pixels.sum() - 13.5) < 0.6 and abs((pixels * x).sum() / pixels.sum() - 13.5) < 0.6
    assert pixels.max() == 255 and pixels.min() == 0


def test_real_digits_stay_what_they_are(digits):
    correlations = []
    for image in digits[::25]:
        before, after = decode(image, SHAPE).ravel(), sketch_to_input(open_image(image), SHAPE).ravel()
        correlations.append(np.corrcoef(before, after)[0, 1])
    assert np.median(correlations) > 0.8


def test_stroke_widths_are_measured_in_pixels():
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
def test_a_blank_drawing_is_told(drawing):
    with pytest.raises(BlankDrawingError):
        sketch_to_input(drawing, SHAPE)


def test_two_dots_far_apart_are_a_drawing_too():
    page = np.full((4000, 100), 255, np.uint8)
    page[10:20, 10:20] = page[-20:-10, 50:60] = 0
    assert sketch_to_input(page, SHAPE).max() == 255


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 40, 255]))
    )
)
def test_any_picture_is_a_drawing_or_blank(picture):
    try:
        pixels = sketch_to_input(picture, SHAPE)
    except BlankDrawingError:
        return
    assert pixels.shape == SHAPE and pixels.dtype == np.uint8 and pixels.max() == 255


def test_the_last_bit_of_a_distance_decides_nothing(digits, monkeypatch):
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


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "TIFF"])
def test_a_turned_cameras_picture_is_turned_in_every_format(kind):
    """Whoever decodes it: the training's fast way, or `predict`, which gets Pillow's image."""
    random = np.random.default_rng(0)
    picture = Image.fromarray(np.kron(random.integers(0, 255, (3, 4, 3)), np.ones((10, 10, 1))).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture.save(buffer, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    content = buffer.getvalue()
    shape = (40, 30, 3)
    expected = resize_to_input(to_array(open_image(content)), shape)
    assert np.abs(expected.astype(int) - np.rot90(np.asarray(picture), 3)).mean() < 20
    encoded_twice = [np.frombuffer(content, np.uint8)] * 2
    for found in (decode(content, shape), *decode_batch(encoded_twice, shape)[0]):
        assert np.abs(found.astype(int) - expected).max() <= 4


@pytest.mark.parametrize("pixels", [np.full((4, 4), 0.5, np.float32), np.full((4, 4), 70_000, np.int32)])
def test_pixels_without_a_fixed_black_and_white_are_refused(pixels):
    with pytest.raises(ImageError, match="store 8 or 16 bits"):
        to_array(Image.fromarray(pixels))


def test_damaged_camera_data_leave_a_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)), "PNG", exif=exif))
    chunk = content.index(b"eXIf")
    content[chunk + 4 : chunk + 12] = b"\xff" * 8
    end = chunk + 4 + int.from_bytes(content[chunk - 4 : chunk], "big")
    content[end : end + 4] = zlib.crc32(content[chunk:end]).to_bytes(4, "big")
    np.testing.assert_array_equal(decode(bytes(content), (2, 3, 1))[..., 0], np.arange(6).reshape(2, 3))


def test_a_tile_that_is_larger_than_its_picture_counts_whole():
    assert (decode(in_tiles(64, 128), (64, 64, 1)) == 0).all()
    for content in (in_tiles(64, 8192), in_tiles(64, 128, struct.pack("<HI4s", 2, 4, b"128"))):
        with pytest.raises(ImageError, match="tiles of"):
            decode(content, (64, 64, 1))
        assert "tiles of" in decode_batch([np.frombuffer(content, np.uint8)], (64, 64, 1))[1][0]


def test_ink_is_told_from_paper_alike_in_whole_numbers_and_others():
    levels = np.arange(256, dtype=np.uint8)
    for strongest in range(1, 256):
        ink = np.minimum(levels, strongest)[None]
        assert (_ink_mask(ink) == (ink > MIN_INK_SHARE * ink.max())).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparency_decodes_as_pillow_gives_it_in_every_format(kind, mode):
    random = np.random.default_rng(0).integers(0, 255, (7, 7, 4)).astype(np.uint8)
    picture = Image.fromarray(np.kron(random, np.ones((4, 4, 1), np.uint8))).convert(mode)
    content = encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {}))
    for shape in (SHAPE, (28, 28, 3)):
        expected = resize_to_input(to_array(picture), shape).astype(int)
        for found in (decode(content, shape), *decode_batch([np.frombuffer(content, np.uint8)] * 2, shape)[0]):
            assert np.abs(found - expected).max() <= 3


def test_premultiplied_transparency_is_taken():
    picture = Image.fromarray(np.full((4, 4, 2), (90, 255), np.uint8), "LA")
    assert (resize_to_input(to_array(picture.convert("La")), (4, 4, 1)) == 90).all()


@pytest.mark.parametrize("given", ["seven.png", b"", Path("seven.png"), None, [[1, 2], [3]]])
def test_what_is_no_array_is_told_with_what_to_do(given):
    with pytest.raises(ImageError, match=r"not (str|bytes|PosixPath|NoneType|list): open files"):
        to_array(given)


def test_arrays_of_the_other_byte_order_are_taken():
    pixels = to_array(np.array([[1, 40_000]], ">u2"))
    assert pixels.dtype == np.uint16 and pixels.dtype.isnative and pixels.tolist() == [[1, 40_000]]


def test_arrays_of_too_many_pixels_are_refused_as_files_are():
    for huge in (np.zeros((9000, MAX_PIXELS // 9000 + 1), np.uint8), Image.new("1", (9000, MAX_PIXELS // 9000 + 1))):
        with pytest.raises(ImageError, match="64,000,000"):
            to_array(huge)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_drawings_of_fewer_bits_than_their_container_are_seen(bits):
    expected = sketch_to_input(drawn(), SHAPE).astype(int)
    container = drawn().astype(np.uint16) << (bits - 8)
    for one in (container, 255 * 257 - container if bits == 16 else container, Image.fromarray(container)):
        assert np.abs(sketch_to_input(one, SHAPE) - expected).mean() < 3


def test_whole_numbers_of_8_bits_are_8_bits_and_arrays_of_16_keep_their_scale():
    assert to_array(Image.fromarray(drawn()).convert("I")).dtype == np.uint8
    assert resize_to_input(to_array(np.full((4, 4), 1023, np.uint16)), (4, 4, 1)).max() == 4
    dark = encoded(Image.fromarray(np.full((4, 4), 255, np.int32)), "PPM")  # 16 bits, whoever reads them
    assert decode(dark, (4, 4, 1)).max() == resize_to_input(to_array(open_image(dark)), (4, 4, 1)).max() == 1


# --- What else is on a screen ---


def with_bar(page: np.ndarray, turns: int, grey: int = 60) -> np.ndarray:
    """A bar along one side, with a gap in it as a title's letters make."""
    page = np.rot90(page, turns).copy()
    page[:28] = grey
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
def test_what_else_is_on_a_screen_is_not_drawn(name):
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
def test_every_stroke_of_a_drawing_is_kept(lines, margin, width):
    page = np.pad(cut_out(strokes(*lines, width=width)), margin, constant_values=255)
    ink = extract_strokes(page)
    assert ink.sum() == pytest.approx((255 - page.astype(float)).sum() / 255, rel=0.02)
