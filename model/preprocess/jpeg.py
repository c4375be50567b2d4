"""What a JPEG's segments say: its size, what its pixels follow from; and how much smaller it can be decoded."""

from collections.abc import Iterator

import cv2
from PIL import Image

from model.preprocess.pixels import fitted_size

MAX_SEGMENTS = 500  # before the one with the size; a file with more is decoded in full
# OpenCV's flags for decoding at a part of the size. With `IMREAD_ANYCOLOR`, gray stays gray.
REDUCING_FLAGS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
MAX_STRETCH_PX = 0.06  # of the result
ORIENTATION = 0x0112  # tag of Exif: how the camera was held
JFIF, EXIF, START_OF_SCAN = 0xE0, 0xE1, 0xDA  # markers of segments
METADATA = frozenset((*range(0xE2, 0xEE), 0xEF, 0xFE))  # but not 0xEE: how Adobe's programs store colors
STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of segments with the size


def jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    """Return height and width as the file stores them, before it is turned upright; None if they are not found."""
    for marker, at, end in _segments(encoded):
        if marker in STARTS_OF_FRAME and end - at >= 9:
            return int.from_bytes(encoded[at + 5 : at + 7]), int.from_bytes(encoded[at + 7 : at + 9])
    return None


def jpeg_without_metadata(encoded: bytes) -> bytes:
    """Return the parts of a JPEG that its pixels follow from; a damaged file is returned as it is.

    Comments and what programs and cameras write about an image are left out, except how it is to be turned.
    """
    kept = []
    for marker, at, end in _segments(encoded):
        if marker == JFIF:
            kept.append(b"JFIF")  # that it is there says how colors are stored
        elif marker == EXIF:
            kept.append(_orientation(encoded[at + 4 : end]))
        elif marker not in METADATA:
            kept.append(encoded[at:end])
        if marker == START_OF_SCAN:
            return b"".join([*kept, encoded[end:]])
    return encoded


def _orientation(exif: bytes) -> bytes:
    """Return how a segment says that the image is to be turned; nothing if it does not; if damaged all of it."""
    if not exif.startswith(b"Exif\0"):  # XMP
        return b""
    tags = Image.Exif()
    try:
        tags.load(exif)
        return b"" if (turned := tags.get(ORIENTATION, 1)) == 1 else b"turned %d" % turned
    except Exception:  # damaged camera data raise many different errors
        return exif


def _segments(encoded: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of a file's segments, up to the first scan."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 4 > len(encoded) or encoded[at] != 0xFF:
            return
        marker = encoded[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(encoded[at + 2 : at + 4])
        if end > len(encoded):
            return
        yield marker, at, end
        if marker == START_OF_SCAN:
            return
        at = end


def reducing_factor(size: tuple[int, int], target: tuple[int, int]) -> int:
    """Return by how much an image can be reduced (1, 2, 4, 8) and still have twice the pixels of its target per side.

    With fewer, the result would differ by more than one gray level on average from that of the full image. So it would
    if the last block of a side is mostly beyond the image, which stretches the rest.

    Args:
        size: height and width of the image, upright or not.
        target: height and width that it will be fitted into.
    """

    def suits(factor: int, target: tuple[int, int]) -> bool:
        reduced = -(-size[0] // factor), -(-size[1] // factor)
        fitted = fitted_size(size, target)
        return fitted_size(reduced, target) == fitted and all(
            small >= 2 * out and (small * factor - full) * out <= MAX_STRETCH_PX * full
            for small, full, out in zip(reduced, size, fitted, strict=True)
        )

    turned = target[1], target[0]
    return next((factor for factor in REDUCING_FLAGS if suits(factor, target) and suits(factor, turned)), 1)
