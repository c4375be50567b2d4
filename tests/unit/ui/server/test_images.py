"""Uploads that are read, and uploads that are refused before they are decoded."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event, Lock

import numpy as np
import pytest
from PIL import Image

from model.preprocess.decode import decode, resize_to_input
from tests.support.images import encode_image, photograph
from tests.support.tiff_files import in_tiles
from ui.i18n import UserError
from ui.server.images import downscale, read_image, read_image_in_turn, undisplayed_format, will_be_downscaled

PIXELS = np.arange(200 * 200 * 3, dtype=np.uint32).reshape(200, 200, 3).astype(np.uint8)


def png(image: Image.Image | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_read_image_every_mode(tmp_path):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"):
        file = tmp_path / f"{mode[0]}.tiff"
        Image.fromarray(PIXELS).convert("L" if mode == "I;16" else mode).convert(mode).save(file)
        assert read_image(str(file)).shape[:2] == (200, 200)
    assert read_image(png()).shape == (200, 200, 3)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "image_unreadable"),
        (b"not an image", "image_unreadable"),
        (png()[:400], "image_unreadable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "image_unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "image_unreadable"),
        (None, "image_missing"),
    ],
)
def test_read_image_other_content_is_refused(content, key):
    with pytest.raises(UserError) as refused:
        read_image(content)
    assert refused.value.key == key


def test_read_image_missing_image_has_the_callers_message():
    with pytest.raises(UserError, match="No drawing"):
        read_image(None, "drawing_missing")


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
    large = in_tiles(64, 4096)
    assert will_be_downscaled(large) and not will_be_downscaled(in_tiles(64, 128))
    with pytest.raises(UserError, match="cannot be read"):
        read_image(in_tiles(64, 128, struct.pack("<HI4s", 2, 4, b"128")))


def test_undisplayed_format_names_what_browsers_do_not_show():
    ppm = encode_image(PIXELS, "PPM")
    assert [undisplayed_format(one) for one in (in_tiles(64, 128), ppm)] == ["TIFF", "PPM"]
    assert not any(map(undisplayed_format, (png(), encode_image(PIXELS, "AVIF"), b"not an image")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_read_image_equals_the_pixels_of_training(kind):
    content = encode_image(photograph(300, 400), kind)
    shape = (20, 30, 3)
    expected = decode(content, shape)
    np.testing.assert_array_equal(resize_to_input(read_image(content, target=shape[:2]), shape), expected)


def test_downscale_large_image_keeps_its_aspect():
    small, large = np.zeros((3000, 4000, 3), np.uint8), np.full((2500, 5000), 7, np.uint16)
    assert downscale(small) is small
    less = downscale(large)
    assert less.size <= 12_000_000 < 1.01 * less.size and less.shape[1] / less.shape[0] == pytest.approx(2, rel=1e-3)
    assert (less == 7).all() and downscale(np.zeros((1, 13_000_000), np.uint8)).size <= 12_000_000
    assert downscale(np.zeros((13_000_000, 1), np.uint8)).size <= 12_000_000


def test_read_image_in_turn_two_large_images_at_a_time(tmp_path):
    (tmp_path / "large.png").write_bytes(png(Image.new("1", (1001, 1000))))
    (tmp_path / "small.png").write_bytes(png(Image.new("1", (1000, 1000))))
    reached, leave = Queue(), Event()

    def work(name: str) -> None:
        with read_image_in_turn(str(tmp_path / name)) as pixels:
            reached.put(pixels.shape[1])
            assert leave.wait(30)

    with ThreadPoolExecutor(6) as threads:
        working = [threads.submit(work, "large.png") for _ in range(3)]
        assert [reached.get(timeout=30) for _ in range(2)] == [1001] * 2
        working += [threads.submit(work, "small.png") for _ in range(3)]
        assert [reached.get(timeout=30) for _ in range(3)] == [1000] * 3 and reached.empty()
        leave.set()
        assert reached.get(timeout=30) == 1001
        [one.result() for one in working]
    (tmp_path / "large.png").write_bytes(png(Image.new("1", (10_001, 5_000))))
    for _ in range(3):  # a failure frees its slot
        with pytest.raises(UserError), ThreadPoolExecutor(1) as thread:
            thread.submit(work, "large.png").result(30)


def test_read_image_in_turn_small_image_takes_the_given_lock(tmp_path):
    turn = Lock()
    for side, waits in ((1000, True), (1001, False)):
        (tmp_path / "a.png").write_bytes(png(Image.new("1", (side, 1000))))
        with read_image_in_turn(str(tmp_path / "a.png"), small_image_lock=turn):
            assert turn.locked() is waits
    assert not turn.locked()


def test_will_be_downscaled_reads_the_header(tmp_path):
    for size, large in (((4000, 3000), False), ((4001, 3000), True), ((10_001, 5_000), False)):
        (tmp_path / "a.png").write_bytes(png(Image.new("1", size)))
        assert will_be_downscaled(str(tmp_path / "a.png")) is large
    (tmp_path / "a.png").write_bytes(b"not an image")
    assert not will_be_downscaled(str(tmp_path / "a.png"))
