"""The names and keys of controls to which Gradio gives none in the person's language; see names.js."""

import json
from pathlib import Path

import gradio as gr

from ui.i18n.text import BROWSER_TEXT, GRADIO, LANGUAGES, UserError
from ui.server.fetch import LARGEST
from ui.tabs.edges import NAMES
from ui.tabs.panels import PRIVATE_EVENT

SCRIPT = Path(__file__).parents[1].joinpath("static", "names.js").read_text(encoding="utf-8")


def name_controls(demo: gr.Blocks) -> None:
    """Let the page give them as soon as it is loaded."""
    refused = {
        "File(s) exceed": UserError("too_much", limit=LARGEST).text("es"),
        "Invalid file type": UserError("picture_unreadable").text("es"),
    }
    words = {
        language: {
            "photos": [BROWSER_TEXT[language][f"edges_photo_{name}"] for name in NAMES],
            "bar": BROWSER_TEXT[language]["edges_bar"],
            "search": BROWSER_TEXT[language]["tuning_find"],
            "camera": BROWSER_TEXT[language]["no_camera"],
            "gradio": GRADIO | refused if language == "es" else {},
        }
        for language in LANGUAGES
    }
    demo.load(None, None, None, js=SCRIPT.replace("WORDS", json.dumps(words)), **PRIVATE_EVENT)
