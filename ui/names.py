"""The names of controls to which Gradio gives none in the person's language; see names.js."""

import json
from pathlib import Path

import gradio as gr

from ui.edges import NAMES
from ui.panels import UNLISTED
from ui.text import LANGUAGES, STATIC

SCRIPT = Path(__file__).with_name("names.js").read_text(encoding="utf-8")


def give_names(demo: gr.Blocks) -> None:
    """Let the page name them as soon as it is loaded."""
    words = {
        language: {
            "photos": [STATIC[language][f"edges_photo_{name}"] for name in NAMES],
            "search": STATIC[language]["tuning_find"],
        }
        for language in LANGUAGES
    }
    demo.load(None, None, None, js=SCRIPT.replace("WORDS", json.dumps(words)), **UNLISTED)
