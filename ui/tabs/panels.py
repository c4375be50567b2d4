"""Components that several tabs use: labeled HTML panels, and a panel that takes an image."""

import json
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ui.decoding.pool import decoders
from ui.i18n import BROWSER_TEXT, LANGUAGES, Language, UserError, language_of, translate
from ui.server.images import MAX_WORKING_MEGAPIXELS, undisplayed_format
from ui.server.upload import image_source
from ui.server.visitors import visitor_of

STATIC = Path(__file__).parents[1] / "static"
# How the keys of those texts start that scripts use alone: Gradio's translator need not have them.
SCRIPT_TEXTS = ("lens_", "map_", "matrix_", "own_", "tools_", "train_")
i18n = gr.I18n(
    **{
        language: {key: text for key, text in texts.items() if not key.startswith(SCRIPT_TEXTS)}
        for language, texts in BROWSER_TEXT.items()
    }
)

# By default Gradio mirrors the photo that a camera takes, and no digit could be read. A phone's back camera is the one
# that sees the paper. The size is Gradio's own default.
CAMERA = gr.WebcamOptions(
    mirror=False,
    constraints={"video": {"facingMode": "environment", "width": {"ideal": 1920}, "height": {"ideal": 1440}}},
)
PRIVATE_EVENT = {"api_visibility": "private", "show_progress": "hidden"}  # events that only the page uses


def html_panel(label: str, elem_id: str, value: Any = None, **options: Any) -> gr.HTML:
    """Place an HTML panel under a label of `BROWSER_TEXT`."""
    style = {"show_label": True, "container": True, "elem_classes": "panel"}
    return gr.HTML(value, label=i18n(label), elem_id=elem_id, **style, **options)


def image_panel(label: str, elem_id: str, value: str | None = None, **options: Any) -> gr.Image:
    """Place a panel that takes an image by upload, webcam or clipboard.

    A notice says when an image is scaled down, or when the browser will probably not show it.
    """
    panel = gr.Image(
        value,
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        webcam_options=CAMERA,
        label=i18n(label),
        placeholder=i18n("edges_upload"),
        buttons=[],
        elem_id=elem_id,
        elem_classes="panel",
        **options,
    )
    # Once, when the image arrives, and not each time a control changes.
    panel.input(_show_notices, panel, None, preprocess=False, **PRIVATE_EVENT)
    return panel


def data_attributes(key: str) -> str:
    """Return a text in each language as HTML attributes, `data-es="…" data-en="…"`.

    Gradio translates labels only; the script of a panel picks the text for the browser's language.
    """
    return " ".join(f'data-{language}="{escape(BROWSER_TEXT[language][key])}"' for language in LANGUAGES)


def read_scripts(*names: str) -> str:
    """Return files of `ui/static` one after the other, as the script of one panel."""
    return "\n".join(STATIC.joinpath(name).read_text(encoding="utf-8") for name in names)


def texts_for_script(prefix: str, language: Language) -> dict[str, str]:
    """Return the texts of a panel's script.

    Args:
        prefix: one of `SCRIPT_TEXTS`; the keys that are returned are without it.
        language: of the texts.
    """
    SCRIPT_TEXTS.index(prefix)  # else Gradio would send them as well
    texts = BROWSER_TEXT[language]
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}


def script_texts(prefix: str) -> str:
    """Return `texts_for_script` in each language as HTML attributes, `data-es='{"…": "…"}' data-en=…`."""
    texts = {language: texts_for_script(prefix, language) for language in LANGUAGES}
    return " ".join(f"data-{language}='{escape(json.dumps(found))}'" for language, found in texts.items())


def _show_notices(image: dict | None, request: gr.Request) -> None:
    source = image_source(image)
    if source is None:
        return
    with suppress(UserError):  # the event that reads the image reports it
        if decoders().megapixels(source, visitor_of(request)) > MAX_WORKING_MEGAPIXELS:
            gr.Info(translate("image_scaled", language_of(request), limit=MAX_WORKING_MEGAPIXELS))
        if name := undisplayed_format(source):
            gr.Info(translate("image_undisplayed", language_of(request), format=name))
