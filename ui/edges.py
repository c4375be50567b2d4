"""The edges tab: a kernel slides over a picture, and where the sum is above a threshold the pixel turns white."""

from numbers import Real
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from model import converter
from ui.served import as_file
from ui.text import Message, i18n
from ui.upload import AT_ONCE, picture_source, read_picture, told, warned

KERNELS: dict[str, np.ndarray] = {
    "vertical": np.array([[1, 0, -1]] * 3, np.float32),
    "horizontal": np.array([[1, 0, -1]] * 3, np.float32).T,
    "all": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32),
}
THRESHOLD = 50
LARGEST = 31  # side of the largest kernel accepted
LARGEST_WEIGHT = 1_000_000  # sums over the largest kernel then stay far inside float32

PHOTOS = [str(Path(__file__).parent / "photos" / f"{name}.jpg") for name in ("camera", "coffee", "chelsea", "brick")]


def as_kernel(kernel: Any) -> np.ndarray:
    """Check a kernel that came from outside.

    Args:
        kernel: a name in `KERNELS`, or a square matrix with an odd side, as an array or a list of rows.

    Returns:
        float32 (side, side).

    Raises:
        Message: for anything else.
    """
    if isinstance(kernel, str):
        if kernel not in KERNELS:
            raise Message("kernel_name", name=kernel[:40])
        return KERNELS[kernel]
    try:
        matrix = np.asarray(kernel)
    except ValueError:  # rows of different lengths
        raise Message("kernel_shape", largest=LARGEST) from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] % 2 == 0 or len(matrix) > LARGEST:
        raise Message("kernel_shape", largest=LARGEST)
    # Text, true/false and missing numbers (JSON's null) are no weights, though NumPy would convert some of them.
    if matrix.dtype.kind not in "iuf" or not (np.abs(matrix) <= LARGEST_WEIGHT).all():
        raise Message("kernel_numbers", limit=f"{LARGEST_WEIGHT:,}".replace(",", " "))
    return matrix.astype(np.float32)


def edge_map(picture: np.ndarray, kernel: Any = "vertical", threshold: float = THRESHOLD) -> np.ndarray:
    """Return the edges of a picture.

    The picture is turned grey and cross-correlated with the kernel: multiplied and added as the kernel lies, without
    the flip of the mathematician's convolution. That is what every CNN library calls a convolution. The size stays the
    same; outside the picture everything counts as 0, as with `padding="same"`.

    Args:
        picture: uint8 (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, which is laid on white; uint16 likewise.
        kernel: a name in `KERNELS`, or a matrix; see `as_kernel`.
        threshold: in grey levels times weights. Signs count: a pixel is white where the sum is above it.

    Returns:
        uint8 (h, w), 255 for edges and 0 elsewhere.

    Raises:
        Message: for a kernel or threshold that cannot be used.
    """
    kernel = as_kernel(kernel)
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not np.isfinite(threshold):
        raise Message("threshold_number")
    height, width = picture.shape[:2]
    grey = converter.fit(picture, (height, width, 1))[..., 0].astype(np.float32)
    response = cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    return (response > threshold) * np.uint8(255)


def kernel_html(kernel: np.ndarray) -> str:
    """Return a kernel as an HTML table; the cells' classes tell positive from negative weights."""
    sign = {1: "plus", -1: "minus", 0: "zero"}
    rows = (
        "".join(f'<td class="{sign[int(np.sign(w))]}">{f"{w:g}".replace("-", "−")}</td>' for w in row) for row in kernel
    )
    return f'<table class="kernel">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def tab() -> None:
    """Lay out the tab and its events; the endpoint is `/edges`."""
    gr.Markdown(i18n("edges_guide"), elem_classes="guide")
    with gr.Row():
        picture = gr.Image(
            PHOTOS[0],
            type="filepath",
            sources=["upload", "clipboard"],
            label=i18n("edges_original"),
            placeholder=i18n("edges_upload"),
            buttons=[],
            height=420,
            elem_id="edges-original",
            elem_classes="panel",
        )
        edges = gr.Image(
            edge_map(read_picture(PHOTOS[0])),
            format="png",  # lossless: every pixel stays black or white
            label=i18n("edges_result"),
            interactive=False,
            buttons=["fullscreen"],
            height=420,
            elem_id="edges-result",
            elem_classes="panel",
        )
    with gr.Row():
        with gr.Column(min_width=300):
            photos = gr.Examples(
                [[photo] for photo in PHOTOS], [picture], label=i18n("edges_photos"), elem_id="edges-photos"
            )
            threshold = gr.Slider(
                0,
                500,
                THRESHOLD,
                step=1,
                label=i18n("edges_threshold"),
                info=i18n("edges_threshold_info"),
                buttons=[],
            )
        with gr.Column(min_width=300), gr.Row(equal_height=True):
            name = gr.Radio(
                [(i18n(f"edges_{key}"), key) for key in KERNELS],
                value="vertical",
                label=i18n("edges_kernel"),
                min_width=200,
                elem_id="edges-name",
            )
            matrix = gr.HTML(
                kernel_html(KERNELS["vertical"]),
                label=i18n("edges_matrix"),
                show_label=True,
                container=True,
                elem_id="edges-kernel",
                elem_classes="panel",
            )

    def edges_file(picture: dict | None, kernel: Any, threshold: Any) -> str:
        return as_file(edge_map(read_picture(picture_source(picture)), kernel, threshold), edges)

    def show(picture: dict | None, kernel: str, threshold: float, request: gr.Request) -> str | None:
        if picture is None:
            return None  # the person has taken it away
        with warned(request):
            return edges_file(picture, kernel, threshold)

    def find_edges(picture: dict, kernel: Any, threshold: float, request: gr.Request) -> str:
        """Return the edges of a picture: grey, cross-correlated with an odd square kernel, above a threshold."""
        with told(request):
            return edges_file(picture, kernel, threshold)

    unlisted = {"api_visibility": "private", "show_progress": "hidden"}
    event = {
        "fn": show,
        "inputs": [picture, name, threshold],
        "outputs": edges,
        "preprocess": False,
        **unlisted,
        **AT_ONCE,
    }
    # Not `picture.change`: it comes twice for an upload.
    gr.on([picture.input, name.input, threshold.input], trigger_mode="always_last", **event)
    photos.load_input_event.then(**event)
    name.input(lambda name: kernel_html(KERNELS[name]), name, matrix, **unlisted)
    # The endpoint's own components: its kernel is any matrix, and a client needs no translated labels.
    inputs = [
        gr.Image(type="filepath", label="picture", visible=False),
        gr.JSON(KERNELS["vertical"].astype(int).tolist(), label="kernel", visible=False),
        gr.Number(THRESHOLD, label="threshold", visible=False),
    ]
    result = gr.Image(format="png", label="edges", visible=False)
    gr.on([], find_edges, inputs, result, preprocess=False, api_name="edges", **AT_ONCE)
