"""From an upload's bytes to pixels: what is refused before decoding, and how many images are decoded at a time."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import BoundedSemaphore

import cv2
import numpy as np
from PIL import Image

from model.preprocess.decode import open_header, pixels_to_decode, read_pixels
from ui.i18n import UserError

MAX_UPLOAD_MEGAPIXELS = 50  # larger images are refused before decoding; phones take 12 to 50
MAX_WORKING_MEGAPIXELS = 12  # larger uploads are scaled down before anything else is done with them
# A larger image may need 800 MB while it is worked on. Each process (the page's, for edges, and the network's) works on
# only two of them at a time.
MAX_SMALL_IMAGE_MEGAPIXELS = 1
_large_image_slots = BoundedSemaphore(2)
UNDISPLAYED_FORMATS = {"TIFF": "TIFF", "PPM": "PPM", "HEIF": "HEIC"}  # by most browsers; their names in messages


def read_image(
    source: str | bytes | None, missing_key: str = "image_missing", target: tuple[int, int] | None = None
) -> np.ndarray:
    """Decode an upload.

    Args:
        source: a path or the encoded bytes.
        missing_key: key of the message for None.
        target: height and width that it will be fitted into, if that is all; see `read_pixels`.

    Returns:
        uint8 (or uint16, for 16-bit files) of shape (h, w), (h, w, 3) or (h, w, 4), upright.

    Raises:
        UserError: if the image is missing, damaged, in another format, or above `MAX_UPLOAD_MEGAPIXELS`.
    """
    if source is None:
        raise UserError(missing_key)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, higher limit only warns; ours refuses below it
            encoded = source if isinstance(source, bytes) else Path(source).read_bytes()
            with open_header(encoded) as image:
                if pixels_to_decode(image) > MAX_UPLOAD_MEGAPIXELS * 1_000_000:
                    raise UserError("image_too_large", limit=MAX_UPLOAD_MEGAPIXELS)
            return read_pixels(encoded, target)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError("image_too_large", limit=MAX_UPLOAD_MEGAPIXELS) from None
    except Exception:  # damaged files raise many different errors inside the decoders
        raise UserError("image_unreadable") from None


@contextmanager
def read_image_in_turn(
    source: str | bytes | None,
    missing_key: str = "image_missing",
    small_image_lock: AbstractContextManager | None = None,
    target: tuple[int, int] | None = None,
) -> Iterator[np.ndarray]:
    """Give a block what `read_image` returns; only two blocks have a large image at the same time.

    Args:
        source: see `read_image`.
        missing_key: see `read_image`.
        small_image_lock: entered for images that are not large; None for nothing.
        target: see `read_image`.

    Raises:
        UserError: see `read_image`.
    """
    _, megapixels = _read_header(source)
    with _large_image_slots if megapixels > MAX_SMALL_IMAGE_MEGAPIXELS else small_image_lock or nullcontext():
        yield read_image(source, missing_key, target)


def will_be_downscaled(source: str | bytes) -> bool:
    """Return whether `downscale` will change an upload; False for what cannot be read."""
    _, megapixels = _read_header(source)
    return MAX_WORKING_MEGAPIXELS < megapixels <= MAX_UPLOAD_MEGAPIXELS


def undisplayed_format(source: str | bytes) -> str | None:
    """Return the name of an upload's format if it is one that most browsers do not show."""
    image_format, _ = _read_header(source)
    return UNDISPLAYED_FORMATS.get(image_format or "")


def downscale(pixels: np.ndarray) -> np.ndarray:
    """Return an image of at most `MAX_WORKING_MEGAPIXELS`, with its aspect kept; smaller images are not changed."""
    height, width = pixels.shape[:2]
    max_pixels = MAX_WORKING_MEGAPIXELS * 1_000_000
    if height * width <= max_pixels:
        return pixels
    scale = (max_pixels / (height * width)) ** 0.5
    new_height = max(1, int(height * scale))
    new_width = max(1, min(int(width * scale), max_pixels // new_height))
    size = new_width, min(new_height, max_pixels // new_width)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _read_header(source: str | bytes | None) -> tuple[str | None, float]:
    """Return an upload's format and megapixels without decoding it; None and 0 if that is not possible."""
    if source is None:
        return None, 0
    try:
        with open_header(source) as image:
            return image.format, pixels_to_decode(image) / 1_000_000
    except Exception:  # as in `read_image`, which reports it
        return None, 0
