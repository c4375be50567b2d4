"""JPEGs that are decoded at a part of their size."""

from math import ceil

import cv2
import numpy as np
import pytest
from PIL import Image

from model.preprocess import decode as decoding
from model.preprocess.decode import ImageError, decode, decode_batch, read_pixels, resize_to_input
from model.preprocess.jpeg import MIN_DENSITY, choose_reduction, jpeg_orientation, jpeg_size
from tests.support.images import encode_image, photograph

SIZES = [(1200, 1600), (1201, 1603), (375, 500), (333, 900), (227, 227), (454, 681)]
ENCODINGS = {
    "4:2:0": {"subsampling": "4:2:0"},
    "4:4:4": {"subsampling": "4:4:4"},
    "progressive": {"progressive": True},
    "coarse": {"quality": 60},
}


def small_copy(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a photograph as datasets have them: reduced to this size, so its edges are as sharp as can be."""
    return cv2.resize(photograph(3 * height, 3 * width, seed), (width, height), interpolation=cv2.INTER_AREA)


def difference(content: bytes, shape: tuple[int, int, int]) -> float:
    """Return by how many gray levels the pixels of a JPEG differ from those of the whole image, on average."""
    whole = resize_to_input(read_pixels(content), shape).astype(int)
    return float(np.abs(decode(content, shape) - whole).mean())


@pytest.fixture(scope="module")
def jpegs() -> dict[tuple[int, int], bytes]:
    return {size: encode_image(small_copy(*size), "JPEG", quality=90) for size in SIZES}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 3), (96, 128, 3), (128, 96, 1), (64, 200, 3)], ids=str)
def test_decode_reduced_jpeg_differs_by_less_than_a_gray_level(jpegs, size, shape):
    assert difference(jpegs[size], shape) <= 1
    found = decode(jpegs[size], shape)
    ((batched,), _) = decode_batch([np.frombuffer(jpegs[size], np.uint8)], shape)
    assert (batched == found).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_decode_reduced_jpeg_of_every_kind_differs_by_less_than_a_gray_level(mode, encoding):
    for size in ((227, 227), (601, 903)):
        image = Image.fromarray(small_copy(*size, seed=1)).convert(mode)
        options = {"quality": 90} | ENCODINGS[encoding]
        assert difference(encode_image(image, "JPEG", **options), (64, 64, 1 if mode == "L" else 3)) <= 1


@pytest.mark.parametrize("factor", MIN_DENSITY)
def test_decode_jpeg_that_is_just_dense_enough_differs_by_less_than_a_gray_level(factor):
    """Photographs of the sizes at which the factor begins: they differ most."""
    side = ceil(48 * factor * MIN_DENSITY[factor])
    sides = side, side + 1, side + 7
    assert {choose_reduction((one, one), 1, (48, 48)).factor for one in sides} == {factor}
    assert choose_reduction((side - 8, side - 8), 1, (48, 48)) != choose_reduction((side, side), 1, (48, 48))
    contents = [encode_image(small_copy(one, one, one), "JPEG", quality=90) for one in sides]
    assert np.mean([difference(content, (48, 48, 3)) for content in contents]) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("size", "reduced"), [((600, 1000), 8), ((602, 1004), 2), ((601, 1003), 8)], ids=str)
def test_decode_reduced_turned_jpeg_is_upright(size, reduced, orientation):
    """Of sizes that the factor does not divide, the blocks at the edges are partly beyond the image, on any side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode_image(small_copy(*size), "JPEG", exif=exif, quality=90)
    assert jpeg_orientation(content) == orientation
    factor = 8 if orientation == 1 else {(601, 1003): 1}.get(size, reduced)
    found = choose_reduction(size, orientation, (36, 36))
    assert (found.factor if found else 1) == factor
    for shape in ((36, 36, 3), (50, 70, 3), (70, 50, 1)):
        assert difference(content, shape) <= 1


@pytest.mark.parametrize(
    ("size", "target", "factor", "fitted", "multiple"),
    [
        ((3000, 4000), (96, 128), 8, (96, 128), 4),
        ((3000, 4000), (187, 250), 8, (187, 249), 2),
        ((3000, 4000), (188, 251), 4, (188, 251), 4),
        ((384, 512), (96, 128), 2, (96, 128), 2),
        ((227, 227), (64, 64), 2, (64, 64), 2),
        ((10, 4000), (128, 128), 4, (1, 128), 8),
    ],
)
def test_choose_reduction_leaves_enough_pixels(size, target, factor, fitted, multiple):
    found = choose_reduction(size, 1, target)
    assert (found.factor, found.fitted, found.multiple) == (factor, fitted, multiple)
    turned = choose_reduction(size[::-1], 1, target[::-1])
    assert (turned.factor, turned.fitted, turned.multiple) == (factor, fitted[::-1], multiple)


@pytest.mark.parametrize("size", [(300, 400), (223, 223), (128, 128), (1, 1)])
def test_choose_reduction_of_a_small_image_is_none(size):
    assert choose_reduction(size, 1, (128, 128) if size == (300, 400) else (64, 64)) is None


def test_choose_reduction_damaged_camera_data_decode_in_full():
    """Decoders read them differently: it is not known which side is up."""
    content = encode_image(small_copy(600, 600), "JPEG")
    damaged = content[:2] + b"\xff\xe1\0\x0cExif\0\0MM\xff\xff" + content[2:]
    assert jpeg_orientation(content) == 1 and jpeg_orientation(damaged) is None
    assert choose_reduction((600, 600), None, (36, 36)) is None
    assert read_pixels(damaged, (36, 36)).shape == (600, 600, 3)


def test_read_pixels_only_large_jpegs_are_reduced(jpegs, monkeypatch):
    flags, imdecode = [], cv2.imdecode
    monkeypatch.setattr(decoding.cv2, "imdecode", lambda data, flag: flags.append(flag) or imdecode(data, flag))
    assert read_pixels(jpegs[1200, 1600], (30, 40)).shape == (30, 40, 3)
    assert flags == [cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH]
    assert read_pixels(jpegs[1200, 1600]).shape == (1200, 1600, 3)
    gray = encode_image(photograph(800, 800)[..., 0], "JPEG")
    assert read_pixels(gray, (30, 40)).shape == (30, 30)
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
