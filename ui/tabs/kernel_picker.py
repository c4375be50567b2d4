"""The controls of a kernel: by name, learned by the network, or weight by weight."""

from pathlib import Path

import gradio as gr
import numpy as np

from ui.edges.kernels import KERNELS, as_kernel, keeps_brightness, plane, resized, slides
from ui.inference.supervisor import ModelSupervisor
from ui.inference.tasks import learned_kernels
from ui.tabs.panels import PRIVATE_EVENT, data_words, html_panel, i18n

SIDES = (3, 5)  # of kernels that are written by hand
OWN, LEARNED = "own", "learned"
FIRST = "vertical"

SCRIPT = Path(__file__).parents[1].joinpath("static", "matrix.js").read_text(encoding="utf-8")


def lay_out(network: ModelSupervisor, output: gr.Radio, threshold: gr.Slider) -> tuple[gr.HTML, list]:
    """Lay the controls out, one below the other.

    Args:
        network: whose learned kernels there are.
        output: how sums are shown; a threshold leaves of a blurred picture, or a sharper one, only noise.
        threshold: shown where the output needs it.

    Returns:
        (the matrix, whose value is the chosen kernel as a list of rows; the events that change it, each to be followed
        by `.then`).
    """
    layers = [layer for layer, shape in network.config.kernel_shapes.items() if slides(shape)]
    names = [*KERNELS, OWN, *([LEARNED] if layers else [])]
    name = gr.Dropdown(
        [(i18n(f"edges_{key}"), key) for key in names], value=FIRST, label=i18n("edges_kernel"), elem_id="edges-name"
    )
    with gr.Column(visible=False, elem_id="edges-learned") as of_network:
        layer = gr.Dropdown(layers, value=next(iter(layers), None), label=i18n("edges_layer"))
        filter_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_filter"), buttons=[])
        input_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_input"), buttons=[], visible=False)
    side = gr.Radio([(f"{n} × {n}", n) for n in SIDES], value=3, label=i18n("edges_side"), visible=False)
    editor = f'<div class="matrix" role="group" {data_words("edges_weight")}></div>'
    matrix = html_panel(
        "edges_matrix", "edges-kernel", KERNELS[FIRST].tolist(), html_template=editor, js_on_load=SCRIPT
    )

    def choose(name: str, layer: str, filter_: int, input_: int, rows: list) -> tuple:
        """Fill the matrix from the name, and show the controls that go with it."""
        number, maps, view, cut = gr.skip(), gr.skip(), gr.skip(), gr.skip()
        if name == LEARNED:
            kernels = network.ask(learned_kernels)
            # Of a network that another one had to take the place of, the layers' names may be others.
            kernel = kernels.get(layer, kernels[min(kernels)])
            number = gr.update(maximum=kernel.shape[3], value=min(filter_, kernel.shape[3]))
            maps = gr.update(
                maximum=max(2, kernel.shape[2]), value=min(input_, kernel.shape[2]), visible=kernel.shape[2] > 1
            )
            rows = plane(kernel, filter_, input_).tolist()
        elif name == OWN:
            kernel = as_kernel(rows)
            rows = resized(kernel, min(SIDES, key=lambda side: abs(side - len(kernel)))).tolist()
        else:
            picture = keeps_brightness(KERNELS[name])
            if picture != keeps_brightness(np.array(rows)):  # else the person's own choice stays
                view, cut = "gray" if picture else "binary", gr.update(visible=not picture)
            rows = KERNELS[name].tolist()
        shown = gr.update(visible=name == LEARNED), gr.update(visible=name == OWN, value=len(rows))
        return *shown, number, maps, rows, view, cut

    def cut_or_pad(rows: list, side: int) -> list:
        return resized(as_kernel(rows), side).tolist()

    chosen = gr.on(
        [control.input for control in (name, layer, filter_, input_)],
        choose,
        [name, layer, filter_, input_, matrix],
        [of_network, side, filter_, input_, matrix, output, threshold],
        trigger_mode="always_last",
        **PRIVATE_EVENT,
    )
    cut = side.input(cut_or_pad, [matrix, side], matrix, **PRIVATE_EVENT)
    # Whoever edits a weight has a kernel of their own.
    edited = matrix.input(
        lambda rows: (OWN, gr.update(visible=False), gr.update(visible=True, value=len(rows))),
        matrix,
        [name, of_network, side],
        **PRIVATE_EVENT,
    )
    return matrix, [chosen, cut, edited]
