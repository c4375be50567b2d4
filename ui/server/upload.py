"""What a person sends: from Gradio's raw payload to where the picture is.

Gradio's own preprocessing decodes first, without a limit, and answers a damaged file in English. The tabs' events
therefore take raw payloads (`preprocess=False`) and come through here; `ui.server.images` decodes.
"""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.components.image_editor import EditorData
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder, is_in_or_equal
from pydantic import model_validator

from ui.i18n import UserError, language_of

# Of all events about a picture, together; they spend most of their time in OpenCV, or wait for the network's process.
IMAGE_EVENTS = {"concurrency_limit": 16, "concurrency_id": "pictures"}
LONGEST_URL = 2_000_000  # characters; a scribbled-over canvas takes 100,000


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
        UserError: when it is neither, lies elsewhere than uploads do, or is a URL longer than any canvas's.
    """
    if not payload:
        return None
    if isinstance(payload, dict):
        path = payload.get("path")
        # Gradio looks only at what bears its mark of a file, and not every payload needs one.
        if path and not is_in_or_equal(path, get_upload_folder()):
            raise UserError("image_unreadable")
        return path
    head, _, encoded = payload.partition(",") if isinstance(payload, str) and len(payload) <= LONGEST_URL else [""] * 3
    try:
        if head != "data:image/png;base64":
            raise ValueError(head)
        return b64decode(encoded, validate=True)
    except ValueError:
        raise UserError("image_unreadable") from None


def drawing_source(payload: dict | None) -> str | bytes | None:
    """Return the path, or the PNG, of the drawing in the raw payload of a sketchpad, None where nothing was drawn."""
    if not payload:
        return None
    drawn = payload.get("composite") or next(iter(payload.get("layers") or []), None) or payload.get("background")
    return picture_source(drawn)


@contextmanager
def show_warnings(request: gr.Request | None) -> Iterator[None]:
    """Show a `UserError` as a notice in the page and go on behind the block, in the request's language."""
    try:
        yield
    except UserError as message:
        gr.Warning(message.text(language_of(request)))
