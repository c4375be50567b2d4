"""What a person sends, from Gradio's raw payload to pixels, checked before anything is decoded.

Gradio's own preprocessing decodes first, without a limit, and answers a damaged file in English. The tabs' events
therefore take raw payloads (`preprocess=False`) and come through here.
"""

import warnings
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.components.image_editor import EditorData
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder, is_in_or_equal
from PIL import Image
from pydantic import model_validator

from model import converter
from ui.text import Message, language_of

MEGAPIXELS = 50  # above this an upload is refused before it is decoded; phones take 12 to 50
WORKED = 12  # megapixels; above this an upload is scaled down before anything else is done with it
# Of all events that decode a picture, together; they spend most of their time where Python's threads go side by side.
AT_ONCE = {"concurrency_limit": 16, "concurrency_id": "pictures"}
# Megapixels; larger ones, of which each may need 800 MB, are worked on two at a time. Those that wait for that hold
# places among the sixteen.
SMALL = 1
_ROOM = BoundedSemaphore(2)
LONGEST_URL = 2_000_000  # characters; a scribbled-over canvas takes 100,000
# Pillow opens many more formats; among them EPS, for which it would start Ghostscript on a stranger's program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


class DrawingData(EditorData):
    """A sketchpad's payload, its layers and their composite; or a picture alone, which stands for the whole drawing."""

    @model_validator(mode="before")
    @classmethod
    def _picture_alone(cls, payload: Any) -> Any:
        return {"composite": payload} if isinstance(payload, dict) and "path" in payload else payload

    @classmethod
    def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Describe it to programs as a picture: most have one, and MCP knows no file within an object."""
        return ImageData.model_json_schema(*arguments, **named)


def picture_source(payload: Any) -> str | bytes | None:
    """Return where the picture of a raw payload is.

    Args:
        payload: of a `gr.Image`, a file; or of a browser's canvas, a data URL.

    Returns:
        a path, encoded bytes, or None where there is no picture.

    Raises:
        Message: when it is neither, lies elsewhere than uploads do, or is a URL longer than any canvas's.
    """
    if not payload:
        return None
    if isinstance(payload, dict):
        path = payload.get("path")
        # Gradio looks only at what bears its mark of a file, and not every payload needs one.
        if path and not is_in_or_equal(path, get_upload_folder()):
            raise Message("picture_unreadable")
        return path
    head, _, encoded = payload.partition(",") if isinstance(payload, str) and len(payload) <= LONGEST_URL else [""] * 3
    try:
        if head != "data:image/png;base64":
            raise ValueError(head)
        return b64decode(encoded, validate=True)
    except ValueError:
        raise Message("picture_unreadable") from None


def drawing_source(payload: dict | None) -> str | bytes | None:
    """Return the path, or the PNG, of the drawing in the raw payload of a sketchpad, None where nothing was drawn."""
    if not payload:
        return None
    drawn = payload.get("composite") or next(iter(payload.get("layers") or []), None) or payload.get("background")
    return picture_source(drawn)


def read_picture(source: str | bytes | None, missing: str = "picture_missing") -> np.ndarray:
    """Decode an upload.

    Args:
        source: a path or the encoded bytes.
        missing: key of the message for None.

    Returns:
        uint8 (or uint16, for 16-bit files) of shape (h, w), (h, w, 3) or (h, w, 4), upright.

    Raises:
        Message: when there is none, it is no picture, damaged, or of more than `MEGAPIXELS`.
    """
    if source is None:
        raise Message(missing)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, higher limit only warns; ours refuses below it
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
                if converter.pixels_to_decode(image) > MEGAPIXELS * 1_000_000:
                    raise Message("picture_too_large", limit=MEGAPIXELS)
                image.load()
                return converter.pixels_of(image)
    except Message:
        raise
    except Image.DecompressionBombError:
        raise Message("picture_too_large", limit=MEGAPIXELS) from None
    except Exception:  # damaged files end in many different errors inside the decoders
        raise Message("picture_unreadable") from None


@contextmanager
def decoded(source: str | bytes | None, missing: str = "picture_missing") -> Iterator[np.ndarray]:
    """Give a block what `read_picture` returns; of large pictures, to two blocks at a time.

    Raises:
        Message: as `read_picture`.
    """
    with _ROOM if _megapixels(source) > SMALL else nullcontext():
        yield read_picture(source, missing)


def is_too_large(source: str | bytes) -> bool:
    """Return whether a picture will be brought down; what cannot be read will not."""
    return WORKED < _megapixels(source) <= MEGAPIXELS


def is_tiff(source: str | bytes) -> bool:
    """Return whether a picture is of the one kind of `FORMATS` that most browsers do not show."""
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=["TIFF"]):
            return True
    except Exception:  # another kind, or none
        return False


def _megapixels(source: str | bytes | None) -> float:
    """Read a picture's size from its header; 0 for what is none."""
    if source is None:
        return 0
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            return converter.pixels_to_decode(image) / 1_000_000
    except Exception:  # as in `read_picture`, which tells it
        return 0


def brought_down(pixels: np.ndarray) -> np.ndarray:
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


@contextmanager
def warned(request: gr.Request | None) -> Iterator[None]:
    """Show a `Message` as a notice in the page and go on behind the block, in the request's language."""
    try:
        yield
    except Message as message:
        gr.Warning(message.text(language_of(request)))
