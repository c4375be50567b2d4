"""The digit tab: draw, and see what the network sees and why it answers as it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from model.config import DIGITS, CnnConfig
from model.io.locate import locate_model
from model.preprocess.sketch import Sheet
from ui.decoding.pool import decoders
from ui.figures.model_panel import model_html
from ui.i18n import Language, language_of, translate
from ui.inference import tasks
from ui.inference.answers import answers_text
from ui.inference.supervisor import ModelSupervisor
from ui.reports import parse
from ui.server.gradio_compat import set_payload_model
from ui.server.upload import IMAGE_EVENTS, DrawingData, drawing_source, image_source, show_warnings
from ui.server.visitors import visitor_of
from ui.tabs.network_map import add_network_map, inputs_value
from ui.tabs.network_turns import ask_in_turn
from ui.tabs.own_digits import MAX_LABELS, add_own_digits, own_digits_value
from ui.tabs.panels import PRIVATE_EVENT, data_attributes, html_panel, i18n, image_panel

CANVAS_SIDE_PX = 448
BRUSH_PX = 36  # for this canvas as wide as MNIST's strokes are for their images
MIN_BRUSH_PX, MAX_BRUSH_PX = 8, 64

# Not Gradio's own sketchpad: it draws only after a tool was chosen, and takes a wrong size inside a tab.
SCRIPT = Path(__file__).parents[1].joinpath("static", "canvas.js").read_text(encoding="utf-8")
CANVAS = """<canvas width="{side}" height="{side}" {canvas}></canvas><p class="canvas-answer" aria-hidden="true"></p>
<div class="tools" {blank}>
<label><span {stroke}></span><input type="range" min="{thin}" max="{thick}" value="{brush}"></label>
<button type="button" {undo}></button><button type="button" {clear}></button></div>"""


@dataclass(frozen=True)
class SketchControls:
    """The tab's components."""

    sources: list[gr.components.Component]  # the canvas, if drawings are taken, and the image panel
    answer: gr.HTML
    own: gr.HTML | None  # the visitor's labels, if drawings of known characters are taken
    seen: gr.HTML
    network: gr.HTML  # the map of the network


def add_sketch_tab(supervisor: ModelSupervisor) -> None:
    """Place the tab's content; its endpoint is `/classify`."""
    _bind(_layout(supervisor), supervisor)
    _register_endpoint(supervisor)


def tab_key(config: CnnConfig) -> str:
    """Return the key of the tab's name: a model of the ten digits has its own, and a regression has no classes."""
    if config.task == "regression":
        return "number_tab"
    return "digit_tab" if config.labels == DIGITS else "class_tab"


def guide_key(config: CnnConfig, takes_drawings: bool) -> str:
    """Return the key of the sentence that explains the tab."""
    if config.task == "regression":
        return "number_guide"
    if not takes_drawings:
        return "class_image_guide"
    return "digit_guide" if tab_key(config) == "digit_tab" else "class_draw_guide"


def _layout(supervisor: ModelSupervisor) -> SketchControls:
    config = supervisor.config
    takes_drawings = tasks.draws_for(config, supervisor.folder)
    gr.Markdown(i18n(guide_key(config, takes_drawings)), elem_classes="guide")
    with gr.Row(elem_classes="digit-columns"):
        with gr.Column(min_width=300):
            sources = [_canvas()] if takes_drawings else []
            paper = {"open": False, "elem_classes": "digit-paper"}
            with gr.Accordion(i18n("digit_paper"), **paper) if takes_drawings else gr.Column():
                sources.append(image_panel("class_image", "digit-photo", min_width=280))
        with gr.Column(min_width=300):
            gr.Markdown(i18n("digit_empty"), elem_classes="answer-empty")
            answer = html_panel("digit_answer", "digit-answer")
            is_short = config.task != "regression" and len(config.labels) <= MAX_LABELS
            own = add_own_digits(list(config.labels)) if takes_drawings and is_short else None
            seen = html_panel("digit_seen", "digit-seen")
    with gr.Accordion(i18n("digit_inside"), open=False, elem_id="digit-inside"):
        network = add_network_map(supervisor)
    _add_model_panel(supervisor)
    return SketchControls(sources, answer, own, seen, network)


def _add_model_panel(supervisor: ModelSupervisor) -> None:
    """Place what is known of the model; it is read when a visitor opens it."""
    with gr.Accordion(i18n("class_model"), open=False, elem_id="digit-model") as panel:
        content = gr.HTML()

    def describe(request: gr.Request) -> str:
        return describe_model(supervisor, language_of(request))

    panel.expand(describe, None, content, **PRIVATE_EVENT)


def describe_model(supervisor: ModelSupervisor, language: Language) -> str:
    """Return the panel of the model that answers, as HTML. Reports that are missing or damaged are left out."""
    folder, config = locate_model() if supervisor.is_replaced else (supervisor.folder, supervisor.config)
    training = parse.read_or_none(parse.read_training_report, folder)
    evaluation = parse.read_or_none(parse.read_measures, folder)
    search = parse.read_or_none(parse.read_search, supervisor.reports_folder)  # as the tuning tab shows it
    repo = None if supervisor.is_replaced else supervisor.repo
    return model_html(config, repo, training, evaluation, search, language)


def _canvas() -> gr.HTML:
    texts = {name: data_attributes(f"digit_{name}") for name in ("canvas", "blank", "stroke", "undo", "clear")}
    template = CANVAS.format(side=CANVAS_SIDE_PX, brush=BRUSH_PX, thin=MIN_BRUSH_PX, thick=MAX_BRUSH_PX, **texts)
    return html_panel("digit_canvas", "digit-canvas", html_template=template, js_on_load=SCRIPT)


def _bind(controls: SketchControls, supervisor: ModelSupervisor) -> None:
    def show(changed: str | dict | None, other: str | dict | None, request: gr.Request) -> tuple:
        drawing = changed or other  # if the canvas was cleared or the photo removed, the other one is read
        if drawing:
            with show_warnings(request):
                language = language_of(request)
                sheet = _decode(supervisor, image_source(drawing), request)
                reading = ask_in_turn(supervisor, request, tasks.read, sheet, language)
                inputs = sheet.inputs if reading.answers else []
                own = [own_digits_value(inputs, reading.answers, language)] if controls.own else []
                return reading.answer_html, reading.input_html, inputs_value(inputs), *own
        return "", "", inputs_value([]), *([None] if controls.own else [])

    options: dict[str, Any] = {"preprocess": False, **PRIVATE_EVENT, **IMAGE_EVENTS}
    outputs = [controls.answer, controls.seen, controls.network]
    outputs += [controls.own] if controls.own else []
    for source, other in zip(controls.sources, reversed(controls.sources), strict=True):
        source.input(show, [source, other], outputs, trigger_mode="always_last", **options)


def classify_drawing(
    supervisor: ModelSupervisor, source: str | bytes | None, request: gr.Request
) -> tasks.Classification:
    """Return the network's answers about a drawing, or about an image of another model.

    Args:
        supervisor: of the network.
        source: a path or the encoded bytes.
        request: of the visitor.

    Raises:
        UserError: if the image cannot be used, or the network is not there.
    """
    return ask_in_turn(supervisor, request, tasks.classify, _decode(supervisor, source, request))


def _decode(supervisor: ModelSupervisor, source: str | bytes | None, request: gr.Request) -> Sheet:
    """Return an image as the network reads it."""
    form = supervisor.ask(tasks.input_form)
    return decoders().apply(
        tasks.make_sheet, source, form, visitor=visitor_of(request), target=form.target, missing_key="drawing_missing"
    )


def _message(found: tasks.Classification, text: str, language: Language) -> str:
    """Return what a program should know about an answer before it uses the label; empty if there is nothing."""
    if not found.signs:
        return translate("no_handwriting", language)
    if len(found.signs) > 1:
        return translate("several_signs", language, text=text.replace("\n", " / "))
    return translate("not_known", language, label=found.whole.label) if found.whole.rejected else ""


def _register_endpoint(supervisor: ModelSupervisor) -> None:
    drawing = gr.Image(visible=False, label="drawing")
    set_payload_model(drawing, DrawingData)
    confidences = gr.Label(visible=False, label="confidences")

    def classify(drawing: dict | None, request: gr.Request) -> dict:
        """Return the network's confidence for each label, and `text`, the signs that were read, such as "3 , 5".

        A `message` reports an image unlike anything the network has learned, one without handwriting, or several
        signs: the label and the confidences are those of the image as a whole.

        Args:
            drawing: an image, or the value of a Gradio sketchpad.
        """
        language = language_of(request)
        found = classify_drawing(supervisor, drawing_source(drawing), request)
        value = confidences.postprocess(found.whole.confidences or found.whole.label).model_dump()
        text = answers_text(found.signs, language)
        message = _message(found, text, language)
        return value | {"text": text} | ({"message": message} if message else {})

    options = {"preprocess": False, "postprocess": False, **IMAGE_EVENTS}
    gr.on([], classify, drawing, confidences, api_name="classify", **options)
