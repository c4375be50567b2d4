"""The digit tab: what the network is shown of a drawing, and what it answers."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnConfig, CnnModel
from model.explain import Explainer
from tests.test_ui_inside import pictures
from ui import sketch
from ui.answers import answers, answers_html
from ui.text import Message


@pytest.fixture(scope="module")
def digits() -> CnnModel:
    """An untrained network: its answers are wrong, their form is not."""
    return CnnModel(CnnConfig(filters=(4, 4), convolutions=1, dense_units=()))


@pytest.fixture(scope="module")
def colours() -> CnnModel:
    return CnnModel(CnnConfig(labels=("cat", "dog"), problem="binary", image_shape=(32, 32, 3), filters=(4,)))


def drawing(ink: str = "black", paper: str = "white") -> np.ndarray:
    image = Image.new("RGB", (200, 200), paper)
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], ink, 14)
    return np.asarray(image)


def test_the_answer_is_a_confidence_for_each_label(digits):
    answer = sketch.answer(digits, drawing())
    assert list(answer) == list("0123456789")
    assert sum(answer.values()) == pytest.approx(1, abs=1e-5)
    assert list(answer.values()) == pytest.approx(digits.predict_sketch([drawing()])[0].tolist(), abs=1e-6)


def test_a_blank_canvas_is_told(digits):
    white = np.full((200, 200, 3), 255, np.uint8)
    for ask in (sketch.prepare, sketch.answer):
        with pytest.raises(Message, match="blank") as blank:
            ask(digits, white)
        assert "en blanco" in blank.value.text("es")


def test_colour_networks_answer_about_pictures(colours):
    assert not sketch.takes_drawings(colours.config)
    white = np.full((50, 80, 3), 255, np.uint8)
    answer = sketch.answer(colours, white)
    assert list(answer) == ["cat", "dog"]
    assert list(answer.values()) == pytest.approx(colours.predict([white])[0].tolist(), abs=1e-6)
    (prepared,) = sketch.prepare(colours, white)
    (found,) = answers(colours, [prepared], [Explainer(colours).explain(prepared)])
    assert list(found.confidences.values()) == pytest.approx(list(answer.values()), abs=1e-6)


def test_a_regression_answers_a_number():
    model = CnnModel(CnnConfig(labels=("age",), problem="regression", filters=(4,)))
    number = sketch.answer(model, drawing())
    (prepared,) = sketch.prepare(model, drawing())
    (found,) = answers(model, [prepared], [Explainer(model).explain(prepared)])
    assert found.label == number and np.isfinite(float(number)) and not found.confidences
    assert "<ul" not in answers_html([found], "es")


def test_the_network_sees_light_ink_on_black_whatever_was_drawn(digits):
    (dark,), (light,) = (
        sketch.prepare(digits, drawing(*colours)) for colours in (("black", "white"), ("white", "black"))
    )
    assert dark.shape == (28, 28, 1) and dark[0, 0] == 0 and dark.max() == 255
    assert (dark == light).all()


def test_every_sign_gets_its_pictures(digits):
    two = np.hstack([drawing(), drawing()])
    inputs = sketch.prepare(digits, two)
    assert len(inputs) == 2 and (inputs[0] == inputs[1]).all()
    html = sketch.seen_html(inputs, [Explainer(digits).explain(pixels) for pixels in inputs], "en")
    assert html.count("<img") == 4 and html.count("The network&#x27;s input") == 4  # as text and in words
    assert pictures(html)[0].shape == (28, 28) and (pictures(html)[0] == inputs[0][..., 0]).all()


def test_the_tab_is_named_for_what_the_network_knows(digits, colours):
    assert sketch.name(digits.config) == "digit_tab"
    assert sketch.name(colours.config) == "class_tab"
