"""A network that learns in the browser: it learns, its presets break it, and it answers a drawing."""

import re

import pytest

from tests.browser.actions import open_part, open_tab
from ui.i18n import BROWSER_TEXT

WORDS = BROWSER_TEXT["es"]


@pytest.fixture
def panel(page):
    open_tab(page, "tuning")
    open_part(page, "try")
    return page.locator("#tuning-train")


def train(page, panel, **choices: str) -> str:
    """Train to the end and return what is said of the last epoch."""
    for name, value in choices.items():
        panel.locator(f"select[name={name}]").select_option(value)
    panel.locator(".train-start").click()
    page.wait_for_function(
        "text => document.querySelector('.train-start').textContent === text", arg=WORDS["train_stop"], timeout=30_000
    )
    page.wait_for_function(
        "text => document.querySelector('.train-start').textContent === text", arg=WORDS["train_start"], timeout=60_000
    )
    return panel.locator(".train-status").inner_text()


def test_network_learns_and_answers_a_drawing_next_to_the_large_one(page, panel):
    said = train(page, panel, epochs="6", patience="0")
    _, share = re.findall(r"([\d,]+)\s%", said)
    assert float(share.replace(",", ".")) > 50  # by chance: 10
    assert panel.locator(".train-size", has_text="32 pasos").inner_text().startswith("2698 parámetros")  # and stays
    assert panel.locator("polyline").count() == 4 and panel.locator(".train-kernels b").count() == 8
    canvas = panel.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 84, box["y"] + 25)
    page.mouse.down()
    page.mouse.move(box["x"] + 84, box["y"] + 145, steps=12)
    page.mouse.up()
    panel.locator(".train-answer", has_text="Tu red:").wait_for()
    panel.locator(".train-bundled", has_text="La grande: 1").wait_for()


def test_preset_with_a_large_rate_learns_nothing(page, panel):
    panel.locator("select[name=preset]").select_option("rate")
    assert panel.locator("select[name=rate]").input_value() == "0.3"
    said = train(page, panel, epochs="6", rows="200")
    shares = [float(share.replace(",", ".")) for share in re.findall(r"([\d,]+)\s%", said)]
    assert "número finito" in said or shares[-1] < 30
