"""The digit tab: draw, see what the network sees and why it answers as it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from model import converter
from model.config import CnnConfig
from ui.answers import answers, answers_html, as_answer
from ui.inside import maps_html, pairs_html, picture_html, saliency_picture
from ui.network import Network
from ui.panels import UNLISTED, data_words, html_panel, picture_panel
from ui.text import Language, Message, i18n, language_of
from ui.upload import (
    AT_ONCE,
    DrawingData,
    brought_down,
    drawing_source,
    picture_source,
    read_picture,
    warned,
)

if TYPE_CHECKING:
    from model.cnn import CnnModel
    from model.explain import Explanation

SIDE = 448  # pixels of the square to draw on
BRUSH = 36  # pixels; a stroke as wide, for its canvas, as MNIST's are for theirs
BRUSHES = 8, 64  # the thinnest and the thickest to choose

# Gradio's own sketchpad must be told to draw before it draws, and takes a wrong size inside a tab.
SCRIPT = Path(__file__).with_name("canvas.js").read_text(encoding="utf-8")
CANVAS = """<canvas width="{side}" height="{side}" {canvas}></canvas>
<div class="tools"><label><span {stroke}></span><input type="range" min="{thin}" max="{thick}" value="{brush}"></label>
<button type="button" {undo}></button><button type="button" {clear}></button></div>"""


def prepare(model: CnnModel, picture: np.ndarray) -> list[np.ndarray]:
    """Make the network's inputs of a drawing or picture.

    Grey networks are asked about drawings, which are taken apart and made alike (`converter.sketch_to_inputs`); for
    colour there is nothing of the kind, and the picture is only brought to size.

    Args:
        model: the network.
        picture: uint8 or uint16, (h, w), (h, w, 3) or (h, w, 4).

    Returns:
        uint8 arrays of the network's `image_shape`, one a sign from left to right.

    Raises:
        Message: for a blank drawing.
    """
    shape = model.config.image_shape
    try:
        return (
            converter.sketch_to_inputs(picture, shape)
            if takes_drawings(model.config)
            else [converter.fit(picture, shape)]
        )
    except converter.BlankDrawing:
        raise Message("drawing_blank") from None


def answer(model: CnnModel, picture: np.ndarray) -> dict[str, float] | str:
    """Return what the network says of a drawing or picture as a whole.

    Returns:
        label -> confidence from 0 to 1, in the order of the labels; for regression the number, as text.

    Raises:
        Message: for a blank drawing.
    """
    try:
        row = (model.predict_sketch if takes_drawings(model.config) else model.predict)([picture])[0]
    except converter.BlankDrawing:
        raise Message("drawing_blank") from None
    found = as_answer(model, row)
    return found.confidences or found.label


def seen_html(inputs: list[np.ndarray], explained: list[Explanation], language: Language) -> str:
    """Return what the network sees of each sign, and beside it which pixels spoke for its answer."""
    seen, why = (Message(key).text(language) for key in ("seen", "saliency"))
    return pairs_html(
        (picture_html(pixels, seen), picture_html(saliency_picture(pixels, explanation.saliency), why))
        for pixels, explanation in zip(inputs, explained, strict=True)
    )


def takes_drawings(config: CnnConfig) -> bool:
    """Return whether a network knows one channel, so that drawings can be made alike for it."""
    return config.image_shape[2] == 1


def tab(network: Network) -> None:
    """Lay out the inside of the tab and its events; the endpoint is `/classify`."""
    config = network.config
    drawn = takes_drawings(config)
    gr.Markdown(i18n(_guide(config)), elem_classes="guide")
    with gr.Row():
        with gr.Column(min_width=300):
            sources = [_canvas()] if drawn else []
            with gr.Accordion(i18n("digit_paper"), open=False) if drawn else gr.Group():
                sources.append(picture_panel("class_picture", "digit-picture", min_width=280))
        with gr.Column(min_width=300):
            said = html_panel("digit_answer", "digit-answer")
            seen = html_panel("digit_seen", "digit-seen")
    with gr.Accordion(i18n("digit_inside"), open=False, elem_id="digit-inside") as inside:
        gr.Markdown(i18n("digit_maps"), elem_classes="caption")
        maps = gr.HTML(elem_id="digit-maps")
    if config.title:
        gr.Markdown(config.title, elem_classes="caption")
    opened = gr.State(False)  # whether the feature maps are looked at: they are made only then

    def show(drawing: str | dict | None, opened: bool, request: gr.Request) -> tuple[str, str, str]:
        if not drawing:
            return "", "", ""  # the canvas was wiped
        with warned(request):
            source = picture_source(drawing)
            explainer, language = network.explainer(), language_of(request)
            model, inputs = explainer.model, prepare(explainer.model, brought_down(read_picture(source)))
            explained = [explainer.explain(pixels) for pixels in inputs]
            said = answers_html(answers(model, inputs, explained), language)
            return said, seen_html(inputs, explained, language), maps_html(explained[0]) if opened else ""
        return "", "", ""

    for source in sources:
        event = {"fn": show, "inputs": [source, opened], "outputs": [said, seen, maps], "preprocess": False}
        source.input(trigger_mode="always_last", **event, **UNLISTED, **AT_ONCE)
        # Opened, they show the drawing that is there.
        if source is sources[0]:
            inside.expand(lambda: True, None, opened, **UNLISTED).then(**event, **UNLISTED, **AT_ONCE)
    inside.collapse(lambda: False, None, opened, **UNLISTED)
    anything = gr.Image(visible=False, label="drawing")
    anything.data_model = DrawingData
    confidences = gr.Label(visible=False, label="confidences")

    def classify(drawing: dict | None) -> dict[str, float] | str:
        """Return the network's confidence for each label.

        Args:
            drawing: a picture, or the value of a Gradio sketchpad.
        """
        pixels = read_picture(drawing_source(drawing), "drawing_missing")
        return answer(network.explainer().model, brought_down(pixels))

    gr.on([], classify, anything, confidences, preprocess=False, api_name="classify", **AT_ONCE)


def name(config: CnnConfig) -> str:
    """Return the key of the tab's name: a model that knows the ten digits gets theirs."""
    return "digit_tab" if config.labels == tuple("0123456789") else "class_tab"


def _guide(config: CnnConfig) -> str:
    if not takes_drawings(config):
        return "class_picture_guide"
    return "digit_guide" if name(config) == "digit_tab" else "class_draw_guide"


def _canvas() -> gr.HTML:
    names = ("canvas", "stroke", "undo", "clear")
    words = {name: data_words(f"digit_{name}") for name in names}
    template = CANVAS.format(side=SIDE, brush=BRUSH, thin=BRUSHES[0], thick=BRUSHES[1], **words)
    return html_panel("digit_canvas", "digit-canvas", html_template=template, js_on_load=SCRIPT)
