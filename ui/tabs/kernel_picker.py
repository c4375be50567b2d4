"""The controls of a kernel: choose it by name, take it from the network, or edit its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ui.edges.kernel_choice import EDITABLE_SIDES_PX, KernelChoice, choose_learned, choose_named, choose_own
from ui.edges.kernels import KERNELS, is_supported_shape, resize_kernel, validate_kernel
from ui.inference.supervisor import ModelSupervisor
from ui.inference.tasks import first_kernel
from ui.tabs.panels import PRIVATE_EVENT, data_attributes, html_panel, i18n

OWN, LEARNED = "own", "learned"  # entries of the list besides the names of `KERNELS`
DEFAULT_KERNEL = "vertical"
SCRIPT = Path(__file__).parents[1].joinpath("static", "matrix.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class KernelControls:
    """The picker's components."""

    name: gr.Dropdown
    learned_group: gr.Column  # visible for a learned kernel
    filter_: gr.Slider
    input_: gr.Slider
    side: gr.Radio  # visible for an edited kernel
    matrix: gr.HTML  # its value is the kernel as a list of rows


def add_kernel_picker(supervisor: ModelSupervisor) -> KernelControls:
    """Place the controls one below the other.

    Args:
        supervisor: its model's learned kernels can be chosen.
    """
    first_layer = next(iter(supervisor.config.kernel_shapes.values()))
    names = [*KERNELS, OWN, *([LEARNED] if is_supported_shape(first_layer) else [])]
    name = gr.Dropdown(
        [(i18n(f"edges_{key}"), key) for key in names],
        value=DEFAULT_KERNEL,
        label=i18n("edges_kernel"),
        elem_id="edges-name",
    )
    with gr.Column(visible=False, elem_id="edges-learned") as learned_group:
        filter_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_filter"), buttons=[])
        input_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_input"), buttons=[], visible=False)
    sides = [(f"{side} × {side}", side) for side in EDITABLE_SIDES_PX]
    side = gr.Radio(sides, value=3, label=i18n("edges_side"), visible=False)
    editor = f'<div class="matrix" role="group" {data_attributes("edges_weight")}></div>'
    rows = KERNELS[DEFAULT_KERNEL].tolist()
    matrix = html_panel("edges_matrix", "edges-kernel", rows, html_template=editor, js_on_load=SCRIPT)
    return KernelControls(name, learned_group, filter_, input_, side, matrix)


def bind_kernel_picker(
    controls: KernelControls, supervisor: ModelSupervisor, output: gr.Radio, threshold: gr.Slider, sign: gr.Radio
) -> list:
    """Connect the controls.

    Args:
        controls: the picker's components.
        supervisor: is asked for the learned kernels.
        output: what is shown of the sums; see `choose_named`.
        threshold: visible when the output needs it.
        sign: how negative sums are shown; a learned kernel has as many of them as positive ones.

    Returns:
        the events that change the kernel, each to be followed by `.then`.
    """

    def choose(name: str, filter_: int, input_: int, rows: list) -> tuple:
        if name == LEARNED:
            choice = choose_learned(supervisor.ask(first_kernel), filter_, input_)
        else:
            choice = choose_own(rows) if name == OWN else choose_named(name, rows)
        return _updates(name, choice, filter_, input_)

    inputs = [controls.name, controls.filter_, controls.input_]
    chosen = gr.on(
        [control.input for control in inputs],
        choose,
        [*inputs, controls.matrix],
        [
            controls.learned_group,
            controls.side,
            controls.filter_,
            controls.input_,
            controls.matrix,
            output,
            threshold,
            sign,
        ],
        trigger_mode="always_last",
        **PRIVATE_EVENT,
    )
    resized = controls.side.input(_resize, [controls.matrix, controls.side], controls.matrix, **PRIVATE_EVENT)
    edited = controls.matrix.input(
        _switch_to_own,
        controls.matrix,
        [controls.name, controls.learned_group, controls.side],
        **PRIVATE_EVENT,
    )
    return [chosen, resized, edited]


def _updates(name: str, choice: KernelChoice, filter_: int, input_: int) -> tuple:
    """Return the values for the outputs of the event that chooses a kernel, in their order."""
    filter_update: Any = gr.skip()
    input_update: Any = gr.skip()
    if choice.filters is not None and choice.inputs is not None:
        filter_update = gr.update(maximum=choice.filters, value=min(filter_, choice.filters))
        input_update = gr.update(
            maximum=max(2, choice.inputs), value=min(input_, choice.inputs), visible=choice.inputs > 1
        )
    return (
        gr.update(visible=name == LEARNED),
        gr.update(visible=name == OWN, value=len(choice.rows)),
        filter_update,
        input_update,
        choice.rows,
        choice.output or gr.skip(),
        gr.update(visible=choice.output == "binary") if choice.output else gr.skip(),
        choice.sign or gr.skip(),
    )


def _resize(rows: list, side: int) -> list:
    return resize_kernel(validate_kernel(rows), side).tolist()


def _switch_to_own(rows: list) -> tuple:
    """An edited weight makes the kernel the user's own."""
    return OWN, gr.update(visible=False), gr.update(visible=True, value=len(rows))
