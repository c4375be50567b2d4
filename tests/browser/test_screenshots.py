"""The images of docs/screenshots, made if TRAZO_SCREENSHOTS is set."""

import io
import os
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.actions import (
    DIGITS,
    SCREENS,
    SCREENSHOTS,
    choose_kernel,
    draw,
    open_part,
    open_tab,
    wait_for_answer,
    wait_for_no_answer,
)
from ui.i18n import BROWSER_TEXT
from ui.lesson import STEPS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.environ.get("TRAZO_SCREENSHOTS"), reason="TRAZO_SCREENSHOTS is not set"),
]

FOUR = [[(0.52, 0.16), (0.28, 0.6), (0.76, 0.6)], [(0.6, 0.4), (0.6, 0.86)]]
FRAMES = 8  # per line of a stroke
FRAME_MS = 90
ANIMATION_WIDTH_PX = 760


def save(page, name: str, full_page: bool = True) -> None:
    """Save the page in 256 colors: a fifth of the size."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.wait_for_timeout(2000)  # until nothing moves
    image = Image.open(io.BytesIO(page.screenshot(full_page=full_page)))
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(SCREENSHOTS / f"{name}.png", optimize=True)


def save_tabs(page, suffix: str, language: str = "es") -> None:
    """Save each tab, the digit tab with an answer."""
    open_tab(page, "digit", language)
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.locator("#notice").wait_for(state="hidden")  # the network is loaded
    save(page, f"digit{suffix}")
    open_tab(page, "edges", language)
    choose_kernel(page, "all", language)
    page.wait_for_function("() => document.querySelectorAll('.matrix input')[4].value === '8'")
    save(page, f"edges{suffix}")
    open_tab(page, "tuning", language)
    page.locator(".main-svg:visible").first.wait_for()
    save(page, f"tuning{suffix}")


@pytest.mark.parametrize("screen", SCREENS)
def test_screenshots(open_page, screen):
    page = open_page(**SCREENS[screen])
    save_tabs(page, screen)
    if "dark" in screen:
        return
    for part in ("compare", "conclusions", "space", "model"):
        open_part(page, part)
        save(page, f"tuning-{part}{screen}")
    open_part(page, "try")
    page.locator(".train-start").click()
    page.locator(".train-try").wait_for()
    save(page, f"tuning-try{screen}")
    open_tab(page, "digit")
    page.locator("#digit-inside > button").click()
    page.locator('[data-stage="block1_conv2"]').click()
    page.locator(".network-tile:not(.silent)").first.click()
    page.locator(".network-sum table").first.wait_for()
    page.locator('[data-stage="answer"]').click()
    page.locator(".network-softmax").wait_for()
    save(page, f"inside{screen}")


@pytest.mark.parametrize(("screen", "language"), [("", "es"), ("-phone", "es"), ("", "en")])
def test_screenshots_of_the_lesson(open_page, screen, language):
    """A step whose task is done, with its explanation; in English the tabs, too."""
    page = open_page(language, **SCREENS[screen])
    suffix = screen if language == "es" else f"{screen}-{language}"
    if language != "es":
        save_tabs(page, suffix, language)
    bricks = next(number for number, step in enumerate(STEPS, 1) if step.name == "bricks")
    page.goto(f"{page.url.partition('?')[0]}?lesson={bricks}")
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    page.locator(".lesson input").nth(1).check()
    choose_kernel(page, "vertical", language)
    page.locator(".lesson-verdict").wait_for()
    page.evaluate("scrollTo(0, 0)")
    save(page, f"lesson{suffix}", full_page=False)


def test_animation_of_the_digit_tab(open_page):
    """Film how a 4 is drawn and the network answers meanwhile: about five seconds, for the README."""
    page = open_page("en", viewport={"width": 1100, "height": 800})
    open_tab(page, "digit", "en")
    draw(page, DIGITS["1"])
    wait_for_answer(page, "1")  # the network is loaded, and the page no longer moves
    canvas, answer = page.locator("#digit-canvas"), page.locator("#digit-answer")
    canvas.scroll_into_view_if_needed()
    left, right = canvas.bounding_box(), answer.bounding_box()
    page.get_by_role("button", name=BROWSER_TEXT["en"]["digit_clear"], exact=True).click()
    wait_for_no_answer(page)
    area = {"x": left["x"] - 12, "y": left["y"] - 12, "height": left["height"] + 24}
    area["width"] = right["x"] + right["width"] + 12 - area["x"]
    frames: list[Image.Image] = []

    def shoot(count: int = 1) -> None:
        for _ in range(count):
            image = Image.open(io.BytesIO(page.screenshot(clip=area))).convert("RGB")
            height = round(ANIMATION_WIDTH_PX * image.height / image.width)
            frames.append(image.resize((ANIMATION_WIDTH_PX, height), Image.Resampling.LANCZOS))

    shoot(3)
    box = page.locator("#digit-canvas canvas").bounding_box()
    for stroke in FOUR:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for start, end in pairwise(places):
            for step in range(1, FRAMES + 1):
                page.mouse.move(*(a + (b - a) * step / FRAMES for a, b in zip(start, end, strict=True)))
                page.wait_for_timeout(FRAME_MS)  # answers come meanwhile
                shoot()
        page.mouse.up()
        page.wait_for_timeout(500)
        shoot(8)
    wait_for_answer(page, "4")
    shoot(10)
    first, *others = frames
    options = {"duration": FRAME_MS, "loop": 0, "quality": 80, "method": 6, "minimize_size": True}
    first.save(SCREENSHOTS / "digit.webp", save_all=True, append_images=others, **options)
    assert (SCREENSHOTS / "digit.webp").stat().st_size < 1_000_000


def test_screenshot_for_links_to_a_space(open_page):
    """What other sites show for a link to a deployed demo, in their usual size."""
    page = open_page("en", viewport={"width": 1600, "height": 864})
    open_tab(page, "digit", "en")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.locator("#notice").wait_for(state="hidden")
    page.mouse.move(0, 0)
    page.wait_for_timeout(2000)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize((1200, 648), Image.Resampling.LANCZOS)
    thumbnail = Path(__file__).parents[2] / "ui" / "static" / "thumbnail.png"
    image.quantize(256, dither=Image.Dither.NONE).save(thumbnail, optimize=True)
