"""The digit tab: drawing with mouse, finger and keyboard, photos and the camera."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.browser.actions import (
    DIGITS,
    PHONE,
    draw,
    draw_with_finger,
    open_tab,
    opened,
    wait_for_answer,
    wait_for_no_answer,
)
from ui.i18n import BROWSER_TEXT, GRADIO_TEXT, SERVER_TEXT

pytestmark = pytest.mark.browser
PHOTOS = Path(__file__).parents[2] / "ui" / "photos"


def test_drawing_digits_are_recognized(page):
    open_tab(page, "digit")
    for digit, strokes in DIGITS.items():
        draw(page, strokes)
        wait_for_answer(page, digit)
        # Queried again in the page: a late answer replaces the image.
        page.wait_for_function("() => document.querySelector('#digit-seen img')?.naturalWidth === 28")
        rendering = "() => getComputedStyle(document.querySelector('#digit-seen img')).imageRendering"
        assert page.evaluate(rendering) == "pixelated"
        page.locator("#notice").wait_for(state="hidden")  # the network is loaded
        page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True).click()
        wait_for_no_answer(page)


def test_drawing_several_digits_are_read_left_to_right(page):
    open_tab(page, "digit")
    page.locator("#digit-canvas input[type=range]").fill("16")
    for place, digit in enumerate("170"):
        draw(page, [[(0.02 + place * 0.33 + x * 0.3, 0.3 + y * 0.4) for x, y in line] for line in DIGITS[digit]])
    wait_for_answer(page, "1 7 0")
    assert page.locator("#digit-seen img").count() == 6


def test_drawing_marks_and_lines_are_shown_and_spoken(page):
    open_tab(page, "digit")
    page.locator("#digit-canvas input[type=range]").fill("14")
    spoken = page.locator(".contain > .spoken[role=status]")
    for place, digit in ((0.0, "1"), (0.5, "7")):
        draw(page, [[(place + x * 0.35, 0.05 + y * 0.4) for x, y in line] for line in DIGITS[digit]])
    draw(page, [[(0.37, 0.38), (0.35, 0.44)]])
    wait_for_answer(page, "1 , 7")
    spoken.filter(has_text="1 coma 7").wait_for(state="attached")
    assert page.locator("#digit-seen img").count() == 4 and page.locator(".own-keys").count() == 2
    draw(page, [[(0.1 + x * 0.35, 0.55 + y * 0.4) for x, y in line] for line in DIGITS["0"]])
    wait_for_answer(page, "1 , 7\n0")


@pytest.mark.parametrize("language", ["es", "en"])
def test_photo_of_something_else_gets_one_answer(open_page, language):
    page = open_page(language)
    open_tab(page, "digit", language)
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.get_by_role("button", name=BROWSER_TEXT[language]["digit_paper"]).click()
    page.locator("#digit-photo input[type=file]").set_input_files(PHOTOS / "astronaut.jpg")
    wait_for_answer(page, SERVER_TEXT[language]["no_handwriting"])
    assert page.locator("#digit-answer ul, #digit-seen img, .own-keys").count() == 0
    page.locator(".contain > .spoken", has_text=SERVER_TEXT[language]["no_handwriting"]).wait_for(state="attached")
    page.locator("#digit-photo").get_by_label(GRADIO_TEXT[language]["Remove Image"]).click()
    wait_for_answer(page, "7")


def test_drawing_scribble_is_rejected(open_page):
    zigzag = [(0.1, 0.1), (0.9, 0.2), (0.1, 0.3), (0.9, 0.4), (0.1, 0.5), (0.9, 0.6), (0.2, 0.9), (0.6, 0.2)]
    page = open_page("en")
    open_tab(page, "digit", "en")
    draw(page, [zigzag])
    wait_for_answer(page, "?")
    page.locator(".unknown", has_text="does not recognize this image").wait_for()


def test_canvas_undo_removes_last_stroke(page):
    open_tab(page, "digit")
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
    wait_for_no_answer(page)
    assert undo.is_disabled()


def test_canvas_clear_removes_answer(page):
    open_tab(page, "digit")
    draw(page, DIGITS["1"])
    wait_for_answer(page, "1")
    page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_clear"], exact=True).click()
    wait_for_no_answer(page)
    assert page.locator("#digit-seen img").count() == 0
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")


def test_canvas_touch_draws_without_scrolling(open_page):
    page = open_page(**PHONE)
    open_tab(page, "digit")
    page.locator("#digit-canvas canvas").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    draw_with_finger(page, DIGITS["7"])
    wait_for_answer(page, "7")
    assert page.evaluate("scrollY") == before  # the finger draws and does not scroll the page


def test_canvas_stroke_width_follows_keyboard(page):
    open_tab(page, "digit")
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
        page.keyboard.press("Enter")  # the next control removes the stroke
        assert undo.is_disabled()
    assert widths == {"Home": pytest.approx(8, abs=1), "End": pytest.approx(64, abs=1)}


def test_photo_of_paper_is_read(page, tmp_path):
    drawing = Image.new("L", (300, 300), 250)
    ImageDraw.Draw(drawing).line([(80, 60), (220, 60), (130, 250)], 20, 18, joint="curve")
    drawing.save(tmp_path / "seven.png")
    open_tab(page, "digit")
    page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
    page.locator("#digit-photo input[type=file]").set_input_files(tmp_path / "seven.png")
    wait_for_answer(page, "7")
    page.locator("#digit-inside > button").click()  # the canvas is blank: the photo was read
    page.locator(".network-best", has_text="7:").wait_for()


def test_photo_or_drawing_removed_the_other_is_read(page, tmp_path):
    image = Image.new("L", (300, 300), 250)
    ImageDraw.Draw(image).line([(150, 40), (150, 250)], 20, 18)
    image.save(tmp_path / "one.png")
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
    photo = page.locator("#digit-photo")
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
    wait_for_no_answer(page)


def open_camera(page) -> None:
    open_tab(page, "digit")
    page.get_by_role("button", name=BROWSER_TEXT["es"]["digit_paper"]).click()
    page.locator("#digit-photo").get_by_label(GRADIO_TEXT["es"]["Capture from camera"]).click()
    page.locator("#digit-photo").get_by_text(GRADIO_TEXT["es"]["Click to Access Webcam"]).click()


def test_camera_image_is_not_mirrored(tmp_path, app, launch_browser):
    """Chromium's camera shows a file; mirrored, as Gradio shows people to themselves, it would not be a digit."""
    drawing = Image.new("L", (640, 480), 235)
    ImageDraw.Draw(drawing).line([(240, 120), (400, 120), (300, 380)], 20, 26, joint="curve")
    film = tmp_path / "film.y4m"
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 C420jpeg\nFRAME\n" + drawing.tobytes() + b"\x80" * (640 * 480 // 2))
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with_camera = launch_browser(*camera, f"--use-file-for-fake-video-capture={film}")
    with opened(with_camera, app) as page:
        open_camera(page)
        page.wait_for_function("() => document.querySelector('#digit-photo video').videoWidth === 640")
        page.locator("#digit-photo").get_by_label(GRADIO_TEXT["es"]["capture photo"]).click()
        wait_for_answer(page, "7")
    with_camera.close()


def test_camera_unusable_is_reported(page):
    open_camera(page)
    page.get_by_text(BROWSER_TEXT["es"]["no_camera"]).wait_for()
