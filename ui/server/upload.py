"""From Gradio's raw payload to the file or bytes of the image.

Gradio's own preprocessing decodes first, without a limit, and reports a damaged file in English. The tabs' events
therefore take raw payloads (`preprocess=False`) and use these functions; `ui.decoding` decodes.
"""

import os
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from pydantic import model_validator

from ui.i18n import UserError, language_of
from ui.server.gradio_compat import EditorData, ImageData, get_upload_folder, is_in_or_equal

# One limit for all events with an image; they wait for a decoder, or for the network's process.
IMAGE_EVENTS = {"concurrency_limit": 16, "concurrency_id": "images"}
MAX_DATA_URL_CHARS = 2_000_000  # a canvas full of scribbles takes 100,000


class DrawingData(EditorData):
    """A sketchpad's payload (its layers and their composite), or a single image, which is the whole drawing."""

    @model_validator(mode="before")
    @classmethod
    def _wrap_single_image(cls, payload: Any) -> Any:
        return {"composite": payload} if isinstance(payload, dict) and "path" in payload else payload

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Describe it to clients as an image: most send one, and MCP does not support files inside an object."""
        return ImageData.model_json_schema(*args, **kwargs)


def image_source(payload: Any) -> str | bytes | None:
    """Return the path or the bytes of the image in a raw payload.

    Args:
        payload: the file of a `gr.Image`, or the data URL of a browser's canvas.

    Returns:
        a path, encoded bytes, or None without an image.

    Raises:
        UserError: if it is neither, is not in the upload folder, was deleted because it is old, or is a longer URL than
            any canvas makes.
    """
    if not payload:
        return None
    if isinstance(payload, dict):
        path = payload.get("path")
        # Gradio checks only files that carry its mark, and a payload may come without.
        if path and not is_in_or_equal(path, get_upload_folder()):
            raise UserError("image_unreadable")
        return _in_use(path) if path else None
    if not isinstance(payload, str) or len(payload) > MAX_DATA_URL_CHARS:
        raise UserError("image_unreadable")
    head, _, encoded = payload.partition(",")
    try:
        if head != "data:image/png;base64":
            raise ValueError(head)
        return b64decode(encoded, validate=True)
    except ValueError:
        raise UserError("image_unreadable") from None


def drawing_source(payload: dict | None) -> str | bytes | None:
    """Return the path or the PNG of the drawing in a sketchpad's raw payload, None if nothing was drawn."""
    return image_source(drawn_image(payload))


def drawn_image(payload: Any) -> Any:
    """Return the image of a sketchpad's raw payload; any other payload is the image itself."""
    if not isinstance(payload, dict) or "path" in payload:
        return payload
    return payload.get("composite") or next(iter(payload.get("layers") or []), None) or payload.get("background")


@contextmanager
def show_warnings(request: gr.Request | None) -> Iterator[None]:
    """Show a `UserError` of the block as a warning in the page, in the request's language, and continue after it."""
    try:
        yield
    except UserError as message:
        gr.Warning(message.text(language_of(request)))


def _in_use(path: str) -> str:
    """Touch a file, so that its age counts from now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        raise UserError("image_expired") from None
    return path
