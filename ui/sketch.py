"""The digit tab: draw, see what the network sees and why it answers as it does."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from model import converter
from model.config import CnnConfig
from ui import reports
from ui.answers import Answer, answers_html, as_answer
from ui.inside import maps_html, pairs_html, picture_html, saliency_picture
from ui.network import Network
from ui.panels import UNLISTED, data_words, html_panel, picture_panel
from ui.text import Language, Message, i18n, language_of
from ui.upload import (
    AT_ONCE,
    DrawingData,
    brought_down,
    decoded,
    drawing_source,
    picture_source,
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


def takes_drawings(config: CnnConfig, folder: Path) -> bool:
    """Return whether a network is asked about drawings: in grey, and of what people draw.

    That is letters and digits, which labels of one character are taken for (so are classes without names, which go by
    numbers), and whatever it was trained on as drawings. Clothes are grey as well, but to cut them out and stretch
    them as drawings are would make of them what the network has never seen.
    """
    signs = all(len(label) == 1 and label.isalnum() for label in config.labels)
    return config.image_shape[2] == 1 and (signs or reports.names_drawings(folder))


def prepare(model: CnnModel, picture: np.ndarray, drawn: bool) -> list[np.ndarray]:
    """Make the network's inputs of a drawing or picture.

    Args:
        model: the network.
        picture: uint8 or uint16, (h, w), (h, w, 3) or (h, w, 4).
        drawn: whether it is taken apart and made alike (`converter.sketch_to_inputs`), or only brought to size.

    Returns:
        uint8 arrays of the network's `image_shape`, one a sign from left to right.

    Raises:
        Message: for a blank drawing.
    """
    shape = model.config.image_shape
    try:
        return converter.sketch_to_inputs(picture, shape) if drawn else [converter.fit(picture, shape)]
    except converter.BlankDrawing:
        raise Message("drawing_blank") from None


def answer(model: CnnModel, picture: np.ndarray, drawn: bool) -> Answer:
    """Return what the network says of a drawing or picture as a whole; the arguments are those of `prepare`.

    Raises:
        Message: for a blank drawing.
    """
    try:
        pixels = (converter.sketch_to_input if drawn else converter.fit)(picture, model.config.image_shape)
    except converter.BlankDrawing:
        raise Message("drawing_blank") from None
    (outputs,), judged = model.predict_and_reject([pixels])
    return as_answer(model, outputs, judged is not None and bool(judged.rejected[0]))


def seen_html(inputs: list[np.ndarray], explained: list[Explanation], language: Language) -> str:
    """Return what the network sees of each sign, and beside it which pixels spoke for its answer."""
    seen, why = (Message(key).text(language) for key in ("seen", "saliency"))
    return pairs_html(
        (picture_html(pixels, seen), picture_html(saliency_picture(pixels, explanation.saliency), why))
        for pixels, explanation in zip(inputs, explained, strict=True)
    )


def tab(network: Network) -> None:
    """Lay out the inside of the tab and its events; the endpoint is `/classify`."""
    config = network.config
    drawn = takes_drawings(config, network.folder)
    gr.Markdown(i18n(guide(config, drawn)), elem_classes="guide")
    with gr.Row():
        with gr.Column(min_width=300):
            sources = [_canvas()] if drawn else []
            with gr.Accordion(i18n("digit_paper"), open=False) if drawn else gr.Column():
                sources.append(picture_panel("class_picture", "digit-picture", min_width=280))
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
    read = gr.State([])  # the network's inputs, one a sign, as `prepare` gives them

    def show(
        changed: str | dict | None, other: str | dict | None, opened: bool, which: int | None, request: gr.Request
    ) -> tuple:
        nothing: tuple = "", "", [], gr.update(visible=False), ""
        drawing = changed or other  # the canvas was wiped, or the photo taken away: what is left is read
        if not drawing:
            return nothing
        with warned(request):
            explainer, language = network.explainer(), language_of(request)
            model = explainer.model
            with decoded(picture_source(drawing)) as pixels:
                inputs = prepare(model, brought_down(pixels), takes_drawings(model.config, network.folder))
            explained = [explainer.explain(pixels) for pixels in inputs]
            said = answers_html([as_answer(model, one.probabilities, one.rejected) for one in explained], language)
            count = len(inputs)
            which = min(which or 1, count)
            signs = gr.update(choices=list(range(1, count + 1)), value=which, visible=count > 1)
            # Opened meanwhile, they have been made, and must stay.
            maps = maps_html(explained[which - 1]) if opened else gr.skip()
            return said, seen_html(inputs, explained, language), inputs, signs, maps
        return nothing

    def look(read: list[np.ndarray], which: int | None) -> str:
        """Make the feature maps of one of the signs that are there."""
        return maps_html(network.explainer().explain(read[(which or 1) - 1])) if read else ""

    event = {"outputs": [said, seen, read, which, maps], "preprocess": False, **UNLISTED, **AT_ONCE}
    for source, other in zip(sources, reversed(sources), strict=True):
        source.input(show, [source, other, opened, which], trigger_mode="always_last", **event)
    event = {"fn": look, "inputs": [read, which], "outputs": maps, "preprocess": False, **UNLISTED, **AT_ONCE}
    inside.expand(lambda: True, None, opened, **UNLISTED).then(**event)
    which.input(**event)
    inside.collapse(lambda: False, None, opened, **UNLISTED)
    anything = gr.Image(visible=False, label="drawing")
    anything.data_model = DrawingData
    confidences = gr.Label(visible=False, label="confidences")

    def classify(drawing: dict | None, request: gr.Request) -> dict:
        """Return the network's confidence for each label.

        Where it is unlike all that was learned, a `message` says so beside what comes closest.

        Args:
            drawing: a picture, or the value of a Gradio sketchpad.
        """
        model = network.explainer().model  # waited for before a place among the large pictures is taken
        with decoded(drawing_source(drawing), "drawing_missing") as pixels:
            found = answer(model, brought_down(pixels), takes_drawings(model.config, network.folder))
        value = confidences.postprocess(found.confidences or found.label).model_dump()
        message = Message("not_known", label=found.label).text(language_of(request))
        return value | ({"message": message} if found.rejected else {})

    events = {"preprocess": False, "postprocess": False, **AT_ONCE}
    gr.on([], classify, anything, confidences, api_name="classify", **events)


def name(config: CnnConfig) -> str:
    """Return the key of the tab's name: a model that knows the ten digits gets theirs, a regression has no classes."""
    if config.problem == "regression":
        return "number_tab"
    return "digit_tab" if config.labels == tuple("0123456789") else "class_tab"


def guide(config: CnnConfig, drawn: bool) -> str:
    """Return the key of the sentence of guidance."""
    if config.problem == "regression":
        return "number_guide"
    if not drawn:
        return "class_picture_guide"
    return "digit_guide" if name(config) == "digit_tab" else "class_draw_guide"


def _canvas() -> gr.HTML:
    names = ("canvas", "stroke", "undo", "clear")
    words = {name: data_words(f"digit_{name}") for name in names}
    template = CANVAS.format(side=SIDE, brush=BRUSH, thin=BRUSHES[0], thick=BRUSHES[1], **words)
    return html_panel("digit_canvas", "digit-canvas", html_template=template, js_on_load=SCRIPT)
