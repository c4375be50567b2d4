"""The controls of a kernel: by name, learned by the network, or weight by weight."""

from pathlib import Path

import gradio as gr
import numpy as np

from model import CnnModel
from ui.kernels import KERNELS, as_kernel, learned_kernels, plane, resized
from ui.text import LANGUAGES, STATIC, i18n
from ui.upload import told

SIDES = (3, 5)  # of kernels that are written by hand
OWN, LEARNED = "own", "learned"
FIRST = "vertical"

SCRIPT = Path(__file__).with_name("matrix.js").read_text(encoding="utf-8")


def lay_out(model: CnnModel) -> tuple[gr.HTML, list]:
    """Lay the controls out, one below the other.

    Returns:
        (the matrix, whose value is the chosen kernel as a list of rows; the events that change it, each to be followed
        by `.then`).
    """
    kernels = learned_kernels(model)
    names = [*KERNELS, OWN, *([LEARNED] if kernels else [])]
    name = gr.Dropdown(
        [(i18n(f"edges_{key}"), key) for key in names], value=FIRST, label=i18n("edges_kernel"), elem_id="edges-name"
    )
    with gr.Column(visible=False, elem_id="edges-learned") as of_network:
        layer = gr.Dropdown(list(kernels), value=next(iter(kernels), None), label=i18n("edges_layer"))
        filter_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_filter"), buttons=[])
        input_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_input"), buttons=[], visible=False)
    side = gr.Radio([(f"{n} × {n}", n) for n in SIDES], value=3, label=i18n("edges_side"), visible=False)
    matrix = _editor(KERNELS[FIRST])

    def choose(name: str, layer: str, filter_: int, input_: int, rows: list, request: gr.Request) -> tuple:
        """Fill the matrix from the name, and show the controls that go with it."""
        number, maps = gr.skip(), gr.skip()
        if name == LEARNED:
            kernel = kernels[layer]
            number = gr.update(maximum=kernel.shape[3], value=min(filter_, kernel.shape[3]))
            maps = gr.update(
                maximum=max(2, kernel.shape[2]), value=min(input_, kernel.shape[2]), visible=kernel.shape[2] > 1
            )
            rows = plane(kernel, filter_, input_).tolist()
        elif name == OWN:
            with told(request):
                kernel = as_kernel(rows)
            rows = resized(kernel, min(SIDES, key=lambda side: abs(side - len(kernel)))).tolist()
        else:
            rows = KERNELS[name].tolist()
        shown = gr.update(visible=name == LEARNED), gr.update(visible=name == OWN, value=len(rows))
        return *shown, number, maps, rows

    def cut_or_pad(rows: list, side: int, request: gr.Request) -> list:
        with told(request):
            return resized(as_kernel(rows), side).tolist()

    unlisted = {"api_visibility": "private", "show_progress": "hidden"}
    chosen = gr.on(
        [control.input for control in (name, layer, filter_, input_)],
        choose,
        [name, layer, filter_, input_, matrix],
        [of_network, side, filter_, input_, matrix],
        trigger_mode="always_last",
        **unlisted,
    )
    cut = side.input(cut_or_pad, [matrix, side], matrix, **unlisted)
    # Whoever edits a weight has a kernel of their own.
    edited = matrix.input(
        lambda rows: (OWN, gr.update(visible=False), gr.update(visible=True, value=len(rows))),
        matrix,
        [name, of_network, side],
        **unlisted,
    )
    return matrix, [chosen, cut, edited]


def _editor(kernel: np.ndarray) -> gr.HTML:
    words = " ".join(f'data-{language}="{STATIC[language]["edges_weight"]}"' for language in LANGUAGES)
    return gr.HTML(
        kernel.tolist(),
        html_template=f'<div class="matrix" role="group" {words}></div>',
        js_on_load=SCRIPT,
        label=i18n("edges_matrix"),
        show_label=True,
        container=True,
        elem_id="edges-kernel",
        elem_classes="panel",
    )
