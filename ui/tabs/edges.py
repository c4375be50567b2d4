"""The edges tab: a kernel slides over a picture; what becomes of the sums, and the arithmetic behind one of them."""

from html import escape
from numbers import Real
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from model.preprocess.decode import resize_to_input
from ui.edges.convolution import (
    PADDINGS,
    SIGNS,
    STRIDES,
    THRESHOLD,
    Arithmetic,
    arithmetic,
    as_grey,
    as_threshold,
    correlate,
    nearest_sum,
    shown,
    validate_choice,
)
from ui.edges.kernels import KERNELS, as_kernel
from ui.i18n import Language, UserError, language_of, number
from ui.inference.supervisor import ModelSupervisor
from ui.server.image_cache import save_png
from ui.server.images import decoded, downscale
from ui.server.upload import IMAGE_EVENTS, picture_source, show_warnings
from ui.tabs import kernel_picker as kernel_choice
from ui.tabs.panels import PRIVATE_EVENT, html_panel, i18n, picture_panel

MIDDLE = 256  # row and column of the first photo's
SHOWN = 1600  # pixels of the longer side of what a browser is sent

NAMES = ("camera", "coffee", "chelsea", "coins", "astronaut", "brick")
KERNEL_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(KERNELS)},
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    ]
}
PHOTOS = [str(Path(__file__).parents[1] / "photos" / f"{name}.jpg") for name in NAMES]


def edge_map(picture: np.ndarray, kernel: Any = "vertical", threshold: float = THRESHOLD) -> np.ndarray:
    """Return the edges of a picture: grey, cross-correlated (`filtering.correlate`), above a threshold.

    Args:
        picture: uint8 (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, which is laid on white; uint16 likewise.
        kernel: a name in `KERNELS`, or a matrix; see `as_kernel`.
        threshold: in grey levels times weights. Signs count: a pixel is white where the sum is above it.

    Returns:
        uint8 (h, w), 255 for edges and 0 elsewhere.

    Raises:
        UserError: for a kernel or threshold that cannot be used.
    """
    return shown(correlate(as_grey(picture), as_kernel(kernel)), "clipped", as_threshold(threshold))


def matrix_html(matrix: np.ndarray, language: Language) -> str:
    """Return a matrix as an HTML table; the cells' classes tell positive from negative numbers."""
    sign = {1: "plus", -1: "minus", 0: "zero"}
    rows = ("".join(f'<td class="{sign[int(np.sign(w))]}">{_written(w, language)}</td>' for w in row) for row in matrix)
    return f'<table class="kernel">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def arithmetic_html(found: Arithmetic, language: Language) -> str:
    """Return how a sum came about: the pixels, times the weights, are the products; and what they add up to."""
    pixels, weights, products = (
        matrix_html(matrix, language) for matrix in (found.patch, found.kernel, found.products)
    )
    message = UserError("pixel_sum", row=found.row, column=found.column, total=_written(found.total, language))
    text = escape(message.text(language))
    return f'<div class="account">{pixels}<b>×</b>{weights}<b>=</b>{products}</div><p>{text}</p>'


def _written(value: float, language: Language) -> str:
    form = ",.0f" if value == round(value) or abs(value) >= 1000 else ".3g"
    return number(value, form, language).replace("-", "−")


def _fitted(pixels: np.ndarray, like: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a picture small enough for a browser, of the size of another one where the two are compared."""
    height, width = (like or pixels.shape)[:2]
    scale = min(1, SHOWN / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grown = pixels.shape[0] < size[1]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST if grown else cv2.INTER_AREA)


def before(pixels: np.ndarray) -> np.ndarray:
    """Return a picture to lay beside its edges, uint8 (h, w, 3) RGB: on white, as `as_grey` lays it."""
    small = _fitted(pixels)
    return resize_to_input(small, (*small.shape[:2], 3))


def inside(place: Any, size: int) -> int:
    """Return a row or column from outside as one that the picture has: the middle where it is no finite number."""
    known = isinstance(place, Real) and np.isfinite(float(place))
    return min(max(int(place), 0), size - 1) if known else size // 2


def tab(demo: gr.Blocks, network: ModelSupervisor) -> None:
    """Lay out the tab and its events; the endpoint is `/edges`."""
    gr.Markdown(i18n("edges_guide"), elem_classes="guide")
    with gr.Row(equal_height=True):
        with gr.Column(min_width=300):
            picture = picture_panel("edges_original", "edges-original", PHOTOS[0], height=420)
            photos = gr.Examples(
                [[photo] for photo in PHOTOS], [picture], label=i18n("edges_photos"), elem_id="edges-photos"
            )
        with gr.Column(min_width=300):
            compared = gr.ImageSlider(
                label=i18n("edges_result"),
                interactive=False,
                buttons=[],
                height=420,
                elem_id="edges-result",
                elem_classes="panel",
            )
    outputs = [(i18n(f"edges_{key}"), key) for key in ("binary", "gray")]
    output = gr.Radio(outputs, value="binary", label=i18n("edges_output"), elem_id="edges-output", render=False)
    threshold = gr.Slider(0, 500, THRESHOLD, step=1, label=i18n("edges_threshold"), buttons=[], render=False)
    with gr.Row():
        with gr.Column(min_width=300):
            matrix, chosen = kernel_choice.lay_out(network, output, threshold)
        with gr.Column(min_width=300):
            sign = gr.Radio([(i18n(f"edges_{key}"), key) for key in SIGNS], value="clipped", label=i18n("edges_sign"))
            output.render()
            threshold.render()
            with gr.Row():
                padding = gr.Radio(
                    [(i18n(f"edges_{key}"), key) for key in PADDINGS], value="same", label=i18n("edges_padding")
                )
                stride = gr.Radio(list(STRIDES), value=1, label=i18n("edges_stride"), elem_id="edges-stride")
    # Of the original: where somebody clicked, or what was typed, since not everybody has a mouse.
    with gr.Row(elem_id="edges-pixel"):
        row, column = (
            gr.Number(MIDDLE, label=i18n(f"edges_{axis}"), precision=0, minimum=0, min_width=120)
            for axis in ("row", "column")
        )
    account = html_panel("edges_arithmetic", "edges-arithmetic")
    gr.Markdown(i18n("edges_about"), elem_classes="caption")

    def show(
        picture: dict | None,
        matrix: list,
        sign: str,
        output: str,
        threshold: float,
        padding: str,
        stride: int,
        row: float | None,
        column: float | None,
        request: gr.Request,
    ) -> tuple[tuple[str, str] | None, str]:
        if picture is None:
            return None, ""  # the person has taken it away
        with show_warnings(request), decoded(picture_source(picture)) as whole:
            kernel = as_kernel(matrix)
            pixels = downscale(whole)
            grey = as_grey(pixels)
            layout = validate_choice(padding, PADDINGS), validate_choice(stride, STRIDES)
            sums = correlate(grey, kernel, *layout)
            result = shown(sums, validate_choice(sign, SIGNS), as_threshold(threshold) if output == "binary" else None)
            pair = save_png(before(pixels), compared), save_png(_fitted(result, pixels.shape), compared)
            # Of the picture as it was given, which may have been brought down.
            (height, width), (low, narrow) = whole.shape[:2], grey.shape
            place = inside(row, height) * low // height, inside(column, width) * narrow // width
            found = arithmetic(grey, kernel, *nearest_sum(place, grey.shape, len(kernel), *layout), *layout)
            return pair, arithmetic_html(found, language_of(request))
        return None, ""

    def find_edges(picture: dict, kernel: Any, threshold: float) -> str:
        """Return the edges of a picture: grey, cross-correlated with a kernel, above a threshold.

        A picture of more than 12 megapixels is scaled down first.

        Args:
            picture: of up to 50 megapixels and 20 MB: PNG, JPEG, WebP, GIF, BMP or TIFF.
            kernel: its name, or a square matrix of numbers with an odd side, up to 31.
            threshold: in grey levels times weights: a pixel is white where the sum is above it.
        """
        with decoded(picture_source(picture)) as pixels:
            return save_png(edge_map(downscale(pixels), kernel, threshold), result)

    event = {
        "fn": show,
        "inputs": [picture, matrix, sign, output, threshold, padding, stride, row, column],
        "outputs": [compared, account],
        "preprocess": False,
        **PRIVATE_EVENT,
        **IMAGE_EVENTS,
    }
    # Not `picture.change`: it comes twice for an upload.
    changed = [c.input for c in (picture, sign, output, threshold, padding, stride, row, column)]
    gr.on(changed, trigger_mode="always_last", **event)
    output.input(lambda output: gr.update(visible=output == "binary"), output, threshold, **PRIVATE_EVENT)
    for done in (*chosen, photos.load_input_event, picture.select(_place, None, [row, column], **PRIVATE_EVENT)):
        done.then(**event)
    demo.load(**event)
    # The endpoint's own components: its kernel is any matrix, and a client needs no translated labels.
    inputs = [
        gr.Image(type="filepath", label="picture", visible=False),
        kernel := gr.JSON(KERNELS["vertical"].astype(int).tolist(), label="kernel", visible=False),
        gr.Number(THRESHOLD, label="threshold", visible=False),
    ]
    # Of JSON, Gradio tells programs that it may be anything, in a schema that is none and that MCP therefore refuses.
    kernel.api_info, kernel.example_payload = lambda: KERNEL_SCHEMA, lambda: "sobel"
    result = gr.Image(format="png", label="edges", visible=False)
    gr.on([], find_edges, inputs, result, preprocess=False, api_name="edges", **IMAGE_EVENTS)


def _place(event: gr.SelectData) -> tuple:
    place = event.index
    if isinstance(place, list) and len(place) == 2 and all(type(number) is int for number in place):
        return place[1], place[0]
    return gr.skip(), gr.skip()
