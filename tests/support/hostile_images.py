"""Image files made to take a decoder's time or memory, as small or as large as wanted."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.support.images import encode_image

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def png_of_chunks(size: int, name: bytes = b"abCd") -> bytes:
    """Return a PNG with empty chunks in front of its pixels."""
    png, chunk = encode_image(NOISE), _png_chunk(name, b"")
    return png[:33] + chunk * ((size - len(png)) // len(chunk)) + png[33:]


def png_of_frames(size: int) -> bytes:
    """Return an animated PNG with frames of one pixel."""
    png = encode_image(NOISE)
    pixel = zlib.compress(b"\0abc")
    frames, number = [], 1
    while sum(map(len, frames[:1])) * len(frames) < size:
        control = _png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 1, 1, 0, 0, 1, 100, 0, 0))
        frames.append(control + _png_chunk(b"fdAT", struct.pack(">I", number + 1) + pixel))
        number += 2
    first = _png_chunk(b"acTL", struct.pack(">II", len(frames) + 1, 0))
    first += _png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 100, 0, 0))
    return png[:33] + first + png[33:-12] + b"".join(frames) + png[-12:]


def png_of_text(size: int) -> bytes:
    """Return a PNG with compressed texts and a color profile of zeros: 1,000 times as large when they are read."""
    png, zeros = encode_image(NOISE), zlib.compress(bytes(1 << 20), 9)
    chunks = _png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 24), 9))
    texts = _png_chunk(b"zTXt", b"a\0\0" + zeros) + _png_chunk(b"iTXt", b"a\0\1\0\0\0" + zeros)
    return png[:33] + chunks + texts * max(1, size // len(texts)) + png[33:]


def png_of_size(width: int, height: int, bits: int = 8, color: int = 2) -> bytes:
    """Return a PNG of zeros, which compress to a thousandth."""
    channels = {0: 1, 2: 3, 6: 4}[color]
    packer, row, parts = zlib.compressobj(9), bytes(1 + width * channels * bits // 8), []
    for _ in range(height):
        parts.append(packer.compress(row))
    pixels = b"".join(parts) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", pixels) + _png_chunk(b"IEND", b"")


def png_with_exif(exif: bytes) -> bytes:
    """Return a PNG with Exif data."""
    png = encode_image(NOISE)
    return png[:33] + _png_chunk(b"eXIf", exif) + png[33:]


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg_of_segments(size: int, segment: bytes = b"\xff\xe5\0\2") -> bytes:
    """Return a JPEG with many segments, fill bytes or markers in front of its size."""
    jpeg = encode_image(NOISE, "JPEG")
    return jpeg[:2] + segment * ((size - len(jpeg)) // len(segment)) + jpeg[2:]


def jpeg_of_later_segments(size: int) -> bytes:
    """Return a JPEG with many segments after its pixels."""
    jpeg = encode_image(NOISE, "JPEG")
    return jpeg[:-2] + b"\xff\xe1\0\2" * ((size - len(jpeg)) // 4) + jpeg[-2:]


def jpeg_of_scans(scans: int, width: int = 64, height: int = 64) -> bytes:
    """Return a progressive JPEG that repeats one refining scan, which changes nothing."""
    frame = b"\xff\xc2" + struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    quantization = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\1" * 64
    blocks = -(-width // 8) * -(-height // 8)
    table = b"\xff\xc4" + struct.pack(">HB16B", 2 + 17 + 1, 0x10, 1, *bytes(15)) + b"\xe0"  # a run of 2¹⁴ blocks
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0x00, 1, 63, 0x00) + empty_blocks(blocks)
    return b"\xff\xd8" + quantization + frame + table + scan * scans + b"\xff\xd9"


def empty_blocks(blocks: int) -> bytes:
    """Return the bits of a scan whose blocks are all empty: runs of 2¹⁴ blocks and more, 15 bits each."""
    bits = "".join("0" + "1" * 14 for _ in range(-(-blocks // ((2 << 14) - 1))))
    bits += "1" * (-len(bits) % 8)
    content = int(bits, 2).to_bytes(len(bits) // 8)
    return content.replace(b"\xff", b"\xff\0")


def gif_of_comments(size: int) -> bytes:
    """Return a GIF with comments of one letter."""
    gif = encode_image(NOISE[..., 0], "GIF")
    comment = b"!\xfe\1a\0"
    at = 13 + 3 * 256
    return gif[:at] + comment * ((size - len(gif)) // len(comment)) + gif[at:]


def gif_of_frames(size: int) -> bytes:
    """Return a GIF with frames of one pixel."""
    gif = encode_image(NOISE[..., 0], "GIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2D\1\0"
    return gif[:-1] + frame * ((size - len(gif)) // len(frame)) + b";"


def tiff(
    side: int = 64,
    tags: dict[int, tuple[int, int, int]] | None = None,
    tail: bytes = b"",
    copies: int = 1,
    next_directory: int = 0,
) -> bytes:
    """Return a TIFF with these tags, each type, count and value, and these bytes after them."""
    pixels = bytes(side * side)
    every = {256: (4, 1, side), 257: (4, 1, side), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1)}
    every |= {277: (3, 1, 1), 278: (4, 1, side), 273: (4, 1, 0), 279: (4, 1, len(pixels))} | (tags or {})
    count = len(every)
    start = 8 + 2 + 12 * count + 4
    every[273] = every[273] if every[273][1] > 1 else (4, 1, start)
    entries = b"".join(struct.pack("<HHII", tag, *value) for tag, value in sorted(every.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, count) + entries + struct.pack("<I", next_directory) + pixels + tail


def tiff_of_strips(strips: int) -> bytes:
    """Return a TIFF of ten pixels in a row, each row in its own strip."""
    at = 8 + 2 + 12 * 9 + 4
    tags = {256: (4, 1, 10), 257: (4, 1, strips), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    tags |= {278: (4, 1, 1), 273: (4, strips, at), 279: (4, strips, at + 4 * strips)}
    entries = b"".join(struct.pack("<HHII", tag, *value) for tag, value in sorted(tags.items()))
    offsets, sizes = np.full(strips, 8, "<u4"), np.full(strips, 10, "<u4")
    return struct.pack("<2sHIH", b"II", 42, 8, 9) + entries + bytes(4) + offsets.tobytes() + sizes.tobytes()


def tiff_of_pages(size: int) -> bytes:
    """Return a TIFF with many pages, which all have the first one's pixels."""
    page = tiff(16)
    entries = page[8 : 8 + 2 + 12 * 9]
    step = len(entries) + 4
    count = (size - len(page)) // step
    pages = b"".join(
        entries + struct.pack("<I", len(page) + (number + 1) * step if number < count - 1 else 0)
        for number in range(count)
    )
    return tiff(16, next_directory=len(page)) + pages


def tiff_of_shared_tags(tags: int, size: int) -> bytes:
    """Return a TIFF whose tags all have the same bytes as their value."""
    numbers = range(40_000, 40_000 + tags)
    return tiff(16, {number: (7, size, 8) for number in numbers}, bytes(size))


def exif_of_shared_tags(tags: int, size: int) -> bytes:
    """Return Exif data whose tags all have the same bytes as their value."""
    entries = b"".join(struct.pack("<HHII", 40_000 + number, 7, size, 8) for number in range(tags))
    return struct.pack("<2sHIH", b"II", 42, 8, tags) + entries + bytes(4) + bytes(size)


def webp_of_frames(size: int) -> bytes:
    """Return an animated WebP with frames of one pixel."""
    frames = [Image.new("RGB", (2, 2), (shade, 0, 0)) for shade in (0, 200, 90)]
    animation = encode_image(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    start = animation.rindex(b"ANMF")
    frame = animation[start:]
    body = animation[12:] + frame * max(0, (size - len(animation)) // len(frame))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def avif_of_boxes(size: int) -> bytes:
    """Return an AVIF with many empty boxes in front of the real ones."""
    avif, box = encode_image(NOISE, "AVIF"), struct.pack(">I4s", 8, b"free")
    at = int.from_bytes(avif[:4])
    return avif[:at] + box * ((size - len(avif)) // 8) + avif[at:]


def ppm_of_comments(size: int) -> bytes:
    """Return a PPM with a comment of this size in its header."""
    return b"P6\n#" + b"a" * size + b"\n1 1\n255\nabc"


def bmp_of_runs(size: int) -> bytes:
    """Return a BMP with run-length encoding: runs of one pixel."""
    side = int((size // 2) ** 0.5)
    runs = (b"\1\7" * side + b"\0\0") * side + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    return struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start) + header + bytes(1024) + runs


# Name -> a file of about so many bytes.
BOMBS: dict[str, Callable[[int], bytes]] = {
    "PNG, empty chunks": png_of_chunks,
    "PNG, animation": png_of_frames,
    "PNG, compressed texts": png_of_text,
    "JPEG, empty segments": jpeg_of_segments,
    "JPEG, restart markers": lambda size: jpeg_of_segments(size, b"\xff\xd0"),
    "JPEG, fill bytes": lambda size: jpeg_of_segments(size, b"\xff"),
    "JPEG, camera data in many segments": lambda size: jpeg_of_segments(size, b"\xff\xe1\0\x28Exif\0\0" + bytes(32)),
    "JPEG, segments after the pixels": jpeg_of_later_segments,
    "JPEG, scans of one megapixel": lambda size: jpeg_of_scans(size // 12, 1000, 1000),
    "GIF, comments": gif_of_comments,
    "GIF, frames": gif_of_frames,
    "TIFF, strips": lambda size: tiff_of_strips(size // 8),
    "TIFF, strips that are not listed": lambda size: tiff(64, {256: (4, 1, 1), 257: (4, 1, size), 278: (4, 1, 1)}),
    "TIFF, pages": tiff_of_pages,
    "TIFF, tags that share bytes": lambda size: tiff_of_shared_tags(25_000, size - 300_000),
    "PNG, Exif tags that share bytes": lambda size: png_with_exif(exif_of_shared_tags(4_000, size - 50_000)),
    "WebP, animation": webp_of_frames,
    "AVIF, empty boxes": avif_of_boxes,
    "PPM, a comment": ppm_of_comments,
    "PPM, numbers as text": lambda size: b"P3\n1000 %d\n100\n" % (size // 3000) + b"7 " * (size // 2),
    "BMP, runs": bmp_of_runs,
}
