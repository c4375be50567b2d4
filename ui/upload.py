"""What a person sends, from Gradio's raw payload to pixels, checked before anything is decoded.

Gradio's own preprocessing decodes first, without a limit, and answers a damaged file in English. The tabs' events
therefore take raw payloads (`preprocess=False`) and come through here.
"""

import warnings
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.components.image_editor import EditorData
from PIL import Image
from pydantic import model_validator

from model import converter
from ui.text import Message, language_of

MEGAPIXELS = 50  # above this an upload is refused before it is decoded; phones take 12 to 50
WORKED = 12  # megapixels; above this an upload is scaled down before anything else is done with it
# For all events that decode a picture, together: each may need 500 MB for the largest.
AT_ONCE = {"concurrency_limit": 2, "concurrency_id": "pictures"}
LONGEST_URL = 2_000_000  # characters; a scribbled-over canvas takes 100,000
# Pillow opens many more formats; among them EPS, for which it would start Ghostscript on a stranger's program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


class DrawingData(EditorData):
    """A sketchpad's payload, or a picture alone, which then stands for the whole drawing."""

    @model_validator(mode="before")
    @classmethod
    def _picture_alone(cls, payload: Any) -> Any:
        return {"composite": payload} if isinstance(payload, dict) and "path" in payload else payload


def picture_source(payload: dict | None) -> str | None:
    """Return the path in the raw payload of a `gr.Image`, None where there is no picture."""
    return payload.get("path") if payload else None


def data_url_source(url: str) -> bytes:
    """Return the picture in a data URL, as a browser's canvas gives it.

    Raises:
        Message: when it is none, or longer than any canvas's.
    """
    head, _, encoded = url.partition(",") if isinstance(url, str) and len(url) <= LONGEST_URL else ("", "", "")
    try:
        if head != "data:image/png;base64":
            raise ValueError(head)
        return b64decode(encoded, validate=True)
    except ValueError:
        raise Message("picture_unreadable") from None


def drawing_source(payload: dict | None, blobs: dict) -> str | bytes | None:
    """Return where the drawing in the raw payload of a sketchpad is.

    Args:
        payload: with the `id` of an upload (from the page), or with files (from a client).
        blobs: the sketchpad's `blob_storage`, id to uploaded bytes; the entry is taken out.

    Returns:
        a path, encoded bytes, or None where nothing was drawn or the upload has expired.
    """
    if not payload:
        return None
    if payload.get("id") is not None:
        upload = blobs.pop(payload["id"], None)
        return upload.composite if upload else None
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
                if image.width * image.height > MEGAPIXELS * 1_000_000:
                    raise Message("picture_too_large", limit=MEGAPIXELS)
                image.load()
                return converter.pixels_of(image)
    except Message:
        raise
    except Image.DecompressionBombError:
        raise Message("picture_too_large", limit=MEGAPIXELS) from None
    except Exception:  # damaged files end in many different errors inside the decoders
        raise Message("picture_unreadable") from None


def is_too_large(path: str) -> bool:
    """Return whether a picture will be brought down; only its header is read, and what cannot be read will not."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return WORKED * 1_000_000 < image.width * image.height <= MEGAPIXELS * 1_000_000
    except Exception:  # as in `read_picture`, which tells it
        return False


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


@contextmanager
def told(request: gr.Request | None) -> Iterator[None]:
    """End the request with a `Message` as Gradio's error, in the request's language."""
    try:
        yield
    except Message as message:
        raise gr.Error(message.text(language_of(request)), print_exception=False) from None
