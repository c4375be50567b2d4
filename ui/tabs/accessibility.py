"""Accessible names and keys for controls to which Gradio gives none in the visitor's language; see accessibility.js."""

import json
from pathlib import Path

import gradio as gr

from ui.i18n import BROWSER_TEXT, DEFAULT, GRADIO_TEXT, LANGUAGES, Language, translate
from ui.server.fetch import MAX_FILE_MB
from ui.tabs.link import PHOTO_NAMES
from ui.tabs.panels import PRIVATE_EVENT

SCRIPT = Path(__file__).parents[1].joinpath("static", "accessibility.js").read_text(encoding="utf-8")


def name_controls(demo: gr.Blocks) -> None:
    """Run the script as soon as the page is loaded."""
    words = {
        language: {
            "photos": [BROWSER_TEXT[language][f"edges_photo_{name}"] for name in PHOTO_NAMES],
            "bar": BROWSER_TEXT[language]["edges_bar"],
            "reset": BROWSER_TEXT[language]["edges_reset"],
            "answer": BROWSER_TEXT[language]["digit_answer"],
            "image": BROWSER_TEXT[language]["class_image"],
            "search": BROWSER_TEXT[language]["tuning_find"],
            "camera": BROWSER_TEXT[language]["no_camera"],
            "gradio": _translations_of_gradio(language),
        }
        for language in LANGUAGES
    }
    demo.load(None, None, None, js=SCRIPT.replace("WORDS", json.dumps(words)), **PRIVATE_EVENT)


def _translations_of_gradio(language: Language) -> dict[str, str]:
    """Return Gradio's English texts for which the language has other words."""
    if language == DEFAULT:
        return {}
    refusals = {
        "File(s) exceed": translate("too_much", language, limit=MAX_FILE_MB),
        "Invalid file type": translate("image_unreadable", language),
    }
    texts = {english: text for english, text in GRADIO_TEXT[language].items() if text != english}
    return texts | refusals
