"""From the bytes of an upload to pixels: what is refused before it is decoded, and how many are decoded at once."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BytesIO
from threading import BoundedSemaphore

import cv2
import numpy as np
from PIL import Image

from model.preprocess.decode import pixels_to_decode, to_array
from ui.i18n import UserError

MEGAPIXELS = 50  # above this an upload is refused before it is decoded; phones take 12 to 50
WORKED = 12  # megapixels; above this an upload is scaled down before anything else is done with it
# Megapixels; larger ones, of which each may need 800 MB, are worked on two at a time in each process: the page's, for
# its edges, and the network's.
SMALL = 1
_ROOM = BoundedSemaphore(2)
# Pillow opens many more formats; among them EPS, for which it would start Ghostscript on a stranger's program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def read_picture(source: str | bytes | None, missing: str = "image_missing") -> np.ndarray:
    """Decode an upload.

    Args:
        source: a path or the encoded bytes.
        missing: key of the message for None.

    Returns:
        uint8 (or uint16, for 16-bit files) of shape (h, w), (h, w, 3) or (h, w, 4), upright.

    Raises:
        UserError: when there is none, it is no picture, damaged, or of more than `MEGAPIXELS`.
    """
    if source is None:
        raise UserError(missing)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, higher limit only warns; ours refuses below it
            with _opened(source) as image:
                if pixels_to_decode(image) > MEGAPIXELS * 1_000_000:
                    raise UserError("image_too_large", limit=MEGAPIXELS)
                image.load()
                return to_array(image)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError("image_too_large", limit=MEGAPIXELS) from None
    except Exception:  # damaged files end in many different errors inside the decoders
        raise UserError("image_unreadable") from None


@contextmanager
def decoded(
    source: str | bytes | None, missing: str = "image_missing", small: AbstractContextManager | None = None
) -> Iterator[np.ndarray]:
    """Give a block what `read_picture` returns; of large pictures, to two blocks at a time.

    Args:
        source: as `read_picture` takes it.
        missing: as `read_picture` takes it.
        small: entered for pictures that are not large; None for nothing.

    Raises:
        UserError: as `read_picture`.
    """
    with _ROOM if _megapixels(source) > SMALL else small or nullcontext():
        yield read_picture(source, missing)


def is_too_large(source: str | bytes) -> bool:
    """Return whether a picture will be brought down; what cannot be read will not."""
    return WORKED < _megapixels(source) <= MEGAPIXELS


def is_tiff(source: str | bytes) -> bool:
    """Return whether a picture is of the one kind of `FORMATS` that most browsers do not show."""
    try:
        with _opened(source) as image:
            return image.format == "TIFF"
    except Exception:  # as in `read_picture`, which tells it
        return False


def _opened(source: str | bytes) -> Image.Image:
    return Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)


def _megapixels(source: str | bytes | None) -> float:
    """Read a picture's size from its header; 0 for what is none."""
    if source is None:
        return 0
    try:
        with _opened(source) as image:
            return pixels_to_decode(image) / 1_000_000
    except Exception:  # as in `read_picture`, which tells it
        return 0


def downscale(pixels: np.ndarray) -> np.ndarray:
    """Return a picture as it is or, where it has more than `WORKED` megapixels, one of so many, its aspect kept."""
    height, width = pixels.shape[:2]
    most = WORKED * 1_000_000
    if height * width <= most:
        return pixels
    scale = (most / (height * width)) ** 0.5
    lower = max(1, int(height * scale))
    narrower = max(1, min(int(width * scale), most // lower))
    size = narrower, min(lower, most // narrower)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
