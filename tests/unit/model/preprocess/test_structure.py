"""What files announce, and files that are refused before any decoder sees them."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from model.image_formats import HEAD_BYTES, find_format
from model.preprocess.decode import ImageError, decode, decode_batch, open_image, read_pixels
from model.preprocess.facts import image_facts_batch
from model.preprocess.formats import TooCostlyError, TooManyPixelsError
from model.preprocess.sketch import decode_mixed_batch
from model.preprocess.structure import MAX_PARTS, MAX_SCANS, check_structure
from tests.support import hostile_images as hostile
from tests.support.images import encode_16_bits, encode_image, photograph
from tests.support.tiff_files import in_tiles

HARMLESS = ("GIF, frames", "TIFF, pages", "WebP, animation")  # no decoder reads more than the first one
PHOTO = photograph(48, 64)


@pytest.fixture
def no_decoder(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("name", [name for name in hostile.BOMBS if name not in HARMLESS])
@pytest.mark.parametrize("is_whole", [True, False])
def test_read_pixels_hostile_file_is_refused_before_decoding(name, is_whole):
    content = hostile.BOMBS[name](6_000_000)
    for read in (read_pixels, open_image, lambda one: decode(one, (28, 28, 1))):
        with pytest.raises(ImageError):
            read(content if is_whole else content[: len(content) * 3 // 4])


@pytest.mark.parametrize("name", HARMLESS)
def test_read_pixels_later_frames_do_not_matter(name):
    assert read_pixels(hostile.BOMBS[name](1_000_000)).size


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(
    "content",
    [
        encode_image(PHOTO).replace(b"\0\0\0\x40\0\0\0\x30", b"\0\1\0\0\0\1\0\0"),
        encode_image(PHOTO, "GIF").replace(b"\x40\0\x30\0", b"\xff\xff\xff\xff"),
        encode_image(PHOTO, "BMP").replace(b"\x40\0\0\0\x30\0\0\0", b"\xff\xff\xff\x7f\xff\xff\xff\x7f"),
        b"P6 99999 99999 255\n",
        hostile.tiff(tags={256: (4, 1, 1 << 31), 257: (4, 1, 1 << 31)}),
        in_tiles(64, 8192),
        encode_image(PHOTO, "AVIF").replace(b"\0\0\0\x40\0\0\0\x30", b"\0\1\0\0\0\1\0\0"),
        encode_image(PHOTO, "JPEG").replace(b"\0\x30\0\x40", b"\xff\xff\xff\xff"),
        encode_image(PHOTO, "WEBP", lossless=True)[:21] + b"\xff\xff\xff\x0f" + bytes(50),
    ],
)
def test_check_structure_announced_size_is_refused(content):
    with pytest.raises(TooManyPixelsError, match="are more than 64,000,000"):
        check_structure(content, find_format(content[:HEAD_BYTES]))
    with pytest.raises(ImageError):
        read_pixels(content)


@pytest.mark.parametrize(
    "content",
    [
        encode_16_bits(np.zeros((48, 64, 4), np.uint16)).replace(b"\0\0\0\x40\0\0\0\x30", b"\0\0\x1f\0\0\0\x1f\0"),
        hostile.tiff(tags={256: (4, 1, 6_000), 257: (4, 1, 6_000), 277: (3, 1, 60_000)}),
        b"P6 8000 8000 65535\n",
    ],
)
def test_check_structure_memory_of_the_pixels_counts(content):
    with pytest.raises(TooCostlyError, match="bytes are more than 256 MB"):
        check_structure(content, find_format(content[:HEAD_BYTES]))


def test_check_structure_jpeg_scans_count_with_their_pixels():
    assert check_structure(hostile.jpeg_of_scans(MAX_SCANS), "JPEG").pixels == 64 * 64
    for scans, side in ((MAX_SCANS + 1, 64), (40, 6_000)):
        with pytest.raises(TooCostlyError, match="scans of"):
            check_structure(hostile.jpeg_of_scans(scans, side, side), "JPEG")
    read_pixels(hostile.jpeg_of_scans(MAX_SCANS))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA"])
def test_check_structure_honest_image_has_its_size(kind, mode):
    try:
        content = encode_image(Image.fromarray(PHOTO).convert(mode), kind)
    except OSError:  # a mode that the format does not have
        return
    found = check_structure(content, kind)
    assert (found.width, found.height, found.pixels) == (64, 48, 64 * 48)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encode_image(PHOTO, "JPEG", progressive=True, exif=Image.Exif()), "JPEG"),
        (encode_image(PHOTO, "JPEG", icc_profile=bytes(300_000), comment=b"a" * 60_000), "JPEG"),
        (encode_image(np.tile(PHOTO, (16, 16, 1)), "PNG", icc_profile=bytes(300_000)), "PNG"),
        (encode_image(PHOTO, "TIFF", tiffinfo={270: "text" * 10_000}), "TIFF"),
        (encode_image(PHOTO, "TIFF", save_all=True, append_images=[Image.fromarray(PHOTO)] * 50), "TIFF"),
        (encode_image(PHOTO, "TIFF", compression="jpeg"), "TIFF"),
        (encode_image(PHOTO, "WEBP", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])] * 20), "WEBP"),
        (encode_image(PHOTO, "PNG", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])] * 20), "PNG"),
        (encode_image(PHOTO, "GIF", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])] * 20), "GIF"),
        (encode_16_bits(PHOTO.astype(np.uint16) * 200), "PNG"),
        (encode_16_bits(PHOTO.astype(np.uint16) * 200, ".tiff"), "TIFF"),
        (b"P3 # a comment\n#another\n64   # width\n 48\n255\n" + b"1 2 3 " * 64 * 48, "PPM"),
    ],
)
def test_check_structure_rich_honest_image_is_taken(content, kind):
    found = check_structure(content, kind)
    assert found.width * found.height == found.pixels >= 64 * 48 and read_pixels(content).shape[1] == found.width


def test_check_structure_many_parts_of_a_large_honest_file_are_taken():
    strips = hostile.tiff_of_strips(20_000)
    assert check_structure(strips, "TIFF").height == 20_000
    chunks = hostile.png_of_chunks(12 * (MAX_PARTS - 100))
    assert read_pixels(chunks).shape == (64, 64, 3)


@pytest.mark.parametrize("end", [b"x", b"\n", b"5", b"#"])
def test_check_structure_spaces_of_a_ppm_are_not_searched_in_all_ways(end):
    with pytest.raises(ImageError, match="header is damaged"):
        read_pixels(b"P5" + b" " * 60_000 + end)


def test_check_structure_ring_of_directories_ends():
    ring = hostile.tiff(tags={0x8769: (4, 1, 8), 330: (4, 1, 8)}, next_directory=8)
    assert read_pixels(ring).shape == (64, 64)


def test_check_structure_exif_in_several_segments_is_looked_at_as_one():
    exif = hostile.exif_of_shared_tags(3_000, 60_000)
    segments = b"".join(
        b"\xff\xe1" + (len(part) + 8).to_bytes(2) + b"Exif\0\0" + part
        for part in (exif[at : at + 50_000] for at in range(0, len(exif), 50_000))
    )
    jpeg = encode_image(PHOTO, "JPEG")
    with pytest.raises(TooCostlyError, match="more bytes than the file has"):
        check_structure(jpeg[:2] + segments + jpeg[2:], "JPEG")


@pytest.mark.parametrize("shape", [(64, 64, 3), (28, 28, 1)])
def test_decode_batch_hostile_image_is_an_error_among_others(shape):
    good = encode_image(hostile.NOISE)
    bombs = hostile.jpeg_of_scans(500), hostile.gif_of_comments(20_000)
    batch = [np.frombuffer(one, np.uint8) for one in (good, bombs[0], good, bombs[1], good)]
    sketches = np.zeros(len(batch), bool)
    for images, errors in (decode_batch(batch, shape), decode_mixed_batch(batch, sketches, shape)):
        assert sorted(errors) == [1, 3] and "scans" in errors[1] and "blocks" in errors[3]
        assert images[0].any() and (images[0] == images[4]).all() and not images[3].any()
    facts, reasons = image_facts_batch(batch)
    assert sorted(reasons) == [1, 3] and facts["width"].tolist() == [64, 0, 64, 0, 64]


def test_decode_batch_announced_size_is_not_decoded_to_be_compared(monkeypatch):
    decoded = []
    decode_with_opencv = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda one, flags: decoded.append(len(one)) or decode_with_opencv(one, flags))
    large = hostile.png_of_size(2_000, 2_000)
    images, errors = decode_batch([np.frombuffer(large, np.uint8)], (64, 64, 3))
    assert not errors and images.shape == (1, 64, 64, 3) and decoded == [len(large)]


def test_read_pixels_costly_image_is_decoded_in_its_context():
    entered = io.StringIO()

    class Context:
        def __init__(self, position: int) -> None:
            self.position = position

        def __enter__(self) -> None:
            entered.write(f"{self.position} ")

        def __exit__(self, *_) -> None:
            pass

    small, large = encode_image(PHOTO), encode_image(photograph(1100, 1000), "JPEG")
    batch = [np.frombuffer(one, np.uint8) for one in (small, large, small, large)]
    for work in (lambda: decode_batch(batch, (28, 28, 1), costly=Context), lambda: image_facts_batch(batch, Context)):
        assert not work()[1]
    assert entered.getvalue() == "1 3 1 3 "
