"""The size that a JPEG announces, and how much smaller than that it can be decoded."""

import cv2

from model.preprocess.pixels import fitted_size

MAX_SEGMENTS = 500  # before the one with the size; a file with more is decoded in full
# OpenCV's flags for decoding at a part of the size. With `IMREAD_ANYCOLOR`, gray stays gray.
REDUCING_FLAGS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
MAX_STRETCH_PX = 0.06  # of the result
STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers of segments with the size


def jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    """Return height and width as the file stores them, before it is turned upright; None if they are not found."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        if at + 9 > len(encoded) or encoded[at] != 0xFF:
            return None
        marker = encoded[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in STARTS_OF_FRAME:
            return int.from_bytes(encoded[at + 5 : at + 7]), int.from_bytes(encoded[at + 7 : at + 9])
        else:
            at += 2 + int.from_bytes(encoded[at + 2 : at + 4])
    return None


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
