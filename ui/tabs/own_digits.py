"""The panel "It was a 7": keys with which visitors label their drawings, kept in their browser alone."""

import base64
import json
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from model.preprocess.pixels import encode_png
from ui.i18n import Language
from ui.inference.answers import Answer, answers_text
from ui.tabs.panels import html_panel, read_scripts, script_texts

MAX_LABELS = 36  # that have a key each
TEMPLATE = """<div class="own" {texts} data-labels="{labels}" hidden>
<div class="own-ask"><p data-text="question_short"></p><div class="own-all"></div></div>
<p class="own-said" role="status"></p>
<div class="own-mine" hidden><p class="own-accuracy"></p><div class="own-matrix"></div>
<p class="tools"><button type="button" class="own-export" data-text="export"></button>
<button type="button" class="own-delete" data-text="delete"></button></p></div>
<p class="own-private" data-text="private"></p></div>"""


def add_own_digits(labels: list[str]) -> gr.HTML:
    """Place the panel; its value is what `own_digits_value` returns.

    Args:
        labels: of the model.
    """
    template = TEMPLATE.format(texts=script_texts("own_"), labels=escape(json.dumps(labels)))
    script = read_scripts("zip.js", "own_digits.js")
    return html_panel("digit_own", "digit-own", None, html_template=template, js_on_load=script)


def own_digits_value(inputs: list[np.ndarray], answers: list[Answer], language: Language) -> dict[str, Any]:
    """Return what the panel needs of a drawing.

    Args:
        inputs: of the network, uint8 (h, w, 1).
        answers: about them and about marks, as `ui.inference.tasks.Reading` has them.
        language: of the text.
    """
    signs = [
        {
            "image": base64.b64encode(encode_png(pixels)).decode(),
            "answer": answer.label,
            "confidence": max(answer.confidences.values()),
            "rejected": answer.rejected,
        }
        for pixels, answer in zip(inputs, (answer for answer in answers if not answer.mark), strict=True)
    ]
    return {"signs": signs, "text": answers_text(answers, language)}
