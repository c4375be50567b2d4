"""What a JPEG's segments say: its size, what its pixels follow from; and how much smaller it can be decoded.

Training, evaluation, `predict` and the demo decode a file at the same part of its size, which `choose_reduction`
decides from the file and the network's size alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from PIL import Image

from model.preprocess.pixels import fitted_size

MAX_SEGMENTS = 500  # before the one with the size; a file with more is decoded in full
# OpenCV's flags for decoding at a part of the size. With `IMREAD_ANYCOLOR`, gray stays gray.
REDUCING_FLAGS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
# A reduced image has at least so many pixels for each of the result's, per side, by factor. With fewer, photographs
# would differ by more than a gray level on average from the full image, which is what an array holds.
MIN_DENSITY = {8: 2.0, 4: 2.0, 2: 1.75}
NEAR_MULTIPLE = 0.1  # a density that is above a whole number by less than this is brought to it
LINEAR_BLUR = 0.33  # it takes about this times (πν)² of an amplitude; ν: waves per pixel
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


def jpeg_orientation(encoded: bytes) -> int | None:
    """Return how the image is to be turned, from 1 (not at all) to 8, as Exif counts; None if that is damaged."""
    for marker, at, end in _segments(encoded):
        if marker in STARTS_OF_FRAME:
            break
        if marker == EXIF and encoded.startswith(b"Exif\0", at + 4):
            orientation = _read_orientation(encoded[at + 4 : end])
            return orientation if orientation in range(1, 9) else None
    return 1


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
    turned = _read_orientation(exif)
    return exif if turned is None else b"" if turned == 1 else b"turned %d" % turned


def _read_orientation(exif: bytes) -> int | None:
    tags = Image.Exif()
    try:
        tags.load(exif)
        return int(tags.get(ORIENTATION, 1))
    except Exception:  # damaged camera data raise many different errors
        return None


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


@dataclass(frozen=True)
class Reduction:
    """How a JPEG is decoded at a part of its size and brought to the result's.

    Attributes:
        factor: by which each side is divided: 2, 4 or 8.
        size: height and width of the image, upright.
        fitted: height and width of the result.
        multiple: of the result's size, to which the reduced image is enlarged before areas of it are averaged.
    """

    factor: int
    size: tuple[int, int]
    fitted: tuple[int, int]
    multiple: int

    def resize(self, pixels: np.ndarray) -> np.ndarray:
        """Return a reduced image at the result's size.

        Reduced sides are rounded up: 227 pixels become 114, the last of which is half beyond the image. Taken for the
        whole image, they would shift it by up to a pixel.

        Args:
            pixels: uint8 (h, w[, c]), divided by the factor and upright.
        """
        if pixels.shape[:2] != tuple(-(-side // self.factor) for side in self.size):
            return pixels  # a damaged orientation, which decoders read differently
        rows, columns = (self.multiple * side for side in self.fitted)
        down, across = self.factor * rows / self.size[0], self.factor * columns / self.size[1]
        # Linear interpolation is faster, which counts for small images, but blurs, which a mask makes up for.
        interpolation = cv2.INTER_LINEAR if self.factor == 2 else cv2.INTER_CUBIC
        enlarged = cv2.resize(pixels, None, fx=across, fy=down, interpolation=interpolation)[:rows, :columns]
        result = cv2.resize(enlarged, self.fitted[::-1], interpolation=cv2.INTER_AREA)
        if self.factor != 2:
            return result
        amount = LINEAR_BLUR * (across / self.multiple) ** 2
        return cv2.addWeighted(result, 1 + amount, cv2.GaussianBlur(result, (3, 3), 0), -amount, 0)


@lru_cache(1 << 12)
def choose_reduction(size: tuple[int, int], orientation: int | None, target: tuple[int, int]) -> Reduction | None:
    """Return how a JPEG is decoded for a network; None for in full.

    Args:
        size: height and width, as the file stores them.
        orientation: what `jpeg_orientation` returns.
        target: height and width that the image will be fitted into.

    Example:
        >>> choose_reduction((227, 227), 1, (64, 64))
        Reduction(factor=2, size=(227, 227), fitted=(64, 64), multiple=2)
    """
    if orientation is None:
        return None
    upright = size if orientation < 5 else size[::-1]
    fitted = fitted_size(upright, target)
    for factor, min_density in MIN_DENSITY.items():
        # What is beyond the image lies on the right and below; turned, on any side.
        is_whole = orientation == 1 or not any(side % factor for side in size)
        densities = [side / factor / out for side, out in zip(upright, fitted, strict=True)]
        if is_whole and min(densities) >= min_density:
            return Reduction(factor, upright, fitted, ceil(max(densities) - NEAR_MULTIPLE))
    return None
