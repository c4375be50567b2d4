"""Uploads that are read, and uploads that are refused before they are decoded."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from model.preprocess.decode import decode, resize_to_input
from tests.support.hostile_images import BOMBS
from tests.support.images import encode_image, photograph
from tests.support.tiff_files import in_tiles
from ui.i18n import UserError
from ui.server.images import check_upload, downscale, read_image, undisplayed_format

PIXELS = np.arange(200 * 200 * 3, dtype=np.uint32).reshape(200, 200, 3).astype(np.uint8)


def png(image: Image.Image | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_read_image_every_mode(tmp_path):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"):
        file = tmp_path / f"{mode[0]}.tiff"
        Image.fromarray(PIXELS).convert("L" if mode == "I;16" else mode).convert(mode).save(file)
        assert read_image(file.read_bytes()).shape[:2] == (200, 200)
    assert read_image(png()).shape == (200, 200, 3)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "image_unreadable"),
        (b"not an image", "image_unreadable"),
        (png()[:400], "image_unreadable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "image_unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "image_unreadable"),
    ],
)
def test_read_image_other_content_is_refused(content, key):
    with pytest.raises(UserError) as refused:
        read_image(content)
    assert refused.value.key == key


@pytest.mark.parametrize("size", [(20_000, 10_000), (10_001, 5_000)])
def test_read_image_too_many_pixels_are_not_decoded(size, monkeypatch):
    content = png(Image.new("1", size))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UserError, match="50 megapixels"):
        read_image(content)


def test_read_image_tile_counts_as_the_image_size():
    assert read_image(in_tiles(64, 128)).shape == (64, 64)
    with pytest.raises(UserError, match="50 megapixels"):
        read_image(in_tiles(64, 8192))
    assert check_upload(in_tiles(64, 4096)) == ("TIFF", 4096**2 / 1e6)
    with pytest.raises(UserError, match="cannot be read"):
        read_image(in_tiles(64, 128, struct.pack("<HI4s", 2, 4, b"128")))


def test_undisplayed_format_names_what_browsers_do_not_show():
    ppm = encode_image(PIXELS, "PPM")
    assert [undisplayed_format(one) for one in (in_tiles(64, 128), ppm)] == ["TIFF", "PPM"]
    assert not any(map(undisplayed_format, (png(), encode_image(PIXELS, "AVIF"), b"not an image")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_read_image_equals_the_pixels_of_training(kind):
    content = encode_image(photograph(299, 405), kind)
    for shape in ((20, 30, 3), (64, 64, 3), (30, 100, 1)):
        expected = decode(content, shape)
        np.testing.assert_array_equal(resize_to_input(read_image(content, target=shape[:2]), shape), expected)


def test_downscale_large_image_keeps_its_aspect():
    small, large = np.zeros((3000, 4000, 3), np.uint8), np.full((2500, 5000), 7, np.uint16)
    assert downscale(small) is small
    less = downscale(large)
    assert less.size <= 12_000_000 < 1.01 * less.size and less.shape[1] / less.shape[0] == pytest.approx(2, rel=1e-3)
    assert (less == 7).all() and downscale(np.zeros((1, 13_000_000), np.uint8)).size <= 12_000_000
    assert downscale(np.zeros((13_000_000, 1), np.uint8)).size <= 12_000_000


def test_check_upload_reads_the_header():
    for size, megapixels in (((4000, 3000), 12), ((4001, 3000), 12.003)):
        assert check_upload(png(Image.new("1", size))) == ("PNG", megapixels)


@pytest.mark.parametrize("name", ["JPEG, empty segments", "GIF, comments", "TIFF, strips"])
def test_read_image_hostile_file_has_its_own_message(name):
    with pytest.raises(UserError, match="takes too long to decode") as refused:
        read_image(BOMBS[name](2_000_000))
    assert "demasiado tiempo" in refused.value.text("es")


def test_undisplayed_format_reads_the_first_bytes_of_a_file(tmp_path):
    file = tmp_path / "image.png"
    file.write_bytes(in_tiles(64, 128)[:64])
    assert undisplayed_format(str(file)) == "TIFF"
