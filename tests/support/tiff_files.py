"""A TIFF that Pillow would not write: its tiles are larger than the image."""

import struct
import zlib


def in_tiles(side: int, tile: int, width_of_tile: bytes | None = None) -> bytes:
    """Return a black gray image of side × side pixels in one tile of tile × tile, which a decoder fills whole.

    Args:
        side: of the image.
        tile: of its tile, a multiple of 16.
        width_of_tile: type, count and value of the tag for the tile's width, if it is to differ.
    """
    pixels = zlib.compress(bytes(tile * tile), 9)
    long = lambda value: struct.pack("<HII", 4, 1, value)  # noqa: E731
    tags = {256: long(side), 257: long(side), 258: long(8), 259: long(8), 262: long(1), 277: long(1)}
    tags |= {322: width_of_tile or long(tile), 323: long(tile), 324: long(0), 325: long(len(pixels))}
    tags[324] = long(8 + 2 + 12 * len(tags) + 4)
    directory = b"".join(struct.pack("<H", tag) + value for tag, value in tags.items())
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + directory + bytes(4) + pixels
