"""What a TIFF announces: its size, and how many parts, tags and values it has. Exif data are a TIFF, too."""

from dataclasses import dataclass

from model.preprocess.formats import TooCostlyError

MAX_TAGS = 4_096  # of all directories together
MAX_NUMBERS = 300_000  # in all tags together; a color table of 16 bits has 196,608
MAX_FRACTIONS = 10_000  # of these; each becomes an object
MAX_DIRECTORIES = 8  # the first one and those that it refers to; no decoder reads the following pages

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES = 256, 257, 258, 259, 277
ROWS_PER_STRIP, PLANES = 278, 284
STRIP_OFFSETS, STRIP_BYTES, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 273, 279, 322, 323, 324, 325
# Tags that refer to a directory: camera, place, interoperability, other images.
DIRECTORIES = (0x8769, 0x8825, 0xA005, 330)
JPEG_COMPRESSIONS = (6, 7)
BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
TEXT_TYPES, WHOLE_TYPES, FRACTION_TYPES = (1, 2, 6, 7), (1, 3, 4, 13, 16, 18), (5, 10)


@dataclass(frozen=True)
class TiffStructure:
    """What the first page of a TIFF announces; 0 for what is not found."""

    width: int = 0
    height: int = 0
    bytes_per_pixel: int = 1
    tile_pixels: int = 0
    parts: int = 0  # strips or tiles
    is_jpeg: bool = False  # each part is a JPEG


def check_tiff(data: bytes) -> TiffStructure:
    """Return what a TIFF announces, or Exif data, with or without their name in front.

    Raises:
        TooCostlyError: if it has more tags or values than the limits above, or tags that share their bytes, so that
            these are read many times.
    """
    data = data.removeprefix(b"Exif\0\0")
    order = {b"II": "little", b"MM": "big"}.get(data[:2])
    if order is None:
        return TiffStructure()
    reader = _Reader(data, order, is_big=_number(data, 2, 2, order) == 43)
    offsets, first = [reader.first_directory], dict[int, tuple[int, int]]()
    for number in range(MAX_DIRECTORIES):
        if number >= len(offsets):
            break
        tags = reader.read(offsets[number])
        first = first or tags
        targets = [tags[tag][1] for tag in DIRECTORIES if tag in tags and tags[tag][0] == 1]
        offsets += [target for target in targets if target not in offsets]

    def value(tag: int, default: int = 0) -> int:
        return first.get(tag, (0, default))[1]

    width, height, samples = value(WIDTH), value(HEIGHT), value(SAMPLES, 1)
    tile_width, tile_height = value(TILE_WIDTH), value(TILE_HEIGHT)
    if tile_width and tile_height:
        announced = -(-width // tile_width) * -(-height // tile_height)
    else:
        announced = -(-height // (value(ROWS_PER_STRIP) or max(1, height)))
    listed = max(first.get(tag, (0, 0))[0] for tag in (STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES))
    bits = reader.first_value(BITS, first) or 8
    return TiffStructure(
        width,
        height,
        samples * max(1, bits // 8),
        max(width, tile_width) * max(height, tile_height) if tile_width or tile_height else 0,
        max(listed, announced * (samples if value(PLANES) == 2 else 1)),
        value(COMPRESSION) in JPEG_COMPRESSIONS,
    )


class _Reader:
    """Reads directories, and counts what is in all of them together."""

    def __init__(self, data: bytes, order: str, is_big: bool) -> None:
        self._data, self._order = data, order
        # Bytes of a directory's number of tags, of a tag, and of the value in it.
        self._count_bytes, self._tag_bytes, self._value_bytes = (8, 20, 8) if is_big else (2, 12, 4)
        self.first_directory = self._number(8 if is_big else 4, self._value_bytes)
        self._tags = self._numbers = self._fractions = self._bytes = 0

    def read(self, at: int) -> dict[int, tuple[int, int]]:
        """Return tag -> (number of values, the value or where the values are)."""
        count = self._number(at, self._count_bytes)
        at += self._count_bytes
        tags = {}
        for _ in range(min(count, MAX_TAGS + 1)):
            if at + self._tag_bytes > len(self._data):
                break
            tag, kind = self._number(at, 2), self._number(at + 2, 2)
            values = self._number(at + 4, self._value_bytes)
            size = BYTES_OF_TYPE.get(kind, 0)
            self._count(kind, values, size)
            end = at + self._tag_bytes
            inside = size if values == 1 and size <= self._value_bytes else self._value_bytes
            tags[tag] = values, self._number(end - self._value_bytes, inside) if kind in WHOLE_TYPES else 0
            at = end
        return tags

    def first_value(self, tag: int, tags: dict[int, tuple[int, int]]) -> int:
        """Return the first of a tag's 16-bit values."""
        values, found = tags.get(tag, (0, 0))
        if values * 2 > self._value_bytes:
            return self._number(found, 2)
        return found & 0xFFFF if values == 1 or self._order == "little" else found >> 8 * (self._value_bytes - 2)

    def _count(self, kind: int, values: int, size: int) -> None:
        self._tags += 1
        if kind not in TEXT_TYPES:
            self._numbers += values
        if kind in FRACTION_TYPES:
            self._fractions += values
        self._bytes += values * size if values * size > self._value_bytes else 0
        if self._tags > MAX_TAGS or self._numbers > MAX_NUMBERS or self._fractions > MAX_FRACTIONS:
            raise TooCostlyError(
                f"more than {MAX_TAGS:,} tags or {MAX_NUMBERS:,} values, which no program needs; save it again with an "
                "image editor"
            )
        if self._bytes > len(self._data):
            raise TooCostlyError("its tags announce more bytes than the file has; save it again with an image editor")

    def _number(self, at: int, size: int) -> int:
        return _number(self._data, at, size, self._order)


def _number(data: bytes, at: int, size: int, order: str) -> int:
    return int.from_bytes(data[at : at + size], "big" if order == "big" else "little")
