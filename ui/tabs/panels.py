"""Components that the tabs place alike: labelled panels of HTML, pictures that a person gives."""

from html import escape
from typing import Any

import gradio as gr

from ui.i18n import BROWSER_TEXT, LANGUAGES, language_of, translate
from ui.server.images import WORKED, is_tiff, is_too_large
from ui.server.upload import picture_source

i18n = gr.I18n(**BROWSER_TEXT)

# Gradio mirrors what a camera sees, in the picture that is taken, too: no digit could be read. Of a phone's cameras the
# one at its back looks at the paper. The size is the one that Gradio asks for where nothing else is asked.
CAMERA = gr.WebcamOptions(
    mirror=False,
    constraints={"video": {"facingMode": "environment", "width": {"ideal": 1920}, "height": {"ideal": 1440}}},
)
PRIVATE_EVENT = {"api_visibility": "private", "show_progress": "hidden"}  # of events that are for the page alone


def html_panel(label: str, elem_id: str, value: Any = None, **options: Any) -> gr.HTML:
    """Place a panel of HTML below the label of a key in `BROWSER_TEXT`."""
    kind = {"show_label": True, "container": True, "elem_classes": "panel"}
    return gr.HTML(value, label=i18n(label), elem_id=elem_id, **kind, **options)


def picture_panel(label: str, elem_id: str, value: str | None = None, **options: Any) -> gr.Image:
    """Place a panel that takes a picture by upload, webcam or clipboard, and tells what people would wonder about."""
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

    def tell(picture: dict | None, request: gr.Request) -> None:
        """Say it once, when the picture comes, not whenever a control is moved."""
        source = picture_source(picture)
        if source is not None and is_too_large(source):
            gr.Info(translate("image_scaled", language_of(request), limit=WORKED))
        if source is not None and is_tiff(source):
            gr.Info(translate("image_tiff", language_of(request)))

    panel.input(tell, panel, None, preprocess=False, **PRIVATE_EVENT)
    return panel


def data_words(key: str) -> str:
    """Return a word in each language as attributes, `data-es="…" data-en="…"`.

    Gradio translates labels only; the scripts of a panel take the word of the browser's language.
    """
    return " ".join(f'data-{language}="{escape(BROWSER_TEXT[language][key])}"' for language in LANGUAGES)
