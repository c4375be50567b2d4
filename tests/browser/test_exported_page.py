"""The page of `export --to html` in Chromium: drawings, images, and what they are compared with in Python."""

import io
from base64 import b64decode

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from model import CnnModel
from model.preprocess.decode import resize_to_input
from model.preprocess.sketch import sketch_to_input
from tests.browser.actions import DIGITS, PRETRAINED
from training.release.html_page import write_page

pytestmark = pytest.mark.browser
DRAWN = "document.getElementById('canvas').toDataURL('image/png')"


def wait_for(page, expression: str):
    """Return an expression's value once it is true; Playwright's own waiting needs `eval`, which the page forbids."""
    for _ in range(1200):
        if value := page.evaluate(expression):
            return value
        page.wait_for_timeout(25)
    raise AssertionError(f"{expression} did not become true")


@pytest.fixture(scope="module")
def cnn():
    return CnnModel.from_pretrained(PRETRAINED)


@pytest.fixture(scope="module")
def address(cnn, tmp_path_factory):
    """The page of the bundled model, as a file."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_page(cnn, path)
    return path.as_uri()


@pytest.fixture
def open_exported(browser, address):
    """Open the page; fail if a script fails, the policy refuses something, or it asks for anything but its own file."""
    opened, failures = [], []

    def open_exported(**options):
        page = browser.new_context(**options).new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        page.on("request", lambda one: failures.append(one.url) if not one.url.startswith((address, "blob:")) else None)
        page.goto(address)
        wait_for(page, "!!window.trazo?.network")
        opened.append(page)
        return page

    yield open_exported
    for page in opened:
        page.context.close()
    assert not failures


def draw(page, strokes) -> None:
    box = page.locator("#canvas").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def wait_for_answer(page) -> dict:
    return wait_for(page, "window.trazo.answer")


@pytest.mark.parametrize("digit", DIGITS)
def test_page_answers_a_drawing_as_keras_does(open_exported, cnn, digit):
    page = open_exported(locale="en-US")
    for number, stroke in enumerate(DIGITS[digit]):
        page.evaluate("window.trazo.answer = null")
        draw(page, [stroke])
        answer = wait_for_answer(page)
        assert number < len(DIGITS[digit])
    drawing = Image.open(io.BytesIO(b64decode(page.evaluate(DRAWN).split(",")[1])))
    wanted = sketch_to_input(drawing, cnn.config.image_shape)
    found = np.array(answer["pixels"], np.uint8).reshape(wanted.shape)
    np.testing.assert_array_equal(found, wanted)
    shares = cnn.predict([wanted])[0]
    assert np.abs(np.array(answer["shares"]) - shares).max() < 1e-4
    assert page.locator("#answer").inner_text().startswith(f"{digit}: ")
    assert page.locator("#bars li").count() == 10


def test_page_answers_an_image_as_keras_does_and_refuses_another_file(open_exported, cnn, tmp_path):
    page = open_exported(locale="en-US")
    pixels = np.zeros((60, 40, 3), np.uint8)
    pixels[10:50, 18:24] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    page.set_input_files("#file", tmp_path / "one.png")
    answer = wait_for_answer(page)
    wanted = resize_to_input(pixels, cnn.config.image_shape)
    assert np.abs(np.array(answer["pixels"]) - wanted.reshape(-1).astype(int)).max() <= 1
    given = np.array(answer["pixels"], np.uint8).reshape(wanted.shape)
    assert np.abs(np.array(answer["shares"]) - cnn.predict([given])[0]).max() < 1e-4
    (tmp_path / "two.png").write_bytes(b"not an image")
    page.set_input_files("#file", tmp_path / "two.png")
    page.get_by_text("This file is not an image that your browser can read.").wait_for()


def test_page_undo_and_clear_answer_what_is_left(open_exported):
    page = open_exported(locale="es-ES")
    assert page.locator("#answer").inner_text() == "Dibuja algo."
    draw(page, DIGITS["1"])
    wait_for_answer(page)
    page.get_by_role("button", name="Deshacer").click()
    page.get_by_text("Dibuja algo.").wait_for()
    draw(page, DIGITS["7"])
    wait_for_answer(page)
    page.get_by_role("button", name="Borrar").click()
    page.get_by_text("Dibuja algo.").wait_for()
    assert page.evaluate("window.trazo.answer") is None


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_page_has_no_barrier_and_fits_a_phone(open_exported, color_scheme):
    page = open_exported(viewport={"width": 360, "height": 740}, color_scheme=color_scheme, locale="es-ES")
    for _ in range(2):
        results = Axe().run(page, options={"resultTypes": ["violations"]})
        assert not results.response["violations"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        draw(page, DIGITS["7"])
        wait_for_answer(page)
