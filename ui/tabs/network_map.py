"""The map of the network in the digit tab: from the drawing to the answer, down to one multiplication.

The browser sends the network's input back with each question, so the server keeps nothing of it. Questions and answers
are the panel's value; see `network_map.js`.
"""

import binascii
from base64 import b64decode, b64encode
from math import prod
from typing import Any

import gradio as gr
import numpy as np

from ui.i18n import UserError, language_of
from ui.inference import network_map, tasks
from ui.inference.supervisor import ModelSupervisor
from ui.server.upload import IMAGE_EVENTS
from ui.tabs.network_turns import ask_in_turn
from ui.tabs.panel_scripts import load_when_seen
from ui.tabs.panels import PRIVATE_EVENT

MAX_NAME_CHARS = 100
MAX_NUMBER = 1 << 31
TEMPLATE = """
<div class="network">
<p class="network-wait"></p>
<div class="network-body" hidden>
<p class="network-guide"></p>
<label class="network-which" hidden><span></span><select></select></label>
<ol class="network-map"></ol>
<section class="network-stage" hidden></section>
<section class="network-value" hidden></section>
<section class="network-answer" hidden></section>
</div>
<p class="network-spoken" role="status"></p>
</div>
"""


def add_network_map(supervisor: ModelSupervisor) -> gr.HTML:
    """Place the map; its value is set by `inputs_value` when a drawing was read."""
    script = load_when_seen("network")
    panel = gr.HTML(None, elem_id="digit-network", html_template=TEMPLATE, js_on_load=script, padding=False)

    def answer(value: Any, request: gr.Request) -> Any:
        if not isinstance(value, dict) or "question" not in value:
            return gr.skip()
        serial = value.get("serial") if isinstance(value.get("serial"), int) else 0
        try:
            return {"answer": answer_question(supervisor, value, request), "serial": serial}
        except UserError as error:  # the script waits for an answer
            return {"answer": {"failed": error.text(language_of(request))}, "serial": serial}

    panel.input(answer, panel, panel, trigger_mode="always_last", **PRIVATE_EVENT, **IMAGE_EVENTS)
    return panel


def inputs_value(inputs: list[np.ndarray]) -> dict[str, list[str]]:
    """Return the panel's value for the network's inputs, uint8 arrays of its shape."""
    return {"inputs": [b64encode(one.tobytes()).decode() for one in inputs]}


def answer_question(supervisor: ModelSupervisor, value: dict, request: gr.Request) -> dict[str, Any]:
    """Return the answer to a question of the script, whose fields are checked here.

    Args:
        supervisor: of the network.
        value: `question` (map, stage, value or evidence), `input` as in `inputs_value`, and the arguments of the
            function in `ui.inference.network_map` that answers it.
        request: of the visitor.

    Raises:
        UserError: if a field is missing or wrong, or the network is not there.
    """
    pixels = _to_pixels(value.get("input"), supervisor.ask(tasks.input_form).image_shape)
    question = value["question"]
    if question == "map":
        return ask_in_turn(supervisor, request, network_map.open_map, pixels)
    if question == "evidence":
        labels = [None if value.get(key) is None else _whole(value[key]) for key in ("label", "other")]
        return ask_in_turn(supervisor, request, network_map.show_evidence, pixels, *labels)
    name = value.get("stage")
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS:
        raise UserError("failed")
    if question == "stage":
        return ask_in_turn(supervisor, request, network_map.show_stage, pixels, name, _whole(value.get("first")))
    if question == "value":
        place = value.get("place")
        if place is not None:
            if not isinstance(place, list) or len(place) != 2:
                raise UserError("failed")
            place = _whole(place[0]), _whole(place[1])
        return ask_in_turn(supervisor, request, network_map.show_value, pixels, name, _whole(value.get("unit")), place)
    raise UserError("failed")


def _to_pixels(text: Any, shape: tuple[int, int, int]) -> np.ndarray:
    if not isinstance(text, str) or len(text) > 4 * prod(shape) // 3 + 4:
        raise UserError("failed")
    try:
        return np.frombuffer(b64decode(text, validate=True), np.uint8).reshape(shape)
    except (binascii.Error, ValueError):
        raise UserError("failed") from None


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < MAX_NUMBER:
        raise UserError("failed")
    return value
