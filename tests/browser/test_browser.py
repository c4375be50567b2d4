"""The page in a real browser: headless Chromium, a real mouse, both languages.

With TRAZO_SCREENSHOTS set the pictures of docs/screenshots are written anew.
"""

import io
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from tests.support.app_server import App, running
from tests.unit.ui.reports.test_search import EVIL, REPORT
from ui.figures.axes import format_value
from ui.i18n import BROWSER_TEXT, GRADIO_TEXT, SERVER_TEXT, translate
from ui.reports.parse import read_search

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
PRETRAINED = Path(__file__).parents[2] / "model" / "pretrained"
LOCALES = {"es": "es-ES", "en": "en-US"}

# Strokes as (x, y) in shares of the canvas, left to right and top to bottom.
DIGITS = {
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "7": [[(0.28, 0.22), (0.72, 0.22), (0.46, 0.82)]],
    "0": [
        [(0.5, 0.2), (0.34, 0.3), (0.3, 0.5), (0.34, 0.7), (0.5, 0.8), (0.66, 0.7), (0.7, 0.5), (0.66, 0.3), (0.5, 0.2)]
    ],
}

IMPACTS = ("critical", "serious", "moderate", "minor")
AXE = """# Accessibility

Elements in which axe-core {version} finds fault, by impact, on each tab and part of the page in Spanish.
A critical or serious one fails the test. Made by
`TRAZO_SCREENSHOTS=1 python -m pytest tests/browser/test_browser.py -k axe -m browser`.

| page | tab | part | critical | serious | moderate | minor | rules passed |
|---|---|---|---:|---:|---:|---:|---:|
{rows}"""

pytestmark = [
    pytest.mark.browser,
    # In CI a missing browser must fail, not be passed over.
    pytest.mark.skipif(
        not CHROMIUM and os.environ.get("CI") != "true",
        reason="no chromium, chromium-browser or google-chrome on the PATH",
    ),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("browser") / "log.txt") as app:
        yield app


@pytest.fixture(scope="module")
def browser() -> Iterator:
    assert CHROMIUM, "no chromium, chromium-browser or google-chrome on the PATH"
    with sync_playwright() as playwright:
        chromium = launched(playwright.chromium)
        yield chromium
        chromium.close()


def launched(chromium, *further: str):
    return chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *further])


@contextmanager
def opened(browser, app: App, language: str = "es", **options) -> Iterator:
    """Open the page; fails when it asks anything of another host or its scripts fail."""
    options = {"viewport": {"width": 1280, "height": 900}} | options
    context = browser.new_context(locale=LOCALES.get(language, language), **options)
    page, failures = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("request", lambda r: failures.append(r.url) if not r.url.startswith((app.url, "data:", "blob:")) else None)
    page.goto(app.url)
    page.get_by_role("tab").first.wait_for()
    yield page
    context.close()
    assert not failures


def turn_to(page, name: str, language: str = "es") -> None:
    page.get_by_role("tab", name=BROWSER_TEXT[language][f"{name}_tab"], exact=True).click()


def draw(page, strokes: list[list[tuple[float, float]]]) -> None:
    canvas = page.locator("#digit-canvas canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def touch(page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draw with a finger: the browser is sent touches, which it turns into the page's events itself."""
    box = page.locator("#digit-canvas canvas").bounding_box()
    fingers = page.context.new_cdp_session(page)
    for stroke in strokes:
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in stroke]
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
        for place in places[1:]:
            fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def wait_for_answer(page, text: str) -> None:
    """Wait until the network says this; while a stroke is under way it may have said something else."""
    page.wait_for_function("text => document.querySelector('#digit-answer .said')?.textContent === text", arg=text)


def no_answer(page) -> None:
    page.locator("#digit-answer .said").wait_for(state="detached")


@pytest.mark.parametrize("language", LOCALES)
def test_the_page_speaks_the_browsers_language(browser, app, language):
    with opened(browser, app, language) as page:
        tabs = [page.get_by_role("tab").nth(i).inner_text() for i in range(3)]
        assert tabs == [BROWSER_TEXT[language][f"{name}_tab"] for name in ("edges", "digit", "tuning")]
        for name in ("edges", "digit", "tuning"):
            turn_to(page, name, language)
            page.get_by_text(BROWSER_TEXT[language][f"{name}_guide"]).wait_for()
        assert "__i18n__" not in page.locator("main").inner_html()
        if language == "es":
            turn_to_part(page, "table")
            page.wait_for_function(
                """english => ![...document.querySelectorAll('[aria-label], [title]')].some(one =>
                    english.some(name => [one.ariaLabel, one.title].some(said => said?.startsWith(name))))""",
                arg=[*GRADIO_TEXT["es"], "number input for", "range slider for"],
            )
            turn_to_part(page, "search")
        # What the server says follows the browser too.
        page.locator(".js-plotly-plot", has_text=SERVER_TEXT[language]["epoch"]).wait_for()


def test_a_page_in_english_says_so_to_who_speaks_neither_language(browser, app):
    with opened(browser, app, "fr") as page:
        page.get_by_role("tab", name=BROWSER_TEXT["en"]["edges_tab"], exact=True).wait_for()
        page.wait_for_function("() => document.documentElement.lang === 'en'")


def test_drawn_digits_are_recognised(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        for digit, strokes in DIGITS.items():
            draw(page, strokes)
            wait_for_answer(page, digit)
            # Asked of the page as a whole: an answer that comes late replaces the picture.
            page.wait_for_function("() => document.querySelector('#digit-seen img')?.naturalWidth === 28")
            rendering = "() => getComputedStyle(document.querySelector('#digit-seen img')).imageRendering"
            assert page.evaluate(rendering) == "pixelated"
            page.locator("#notice").wait_for(state="hidden")  # the network is loaded
            page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True).click()
            no_answer(page)


def test_several_digits_are_read_from_left_to_right(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        page.locator("#digit-canvas input[type=range]").fill("16")
        for place, digit in enumerate("170"):
            draw(page, [[(0.02 + place * 0.33 + x * 0.3, 0.3 + y * 0.4) for x, y in line] for line in DIGITS[digit]])
        wait_for_answer(page, "1 7 0")
        assert page.locator("#digit-seen img").count() == 6
        # Inside, one is looked at at a time.
        page.locator("#digit-inside > button").click()
        maps = page.locator("#digit-maps img").first
        of_the_first = maps.get_attribute("src")
        page.locator("#digit-which").get_by_label("2", exact=True).check()
        page.wait_for_function("b => document.querySelector('#digit-maps img').src !== b", arg=of_the_first)
        page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True).click()
        maps.wait_for(state="detached")
        assert page.locator("#digit-which").is_hidden()


def test_a_scribble_is_no_digit(browser, app):
    zigzag = [(0.1, 0.1), (0.9, 0.2), (0.1, 0.3), (0.9, 0.4), (0.1, 0.5), (0.9, 0.6), (0.2, 0.9), (0.6, 0.2)]
    with opened(browser, app, "en") as page:
        turn_to(page, "digit", "en")
        draw(page, [zigzag])
        wait_for_answer(page, "?")
        page.get_by_text("does not resemble anything the network was trained on").wait_for()


def test_a_stroke_can_be_taken_back(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        undo, clear = (
            page.get_by_role("button", name=BROWSER_TEXT["es"][f"digit_{n}"], exact=True) for n in ("undo", "clear")
        )
        assert undo.is_disabled() and clear.is_disabled()
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
        draw(page, [[(0.1, 0.9), (0.9, 0.1)], [(0.1, 0.1), (0.9, 0.9)]])
        wait_for_answer(page, "?")
        undo.click()
        undo.click()
        wait_for_answer(page, "7")
        undo.click()
        no_answer(page)
        assert undo.is_disabled()


def test_inside_the_network_every_layer_is_shown(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
        assert page.locator("#digit-maps img").count() == 0
        page.locator("#digit-inside > button").click()
        page.locator("#digit-maps figcaption", has_text="block3_conv4").wait_for()
        assert page.locator("#digit-maps img").count() == 9


def test_a_photo_of_paper_is_read(browser, app, tmp_path):
    drawing = Image.new("L", (300, 300), 250)
    ImageDraw.Draw(drawing).line([(80, 60), (220, 60), (130, 250)], 20, 18, joint="curve")
    drawing.save(tmp_path / "seven.png")
    with opened(browser, app) as page:
        turn_to(page, "digit")
        page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
        page.locator("#digit-picture input[type=file]").set_input_files(tmp_path / "seven.png")
        wait_for_answer(page, "7")
        page.locator("#digit-inside > button").click()  # the canvas is blank; it is the photo that was read
        page.locator("#digit-maps img").first.wait_for()
        wait_for_answer(page, "7")


def test_what_is_left_is_read_when_the_photo_or_the_drawing_goes(browser, app, tmp_path):
    image = Image.new("L", (300, 300), 250)
    ImageDraw.Draw(image).line([(150, 40), (150, 250)], 20, 18)
    image.save(tmp_path / "one.png")
    with opened(browser, app) as page:
        turn_to(page, "digit")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
        page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
        photo = page.locator("#digit-picture")
        photo.locator("input[type=file]").set_input_files(tmp_path / "one.png")
        wait_for_answer(page, "1")
        photo.get_by_label(GRADIO_TEXT["es"]["Remove Image"]).click()
        wait_for_answer(page, "7")
        photo.locator("input[type=file]").set_input_files(tmp_path / "one.png")
        wait_for_answer(page, "1")
        clear = page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True)
        clear.click()
        draw(page, DIGITS["0"])
        wait_for_answer(page, "0")
        clear.click()
        wait_for_answer(page, "1")
        photo.get_by_label(GRADIO_TEXT["es"]["Remove Image"]).click()
        no_answer(page)


def turn_to_camera(page) -> None:
    turn_to(page, "digit")
    page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
    page.locator("#digit-picture").get_by_label(GRADIO_TEXT["es"]["Capture from camera"]).click()
    page.locator("#digit-picture").get_by_text(GRADIO_TEXT["es"]["Click to Access Webcam"]).click()


def test_paper_before_a_camera_is_read_as_it_is(browser, app, tmp_path):
    """Chromium's camera shows a file; mirrored, as Gradio shows people to themselves, this would be no digit."""
    drawing = Image.new("L", (640, 480), 235)
    ImageDraw.Draw(drawing).line([(240, 120), (400, 120), (300, 380)], 20, 26, joint="curve")
    film = tmp_path / "film.y4m"
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 C420jpeg\nFRAME\n" + drawing.tobytes() + b"\x80" * (640 * 480 // 2))
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with_camera = launched(browser.browser_type, *camera, f"--use-file-for-fake-video-capture={film}")
    with opened(with_camera, app) as page:
        turn_to_camera(page)
        page.wait_for_function("() => document.querySelector('#digit-picture video').videoWidth === 640")
        page.locator("#digit-picture").get_by_label(GRADIO_TEXT["es"]["capture photo"]).click()
        wait_for_answer(page, "7")
    with_camera.close()


def test_a_camera_that_cannot_be_used_is_told(browser, app):
    with opened(browser, app) as page:
        turn_to_camera(page)
        page.get_by_text(BROWSER_TEXT["es"]["no_camera"]).wait_for()


def test_the_canvas_can_be_wiped_and_drawn_on_again(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        draw(page, DIGITS["1"])
        wait_for_answer(page, "1")
        page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True).click()
        no_answer(page)
        assert page.locator("#digit-seen img").count() == 0
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")


def test_a_finger_draws_as_a_mouse_does(browser, app):
    with opened(browser, app, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as page:
        turn_to(page, "digit")
        page.locator("#digit-canvas canvas").scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        touch(page, DIGITS["7"])
        wait_for_answer(page, "7")
        assert page.evaluate("scrollY") == before  # the finger draws, and does not move the page


def test_the_stroke_has_the_width_that_the_keyboard_chose(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "digit")
        width = page.locator("#digit-canvas").get_by_label(BROWSER_TEXT["es"]["digit_stroke"])
        undo = page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_undo"], exact=True)
        widths = {}
        for key in ("Home", "End"):
            width.press(key)
            draw(page, [[(0.5, 0.2), (0.5, 0.8)]])
            widths[key] = page.locator("#digit-canvas canvas").evaluate(
                """canvas => [...canvas.getContext("2d").getImageData(0, canvas.height / 2, canvas.width, 1).data]
                    .filter((value, place) => place % 4 === 0 && value < 128).length"""
            )
            width.press("Tab")
            page.keyboard.press("Enter")  # the next control takes the stroke back
            assert undo.is_disabled()
        assert widths == {"Home": pytest.approx(8, abs=1), "End": pytest.approx(64, abs=1)}


@contextmanager
def changing(page) -> Iterator[None]:
    """Wait behind the block until the edges tab shows another result."""
    result = page.locator("#edges-result img").last
    before = result.get_attribute("src")
    yield
    page.wait_for_function("b => [...document.querySelectorAll('#edges-result img')].at(-1)?.src !== b", arg=before)


def choose_kernel(page, name: str, language: str = "es") -> None:
    page.locator("#edges-name input").click()
    page.get_by_role("option", name=BROWSER_TEXT[language][f"edges_{name}"], exact=True).click()


def weights(page) -> list[float]:
    cells = page.locator(".matrix input")
    return [number(cell.input_value()) for cell in cells.all()]


def number(text: str) -> float:
    """Read what the page writes in Spanish."""
    return float(text.replace("−", "-").replace("\u202f", "").replace(",", "."))


def test_edges_follow_every_control(browser, app):
    with opened(browser, app) as page:
        words = BROWSER_TEXT["es"]
        page.locator("#edges-result img").last.wait_for()
        assert weights(page) == [1, 0, -1] * 3
        with changing(page):
            choose_kernel(page, "all")
        page.wait_for_function("() => document.querySelectorAll('.matrix input')[4].value === '8'")
        for name in ("absolute", "gray", "valid"):
            with changing(page):
                page.get_by_label(words[f"edges_{name}"], exact=True).check()
        page.get_by_role("spinbutton", name=words["edges_threshold"]).wait_for(state="detached")
        with changing(page):
            page.locator("#edges-stride").get_by_label("3", exact=True).check()
        with changing(page):
            page.locator("#edges-photos button").nth(1).click()
        with changing(page):
            page.get_by_label(words["edges_binary"], exact=True).check()
        threshold = page.get_by_role("spinbutton", name=words["edges_threshold"])
        threshold.fill("200")
        with changing(page):
            page.keyboard.press("Tab")


def test_a_weight_is_edited_with_the_keyboard_and_the_pixel_is_added_up(browser, app):
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        cells = page.locator(".matrix input")
        with changing(page):
            cells.nth(4).fill("2,5")
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith("2, 3")
        assert weights(page) == [1, 0, -1, 1, 2.5, -1, 1, 0, -1]
        assert page.locator("#edges-name input").input_value() == BROWSER_TEXT["es"]["edges_own"]
        cells.nth(0).fill("mucho")  # is no number: the old weight comes back
        page.keyboard.press("Tab")
        assert weights(page)[0] == 1
        page.get_by_label("5 × 5", exact=True).check()
        page.wait_for_function("() => document.querySelectorAll('.matrix input').length === 25")
        assert weights(page)[12] == 2.5
        page.get_by_label("3 × 3", exact=True).check()
        page.wait_for_function("() => document.querySelectorAll('.matrix input').length === 9")

        # The photograph is 512 × 512; what is clicked is added up as the server adds it up.
        original = page.locator("#edges-original img")
        box = original.bounding_box()
        original.click(position={"x": box["width"] * 0.25 + 0.5, "y": box["height"] * 0.5})
        page.locator("#edges-arithmetic", has_text="columna 128").wait_for()
        numbers = page.locator("#edges-arithmetic td").all_inner_texts()
        products = [number(text) for text in numbers[18:]]
        total = page.locator("#edges-arithmetic p").inner_text().split(" es ")[1].rstrip(".")
        assert sum(products) == pytest.approx(number(total), abs=1)
        # Without a mouse the pixel is typed, and walked from with the arrows.
        row = page.get_by_label(BROWSER_TEXT["es"]["edges_row"])
        row.fill("77")
        page.locator("#edges-arithmetic", has_text="Fila 77, columna 128").wait_for()
        row.press("ArrowUp")
        page.locator("#edges-arithmetic", has_text="Fila 78, columna 128").wait_for()


def test_kernels_that_make_a_picture_show_its_values(browser, app):
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        value, above = (
            page.locator("#edges-output").get_by_label(BROWSER_TEXT["es"][f"edges_{n}"]) for n in ("gray", "binary")
        )
        threshold = page.get_by_role("spinbutton", name=BROWSER_TEXT["es"]["edges_threshold"])
        for name in ("blur", "sharpen", "emboss"):
            with changing(page):
                choose_kernel(page, name)
            assert value.is_checked()
            threshold.wait_for(state="detached")
        with changing(page):
            choose_kernel(page, "sobel")
        assert above.is_checked()
        threshold.wait_for()
        # From one edge kernel to the next, what somebody chose stays.
        with changing(page):
            value.check()
        with changing(page):
            choose_kernel(page, "scharr")
        assert value.is_checked()


def test_the_bar_between_the_pictures_is_moved_with_mouse_and_keys(browser, app):
    with opened(browser, app) as page:
        bar = page.get_by_role("slider", name=BROWSER_TEXT["es"]["edges_bar"])
        bar.wait_for()
        shown = page.locator("#edges-result img").last  # cut off at the left, up to the bar

        def cut() -> float:
            return float(shown.evaluate("image => image.style.clipPath.match(/([0-9.]+)%/)[1]"))

        assert cut() == 50 and bar.get_attribute("aria-valuenow") == "50"
        box = bar.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] - 150, middle[1], steps=5)
        page.mouse.up()
        dragged = cut()
        assert 5 < dragged < 45
        bar.press("ArrowRight")
        assert dragged < cut() < dragged + 10
        bar.press("End")
        page.wait_for_function("bar => bar.ariaValueNow > 90", arg=bar.element_handle())
        assert cut() > 95


def test_a_kernel_that_the_network_learned_slides_over_the_picture(browser, app):
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        with changing(page):
            choose_kernel(page, "learned")
        first = weights(page)
        assert len(first) == 9 and all(weight != round(weight) for weight in first)
        number = page.locator("#edges-learned input[type=number]").first
        number.fill("5")
        with changing(page):
            page.keyboard.press("Tab")
        assert weights(page) != first
        page.get_by_label(BROWSER_TEXT["es"]["edges_layer"]).click()
        with changing(page):
            page.get_by_role("option", name="block1_conv2", exact=True).click()
        page.locator("#edges-learned").get_by_label(BROWSER_TEXT["es"]["edges_input"]).first.wait_for()


def test_a_bad_upload_is_told_in_the_persons_language(browser, app, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    for language in LOCALES:
        with opened(browser, app, language) as page:
            page.locator("#edges-result img").last.wait_for()  # else the page's first answer tells it too
            page.locator("#edges-original input[type=file]").set_input_files(bad)
            page.get_by_text(SERVER_TEXT[language]["image_unreadable"]).wait_for()
            page.locator("#edges-result img").last.wait_for(state="detached")  # the message may come before the answer


def test_a_tiff_is_read_and_told_to_be_none_that_browsers_show(browser, app, tmp_path):
    Image.fromarray(np.full((200, 300), 40_000, np.uint16)).save(tmp_path / "sixteen bits.tiff")
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        page.locator("#edges-original input[type=file]").set_input_files(tmp_path / "sixteen bits.tiff")
        page.get_by_text(SERVER_TEXT["es"]["image_tiff"]).wait_for()
        page.wait_for_function("document.querySelector('#edges-result img')?.naturalWidth === 300")


def test_what_gradio_itself_refuses_is_told_in_spanish(browser, app, tmp_path):
    (tmp_path / "large.png").write_bytes(b"\0" * 21_000_000)
    (tmp_path / "words.pdf").write_bytes(b"%PDF-1.4")
    with opened(browser, app) as page:
        page.get_by_label(GRADIO_TEXT["es"]["Remove Image"]).click()
        for name, key in (("large.png", "too_much"), ("words.pdf", "image_unreadable")):
            page.locator("#edges-original input[type=file]").set_input_files(tmp_path / name)
            page.get_by_text(SERVER_TEXT["es"][key].format(limit=20), exact=True).wait_for()


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Iterator[App]:
    """An app whose model comes with a whole search, some of it by a stranger, and no pictures of its mistakes."""
    folder = tmp_path_factory.mktemp("searched")
    shutil.copytree(PRETRAINED, folder / "model")
    (folder / "model" / "trials.json").write_text(json.dumps(REPORT))
    evaluation = json.loads((folder / "model" / "evaluation.json").read_text())
    del evaluation["mistakes"]
    (folder / "model" / "evaluation.json").write_text(json.dumps(evaluation))
    with running(folder / "log.txt", MODEL_ID=str(folder / "model")) as app:
        yield app


def test_people_are_told_until_the_network_is_loaded_and_when_another_answers(browser, tmp_path):
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = b"\xff" * 4  # not a number
    (folder / "model.safetensors").write_bytes(weights)
    with running(tmp_path / "log.txt", MODEL_ID=str(folder)) as app, ExitStack() as people:
        # By now the network may be loaded. Another process takes its place, and is held until the notice was seen.
        os.kill(first := app.network(), signal.SIGKILL)
        while app.network() in (first, None):
            time.sleep(0.01)
        os.kill(second := app.network(), signal.SIGSTOP)
        page = people.enter_context(opened(browser, app, "en"))
        page.locator("#notice", has_text=SERVER_TEXT["en"]["network_loading"]).wait_for()
        os.kill(second, signal.SIGCONT)
        page.locator("#notice", has_text="not finite").wait_for()
        turn_to(page, "digit", "en")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")


PARTS = ("search", "conclusions", "space", "combinations", "table", "model")


def turn_to_part(page, name: str) -> None:
    """Open a part of the tuning tab; on a phone some are in a menu."""
    title, menu = BROWSER_TEXT["es"][f"tuning_{name}"], page.locator(".overflow-menu > button:visible")
    tab = page.get_by_role("tab", name=title, exact=True)
    if tab.is_visible():
        tab.click()
    else:
        menu.last.click()
        page.locator(".overflow-dropdown button:visible", has_text=title).click()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_part_of_the_tuning_tab_shows_its_figures(browser, searched, width):
    shown = {
        "search": ["best_so_far", "intermediate", "timeline"],
        "space": ["importance", "slice"],
        "combinations": ["parallel", "contour"],
        "table": [],
        "conclusions": [],
        "model": ["curve", "confusion", "calibration"],
    }
    with opened(browser, searched, viewport={"width": width, "height": 844}) as page:
        errors = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        turn_to(page, "tuning")
        turn_to_part(page, "model")  # at once: the figures of the first part may be drawn where nobody sees them
        page.locator("#tuning-confusion .main-svg").first.wait_for()
        for name, figures in shown.items():
            turn_to_part(page, name)
            for figure in figures:
                panel = page.locator(".block.panel:visible", has_text=BROWSER_TEXT["es"][f"tuning_{figure}"]).last
                panel.locator(".js-plotly-plot .main-svg").first.wait_for()
            if name == "conclusions":
                assert page.locator(".findings li").count() == 8
            if name == "table":
                page.locator("#tuning-trials").get_by_text(SERVER_TEXT["es"]["COMPLETED"]).locator(
                    "visible=true"
                ).first.wait_for()
            if name == "model":
                page.locator(".absent:visible code", has_text="python -m training evaluate … --mistakes").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            page.wait_for_function(
                """() => [...document.querySelectorAll('.js-plotly-plot')].every(plot => !plot.checkVisibility()
                    || plot.querySelector('.main-svg').clientWidth <= plot.clientWidth)"""
            )
            assert page.locator("img[src='x'], .js-plotly-plot b").count() == 0
        assert not errors


def test_the_confusion_matrix_shows_the_mistakes_of_a_cell(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "tuning")
        turn_to_part(page, "model")
        shown = page.locator(".mistakes figure:visible")
        turn_to_part(page, "search")
        turn_to_part(page, "model")  # and once more
        page.locator("#tuning-confusion [data-heard]").first.wait_for()
        everything = shown.count()
        cells = page.locator("#tuning-confusion .nsewdrag")

        def click(label: int, answer: int) -> None:
            cells.scroll_into_view_if_needed()
            box = cells.bounding_box()
            place = box["x"] + (answer + 0.5) * box["width"] / 10, box["y"] + (label + 0.5) * box["height"] / 10
            page.mouse.move(*place, steps=3)
            # Plotly looks now and then what is under the mouse, and goes by that.
            hovered = f"{SERVER_TEXT['es']['true_label']}: {label}{SERVER_TEXT['es']['predicted_label']}: {answer}"
            page.locator("#tuning-confusion .hovertext", has_text=hovered).wait_for()
            page.mouse.click(*place)

        click(9, 4)
        page.wait_for_function(
            "all => document.querySelectorAll('.mistakes figure:not([hidden])').length < all", arg=everything
        )
        assert set(shown.locator("figcaption").all_inner_texts()) == {"9 → 4"}
        confusion = page.get_by_role("combobox", name=SERVER_TEXT["es"]["mistakes_of"])
        count = shown.count()
        assert confusion.evaluate("select => select.selectedOptions[0].textContent") == f"9 → 4 ({count})"
        click(0, 0)
        page.wait_for_function(
            "all => document.querySelectorAll('.mistakes figure:not([hidden])').length === all", arg=everything
        )
        # The same with the keyboard, the tab too; the most frequent comes first.
        page.get_by_role("tab", name=BROWSER_TEXT["es"]["tuning_search"], exact=True).press("Enter")
        page.get_by_role("tab", name=BROWSER_TEXT["es"]["tuning_model"], exact=True).press("Enter")
        confusion.press("ArrowDown")
        assert shown.count() == count < everything


def test_a_chosen_hyperparameter_is_drawn_as_it_is_written(browser, searched):
    with opened(browser, searched) as page:
        turn_to(page, "tuning")
        turn_to_part(page, "space")
        page.get_by_label(BROWSER_TEXT["es"]["tuning_slice_of"], exact=True).click()
        page.get_by_role("option", name=EVIL, exact=True).click()
        page.locator("#tuning-slice .xtitle", has_text="<b>a</b> & <img").wait_for()
        turn_to_part(page, "combinations")
        page.locator("#tuning-parallel .axis-title", has_text=EVIL[:20]).wait_for()


def test_the_trials_are_sorted_filtered_and_searched(browser, app):
    with opened(browser, app) as page:
        turn_to(page, "tuning")
        turn_to_part(page, "table")
        table = page.locator("#tuning-trials")
        heads = table.locator(".virtual-table-viewport [data-heading]")
        heads.get_by_text(translate("seconds", "es"), exact=True).wait_for()
        titles = [title.strip() for title in heads.locator("span").all_inner_texts()]

        def choose(column: str, item: str) -> None:
            heads.nth(titles.index(column)).get_by_role("button").click()
            page.get_by_role("menuitem", name=item, exact=True).click()

        def cells(column: str) -> list[str]:
            shown = table.locator(f".virtual-row [aria-colindex='{titles.index(column) + 1}']")
            return [text.strip() for text in shown.all_inner_texts()]

        def wait_until(true) -> None:
            for _ in range(100):
                if true():
                    return
                page.wait_for_timeout(50)
            raise AssertionError("the table did not become what was asked for")

        # By size, not as texts: 116.1 comes after 19.7.
        seconds = translate("seconds", "es")
        choose(seconds, "Ordenar descendente")
        rising = [trial.seconds for trial in read_search(PRETRAINED).trials if trial.seconds]
        longest = [format_value(value, "es") for value in sorted(rising, reverse=True)[:5]]
        wait_until(lambda: cells(seconds)[:5] == longest)

        activation = translate("activation", "es")
        choose(activation, "Filtrar")
        page.get_by_placeholder("Escribe un valor").fill("prelu")
        page.locator(".filter-menu .check-button").click()
        wait_until(lambda: set(cells(activation)) == {"prelu"})
        choose(activation, "Quitar los filtros")
        wait_until(lambda: len(set(cells(activation))) > 1)

        table.get_by_placeholder(BROWSER_TEXT["es"]["tuning_find"]).fill("cosine")
        wait_until(lambda: set(cells(translate("loss", "es"))) == {"cosine_similarity"})


@pytest.mark.parametrize("tab", ["edges", "digit"])
def test_whoever_uses_the_keyboard_sees_where_it_is(browser, app, tab):
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        turn_to(page, tab)
        controls = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            kind, outline = page.evaluate(
                "() => [document.activeElement.type ?? '', getComputedStyle(document.activeElement).outline]"
            )
            if page.evaluate("document.activeElement === document.body") and controls:
                break  # behind the last one
            assert "solid 2px" in outline, (kind, outline)
            controls.add(kind)
        assert controls >= ({"text", "radio", "range", "number"} if tab == "edges" else {"range"})


def test_a_list_closes_behind_the_keyboard(browser, app):
    with opened(browser, app) as page:
        page.locator("#edges-result img").last.wait_for()
        page.locator("#edges-name input").focus()
        option = page.get_by_role("option", name=BROWSER_TEXT["es"]["edges_vertical"])
        option.wait_for()
        page.keyboard.press("Tab")
        page.wait_for_timeout(500)  # it closed, and came back
        assert option.count() == 0


def test_dark_and_light_differ(browser, app):
    backgrounds = []
    for scheme in ("light", "dark"):
        with opened(browser, app, color_scheme=scheme) as page:
            backgrounds.append(
                page.locator(".block.panel").first.evaluate("panel => getComputedStyle(panel).backgroundColor")
            )
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(26, 29, 37)"]


SCREENS = {
    "": {},
    "-dark": {"color_scheme": "dark"},
    "-phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "-phone-dark": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
    },
}


counted: dict[str, list[str]] = {}  # screen -> rows of the table in docs, as far as this run has come


@pytest.mark.parametrize("screen", ["", *(pytest.param(name, marks=pytest.mark.slow) for name in ("-dark", "-phone"))])
def test_axe_finds_nothing_serious(browser, app, screen):
    counted[screen] = []
    with opened(browser, app, **SCREENS[screen]) as page:
        for tab in ("edges", "digit", "tuning"):
            turn_to(page, tab)
            if tab == "digit":
                draw(page, DIGITS["7"])
                wait_for_answer(page, "7")
                page.locator("#digit-inside > button").click()
                page.locator("#digit-maps img").first.wait_for()
            for part in PARTS if tab == "tuning" else [None]:
                if part:
                    turn_to_part(page, part)
                page.wait_for_timeout(1000)  # what fades in has its colours
                response = Axe().run(page).response
                found = [
                    (one["impact"], one["id"], node["html"]) for one in response["violations"] for node in one["nodes"]
                ]
                assert not [one for one in found if one[0] in ("serious", "critical")], (tab, part)
                counts = [str([one[0] for one in found].count(impact)) for impact in IMPACTS]
                cells = [screen.strip("-") or "desktop", tab, part or "", *counts, str(len(response["passes"]))]
                counted[screen].append(f"| {' | '.join(cells)} |\n")
    if os.environ.get("TRAZO_SCREENSHOTS"):
        rows = "".join(row for rows in counted.values() for row in rows)
        (SCREENSHOTS / "axe.md").write_text(AXE.format(version=response["testEngine"]["version"], rows=rows))


def test_a_lost_connection_is_told_and_the_page_comes_back_with_it(browser, app):
    """Gradio loads the page anew when it reaches the server again."""
    with opened(browser, app) as page:
        turn_to(page, "digit")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
        page.context.set_offline(True)
        draw(page, [[(0.1, 0.9), (0.9, 0.9)]])
        page.get_by_text("Se ha perdido la conexión").wait_for()
        with page.expect_navigation():
            page.context.set_offline(False)
        turn_to(page, "digit")
        draw(page, DIGITS["1"])
        wait_for_answer(page, "1")


@pytest.mark.skipif(not os.environ.get("TRAZO_SCREENSHOTS"), reason="TRAZO_SCREENSHOTS is not set")
@pytest.mark.parametrize("screen", SCREENS)
def test_screenshots(browser, app, screen):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def save(tab: str) -> None:
        """Save the page in 256 colours: a fifth of the size."""
        page.wait_for_timeout(2000)  # what moves comes to rest
        image = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            SCREENSHOTS / f"{tab}{screen}.png", optimize=True
        )

    with opened(browser, app, **SCREENS[screen]) as page:
        turn_to(page, "digit")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
        page.locator("#notice").wait_for(state="hidden")  # the network is loaded
        page.mouse.move(0, 0)
        save("digit")
        turn_to(page, "edges")
        choose_kernel(page, "all")
        page.wait_for_function("() => document.querySelectorAll('.matrix input')[4].value === '8'")
        save("edges")
        turn_to(page, "tuning")
        page.locator(".main-svg:visible").first.wait_for()
        save("tuning")
        if "dark" in screen:
            return
        for part in ("conclusions", "space", "model"):
            turn_to_part(page, part)
            save(f"tuning-{part}")
        turn_to(page, "digit")
        page.locator("#digit-inside > button").click()
        page.locator("#digit-maps img").first.wait_for()
        save("inside")
