"""Decoding of image files in every format, and what is refused."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.preprocess.decode import (
    MAX_PIXELS,
    ImageError,
    decode,
    decode_batch,
    open_image,
    resize_to_input,
    to_array,
)
from tests.support.tiff_files import in_tiles

SHAPE = (28, 28, 1)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_decode_gives_the_pixels_of_pillow(digits):
    for image in digits[:50]:
        expected = np.asarray(Image.open(io.BytesIO(image)))
        assert (decode(image, SHAPE)[..., 0] == expected).all()
        assert (resize_to_input(to_array(Image.open(io.BytesIO(image))), SHAPE)[..., 0] == expected).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_decode_format_gives_rgb_in_order(kind):
    color = Image.new("RGB", (12, 10), (200, 100, 30))
    pixels = decode(encoded(color, kind, **({"lossless": True} if kind == "WEBP" else {})), (10, 12, 3))
    assert np.abs(pixels.astype(int) - (200, 100, 30)).max() <= 3
    gray = decode(encoded(color, kind), (10, 12, 1))
    assert abs(int(gray[0, 0, 0]) - 122) <= 4  # 0.299 R + 0.587 G + 0.114 B


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "YCbCr"])
def test_to_array_takes_every_pillow_mode(mode):
    gray = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (6, 3)))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    elif mode == "CMYK":
        image = gray.convert("RGB").convert(mode)
    else:
        image = gray.convert(mode)
    np.testing.assert_allclose(resize_to_input(to_array(image), (6, 6, 1))[..., 0], np.asarray(gray), atol=2)
    assert resize_to_input(to_array(image), (6, 6, 3)).shape == (6, 6, 3)


def test_decode_batch_equals_decode_one_by_one(digits):
    gray = [np.frombuffer(image, np.uint8) for image in digits[:9]]
    images, bad = decode_batch(gray, SHAPE)
    assert not bad
    np.testing.assert_array_equal(images, [decode(one, SHAPE) for one in gray])
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8))
    color = [np.frombuffer(encoded(noise.rotate(90 * turn), "PNG"), np.uint8) for turn in range(3)]
    np.testing.assert_array_equal(decode_batch(color, (28, 28, 3))[0][0], np.asarray(noise))
    mixed = [gray[0], color[0], np.frombuffer(encoded(noise.convert("RGBA"), "PNG"), np.uint8)]
    mixed.append(np.frombuffer(encoded(Image.fromarray(np.full((28, 28), 40000, np.uint16)), "PNG"), np.uint8))
    for shape in (SHAPE, (28, 28, 3)):
        images, bad = decode_batch(mixed, shape)
        assert not bad
        np.testing.assert_array_equal(images, [decode(one, shape) for one in mixed])


def test_decode_batch_reports_broken_images(digits):
    good, empty, text = (np.frombuffer(content, np.uint8) for content in (digits[0], b"", b"hello"))
    images, bad = decode_batch([good, empty, text, good], SHAPE)
    assert sorted(bad) == [1, 2] and "not an image" in bad[2]
    assert (images[0] == images[3]).all() and images[0].any() and not images[1:3].any()
    assert decode_batch([], SHAPE)[0].shape == (0, *SHAPE)


def test_decode_too_many_pixels_is_refused_before_decoding():
    huge = encoded(Image.new("1", (9000, MAX_PIXELS // 9000 + 1)), "PNG")
    with pytest.raises(ImageError, match="64,000,000"):
        decode(huge, SHAPE)


def test_decode_rotated_jpeg_is_upright():
    image = Image.fromarray(np.arange(600, dtype=np.uint16).astype(np.uint8).reshape(20, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode, shape in (("L", (30, 20, 1)), ("RGB", (30, 20, 3))):
        turned = encoded(image.convert(mode), "JPEG", exif=exif, quality=95)
        expected = resize_to_input(to_array(open_image(turned)), shape)
        assert np.abs(decode(turned, shape).astype(int) - expected).max() <= 4


def test_to_array_places_transparency_on_white_and_applies_exif():
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert (resize_to_input(to_array(clear), (4, 4, 1)) == 255).all()
    upright = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    turned = open_image(encoded(upright, "PNG", exif=exif))
    assert to_array(turned).shape == (3, 2)


def test_resize_to_input_keeps_aspect_and_fills_black():
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
def test_decode_non_image_bytes_are_refused(content, message):
    with pytest.raises(ImageError, match=message):
        decode(content, SHAPE)


def test_open_image_announced_size_too_large_is_refused_unread():
    bomb = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError):
        open_image(bytes(bomb))
    with pytest.raises(ImageError):
        decode(bytes(bomb), SHAPE)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4), int), np.zeros(4, np.uint8), np.zeros((4, 4, 2), np.uint8)]
)
def test_to_array_unsupported_array_is_refused(array):
    with pytest.raises(ImageError, match="an image"):
        to_array(array)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "TIFF"])
def test_decode_rotated_image_is_upright_in_every_format(kind):
    """By every decoder: the training's fast way, or `predict`, which gets Pillow's image."""
    random = np.random.default_rng(0)
    image = Image.fromarray(np.kron(random.integers(0, 255, (3, 4, 3)), np.ones((10, 10, 1))).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    content = buffer.getvalue()
    shape = (40, 30, 3)
    expected = resize_to_input(to_array(open_image(content)), shape)
    assert np.abs(expected.astype(int) - np.rot90(np.asarray(image), 3)).mean() < 20
    encoded_twice = [np.frombuffer(content, np.uint8)] * 2
    for found in (decode(content, shape), *decode_batch(encoded_twice, shape)[0]):
        assert np.abs(found.astype(int) - expected).max() <= 4


@pytest.mark.parametrize("pixels", [np.full((4, 4), 0.5, np.float32), np.full((4, 4), 70_000, np.int32)])
def test_to_array_pixels_without_fixed_range_are_refused(pixels):
    with pytest.raises(ImageError, match="store 8 or 16 bits"):
        to_array(Image.fromarray(pixels))


def test_decode_damaged_camera_data_are_ignored():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(encoded(Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)), "PNG", exif=exif))
    chunk = content.index(b"eXIf")
    content[chunk + 4 : chunk + 12] = b"\xff" * 8
    end = chunk + 4 + int.from_bytes(content[chunk - 4 : chunk], "big")
    content[end : end + 4] = zlib.crc32(content[chunk:end]).to_bytes(4, "big")
    np.testing.assert_array_equal(decode(bytes(content), (2, 3, 1))[..., 0], np.arange(6).reshape(2, 3))


def test_decode_large_tiff_tile_counts_whole():
    assert (decode(in_tiles(64, 128), (64, 64, 1)) == 0).all()
    for content in (in_tiles(64, 8192), in_tiles(64, 128, struct.pack("<HI4s", 2, 4, b"128"))):
        with pytest.raises(ImageError, match="tiles of"):
            decode(content, (64, 64, 1))
        assert "tiles of" in decode_batch([np.frombuffer(content, np.uint8)], (64, 64, 1))[1][0]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_decode_transparency_equals_pillow_in_every_format(kind, mode):
    random = np.random.default_rng(0).integers(0, 255, (7, 7, 4)).astype(np.uint8)
    image = Image.fromarray(np.kron(random, np.ones((4, 4, 1), np.uint8))).convert(mode)
    content = encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    for shape in (SHAPE, (28, 28, 3)):
        expected = resize_to_input(to_array(image), shape).astype(int)
        for found in (decode(content, shape), *decode_batch([np.frombuffer(content, np.uint8)] * 2, shape)[0]):
            assert np.abs(found - expected).max() <= 3


def test_to_array_takes_premultiplied_transparency():
    image = Image.fromarray(np.full((4, 4, 2), (90, 255), np.uint8), "LA")
    assert (resize_to_input(to_array(image.convert("La")), (4, 4, 1)) == 90).all()


@pytest.mark.parametrize("given", ["seven.png", b"", Path("seven.png"), None, [[1, 2], [3]]])
def test_to_array_non_array_is_refused_with_advice(given):
    with pytest.raises(ImageError, match=r"not (str|bytes|PosixPath|NoneType|list): open files"):
        to_array(given)


def test_to_array_takes_other_byte_order():
    pixels = to_array(np.array([[1, 40_000]], ">u2"))
    assert pixels.dtype == np.uint16 and pixels.dtype.isnative and pixels.tolist() == [[1, 40_000]]


def test_to_array_too_many_pixels_is_refused():
    for huge in (np.zeros((9000, MAX_PIXELS // 9000 + 1), np.uint8), Image.new("1", (9000, MAX_PIXELS // 9000 + 1))):
        with pytest.raises(ImageError, match="64,000,000"):
            to_array(huge)


def test_to_array_keeps_8_and_16_bit_scales():
    assert to_array(Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("I")).dtype == np.uint8
    assert resize_to_input(to_array(np.full((4, 4), 1023, np.uint16)), (4, 4, 1)).max() == 4
    dark = encoded(Image.fromarray(np.full((4, 4), 255, np.int32)), "PPM")  # 16 bits for every reader
    assert decode(dark, (4, 4, 1)).max() == resize_to_input(to_array(open_image(dark)), (4, 4, 1)).max() == 1
