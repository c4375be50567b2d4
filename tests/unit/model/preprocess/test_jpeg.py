"""JPEGs that are decoded at a part of their size."""

import cv2
import numpy as np
import pytest
from PIL import Image

from model.preprocess import decode as decoding
from model.preprocess.decode import ImageError, decode, decode_batch, read_pixels, resize_to_input
from model.preprocess.jpeg import jpeg_size, reducing_factor
from tests.support.images import encode_image, photograph

SIZES = [(1200, 1600), (1201, 1603), (375, 500), (333, 900)]


@pytest.fixture(scope="module")
def jpegs() -> dict[tuple[int, int], bytes]:
    return {size: encode_image(photograph(*size), "JPEG", quality=90) for size in SIZES}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", [(32, 32, 3), (96, 128, 3), (128, 96, 1), (64, 200, 3)], ids=str)
def test_decode_reduced_jpeg_differs_by_less_than_a_gray_level(jpegs, size, shape):
    full = resize_to_input(read_pixels(jpegs[size]), shape).astype(int)
    found = decode(jpegs[size], shape)
    assert np.abs(found - full).mean() <= 1
    ((batched,), _) = decode_batch([np.frombuffer(jpegs[size], np.uint8)], shape)
    assert (batched == found).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_reduced_turned_jpeg_is_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode_image(photograph(600, 1000), "JPEG", exif=exif)
    reduced = read_pixels(content, (50, 70))
    assert max(reduced.shape) == 250
    for shape in ((50, 70, 3), (70, 50, 1)):
        full = resize_to_input(read_pixels(content), shape).astype(int)
        assert np.abs(decode(content, shape) - full).mean() <= 1


@pytest.mark.parametrize(
    ("size", "target", "factor"),
    [
        ((3000, 4000), (96, 128), 8),
        ((3000, 4000), (187, 250), 8),
        ((3000, 4000), (188, 251), 4),
        ((4000, 3000), (96, 128), 8),
        ((300, 400), (96, 128), 1),
        ((384, 512), (96, 128), 2),
        ((28, 28), (28, 28), 1),
        ((10, 4000), (128, 128), 2),
        ((1, 1), (128, 128), 1),
    ],
)
def test_reducing_factor_leaves_twice_the_target(size, target, factor):
    assert reducing_factor(size, target) == factor
    assert reducing_factor(size[::-1], target[::-1]) == factor


def test_read_pixels_only_large_jpegs_are_reduced(jpegs, monkeypatch):
    flags, imdecode = [], cv2.imdecode
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda data, flag: flags.append(flag) or imdecode(data, flag))
    assert read_pixels(jpegs[1200, 1600], (30, 40)).shape == (150, 200, 3)
    assert flags == [cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH]
    assert read_pixels(jpegs[1200, 1600]).shape == (1200, 1600, 3)
    gray = encode_image(photograph(800, 800)[..., 0], "JPEG")
    assert read_pixels(gray, (30, 40)).shape == (100, 100)
    assert read_pixels(encode_image(photograph(400, 400), "PNG"), (30, 40)).shape == (400, 400, 3)


def test_jpeg_size_progressive_thumbnail_and_damaged():
    exif = Image.Exif()
    exif[0x010E] = "x" * 30_000 + "\xff\xc0"  # camera data before the size
    for options in ({"progressive": True}, {"exif": exif}, {"comment": b"\xff\xc0\0\x11\x08"}):
        assert jpeg_size(encode_image(photograph(50, 70), "JPEG", **options)) == (50, 70)
    content = encode_image(photograph(50, 70), "JPEG")
    for end in range(0, 200, 7):
        assert jpeg_size(content[:end]) in (None, (50, 70))
    assert jpeg_size(b"\xff\xd8" + b"\xff" * 5000) is None  # a file of nothing but fill bytes


def test_decode_jpeg_announcing_too_many_pixels_is_refused_undecoded(monkeypatch):
    """At an eighth of its size it would be small enough, but not for its decoder."""
    content = encode_image(photograph(50, 70), "JPEG")
    start = content.index(b"\xff\xc0") + 5
    huge = content[:start] + (9000).to_bytes(2, "big") * 2 + content[start + 4 :]
    monkeypatch.setattr(cv2, "imdecode", lambda *args: pytest.fail("decoded"))
    with pytest.raises(ImageError, match="9000x9000 pixels are more than 64,000,000"):
        decode(huge, (32, 32, 3))


def test_decode_batch_large_images_are_held_one_at_a_time(jpegs, monkeypatch):
    """Of 128 photographs, all decoded, the first try alone would take gigabytes."""
    sizes, imdecode = [], cv2.imdecode

    def count(data: np.ndarray, flag: int) -> np.ndarray:
        pixels = imdecode(data, flag)
        sizes.append(pixels.size)
        return pixels

    monkeypatch.setattr(decoding.cv2, "imdecode", count)
    large = np.frombuffer(encode_image(photograph(300, 400), "PNG"), np.uint8)
    images, errors = decode_batch([large] * 5, (30, 40, 3))
    assert not errors and images.shape == (5, 30, 40, 3) and len(sizes) <= 6
