"""The part "Train it here" of the tuning tab: a small network that learns in the visitor's browser."""

import base64
from functools import cache
from typing import Any

import gradio as gr

from model.config import DIGITS
from ui.i18n import language_of, percent
from ui.inference.supervisor import ModelSupervisor
from ui.server.upload import IMAGE_EVENTS, image_source, show_warnings
from ui.tabs.panel_scripts import load_when_seen
from ui.tabs.panels import PRIVATE_EVENT, STATIC, html_panel, read_scripts
from ui.tabs.sketch import classify_drawing

CONTROLS: dict[str, tuple[str, ...]] = {  # name -> values, the first of which need not be the default
    "preset": ("base", "rate", "scaling", "sigmoid", "overfit", "own"),
    "blocks": ("1", "2"),
    "convolutions": ("1", "2"),
    "filters": ("2", "4", "8"),
    "activation": ("relu", "sigmoid", "tanh"),
    "optimizer": ("sgd", "momentum", "adam"),
    "rate": ("0.0003", "0.001", "0.003", "0.01", "0.03", "0.3"),
    "dropout": ("0", "0.2", "0.5"),
    "l2": ("0", "0.0001", "0.001", "0.01"),
    "scaling": ("none", "min-max", "z-score"),
    "rows": ("200", "500", "1000"),
    "epochs": ("6", "12", "30"),
    "patience": ("0", "1", "3"),
}
TEMPLATE = """
<div class="train" hidden>
<form>{controls}<button type="button" class="train-start"></button></form>
<div><p class="train-size" role="status"></p>
<p class="train-status" role="status"></p><div class="train-charts"></div><p class="train-gradients"></p>
<p data-text="kernels"></p><div class="train-kernels"></div>
<div class="train-try" hidden><p data-text="try"></p><canvas width="168" height="168" role="img"></canvas>
<button type="button" class="train-clear" data-text="clear"></button>
<p class="train-answer" role="status"></p><p class="train-bundled" role="status"></p></div></div>
</div>
"""


def add_train_here(supervisor: ModelSupervisor) -> None:
    """Place the panel. Its data is sent only when a visitor first starts a training.

    Args:
        supervisor: its network, if it knows the digits, answers next to the visitor's.
    """
    controls = "".join(_control(name, values) for name, values in CONTROLS.items())
    template, script = TEMPLATE.format(controls=controls), load_when_seen("training")
    panel = html_panel("tuning_train", "tuning-train", None, html_template=template, js_on_load=script)

    def answer(value: Any, request: gr.Request) -> Any:
        if not isinstance(value, dict):
            return gr.skip()
        if value.get("wanted") is True:
            return training_data()
        if supervisor.config.labels == DIGITS and isinstance(value.get("drawing"), str):
            with show_warnings(request):
                found = classify_drawing(supervisor, image_source(value["drawing"]), request).whole
                chance = max((found.confidences or {}).values(), default=0.0)
                return {"bundled": f"{found.label} ({percent(chance, language_of(request))})"}
        return gr.skip()

    panel.input(answer, panel, panel, trigger_mode="always_last", **PRIVATE_EVENT, **IMAGE_EVENTS)


@cache
def training_data() -> dict[str, str]:
    """Return what the browser needs to train: the worker's script, and the digits as PNG with their labels."""
    return {
        "worker": read_scripts("tiny_cnn.js", "train_worker.js"),
        "digits": base64.b64encode(STATIC.joinpath("digits.png").read_bytes()).decode(),
        "labels": STATIC.joinpath("digits.txt").read_text(encoding="ascii").strip(),
    }


def _control(name: str, values: tuple[str, ...]) -> str:
    options = "".join(f'<option value="{value}" data-text="{name}_{value}">{value}</option>' for value in values)
    return f'<label><span data-text="{name}"></span><select name="{name}">{options}</select></label>'
