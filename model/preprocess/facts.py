"""What a scan records of each image file, and the pixel format that follows for the dataset."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

import cv2
import numpy as np

from model.pixel_format import BACKGROUNDS, PixelFormat, white_level_for
from model.preprocess.cost import describe_failure
from model.preprocess.decode import Costly, read_pixels
from model.preprocess.formats import FORMATS, HEAD_BYTES, find_format
from model.preprocess.jpeg import jpeg_orientation, jpeg_size, jpeg_without_metadata

# One record per file; all zero, except the format, if it cannot be decoded.
FACTS = np.dtype(
    [
        ("content", np.uint64),  # equal for equal images; 0: unknown
        ("width", np.uint32),  # upright, in pixels
        ("height", np.uint32),
        ("low", np.uint16, len(BACKGROUNDS)),  # lowest and highest value, with transparency placed on each of
        ("high", np.uint16, len(BACKGROUNDS)),  # `BACKGROUNDS`, of the color channel that varies most
        ("brightest", np.uint16),  # value of all color channels
        ("format", np.uint8),  # 1 + position in `FORMATS`; 0: none of them
        ("channels", np.uint8),  # 1: gray, also if it is stored as RGB; 3: color
        ("bits", np.uint8),  # 8 or 16
        ("alpha", np.bool_),  # whether a pixel is transparent
        ("flat", np.bool_),  # of a gray image: whether most of it has one level, as behind writing and drawings
    ]
)
TARGET_PX = (128, 128)  # photographs are decoded as for a network of this size
MAX_SAMPLED_SIDE_PX = 1000  # larger images with transparency are sampled: nine images are computed of each
MAX_CONSTANT_LEVELS = 2  # an image that varies by at most this shows nothing
MIN_VISIBLE_LEVELS = 16  # a drawing that differs by less from its background is hardly visible
MAX_HIDDEN_SHARE = 0.01  # of the images with transparency, hidden on white or black, before a gray is chosen
FLAT_BINS, FLAT_SPAN = 32, 3  # of the levels up to the brightest; a background lies within so many of them
MIN_FLAT_SHARE = 0.4  # of the pixels, from which on they are a background
MAX_COUNTED_SIDE_PX = 128  # larger images are sampled for it
MAX_LOSSY_TINT = 6  # by which the channels of a gray image may differ in lossy WebP, AVIF and HEIC, which round colors


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image file; see `FACTS`.

    Attributes:
        format: one of `FORMATS`, or None.
        reason: why the file cannot be decoded; None if it can. Then all else is 0, except the format.
    """

    content: int
    width: int
    height: int
    low: tuple[int, ...]
    high: tuple[int, ...]
    brightest: int
    format: str | None
    channels: int
    bits: int
    alpha: bool
    flat: bool
    reason: str | None


def image_facts(encoded: bytes | np.ndarray) -> ImageFacts:
    """Return what is known of an image file.

    Example:
        >>> image_facts(Path("seven.png").read_bytes()).width
        28
    """
    facts, reasons = image_facts_batch([encoded])
    values: dict[str, Any] = dict(zip(FACTS.names or (), facts[0].item(), strict=True))
    values |= {name: tuple(map(int, values[name])) for name in ("low", "high")}
    values["format"] = FORMATS[values["format"] - 1] if values["format"] else None
    return ImageFacts(**values, reason=reasons.get(0))


def image_facts_batch(
    encoded: Sequence[bytes | np.ndarray], costly: Callable[[int], AbstractContextManager] = nullcontext
) -> tuple[np.ndarray, dict[int, str]]:
    """Return what is known of many image files.

    Args:
        encoded: the files' bytes, or uint8 arrays (bytes,) of them.
        costly: with the position of an image, what `read_pixels` takes.

    Returns:
        (`FACTS` of shape (n,), position -> reason of the files that cannot be decoded, in the words of `decode`).
    """
    facts, reasons = np.zeros(len(encoded), FACTS), dict[int, str]()
    for position, one in enumerate(encoded):
        data = bytes(one)
        kind = find_format(data[:HEAD_BYTES])
        number = 0 if kind is None else 1 + FORMATS.index(kind)
        try:
            facts[position] = _measure(data, kind, number, partial(costly, position))
        except Exception as error:  # one broken image must not fail the whole batch
            facts[position]["format"] = number
            reasons[position] = describe_failure(error)
    return facts, reasons


def choose_pixel_format(facts: np.ndarray, counts: np.ndarray | None = None) -> PixelFormat:
    """Return the pixel format in which the images of a dataset stay visible.

    White is the smallest 2ⁿ − 1 that covers the brightest value of all 16-bit images. Transparency is placed on white,
    unless that hides more images than black does. If both hide some, it is placed on gray.

    Args:
        facts: `FACTS` (n,) of the dataset. Images of 8 bits without transparency decide nothing and may be left out.
        counts: int64 (n,): how many images have these facts; None for one each.

    Example:
        >>> choose_pixel_format(image_facts_batch(icons)[0])  # white icons on nothing
        PixelFormat(background=0, white_level=65535)
    """
    deep = facts["brightest"][facts["bits"] == 16]
    white_level = white_level_for(deep.max()) if len(deep) else PixelFormat.white_level
    clear = facts[facts["alpha"]]
    if not len(clear):
        return PixelFormat(white_level=white_level)
    weights = None if counts is None else counts[facts["alpha"]]
    is_hidden = visible_levels(clear, white_level) < MIN_VISIBLE_LEVELS
    hidden = np.average(is_hidden, axis=0, weights=weights)  # share, for each background
    white, black, gray = range(len(BACKGROUNDS))
    best = black if hidden[black] < hidden[white] else white
    if hidden[best] > MAX_HIDDEN_SHARE and hidden[gray] < hidden[best]:
        best = gray
    return PixelFormat(BACKGROUNDS[best], white_level)


def fit_pixel_format(pixels: np.ndarray) -> PixelFormat:
    """Return the pixel format in which a single image is visible, for one that belongs to no dataset.

    Args:
        pixels: what `read_pixels` returns.
    """
    if pixels.dtype == np.uint8 and (pixels.ndim == 2 or pixels.shape[2] < 4):
        return PixelFormat()
    facts = np.zeros(1, FACTS)
    planes, alpha = _split(pixels, 0)
    brightest = _brightest(planes)
    low, high = _ranges(planes, alpha, brightest)
    for name, value in (("bits", 8 * pixels.itemsize), ("alpha", alpha is not None), ("brightest", brightest)):
        facts[name] = value
    facts["low"], facts["high"] = low, high
    return choose_pixel_format(facts)


def is_near_constant(facts: np.ndarray, pixel_format: PixelFormat) -> np.ndarray:
    """Return which images show nothing once they are decoded in this format.

    Args:
        facts: `FACTS` (n,).
        pixel_format: of the dataset.

    Returns:
        bool (n,); false for files that cannot be decoded.
    """
    levels = visible_levels(facts, pixel_format.white_level)[:, BACKGROUNDS.index(pixel_format.background)]
    return (facts["bits"] > 0) & (levels <= MAX_CONSTANT_LEVELS)


def visible_levels(facts: np.ndarray, white_level: int) -> np.ndarray:
    """Return by how many of 255 gray levels images vary, float64 (n, backgrounds), one column per `BACKGROUNDS`."""
    scale = np.where(facts["bits"] == 16, 255 / white_level, 1.0)
    return (facts["high"].astype(np.float64) - facts["low"]) * scale[:, None]


def _measure(data: bytes, kind: str | None, number: int, costly: Costly) -> tuple:
    """Return the values of a record.

    Raises:
        ImageError: if the file cannot be decoded.
    """
    pixels = read_pixels(data, TARGET_PX, costly)
    is_lossy = kind in ("JPEG", "AVIF", "HEIF") or (kind == "WEBP" and not _is_lossless_webp(data))
    planes, alpha = _split(pixels, MAX_LOSSY_TINT if is_lossy and kind != "JPEG" else 0)
    brightest = _brightest(planes)
    low, high = _ranges(planes, alpha, brightest)
    height, width = pixels.shape[:2]
    if kind == "JPEG" and (stored := jpeg_size(data)) is not None and stored not in ((height, width), (width, height)):
        height, width = reversed(stored) if (jpeg_orientation(data) or 1) > 4 else stored  # it was reduced
    # Decoders differ in the pixels they make of a lossy file.
    stored_image = jpeg_without_metadata(data) if kind == "JPEG" else data
    content = _to_number(blake2b(stored_image, digest_size=8)) if is_lossy else _hash_pixels(planes, alpha)
    bits = 8 * pixels.itemsize
    flat = len(planes) == 1 and _is_flat(planes[0], brightest)
    return content, width, height, low, high, brightest, number, len(planes), bits, alpha is not None, flat


def _split(pixels: np.ndarray, max_tint: int) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Return what an image really uses: its color channels, one if they are equal, and its alpha, None if opaque."""
    if pixels.ndim == 2:
        return [pixels], None
    planes, alpha = list(cv2.split(pixels)), None
    if len(planes) == 4:
        alpha = planes.pop()
        if alpha.min() == np.iinfo(alpha.dtype).max:
            alpha = None
        else:
            for plane in planes:
                plane[alpha == 0] = 0  # invisible, and other programs write any color there
    red, green, blue = planes
    if max_tint:
        is_gray = max(int(cv2.absdiff(green, one).max()) for one in (red, blue)) <= max_tint
    else:
        middle = len(red) // 2  # one row already shows color in most images that have any
        is_gray = all(np.array_equal(red[middle], one[middle]) for one in (green, blue)) and all(
            np.array_equal(red, one) for one in (green, blue)
        )
    return ([green] if is_gray else planes), alpha


def _brightest(planes: list[np.ndarray]) -> int:
    return max(int(cv2.minMaxLoc(plane)[1]) for plane in planes)


def _ranges(
    planes: list[np.ndarray], alpha: np.ndarray | None, brightest: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lowest and the highest value on each of `BACKGROUNDS`, of the channel that varies most there."""
    if alpha is None:
        low, high = _widest(planes)
        return (low,) * len(BACKGROUNDS), (high,) * len(BACKGROUNDS)
    step = 1 + max(alpha.shape) // MAX_SAMPLED_SIDE_PX
    share = alpha[::step, ::step] / np.float32(np.iinfo(alpha.dtype).max)
    on_black = [plane[::step, ::step] * share for plane in planes]
    white = 255 if alpha.dtype == np.uint8 else white_level_for(brightest)
    ranges = [_widest([one + background / 255 * white * (1 - share) for one in on_black]) for background in BACKGROUNDS]
    return tuple(low for low, _ in ranges), tuple(high for _, high in ranges)


def _is_flat(plane: np.ndarray, brightest: int) -> bool:
    """Return whether neighboring levels cover so much of an image that they are a background."""
    step = 1 + (max(plane.shape) - 1) // MAX_COUNTED_SIDE_PX
    sampled = np.ascontiguousarray(plane[::step, ::step])
    counts = cv2.calcHist([sampled], [0], None, [FLAT_BINS], [0, brightest + 1]).ravel()
    return bool(np.convolve(counts, np.ones(FLAT_SPAN)).max() >= MIN_FLAT_SHARE * sampled.size)


def _widest(planes: list[np.ndarray]) -> tuple[int, int]:
    low, high = max((cv2.minMaxLoc(plane)[:2] for plane in planes), key=lambda pair: pair[1] - pair[0])
    return round(low), round(high)


def _is_lossless_webp(data: bytes) -> bool:
    """Return whether the first chunk with pixels is lossless; an animation counts as lossy."""
    at = 12
    for _ in range(10):  # chunks; a file has a few before its pixels
        name = data[at : at + 4]
        if name in (b"VP8 ", b"VP8L", b"ANMF"):
            return name == b"VP8L"
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return False


def _hash_pixels(planes: list[np.ndarray], alpha: np.ndarray | None) -> int:
    """Return a hash of an image's size, depth and visible pixels; equal in every lossless format."""
    height, width = planes[0].shape
    form = f"{height} {width} {len(planes)} {alpha is not None} {planes[0].itemsize}"
    digest = blake2b(form.encode(), digest_size=8)
    for plane in planes if alpha is None else [*planes, alpha]:
        digest.update(np.ascontiguousarray(plane).data)
    return _to_number(digest)


def _to_number(digest: Any) -> int:
    return int.from_bytes(digest.digest(), "little") or 1  # 0 stands for unknown
