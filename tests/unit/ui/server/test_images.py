"""What is read of an upload, and what is refused before it is decoded."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event, Lock

import numpy as np
import pytest
from PIL import Image

from tests.support.tiff_files import in_tiles
from ui.i18n import UserError
from ui.server.images import decoded, downscale, is_tiff, is_too_large, read_picture

GREY = np.arange(200 * 200 * 3, dtype=np.uint32).reshape(200, 200, 3).astype(np.uint8)


def png(image: Image.Image | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(GREY)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_pictures_of_every_kind_are_read(tmp_path):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"):
        file = tmp_path / f"{mode[0]}.tiff"
        Image.fromarray(GREY).convert("L" if mode == "I;16" else mode).convert(mode).save(file)
        assert read_picture(str(file)).shape[:2] == (200, 200)
    assert read_picture(png()).shape == (200, 200, 3)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "image_unreadable"),
        (b"not a picture", "image_unreadable"),
        (png()[:400], "image_unreadable"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "image_unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "image_unreadable"),
        (b"P6 1 1 255 abc", "image_unreadable"),  # a PPM, which Pillow would open: formats are few on purpose
        (None, "image_missing"),
    ],
)
def test_what_is_no_picture_is_told(content, key):
    with pytest.raises(UserError) as refused:
        read_picture(content)
    assert refused.value.key == key


def test_that_nothing_is_there_is_told_as_the_caller_wants():
    with pytest.raises(UserError, match="No drawing"):
        read_picture(None, "drawing_missing")


@pytest.mark.parametrize("size", [(20_000, 10_000), (10_001, 5_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size, monkeypatch):
    content = png(Image.new("1", size))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UserError, match="50 megapixels"):
        read_picture(content)


def test_a_small_picture_in_a_large_tile_is_as_large_as_its_tile():
    assert read_picture(in_tiles(64, 128)).shape == (64, 64)
    with pytest.raises(UserError, match="50 megapixels"):
        read_picture(in_tiles(64, 8192))
    large = in_tiles(64, 4096)
    assert is_too_large(large) and not is_too_large(in_tiles(64, 128))
    with pytest.raises(UserError, match="cannot be read"):
        read_picture(in_tiles(64, 128, struct.pack("<HI4s", 2, 4, b"128")))


def test_of_pictures_only_tiff_is_not_for_browsers():
    assert is_tiff(in_tiles(64, 128)) and not is_tiff(png()) and not is_tiff(b"no picture")


def test_a_very_large_picture_is_brought_down_with_its_aspect():
    small, large = np.zeros((3000, 4000, 3), np.uint8), np.full((4000, 8000), 7, np.uint16)
    assert downscale(small) is small
    less = downscale(large)
    assert less.size <= 12_000_000 < 1.01 * less.size and less.shape[1] / less.shape[0] == pytest.approx(2, rel=1e-3)
    assert (less == 7).all() and downscale(np.zeros((1, 20_000_000), np.uint8)).size <= 12_000_000
    assert downscale(np.zeros((20_000_000, 1), np.uint8)).size <= 12_000_000


def test_large_pictures_are_worked_on_two_at_a_time_and_small_ones_do_not_wait(tmp_path):
    (tmp_path / "large.png").write_bytes(png(Image.new("1", (1001, 1000))))
    (tmp_path / "small.png").write_bytes(png(Image.new("1", (1000, 1000))))
    reached, leave = Queue(), Event()

    def work(name: str) -> None:
        with decoded(str(tmp_path / name)) as pixels:
            reached.put(pixels.shape[1])
            assert leave.wait(30)

    with ThreadPoolExecutor(6) as people:
        working = [people.submit(work, "large.png") for _ in range(3)]
        assert [reached.get(timeout=30) for _ in range(2)] == [1001] * 2
        working += [people.submit(work, "small.png") for _ in range(3)]
        assert [reached.get(timeout=30) for _ in range(3)] == [1000] * 3 and reached.empty()
        leave.set()
        assert reached.get(timeout=30) == 1001
        [one.result() for one in working]
    (tmp_path / "large.png").write_bytes(png(Image.new("1", (10_001, 5_000))))
    for _ in range(3):  # a failure leaves its place to others
        with pytest.raises(UserError), ThreadPoolExecutor(1) as person:
            person.submit(work, "large.png").result(30)


def test_small_pictures_can_be_made_to_wait_for_something_else(tmp_path):
    turn = Lock()
    for side, waits in ((1000, True), (1001, False)):
        (tmp_path / "a.png").write_bytes(png(Image.new("1", (side, 1000))))
        with decoded(str(tmp_path / "a.png"), small=turn):
            assert turn.locked() is waits
    assert not turn.locked()


def test_that_a_picture_will_be_brought_down_is_known_from_its_header(tmp_path):
    for size, large in (((4000, 3000), False), ((4001, 3000), True), ((10_001, 5_000), False)):
        (tmp_path / "a.png").write_bytes(png(Image.new("1", size)))
        assert is_too_large(str(tmp_path / "a.png")) is large
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert not is_too_large(str(tmp_path / "a.png"))
