"""The digit tab: whom it offers a canvas, and what it calls itself."""

import gradio as gr
import pytest

from model import CnnConfig
from ui.inference.supervisor import ModelSupervisor
from ui.tabs import sketch


@pytest.mark.parametrize(
    ("labels", "channels", "drawn"),
    [
        (tuple("0123456789"), 1, True),
        (tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 1, True),
        (tuple("aあ7"), 1, True),
        (("T-shirt/top", "Trouser"), 1, False),
        (tuple("0123456789"), 3, False),
    ],
)
def test_letters_and_digits_are_drawn_and_clothes_are_not(tmp_path, labels, channels, drawn):
    config = CnnConfig(labels=labels, image_shape=(28, 28, channels))
    with gr.Blocks() as demo:
        sketch.tab(ModelSupervisor(tmp_path, config))
    # Who can draw finds the canvas first; to others a picture is all there is to give.
    assert drawn == any(block.elem_id == "digit-canvas" for block in demo.blocks.values())
    assert drawn == any(isinstance(block, gr.Accordion) and not block.elem_id for block in demo.blocks.values())


def test_a_strangers_title_is_text(tmp_path):
    with gr.Blocks() as demo:
        sketch.tab(ModelSupervisor(tmp_path, CnnConfig(title="<img src=x onerror=alert(1)> [a](http://b)")))
    (shown,) = [block for block in demo.blocks.values() if block.elem_id == "digit-model"]
    assert shown.value == "<p>&lt;img src=x onerror=alert(1)&gt; [a](http://b)</p>"
    with gr.Blocks() as demo:
        sketch.tab(ModelSupervisor(tmp_path, CnnConfig()))
    assert not any(block.elem_id == "digit-model" for block in demo.blocks.values())


def test_the_tab_is_named_for_what_the_network_knows():
    digits = CnnConfig()
    assert sketch.name(digits) == "digit_tab"
    assert sketch.name(CnnConfig(labels=("cat", "dog"))) == "class_tab"
    number = CnnConfig(labels=("age",), task="regression")
    assert sketch.name(number) == "number_tab"
    letters = CnnConfig(labels=tuple("ABC"))
    guides = [sketch.guide(*asked) for asked in ((digits, True), (letters, True), (letters, False), (number, False))]
    assert guides == ["digit_guide", "class_draw_guide", "class_image_guide", "number_guide"]
