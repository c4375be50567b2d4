"""The controls of a kernel: choose it by name, take it from the network, or edit its weights."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.edges.gallery import gallery_value
from ui.edges.kernel_choice import EDITABLE_SIDES_PX, KernelChoice, choose_learned, choose_named, choose_own
from ui.edges.kernels import KERNELS, is_supported_shape, kernel_name, resize_kernel, validate_kernel
from ui.i18n import language_of
from ui.inference.supervisor import ModelSupervisor
from ui.inference.tasks import first_kernel
from ui.tabs.panels import PRIVATE_EVENT, data_attributes, html_panel, i18n, read_scripts, script_texts

OWN, LEARNED = "own", "learned"  # entries of the list besides the names of `KERNELS`
DEFAULT_KERNEL = "vertical"
EDITOR = """<div class="matrix" role="group" {texts}></div>
<p class="matrix-refusal" id="matrix-refusal" role="alert"></p><button type="button" class="matrix-turn"></button>"""
EDITOR_SCRIPT = read_scripts("weights.js", "matrix.js")
GALLERY = f"""<div class="kernels" role="radiogroup" {data_attributes("edges_filters")}></div>
<p class="kernels-chosen"></p>"""
GALLERY_SCRIPT = read_scripts("kernel_gallery.js")


@dataclass(frozen=True)
class KernelControls:
    """The picker's components."""

    name: gr.Dropdown
    learned_group: gr.Column  # visible for a learned kernel
    gallery: gr.HTML  # its value is what `gallery_value` returns, and the rows of the chosen kernel
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
        gallery = html_panel("edges_filters", "edges-filters", None, html_template=GALLERY, js_on_load=GALLERY_SCRIPT)
        input_ = gr.Slider(1, 2, 1, step=1, label=i18n("edges_input"), buttons=[], visible=False)
    sides = [(f"{side} × {side}", side) for side in EDITABLE_SIDES_PX]
    side = gr.Radio(sides, value=3, label=i18n("edges_side"), visible=False)
    rows = KERNELS[DEFAULT_KERNEL].tolist()
    editor = EDITOR.format(texts=script_texts("matrix_"))
    matrix = html_panel("edges_matrix", "edges-kernel", rows, html_template=editor, js_on_load=EDITOR_SCRIPT)
    return KernelControls(name, learned_group, gallery, input_, side, matrix)


def bind_kernel_picker(
    controls: KernelControls,
    supervisor: ModelSupervisor,
    output: gr.Radio,
    threshold: gr.Slider,
    sign: gr.Radio,
    operation: gr.Radio,
) -> list:
    """Connect the controls.

    Args:
        controls: the picker's components.
        supervisor: is asked for the learned kernels.
        output: what is shown of the sums; see `choose_named`.
        threshold: visible when the output needs it.
        sign: how negative sums are shown; a learned kernel has as many of them as positive ones.
        operation: whether the kernel is turned; the network does not turn its own.

    Returns:
        the events that change the kernel, each to be followed by `.then`.
    """

    def choose(name: str, gallery: Any, input_: int, rows: list, request: gr.Request) -> tuple:
        gallery = gallery if isinstance(gallery, dict) else {}  # before a learned kernel was chosen it has no value
        if name != LEARNED:
            was_learned = rows == gallery.get("rows")
            choice = choose_own(rows) if name == OWN else choose_named(name, rows, was_learned)
            return _updates(name, choice, gr.skip(), input_)
        kernel, chosen = supervisor.ask(first_kernel), _filter_number(gallery.get("chosen"))
        choice = choose_learned(kernel, chosen, input_)
        tiles = gallery_value(kernel, input_, chosen, language_of(request)) | {"rows": choice.rows}
        return _updates(name, choice, tiles, input_)

    inputs = [controls.name, controls.gallery, controls.input_]
    chosen = gr.on(
        [control.input for control in inputs],
        choose,
        [*inputs, controls.matrix],
        [
            controls.learned_group,
            controls.side,
            controls.gallery,
            controls.input_,
            controls.matrix,
            output,
            threshold,
            sign,
            operation,
        ],
        trigger_mode="always_last",
        **PRIVATE_EVENT,
    )
    resized = controls.side.input(_resize, [controls.matrix, controls.side], controls.matrix, **PRIVATE_EVENT)
    edited = controls.matrix.input(
        _name_edited,
        controls.matrix,
        [controls.name, controls.learned_group, controls.side],
        **PRIVATE_EVENT,
    )
    return [chosen, resized, edited]


def _filter_number(chosen: Any) -> int:
    """Return the number of the chosen filter, from 1, that a client sent."""
    return chosen if isinstance(chosen, int) and chosen >= 1 else 1


def _updates(name: str, choice: KernelChoice, gallery: Any, input_: int) -> tuple:
    """Return the values for the outputs of the event that chooses a kernel, in their order."""
    input_update: Any = gr.skip()
    if choice.inputs is not None:
        input_update = gr.update(
            maximum=max(2, choice.inputs), value=min(input_, choice.inputs), visible=choice.inputs > 1
        )
    return (
        gr.update(visible=name == LEARNED),
        gr.update(visible=name == OWN, value=len(choice.rows)),
        gallery,
        input_update,
        choice.rows,
        choice.output or gr.skip(),
        gr.update(visible=choice.output == "binary") if choice.output else gr.skip(),
        choice.sign or gr.skip(),
        choice.operation or gr.skip(),
    )


def _resize(rows: list, side: int) -> list:
    return resize_kernel(validate_kernel(rows), side).tolist()


def _name_edited(rows: list) -> tuple:
    """An edited or turned kernel is the user's own, unless it is now one that has a name."""
    name = kernel_name(validate_kernel(rows))
    return name or OWN, gr.update(visible=False), gr.update(visible=not name, value=len(rows))
