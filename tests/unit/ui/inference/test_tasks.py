"""What the network gets of a drawing or another image, and what it answers."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnConfig, CnnModel
from model.explain import Explainer
from model.pixel_format import PixelFormat
from model.preprocess.decode import resize_to_input
from tests.support.html_images import decode_images
from tests.support.images import drawing as icon_drawing
from ui.i18n import UserError
from ui.inference import tasks
from ui.inference.answers import Answer, answers_html, answers_text, to_answer

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@pytest.fixture(scope="module")
def digits() -> CnnModel:
    """An untrained network: its answers are wrong, but their form is right."""
    return CnnModel(CnnConfig(filters=(4, 4), convolutions=1, dense_units=()))


@pytest.fixture(scope="module")
def color_model() -> CnnModel:
    return CnnModel(CnnConfig(labels=("cat", "dog"), task="binary", image_shape=(32, 32, 3), filters=(4,)))


def drawing(ink: str = "black", paper: str = "white") -> np.ndarray:
    image = Image.new("RGB", (200, 200), paper)
    ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], ink, 14)
    return np.asarray(image)


def form_of(model: CnnModel) -> tasks.InputForm:
    return tasks.input_form(SimpleNamespace(model=model))


def inputs_of(model: CnnModel, image: np.ndarray) -> list[np.ndarray]:
    return tasks.make_sheet(image, form_of(model)).inputs


def classify(model: CnnModel, image: np.ndarray) -> Answer:
    return tasks.classify(SimpleNamespace(model=model), tasks.make_sheet(image, form_of(model))).whole


def test_classify_has_a_confidence_per_label(digits):
    answer = classify(digits, drawing()).confidences
    assert list(answer) == list("0123456789")
    assert sum(answer.values()) == pytest.approx(1, abs=1e-5)
    assert list(answer.values()) == pytest.approx(digits.predict_sketch([drawing()])[0].tolist(), abs=1e-6)


def test_blank_canvas_is_a_user_error(digits):
    white = np.full((200, 200, 3), 255, np.uint8)
    for ask in (inputs_of, classify):
        with pytest.raises(UserError, match="No stroke") as blank:
            ask(digits, white)
        assert "ningún trazo" in blank.value.text("es")


def test_classify_color_network_takes_images(color_model):
    white = np.full((50, 80, 3), 255, np.uint8)
    answer = classify(color_model, white).confidences
    assert list(answer) == ["cat", "dog"]
    assert list(answer.values()) == pytest.approx(color_model.predict([white])[0].tolist(), abs=1e-6)
    (prepared,) = inputs_of(color_model, white)
    found = Explainer(color_model).explain(prepared).probabilities
    assert found.tolist() == pytest.approx(list(answer.values()), abs=1e-6)


def test_classify_regression_is_a_number():
    model = CnnModel(CnnConfig(labels=("age",), task="regression", filters=(4,)))
    number = classify(model, drawing()).label
    (prepared,) = inputs_of(model, drawing())
    found = to_answer(model, Explainer(model).explain(prepared).probabilities)
    assert found.label == number and np.isfinite(float(number)) and not found.confidences
    html = answers_html([found], "es")
    assert "<ul" not in html and '<p class="answer-text">age: ' in html


def test_make_inputs_dark_or_light_ink_is_the_same(digits):
    (dark,), (light,) = (inputs_of(digits, drawing(*colors)) for colors in (("black", "white"), ("white", "black")))
    assert dark.shape == (28, 28, 1) and dark[0, 0] == 0 and dark.max() == 255
    assert (dark == light).all()


def three_and_a_half() -> np.ndarray:
    image = Image.new("RGB", (500, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.line([(60, 130), (130, 110), (160, 150), (110, 200), (165, 250), (130, 310), (55, 300)], "black", 20, "curve")
    pen.line([(226, 298), (214, 342)], "black", 20)
    pen.line([(380, 120), (300, 120), (295, 200), (360, 210), (385, 260), (350, 310), (285, 300)], "black", 20, "curve")
    return np.asarray(image)


def test_read_shows_marks_that_the_network_is_not_asked_about(digits):
    explainer = Explainer(digits)
    sheet = tasks.make_sheet(three_and_a_half(), form_of(digits))
    reading = tasks.read(explainer, sheet, "es")
    assert [answer.mark for answer in reading.answers] == ["", ",", ""] and len(sheet.inputs) == 2
    assert ' <span role="img" aria-label="coma">,</span> ' in reading.answer_html
    assert reading.input_html.count("<img") == 4 and reading.answer_html.count("<ul") == 2


def test_classify_several_signs_are_answered_together_and_one_by_one(digits):
    found = tasks.classify(SimpleNamespace(model=digits), tasks.make_sheet(three_and_a_half(), form_of(digits)))
    assert list(found.whole.confidences) == list("0123456789")
    first, comma, last = found.signs
    assert comma.mark == "," and not first.mark and answers_text(found.signs, "en") == f"{first.label} , {last.label}"
    alone = tasks.classify(SimpleNamespace(model=digits), tasks.make_sheet(drawing(), form_of(digits)))
    assert alone.signs == [alone.whole]


def test_read_lines_are_lines(digits):
    two = np.vstack([np.hstack([drawing(), drawing()]), drawing("white", "white").repeat(2, axis=1)])
    two[200:, :200] = drawing()
    sheet = tasks.make_sheet(two, form_of(digits))
    assert [sign.line for sign in sheet.signs] == [0, 0, 1]
    assert re.search(r'"answer-text">\d \d\n\d</p>', tasks.read(Explainer(digits), sheet, "en").answer_html)


def test_inputs_html_has_two_images_per_character(digits):
    two = np.hstack([drawing(), drawing()])
    inputs = inputs_of(digits, two)
    assert len(inputs) == 2 and (inputs[0] == inputs[1]).all()
    html = tasks.inputs_html(inputs, [Explainer(digits).explain(pixels) for pixels in inputs], "en")
    assert html.count("<img") == 4 and html.count("The network&#x27;s input") == 2
    assert (
        html.count('alt="28 × 28 pixels, bright from row ') == html.count('alt="The pixels that count most are ') == 2
    )
    assert decode_images(html)[0].shape == (28, 28) and (decode_images(html)[0] == inputs[0][..., 0]).all()


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
def test_takes_drawings_depends_on_training_data(tmp_path, training, drawn):
    (tmp_path / "training.json").write_text(json.dumps(training))
    assert tasks.draws_for(CnnConfig(labels=("cat", "house", "sun")), tmp_path) == drawn


def test_make_inputs_clothes_fill_the_image_as_in_training():
    """A drawing's ink would be cut out and fitted into a box of 20 pixels."""
    shirt = np.zeros((28, 28), np.uint8)
    shirt[2:26, 4:24] = 180
    clothes = CnnModel(CnnConfig(labels=CLOTHES, filters=(4,), dense_units=()))
    (prepared,) = inputs_of(clothes, shirt)
    assert (prepared[..., 0] == shirt).all()
    answer = classify(clothes, shirt)
    assert list(answer.confidences.values()) == pytest.approx(clothes.predict([shirt])[0].tolist(), abs=1e-6)


def test_make_inputs_shows_the_network_what_training_showed_it():
    """White icons on nothing, and a camera of 12 bits: with one rule for all they would be all white, and black."""
    config = CnnConfig(labels=CLOTHES, filters=(4,), dense_units=(), pixel_format=PixelFormat(0, 4095))
    model = CnnModel(config)
    icon, deep = icon_drawing(255, side=28), np.full((28, 28), 2600, np.uint16)
    for image in (np.asarray(icon), deep):
        expected = resize_to_input(image, (28, 28, 1), config.pixel_format)
        (prepared,) = inputs_of(model, image)
        assert (prepared == expected).all() and prepared.max() > 150
        answer = classify(model, image)
        assert list(answer.confidences.values()) == pytest.approx(model.predict([image])[0].tolist(), abs=1e-6)
