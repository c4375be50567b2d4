"""The digit tab: draw, see what the network sees and why it answers as it does."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gradio as gr
import numpy as np

from model.config import CnnConfig
from ui.i18n import language_of, translate
from ui.inference import tasks as reading
from ui.inference.supervisor import ModelSupervisor
from ui.server.upload import IMAGE_EVENTS, DrawingData, drawing_source, picture_source, show_warnings
from ui.tabs.panels import PRIVATE_EVENT, data_words, html_panel, i18n, picture_panel

SIDE = 448  # pixels of the square to draw on
BRUSH = 36  # pixels; a stroke as wide, for its canvas, as MNIST's are for theirs
BRUSHES = 8, 64  # the thinnest and the thickest to choose

# Gradio's own sketchpad must be told to draw before it draws, and takes a wrong size inside a tab.
SCRIPT = Path(__file__).parents[1].joinpath("static", "canvas.js").read_text(encoding="utf-8")
CANVAS = """<canvas width="{side}" height="{side}" {canvas}></canvas>
<div class="tools"><label><span {stroke}></span><input type="range" min="{thin}" max="{thick}" value="{brush}"></label>
<button type="button" {undo}></button><button type="button" {clear}></button></div>"""


def tab(network: ModelSupervisor) -> None:
    """Lay out the inside of the tab and its events; the endpoint is `/classify`."""
    config = network.config
    drawn = reading.takes_drawings(config, network.folder)
    gr.Markdown(i18n(guide(config, drawn)), elem_classes="guide")
    with gr.Row():
        with gr.Column(min_width=300):
            sources = [_canvas()] if drawn else []
            with gr.Accordion(i18n("digit_paper"), open=False) if drawn else gr.Column():
                sources.append(picture_panel("class_image", "digit-picture", min_width=280))
        with gr.Column(min_width=300):
            said = html_panel("digit_answer", "digit-answer")
            seen = html_panel("digit_seen", "digit-seen")
            if config.title:
                html_panel("class_model", "digit-model", f"<p>{escape(config.title)}</p>")
    with gr.Accordion(i18n("digit_inside"), open=False, elem_id="digit-inside") as inside:
        gr.Markdown(i18n("digit_maps"), elem_classes="caption")
        which = gr.Radio([], label=i18n("digit_which"), visible=False, elem_id="digit-which")
        maps = gr.HTML(elem_id="digit-maps")
    opened = gr.State(False)  # whether the feature maps are looked at: they are made only then
    inputs = gr.State([])  # of the network, one a sign

    def show(
        changed: str | dict | None, other: str | dict | None, opened: bool, which: int | None, request: gr.Request
    ) -> tuple:
        nothing: tuple = "", "", [], gr.update(visible=False), ""
        drawing = changed or other  # the canvas was wiped, or the photo taken away: what is left is read
        if not drawing:
            return nothing
        with show_warnings(request):
            maps_of = (which or 1) - 1 if opened else None
            found = network.ask(reading.read, picture_source(drawing), language_of(request), maps_of)
            count = len(found.inputs)
            signs = gr.update(choices=list(range(1, count + 1)), value=min(which or 1, count), visible=count > 1)
            # Opened meanwhile, they have been made, and must stay.
            return found.said, found.seen, found.inputs, signs, found.maps if opened else gr.skip()
        return nothing

    def look(inputs: list[np.ndarray], which: int | None) -> str:
        """Make the feature maps of one of the signs that are there."""
        return network.ask(reading.look_inside, inputs[(which or 1) - 1]) if inputs else ""

    event = {"outputs": [said, seen, inputs, which, maps], "preprocess": False, **PRIVATE_EVENT, **IMAGE_EVENTS}
    for source, other in zip(sources, reversed(sources), strict=True):
        source.input(show, [source, other, opened, which], trigger_mode="always_last", **event)
    event = {
        "fn": look,
        "inputs": [inputs, which],
        "outputs": maps,
        "preprocess": False,
        **PRIVATE_EVENT,
        **IMAGE_EVENTS,
    }
    inside.expand(lambda: True, None, opened, **PRIVATE_EVENT).then(**event)
    which.input(**event)
    inside.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    anything = gr.Image(visible=False, label="drawing")
    anything.data_model = DrawingData
    confidences = gr.Label(visible=False, label="confidences")

    def classify(drawing: dict | None, request: gr.Request) -> dict:
        """Return the network's confidence for each label.

        Where it is unlike all that was learned, a `message` says so beside what comes closest.

        Args:
            drawing: a picture, or the value of a Gradio sketchpad.
        """
        found = network.ask(reading.classify, drawing_source(drawing))
        value = confidences.postprocess(found.confidences or found.label).model_dump()
        message = translate("not_known", language_of(request), label=found.label)
        return value | ({"message": message} if found.rejected else {})

    events = {"preprocess": False, "postprocess": False, **IMAGE_EVENTS}
    gr.on([], classify, anything, confidences, api_name="classify", **events)


def name(config: CnnConfig) -> str:
    """Return the key of the tab's name: a model that knows the ten digits gets theirs, a regression has no classes."""
    if config.task == "regression":
        return "number_tab"
    return "digit_tab" if config.labels == tuple("0123456789") else "class_tab"


def guide(config: CnnConfig, drawn: bool) -> str:
    """Return the key of the sentence of guidance."""
    if config.task == "regression":
        return "number_guide"
    if not drawn:
        return "class_image_guide"
    return "digit_guide" if name(config) == "digit_tab" else "class_draw_guide"


def _canvas() -> gr.HTML:
    names = ("canvas", "stroke", "undo", "clear")
    words = {name: data_words(f"digit_{name}") for name in names}
    template = CANVAS.format(side=SIDE, brush=BRUSH, thin=BRUSHES[0], thick=BRUSHES[1], **words)
    return html_panel("digit_canvas", "digit-canvas", html_template=template, js_on_load=SCRIPT)
