"""The digit tab: when it offers a canvas, and its name."""

from types import SimpleNamespace

import gradio as gr
import pytest

from model import CnnConfig
from ui.inference.supervisor import ModelSupervisor
from ui.tabs.sketch import add_sketch_tab, describe_model, guide_key, tab_key


@pytest.mark.parametrize(
    ("labels", "channels", "takes_drawings"),
    [
        (tuple("0123456789"), 1, True),
        (tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 1, True),
        (tuple("aあ7"), 1, True),
        (("T-shirt/top", "Trouser"), 1, False),
        (tuple("0123456789"), 3, False),
    ],
)
def test_canvas_is_offered_for_letters_and_digits_only(tmp_path, labels, channels, takes_drawings):
    config = CnnConfig(labels=labels, image_shape=(28, 28, channels))
    with gr.Blocks() as demo:
        add_sketch_tab(ModelSupervisor(tmp_path, config))
    # With a canvas, the image panel is in an accordion below it.
    assert takes_drawings == any(block.elem_id == "digit-canvas" for block in demo.blocks.values())
    assert takes_drawings == any(
        isinstance(block, gr.Accordion) and not block.elem_id for block in demo.blocks.values()
    )


def test_describe_model_is_of_the_model_that_answers(tmp_path):
    """If the requested one is damaged, that is the bundled one."""
    config = CnnConfig(title="The requested one")
    answers = {"folder": tmp_path, "reports_folder": tmp_path, "config": config, "repo": "someone/requested"}
    html = describe_model(SimpleNamespace(**answers, is_replaced=False), "en")
    assert "The requested one" in html and "someone/requested" in html
    html = describe_model(SimpleNamespace(**answers, is_replaced=True), "en")
    assert "requested" not in html and "350,818" in html


def test_tab_key_and_guide_key_depend_on_the_config():
    digits = CnnConfig()
    assert tab_key(digits) == "digit_tab"
    assert tab_key(CnnConfig(labels=("cat", "dog"))) == "class_tab"
    number = CnnConfig(labels=("age",), task="regression")
    assert tab_key(number) == "number_tab"
    letters = CnnConfig(labels=tuple("ABC"))
    guides = [guide_key(*asked) for asked in ((digits, True), (letters, True), (letters, False), (number, False))]
    assert guides == ["digit_guide", "class_draw_guide", "class_image_guide", "number_guide"]
