"""From an upload's bytes to pixels, in a decoder's process: what is refused before decoding, and how it is reported."""

import warnings

import cv2
import numpy as np

from model.image_formats import HEAD_BYTES, find_format
from model.preprocess.cost import is_out_of_memory
from model.preprocess.decode import read_checked_pixels
from model.preprocess.formats import ImageError, TooCostlyError, TooManyPixelsError, check_format
from model.preprocess.structure import check_structure
from ui.i18n import UserError

MAX_UPLOAD_MEGAPIXELS = 50  # larger images are refused before decoding; phones take 12 to 50
MAX_WORKING_MEGAPIXELS = 12  # larger uploads are scaled down before anything else is done with them
MAX_SMALL_MEGAPIXELS = 1  # of a drawing, or an image that takes no longer
UNDISPLAYED_FORMATS = {"TIFF": "TIFF", "PPM": "PPM", "HEIF": "HEIC"}  # by most browsers; their names in messages


def read_image(encoded: bytes, target: tuple[int, int] | None = None) -> np.ndarray:
    """Decode an upload.

    Args:
        encoded: the file's bytes.
        target: height and width that it will be fitted into, if that is all; see `read_pixels`.

    Returns:
        uint8 (or uint16, for 16-bit files) of shape (h, w), (h, w, 3) or (h, w, 4), upright.

    Raises:
        UserError: if the image is damaged, in another format, above `MAX_UPLOAD_MEGAPIXELS`, or made to harm.
    """
    return decode_upload(encoded, check_upload(encoded)[0], target)


def check_upload(encoded: bytes) -> tuple[str, float]:
    """Return an upload's format and megapixels, 0 if they are not found, without decoding it.

    Raises:
        UserError: see `read_image`.
    """
    try:
        kind = check_format(encoded[:HEAD_BYTES])
        megapixels = check_structure(encoded, kind).pixels / 1_000_000
    except TooManyPixelsError:
        megapixels = np.inf
    except TooCostlyError:
        raise UserError("image_too_costly") from None
    except ImageError:
        raise UserError("image_unreadable") from None
    if megapixels > MAX_UPLOAD_MEGAPIXELS:
        raise UserError("image_too_large", limit=MAX_UPLOAD_MEGAPIXELS)
    return kind, megapixels


def decode_upload(encoded: bytes, kind: str, target: tuple[int, int] | None = None) -> np.ndarray:
    """Decode an upload that `check_upload` has let through; see `read_image`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, about damaged details
            return read_checked_pixels(encoded, kind, target)
    except Exception as error:  # damaged files raise many different errors inside the decoders
        raise UserError("image_too_costly" if is_out_of_memory(error) else "image_unreadable") from None


def undisplayed_format(source: str | bytes) -> str | None:
    """Return the name of an upload's format if it is one that most browsers do not show.

    Args:
        source: a path or the encoded bytes, of which only the first are read.
    """
    if isinstance(source, str):
        with open(source, "rb") as file:
            source = file.read(HEAD_BYTES)
    return UNDISPLAYED_FORMATS.get(find_format(source[:HEAD_BYTES]) or "")


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
