"""The digit tab: draw, see what the network sees, read its answer."""

from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from model import CnnModel, converter
from ui.served import as_file
from ui.text import LANGUAGES, STATIC, Message, i18n
from ui.upload import AT_ONCE, DrawingData, data_url_source, drawing_source, picture_source, read_picture, told, warned

SIDE = 448  # pixels of the square to draw on
BRUSH = 36  # pixels; a stroke as wide, for its canvas, as MNIST's are for theirs
SEEN = 280  # pixels; about the side at which the network's input is shown
SHOWN = 5  # answers listed on the page; the endpoint gives all

# Gradio's own sketchpad must be told to draw before it draws, and takes a wrong size inside a tab.
SCRIPT = Path(__file__).with_name("canvas.js").read_text(encoding="utf-8")
CANVAS = """<canvas width="{side}" height="{side}" data-brush="{brush}" {canvas}></canvas>
<button type="button" {clear}></button>"""


def prepare(model: CnnModel, picture: np.ndarray) -> np.ndarray:
    """Make the network's input of a drawing or picture.

    Grey networks are asked about drawings, which are first made alike (`converter.sketch_to_input`); for colour there
    is nothing of the kind, and the picture is only brought to size.

    Args:
        model: the network.
        picture: uint8 or uint16, (h, w), (h, w, 3) or (h, w, 4).

    Returns:
        uint8 of the network's `image_shape`.

    Raises:
        Message: for a blank drawing.
    """
    try:
        make = converter.sketch_to_input if takes_drawings(model) else converter.fit
        return make(picture, model.config.image_shape)
    except converter.BlankDrawing:
        raise Message("drawing_blank") from None


def answer(model: CnnModel, prepared: np.ndarray) -> dict[str, float] | str:
    """Return what the network says of an input that `prepare` made.

    Returns:
        label -> confidence from 0 to 1, in the order of the labels; for regression the number, as text.
    """
    row = model.predict([prepared])[0]
    if model.config.problem == "regression":
        return f"{row[0]:.4g}"
    return {label: float(confidence) for label, confidence in zip(model.config.labels, row, strict=True)}


def enlarge(prepared: np.ndarray) -> np.ndarray:
    """Return a network's input large enough to be looked at, without smoothing.

    Args:
        prepared: uint8 (h, w, 1) or (h, w, 3).

    Returns:
        uint8 (h * k, w * k) or (h * k, w * k, 3), k a whole number.
    """
    scale = max(1, round(SEEN / max(prepared.shape[:2])))
    return cv2.resize(prepared, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)


def takes_drawings(model: CnnModel) -> bool:
    """Return whether the network knows one channel, so that drawings can be made alike for it."""
    return model.config.image_shape[2] == 1


def tab(model: CnnModel) -> None:
    """Lay out the inside of the tab and its events; the endpoint is `/classify`."""
    drawn = takes_drawings(model)
    gr.Markdown(i18n(_guide(model)), elem_classes="guide")
    with gr.Row(equal_height=True):
        canvas = _canvas() if drawn else _upload()
        view = gr.Image(
            label=i18n("digit_seen"),
            format="png",
            interactive=False,
            buttons=[],
            min_width=280,
            elem_id="digit-seen",
            elem_classes="panel",
        )
        label = gr.Label(
            label=i18n("digit_answer"),
            num_top_classes=min(SHOWN, len(model.config.labels)),
            min_width=280,
            elem_id="digit-answer",
            elem_classes="panel",
        )

    def show(drawing: str | dict | None, request: gr.Request) -> tuple[str | None, dict[str, float] | str | None]:
        if not drawing:
            return None, None  # the canvas was wiped
        with warned(request):
            picture = read_picture(data_url_source(drawing) if drawn else picture_source(drawing))
            prepared = prepare(model, picture)
            return as_file(enlarge(prepared), view), answer(model, prepared)
        return None, None

    canvas.input(
        show,
        canvas,
        [view, label],
        preprocess=False,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
        **AT_ONCE,
    )
    # The endpoint takes what Gradio's sketchpads send: layers and their composite. Or simply a picture.
    anything = gr.ImageEditor(visible=False, label="drawing")
    anything.data_model = DrawingData
    answers = gr.Label(visible=False, label="confidences")

    def classify(drawing: dict | None, request: gr.Request) -> dict[str, float] | str:
        """Return the network's confidence for each label, for a drawing (a sketchpad's value) or a picture."""
        with told(request):
            picture = read_picture(drawing_source(drawing, anything.blob_storage), "drawing_missing")
            return answer(model, prepare(model, picture))

    gr.on([], classify, anything, answers, preprocess=False, api_name="classify", **AT_ONCE)


def name(model: CnnModel) -> str:
    """Return the key of the tab's name: a model that knows the ten digits gets theirs."""
    return "digit_tab" if model.config.labels == tuple("0123456789") else "class_tab"


def _guide(model: CnnModel) -> str:
    if not takes_drawings(model):
        return "class_picture_guide"
    return "digit_guide" if name(model) == "digit_tab" else "class_draw_guide"


def _canvas() -> gr.HTML:
    # Gradio translates labels only; the words inside come along in each language, and the script takes the right one.
    words = {
        name: " ".join(f'data-{language}="{STATIC[language][key]}"' for language in LANGUAGES)
        for name, key in (("canvas", "digit_canvas"), ("clear", "digit_clear"))
    }
    return gr.HTML(
        html_template=CANVAS.format(side=SIDE, brush=BRUSH, **words),
        js_on_load=SCRIPT,
        label=i18n("digit_canvas"),
        show_label=True,
        container=True,
        elem_id="digit-canvas",
        elem_classes="panel",
    )


def _upload() -> gr.Image:
    return gr.Image(
        type="filepath",
        sources=["upload", "clipboard"],
        label=i18n("class_picture"),
        placeholder=i18n("edges_upload"),
        buttons=[],
        min_width=280,
        elem_classes="panel",
    )
