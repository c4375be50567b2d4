"""What the network is shown of a drawing or a picture, and what it answers."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnConfig, CnnModel
from model.explain import Explainer
from tests.unit.ui.inference.test_explanation_html import pictures
from ui.i18n import UserError
from ui.inference import tasks as reading
from ui.inference.answers import answers_html, as_answer

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@pytest.fixture(scope="module")
def digits() -> CnnModel:
    """An untrained network: its answers are wrong, their form is not."""
    return CnnModel(CnnConfig(filters=(4, 4), convolutions=1, dense_units=()))


@pytest.fixture(scope="module")
def colours() -> CnnModel:
    return CnnModel(CnnConfig(labels=("cat", "dog"), task="binary", image_shape=(32, 32, 3), filters=(4,)))


def drawing(ink: str = "black", paper: str = "white") -> np.ndarray:
    image = Image.new("RGB", (200, 200), paper)
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], ink, 14)
    return np.asarray(image)


def test_the_answer_is_a_confidence_for_each_label(digits):
    answer = reading.answer(digits, drawing()).confidences
    assert list(answer) == list("0123456789")
    assert sum(answer.values()) == pytest.approx(1, abs=1e-5)
    assert list(answer.values()) == pytest.approx(digits.predict_sketch([drawing()])[0].tolist(), abs=1e-6)


def test_a_blank_canvas_is_told(digits):
    white = np.full((200, 200, 3), 255, np.uint8)
    for ask in (reading.prepare, reading.answer):
        with pytest.raises(UserError, match="blank") as blank:
            ask(digits, white)
        assert "en blanco" in blank.value.text("es")


def test_colour_networks_answer_about_pictures(colours):
    white = np.full((50, 80, 3), 255, np.uint8)
    answer = reading.answer(colours, white).confidences
    assert list(answer) == ["cat", "dog"]
    assert list(answer.values()) == pytest.approx(colours.predict([white])[0].tolist(), abs=1e-6)
    (prepared,) = reading.prepare(colours, white)
    found = Explainer(colours).explain(prepared).probabilities
    assert found.tolist() == pytest.approx(list(answer.values()), abs=1e-6)


def test_a_regression_answers_a_number():
    model = CnnModel(CnnConfig(labels=("age",), task="regression", filters=(4,)))
    number = reading.answer(model, drawing()).label
    (prepared,) = reading.prepare(model, drawing())
    found = as_answer(model, Explainer(model).explain(prepared).probabilities)
    assert found.label == number and np.isfinite(float(number)) and not found.confidences
    said = answers_html([found], "es")
    assert "<ul" not in said and '<p class="said" role="status">age: ' in said


def test_the_network_sees_light_ink_on_black_whatever_was_drawn(digits):
    (dark,), (light,) = (
        reading.prepare(digits, drawing(*colours)) for colours in (("black", "white"), ("white", "black"))
    )
    assert dark.shape == (28, 28, 1) and dark[0, 0] == 0 and dark.max() == 255
    assert (dark == light).all()


def test_every_sign_gets_its_pictures(digits):
    two = np.hstack([drawing(), drawing()])
    inputs = reading.prepare(digits, two)
    assert len(inputs) == 2 and (inputs[0] == inputs[1]).all()
    html = reading.seen_html(inputs, [Explainer(digits).explain(pixels) for pixels in inputs], "en")
    assert html.count("<img") == 4 and html.count("The network&#x27;s input") == 4  # as text and in words
    assert pictures(html)[0].shape == (28, 28) and (pictures(html)[0] == inputs[0][..., 0]).all()


def training_report(datasets: list) -> dict:
    data = {"dataset": "a/b", "split": "train", "rows": {"train": 9, "validation": 1}, "datasets": datasets}
    numbers = {"best_epoch": 1, "seed": 0, "seconds": 1.0, "parameters": 10}
    return {"data": data, "hyperparameters": {}, "history": [], **numbers}


@pytest.mark.parametrize(
    ("training", "drawn"),
    [
        (training_report([{"dataset": "a/b", "sketches": False}, {"dataset": "a/c", "sketches": True}]), True),
        (training_report([{"dataset": "a/b", "sketches": False}]), False),
        (training_report([3]), False),
        ("damaged", False),
    ],
)
def test_what_was_trained_on_as_drawings_is_drawn(tmp_path, training, drawn):
    (tmp_path / "training.json").write_text(json.dumps(training))
    assert reading.takes_drawings(CnnConfig(labels=("cat", "house", "sun")), tmp_path) == drawn


def test_clothes_fill_the_picture_as_they_did_in_training():
    """A drawing's ink would be cut out and fitted into a box of 20 pixels."""
    shirt = np.zeros((28, 28), np.uint8)
    shirt[2:26, 4:24] = 180
    clothes = CnnModel(CnnConfig(labels=CLOTHES, filters=(4,), dense_units=()))
    (prepared,) = reading.prepare(clothes, shirt)
    assert (prepared[..., 0] == shirt).all()
    answer = reading.answer(clothes, shirt)
    assert list(answer.confidences.values()) == pytest.approx(clothes.predict([shirt])[0].tolist(), abs=1e-6)
