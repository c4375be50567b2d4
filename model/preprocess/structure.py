"""What an encoded image is made of, counted before any decoder sees it.

Decoders trust a file. Pillow keeps a list of a JPEG's segments and joins a GIF's comments in quadratic time, libjpeg
decodes a progressive JPEG as often as it has scans, and all of them allocate the size that a file announces. So a few
megabytes could take minutes or gigabytes. The rules here depend on nothing but the bytes: the same file is refused by
training, by `predict` and by the demo, on any machine. They stop counting at the first limit.

What is damaged is not reported here. Decoders do that, and in more detail.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from model.preprocess import MAX_PIXELS
from model.preprocess.formats import ImageError, TooCostlyError, TooManyPixelsError
from model.preprocess.tiff import check_tiff

MAX_PARTS = 30_000  # segments, chunks, blocks, boxes, strips or tiles; Pillow takes up to 10 µs for each
MAX_DECODED_BYTES = 256_000_000  # of an image's pixels as they are stored
MAX_SCANS = 100  # of a JPEG; encoders write about ten
MAX_SCANNED_PIXELS = 1_200_000_000  # scans times pixels
MAX_EXIF_SEGMENTS = 32  # Pillow joins them in quadratic time
MAX_FILL_BYTES = 10_000  # between the segments of a JPEG
MAX_PACKED_TEXTS = 100  # compressed texts and profiles of a PNG; each may become 8 MB
MAX_GIF_BLOCKS = 2_000  # before the first frame; Pillow joins the text in them in quadratic time
MAX_ITEMS = 10_000  # of an AVIF or HEIC; decoders look for one among all of them
MAX_PPM_HEADER_BYTES = 1 << 16  # with its comments
MAX_RUN_LENGTH_BYTES = 1 << 20  # of a compressed BMP, which Pillow decodes in Python
MAX_PLAIN_BYTES = 1 << 22  # of a PPM with its numbers as text, which Pillow decodes in Python
MAX_BOX_DEPTH = 8
MAX_SMALL_BYTES = 1 << 16  # of a file whose parts need not be counted

PPM_HEADER = re.compile(
    rb"P(?:[14]%b(\d{1,9})%b(\d{1,9})|[2356]%b(\d{1,9})%b(\d{1,9})%b(\d{1,5}))\s" % ((rb"(?:\s|#[^\n]*+\n)++",) * 5)
)
MARKER = re.compile(rb"\xff[^\x00\xff]")
MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of segments with a JPEG's size
SCAN, END, EXIF = 0xDA, 0xD9, 0xE1
BARE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))  # without a length
PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by type of color
# Boxes of AVIF and HEIC that contain boxes -> the bytes before these.
CONTAINERS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"iprp": 0, b"ipco": 0, b"meta": 4}
# Boxes with tables -> the position of the number of their rows, by version.
TABLES = {b"stts": 4, b"stsc": 4, b"stco": 4, b"co64": 4, b"stss": 4, b"stsz": 8, b"ipma": 4, b"ctts": 4, b"sbgp": 8}


class Structure(NamedTuple):
    """What a file announces.

    Attributes:
        width: in pixels, as stored; 0 if it is not found.
        height: in pixels, as stored; 0 if it is not found.
        pixels: that a decoder allocates. A TIFF's tiles are decoded whole and may be larger than the image.
    """

    width: int = 0
    height: int = 0
    pixels: int = 0


def check_structure(encoded: bytes, kind: str) -> Structure:
    """Return what a file announces, if it is of a structure that decoders handle in little time and memory.

    Args:
        encoded: the file's bytes.
        kind: one of `FORMATS`.

    Raises:
        TooCostlyError: if it has more parts, scans or pixels than the limits above.
        ImageError: if a decoder would not find its size.

    Example:
        >>> check_structure(Path("seven.png").read_bytes(), "PNG")
        Structure(width=28, height=28, pixels=784)
    """
    width, height, bytes_per_pixel, tile_pixels = CHECKS[kind](encoded)
    pixels = _check_pixels(width, height, tile_pixels)
    if pixels * bytes_per_pixel > MAX_DECODED_BYTES:
        raise TooCostlyError(
            f"{width}x{height} pixels of {bytes_per_pixel} bytes are more than {MAX_DECODED_BYTES // 1_000_000} MB"
        )
    return Structure(width, height, pixels)


def _check_pixels(width: int, height: int, tile_pixels: int = 0) -> int:
    pixels = max(width * height, tile_pixels)
    if pixels > MAX_PIXELS:
        in_tiles = "" if pixels == width * height else f" in tiles of {pixels:,}"
        raise TooManyPixelsError(f"{width}x{height} pixels{in_tiles} are more than {MAX_PIXELS:,}")
    return pixels


Found = tuple[int, int, int, int]  # width, height, bytes per pixel, pixels of a tile


def _check_png(data: bytes) -> Found:
    width, height = _big(data, 16, 4), _big(data, 20, 4)
    bytes_per_pixel = PNG_CHANNELS.get(_big(data, 25, 1), 4) * (2 if _big(data, 24, 1) == 16 else 1)
    packed = 0
    if len(data) <= MAX_SMALL_BYTES:  # its chunks cannot be many; they cost more time than its pixels
        return width, height, bytes_per_pixel, 0
    for name, at, size in _limited(_chunks(data, 8, "big"), "chunks"):
        if name == b"eXIf":
            check_tiff(data[at : at + size])
        elif name in (b"zTXt", b"iTXt", b"iCCP"):
            packed += 1
            if packed > MAX_PACKED_TEXTS:
                raise _too_many("compressed texts", MAX_PACKED_TEXTS)
        elif name == b"IEND":
            break
    return width, height, bytes_per_pixel, 0


def _check_webp(data: bytes) -> Found:
    width = height = 0
    for name, at, size in _limited(_chunks(data, 12, "little"), "chunks"):
        if name == b"VP8X":
            found = _little(data, at + 4, 3) + 1, _little(data, at + 7, 3) + 1
        elif name == b"VP8 ":
            found = _little(data, at + 6, 2) & 0x3FFF, _little(data, at + 8, 2) & 0x3FFF
        elif name == b"VP8L":
            bits = _little(data, at + 1, 4)
            found = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        else:
            if name == b"EXIF":
                check_tiff(data[at : at + size])
            continue
        width, height = max(width, found[0]), max(height, found[1])
    return width, height, 4, 0


def _check_jpeg(data: bytes) -> Found:
    at, parts, scans, fill, width, height, channels = 2, 0, 0, 0, 0, 0, 3
    exif = []
    is_in_scan = False
    while True:
        marker = (MARKER_AFTER_SCAN if is_in_scan else MARKER).search(data, at)
        parts += 1
        if not is_in_scan:
            fill += max(0, (marker.start() if marker else len(data)) - at)
        if parts > MAX_PARTS or fill > MAX_FILL_BYTES:
            raise _too_many("segments")
        if marker is None:
            break
        code, at = data[marker.end() - 1], marker.end()
        if code == END:
            break
        if code in BARE_MARKERS:
            continue
        length = int.from_bytes(data[at : at + 2])
        is_in_scan = code == SCAN
        if is_in_scan:
            scans += 1
            if scans > MAX_SCANS or scans * width * height > MAX_SCANNED_PIXELS:
                raise TooCostlyError(f"{scans:,} scans of {width}x{height} pixels would take too long to decode")
        elif code in STARTS_OF_FRAME:
            height, width = max(height, _big(data, at + 3, 2)), max(width, _big(data, at + 5, 2))
            channels = _big(data, at + 7, 1)
            _check_pixels(width, height)
        elif code == EXIF and data.startswith(b"Exif\0\0", at + 2):
            exif.append(data[at + 8 : at + length])
            if len(exif) > MAX_EXIF_SEGMENTS:
                raise _too_many("segments of camera data", MAX_EXIF_SEGMENTS)
        at += max(length, 2)
    if exif:
        check_tiff(b"".join(exif))
    return width, height, channels, 0


def _check_gif(data: bytes) -> Found:
    """Look at what comes before the first frame; no decoder reads more."""
    at = 13 + _color_table_bytes(_little(data, 10, 1))
    width, height = _little(data, 6, 2), _little(data, 8, 2)
    blocks = 0
    while at < len(data) and data[at] == 0x21:  # an extension: its label, and blocks until an empty one
        at += 2
        while size := _little(data, at, 1):
            at, blocks = at + 1 + size, blocks + 1
            if blocks > MAX_GIF_BLOCKS:
                raise _too_many("blocks", MAX_GIF_BLOCKS)
        at, blocks = at + 1, blocks + 1
        if blocks > MAX_GIF_BLOCKS:
            raise _too_many("blocks", MAX_GIF_BLOCKS)
    if data[at : at + 1] == b",":
        left, top, columns, rows = (_little(data, at + 1 + 2 * number, 2) for number in range(4))
        width, height = max(width, left + columns), max(height, top + rows)
    return width, height, 4, 0


def _check_bmp(data: bytes) -> Found:
    if _little(data, 14, 4) == 12:  # the header of OS/2
        return _little(data, 18, 2), _little(data, 20, 2), 3, 0
    width, height = (abs(int.from_bytes(data[at : at + 4], "little", signed=True)) for at in (18, 22))
    if _little(data, 30, 4) in (1, 2) and len(data) > MAX_RUN_LENGTH_BYTES:
        raise TooCostlyError("a large BMP with run-length encoding; save it as PNG")
    return width, height, 4, 0


def _check_ppm(data: bytes) -> Found:
    header = PPM_HEADER.match(data[:MAX_PPM_HEADER_BYTES])
    if header is None:
        raise ImageError("the image cannot be decoded: its header is damaged")
    width, height = (int(number) for number in header.groups()[:4] if number is not None)
    channels = 3 if data[1:2] in b"36" else 1
    if data[1:2] in b"123" and len(data) > MAX_PLAIN_BYTES:
        raise TooCostlyError("a large PPM with its numbers as text; save it as PNG")
    return width, height, channels * (2 if int(header[5] or 1) > 255 else 1), 0


def _check_tiff(data: bytes) -> Found:
    found = check_tiff(data)
    _check_pixels(found.width, found.height, found.tile_pixels)
    if found.parts > MAX_PARTS:
        raise _too_many("strips or tiles")
    # An image in a TIFF may be a JPEG in parts, each with its own scans.
    if found.is_jpeg and data.count(b"\xff\xda") > MAX_SCANS + 10 * found.parts:
        raise TooCostlyError("its scans would take too long to decode")
    return found.width, found.height, found.bytes_per_pixel, found.tile_pixels


def _check_boxes(data: bytes) -> Found:
    """Look at the boxes of an AVIF or HEIC."""
    width = height = 0
    for name, at, size in _limited(_boxes(data, 0, len(data), MAX_BOX_DEPTH), "boxes"):
        if name == b"ispe":
            columns, rows = _big(data, at + 4, 4), _big(data, at + 8, 4)
            if columns * rows > width * height:
                width, height = columns, rows
        elif name == b"Exif":
            check_tiff(data[at : at + size])
        elif name == b"iloc":
            rows_at, rows_bytes = at + 6, 2 if _big(data, at, 1) < 2 else 4
            if _big(data, rows_at, rows_bytes) > MAX_ITEMS:
                raise _too_many("items", MAX_ITEMS)
        elif name in TABLES and _big(data, at + TABLES[name], 4) > MAX_ITEMS:
            raise _too_many("items", MAX_ITEMS)
    return width, height, 4, 0


CHECKS: dict[str, Callable[[bytes], Found]] = {
    "PNG": _check_png,
    "JPEG": _check_jpeg,
    "WEBP": _check_webp,
    "GIF": _check_gif,
    "BMP": _check_bmp,
    "TIFF": _check_tiff,
    "PPM": _check_ppm,
    "AVIF": _check_boxes,
    "HEIF": _check_boxes,
}

Part = tuple[bytes, int, int]  # name, position of the content, its size in bytes


def _chunks(data: bytes, at: int, order: str) -> Iterator[Part]:
    """Yield the chunks of PNG (order "big") or WebP ("little")."""
    while at + 8 <= len(data):
        if order == "big":
            size = _big(data, at, 4)
            yield data[at + 4 : at + 8], at + 8, size
            at += 12 + size
        else:
            size = _little(data, at + 4, 4)
            yield data[at : at + 4], at + 8, size
            at += 8 + size + size % 2


def _boxes(data: bytes, at: int, end: int, depth: int) -> Iterator[Part]:
    while at + 8 <= end:
        size, name, start = _big(data, at, 4), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = _big(data, start, 8), start + 8
        after = min(end, at + size) if size else end
        yield name, start, max(0, after - start)
        inside = _content_start(data, name, start)
        if inside is not None and depth:
            yield from _boxes(data, inside, after, depth - 1)
        at = max(after, start)


def _content_start(data: bytes, name: bytes, start: int) -> int | None:
    """Return where the boxes in a box begin; None if it contains none."""
    if name == b"iinf":
        return start + (8 if _big(data, start, 1) else 6)
    return start + CONTAINERS[name] if name in CONTAINERS else None


def _limited(parts: Iterator[Part], name: str) -> Iterator[Part]:
    for number, part in enumerate(parts):
        if number >= MAX_PARTS:
            raise _too_many(name)
        yield part


def _too_many(parts: str, limit: int = MAX_PARTS) -> TooCostlyError:
    return TooCostlyError(f"more than {limit:,} {parts}, which no program needs; save it again with an image editor")


def _color_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _big(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size])


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
