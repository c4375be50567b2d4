"""Which files are read as images, recognized by their first bytes."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from model.preprocess.decode import ImageError, decode, decode_batch, open_image, read_pixels
from model.preprocess.formats import ENDINGS, FORMATS, find_format, register_heif
from tests.support.images import encode_16_bits, encode_image

# Even areas, which lossy formats keep.
PHOTO = np.kron(np.random.default_rng(0).integers(0, 255, (3, 4, 3)), np.ones((10, 10, 1))).astype(np.uint8)


def encode(image: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif")
        register_heif()
    return encode_image(image, kind, **options)


@pytest.mark.parametrize("kind", FORMATS)
def test_read_pixels_every_format_gives_the_image(kind):
    content = encode(PHOTO, kind)
    assert find_format(content[:64]) == kind and find_format(content[:20]) in (kind, None)
    found = read_pixels(content)
    if kind != "GIF":  # has few colors
        assert np.abs(found.astype(int) - PHOTO).mean() < 20
    assert found.shape == PHOTO.shape and ENDINGS[kind][0].startswith(".")
    decoded, errors = decode_batch([np.frombuffer(content, np.uint8)] * 2, (30, 40, 3))
    assert not errors and (decoded == decode(content, (30, 40, 3))).all()
    assert decode(content, (15, 20, 1)).shape == (15, 20, 1)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_read_pixels_turned_photograph_of_a_phone_is_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_pixels(encode(PHOTO, kind, exif=exif.tobytes()))
    assert found.shape == (40, 30, 3) and np.abs(found.astype(int) - np.rot90(PHOTO, 3)).mean() < 20


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_read_pixels_damaged_photograph_of_a_phone_is_one_line(kind):
    content = encode(PHOTO, kind)
    for end in (30, 200, len(content) - 200):
        with pytest.raises(ImageError, match="cannot be decoded") as refused:
            read_pixels(content[:end])
        assert "\n" not in str(refused.value)


def test_check_format_without_pillow_heif_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    content = b"\0\0\0\x1cftypheic\0\0\0\0mif1heic" + bytes(80)
    _, errors = decode_batch([np.frombuffer(content, np.uint8)], (4, 4, 1))
    assert errors == {0: "a HEIC image; to read it, run `pip install pillow-heif`"}


def test_check_format_imports_pillow_heif_only_for_heic():
    code = (
        "import sys, numpy, io; from PIL import Image; from model.preprocess.decode import decode; b = io.BytesIO();"
        "Image.new('L', (4, 4)).save(b, 'AVIF'); decode(b.getvalue(), (4, 4, 1));"
        "assert 'pillow_heif' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file, not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "a PostScript file, not an image"),
        (b"%PDF-1.7\n", "a PDF, not an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "run `git lfs pull`"),
        (encode_image(PHOTO, "JPEG2000"), "a JPEG 2000 file, not an image"),
        (encode_image(PHOTO, "ICO"), "an icon file"),
        (encode_image(PHOTO, "TGA"), "not an image of a known format (PNG, JPEG"),
        (encode_image(PHOTO, "PCX"), "not an image of a known format"),
        (b"<html></html>", "not an image of a known format"),
    ],
)
def test_read_pixels_other_file_is_refused_before_a_decoder_sees_it(content, found, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *args, **options: pytest.fail("opened"))
    for read in (read_pixels, open_image):
        with pytest.raises(ImageError) as refused:
            read(content)
        assert found in str(refused.value)


def test_open_image_eps_starts_no_program(monkeypatch, tmp_path):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args: pytest.fail("started"))
    file = tmp_path / "a.png"
    file.write_bytes(encode_image(PHOTO, "EPS"))
    with pytest.raises(ImageError, match="PostScript"):
        open_image(str(file))


@pytest.mark.parametrize(
    ("content", "gray"),
    [
        (b"P5\n2 1\n15\n" + bytes([15, 0]), [255, 0]),
        (b"P5\n# by a camera\n2 1\n4095\n" + b"\x0f\xff\0\0", [255, 0]),
        (b"P6\n2 1\n1023\n" + b"\x03\xff" * 3 + b"\0\0" * 3, [255, 0]),
        (b"P2\n2 1\n3\n3 1\n", [255, 85]),
        (b"P1\n2 1\n0 1\n", [255, 0]),
    ],
)
def test_decode_ppm_white_is_its_own_highest_value(content, gray):
    assert decode(content, (1, 2, 1)).ravel().tolist() == gray


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3), (6, 8, 4)], ids=["gray", "RGB", "RGBA"])
def test_read_pixels_keeps_all_bits(ending, shape):
    pixels = np.random.default_rng(0).integers(0, 4096, shape).astype(np.uint16)
    if shape[-1] == 4:
        pixels[..., 3] |= 61440
    np.testing.assert_array_equal(read_pixels(encode_16_bits(pixels, ending)), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_pixels_turned_16_bit_png_keeps_all_bits(orientation):
    """Pillow would keep the upper 8 bits, which a camera of 10 bits hardly uses."""
    random = np.random.default_rng(0).integers(0, 4, (3, 4, 3))
    deep = encode_16_bits(np.uint16(random * 250))
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = encode_image(np.uint8(random * 64), exif=exif)
    start = plain.index(b"eXIf") - 4
    chunk = plain[start : start + 12 + int.from_bytes(plain[start : start + 4])]
    found = read_pixels(deep[:33] + chunk + deep[33:])  # after the header
    np.testing.assert_array_equal(found // 250, read_pixels(plain) // 64)
    assert found.dtype == np.uint16


def test_read_pixels_gray_png_with_a_transparent_gray_is_transparent():
    content = encode_image(PHOTO[..., 0] | 1, transparency=int(PHOTO[0, 0, 0] | 1))
    found = read_pixels(content)
    assert found.shape[2] == 4 and found[0, 0, 3] == 0 and found[..., 3].any()
    decoded, _ = decode_batch([np.frombuffer(content, np.uint8)] * 2, (30, 40, 1))
    assert (decoded[0] == decode(content, (30, 40, 1))).all() and decoded[0][0, 0] == 255
