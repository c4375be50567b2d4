"""The edges tab: a kernel slides over an image; shows the result, and in a lens the arithmetic of each pixel."""

import filecmp
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ui.decoding.pool import decoders
from ui.edges.convolution import DEFAULT_THRESHOLD, OPERATIONS, PADDINGS, SIGN_MODES, STRIDES
from ui.edges.kernels import KERNELS, kernel_name, validate_kernel
from ui.edges.render import EdgeOptions, edge_map_png, edge_view_pngs
from ui.i18n import BROWSER_TEXT, Language, UserError, language_of
from ui.inference.supervisor import ModelSupervisor
from ui.server.gradio_compat import load_event, set_api_schema
from ui.server.image_cache import save_png
from ui.server.upload import IMAGE_EVENTS, image_source, show_warnings
from ui.server.visitors import visitor_of
from ui.tabs.chapter import ChapterControls, add_chapter_panel, bind_chapter_panel
from ui.tabs.kernel_picker import KernelControls, add_kernel_picker, bind_kernel_picker
from ui.tabs.lens import add_lens, describe_result, lens_value
from ui.tabs.link import PHOTO_NAMES, opens_something
from ui.tabs.panels import PRIVATE_EVENT, i18n, image_panel

PHOTOS = [str(Path(__file__).parents[1] / "photos" / f"{name}.jpg") for name in PHOTO_NAMES]
KERNEL_SCHEMA = {
    "anyOf": [
        {"type": "string", "enum": list(KERNELS)},
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    ]
}


@dataclass(frozen=True)
class EdgeControls:
    """The tab's components."""

    image: gr.Image
    photos: gr.Examples
    comparison: gr.ImageSlider
    kernel: KernelControls
    sign: gr.Radio
    output: gr.Radio
    threshold: gr.Slider
    padding: gr.Radio
    stride: gr.Radio
    operation: gr.Radio
    lens: gr.HTML
    chapter: ChapterControls

    @property
    def options(self) -> list[gr.components.Component]:
        """The arguments of `EdgeOptions.from_controls`."""
        return [
            self.sign,
            self.output,
            self.threshold,
            self.padding,
            self.stride,
            self.operation,
        ]


@dataclass(frozen=True)
class EdgesTab:
    """The tab, for what sets its controls from outside."""

    controls: EdgeControls
    show_event: dict[str, Any]  # shows what the controls are set to
    kernel_events: list  # that change the kernel, each to be followed by `.then`


def add_edges_tab(demo: gr.Blocks, supervisor: ModelSupervisor) -> EdgesTab:
    """Place the tab's content; its endpoint is `/edges`."""
    controls = _layout(supervisor)
    tab = _bind(demo, controls, supervisor)
    _register_endpoint()
    return tab


def _layout(supervisor: ModelSupervisor) -> EdgeControls:
    gr.Markdown(i18n("edges_guide"), elem_classes="guide")
    with gr.Row(equal_height=True):
        with gr.Column(min_width=300):
            image = image_panel("edges_original", "edges-original", PHOTOS[0], height=420)
            photos = gr.Examples(
                [[photo] for photo in PHOTOS], [image], label=i18n("edges_photos"), elem_id="edges-photos"
            )
        with gr.Column(min_width=300):
            comparison = gr.ImageSlider(
                label=i18n("edges_result"),
                interactive=False,
                buttons=[],
                height=420,
                elem_id="edges-result",
                elem_classes="panel",
            )
    output = gr.Radio(
        _choices("binary", "gray"), value="binary", label=i18n("edges_output"), elem_id="edges-output", render=False
    )
    threshold = gr.Slider(0, 500, DEFAULT_THRESHOLD, step=1, label=i18n("edges_threshold"), buttons=[], render=False)
    with gr.Row():
        with gr.Column(min_width=300):
            kernel = add_kernel_picker(supervisor)
            with gr.Row():
                padding = gr.Radio(_choices(*PADDINGS), value="same", label=i18n("edges_padding"))
                stride = gr.Radio(list(STRIDES), value=1, label=i18n("edges_stride"), elem_id="edges-stride")
        with gr.Column(min_width=300):
            operation = gr.Radio(
                _choices(*OPERATIONS), value="convolution", label=i18n("edges_operation"), elem_id="edges-operation"
            )
            sign = gr.Radio(_choices(*SIGN_MODES), value="clipped", label=i18n("edges_sign"))
            output.render()
            threshold.render()
    lens = add_lens()
    gr.Markdown(i18n("edges_about"), elem_classes="caption")
    return EdgeControls(
        image,
        photos,
        comparison,
        kernel,
        sign,
        output,
        threshold,
        padding,
        stride,
        operation,
        lens,
        add_chapter_panel(),
    )


def _choices(*keys: str) -> list[tuple[Any, str]]:
    return [(i18n(f"edges_{key}"), key) for key in keys]


def _bind(demo: gr.Blocks, controls: EdgeControls, supervisor: ModelSupervisor) -> EdgesTab:
    def view(request: gr.Request, image: dict, matrix: list, *options: Any) -> tuple[tuple[str, str], dict]:
        chosen = EdgeOptions.from_controls(*options)
        source, language, visitor = image_source(image), language_of(request), visitor_of(request)
        original, edges, facts = decoders().apply(edge_view_pngs, source, matrix, chosen, visitor=visitor)
        pair, photo = (save_png(original, visitor), save_png(edges, visitor)), _photo_title(source, language)
        alt = describe_result(photo, kernel_name(validate_kernel(matrix)), chosen, facts, language)
        return pair, lens_value(pair[0], photo, alt, chosen, facts)

    def show(request: gr.Request, image: dict | None, *inputs: Any) -> tuple[Any, Any, Any]:
        if image is None:
            return None, {}, gr.skip()  # it was removed
        with show_warnings(request):
            try:
                return *view(request, image, *inputs), gr.skip()
            except UserError as error:
                if error.key != "image_unreadable":
                    raise
                gr.Warning(error.text(language_of(request)))
                return None, {}, None  # the browser would show the sign for a broken image
        return None, {}, gr.skip()

    kernel_events = bind_kernel_picker(
        controls.kernel, supervisor, controls.output, controls.threshold, controls.sign, controls.operation
    )
    event = {
        "fn": show,
        "inputs": [controls.image, controls.kernel.matrix, *controls.options],
        "outputs": [controls.comparison, controls.lens, controls.image],
        "preprocess": False,
        **PRIVATE_EVENT,
        **IMAGE_EVENTS,
    }
    # Not `image.change`, which comes twice for an upload.
    gr.on([control.input for control in (controls.image, *controls.options)], trigger_mode="always_last", **event)
    controls.output.input(
        lambda output: gr.update(visible=output == "binary"), controls.output, controls.threshold, **PRIVATE_EVENT
    )
    for changed in (*kernel_events, load_event(controls.photos)):
        changed.then(**event)
    bind_chapter_panel(
        controls.chapter,
        [controls.image, controls.kernel.matrix, controls.threshold, controls.operation],
        [*kernel_events, load_event(controls.photos)],
    )

    def show_first(request: gr.Request, *values: Any) -> tuple[Any, Any, Any]:
        if opens_something(request.query_params):
            return gr.skip(), gr.skip(), gr.skip()  # what the address asks for follows
        return show(request, *values)

    demo.load(**event | {"fn": show_first})
    return EdgesTab(controls, event, kernel_events)


def _photo_title(source: str | bytes | None, language: Language) -> str:
    """Return what an image shows: the page knows its own photos, by their content."""
    words = BROWSER_TEXT[language]
    if isinstance(source, str):
        for name, photo in zip(PHOTO_NAMES, PHOTOS, strict=True):
            if filecmp.cmp(source, photo, shallow=False):
                return words[f"edges_photo_{name}"]
    return words["class_image"]


def _register_endpoint() -> None:
    """Register `/edges` with its own components: it takes any matrix, and its labels are not translated."""
    image = gr.Image(type="filepath", label="picture", visible=False)  # words: ok
    kernel = gr.JSON(KERNELS["vertical"].astype(int).tolist(), label="kernel", visible=False)
    threshold = gr.Number(DEFAULT_THRESHOLD, label="threshold", visible=False)
    flip = gr.Checkbox(False, label="flip", visible=False)
    # For JSON, Gradio's schema allows anything and is not valid, so MCP refuses it.
    set_api_schema(kernel, KERNEL_SCHEMA, example="sobel")
    result = gr.Image(format="png", label="edges", visible=False)

    def find_edges(picture: dict, kernel: Any, threshold: float, flip: bool, request: gr.Request) -> str:
        """Return the edges of an image: gray, cross-correlated with a kernel, above a threshold.

        An image of more than 12 megapixels is scaled down first.

        Args:
            picture: up to 50 megapixels and 20 MB: PNG, JPEG, WebP, GIF, BMP or TIFF.
            kernel: its name, or a square matrix of numbers with an odd side, up to 31.
            threshold: in gray levels times weights: a pixel is white where the sum is above it.
            flip: whether the kernel is turned by 180° first, as in scipy.signal.convolve2d; Keras does not turn it.
        """
        source, visitor = image_source(picture), visitor_of(request)  # words: ok
        png = decoders().apply(edge_map_png, source, kernel, threshold, flip is True, visitor=visitor)
        return save_png(png, visitor)

    gr.on([], find_edges, [image, kernel, threshold, flip], result, preprocess=False, api_name="edges", **IMAGE_EVENTS)
