"""The lens of the edges tab: it computes what the page shows, follows mouse and keys, and asks the server nothing."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.actions import choose_kernel
from ui.edges.convolution import correlate, flip_kernel, to_gray
from ui.edges.kernels import KERNELS
from ui.i18n import BROWSER_TEXT
from ui.tabs.edges import PHOTOS
from ui.tabs.lens import START

WORDS = BROWSER_TEXT["es"]


@pytest.fixture
def lens(page):
    """The lens, once it shows the first photo."""
    page.locator(".lens canvas").first.wait_for()
    page.locator(".lens-size", has_text="512 × 512 → 512 × 512").wait_for()
    return page.locator(".lens")


def canvas_pixels(page, number: int) -> np.ndarray:
    address = page.evaluate("n => document.querySelectorAll('.lens canvas')[n].toDataURL()", number)
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image:
        return np.asarray(image.convert("RGB"))


def shown_result(page) -> np.ndarray:
    """Return the result that the server made."""
    address = page.evaluate(
        """async () => {
            const image = [...document.querySelectorAll('#edges-result img')].at(-1);
            const blob = await (await fetch(image.src)).blob();
            return new Promise((done) => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result);
                reader.readAsDataURL(blob);
            });
        }"""
    )
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as image:
        return np.asarray(image.convert("RGB"))


def wait_for_result(page, before: np.ndarray) -> np.ndarray:
    """Wait until the lens shows another result, and return it."""
    for _ in range(100):
        found = canvas_pixels(page, 1)
        if found.shape != before.shape or (found != before).any():
            return found
        page.wait_for_timeout(50)
    raise AssertionError("the lens still shows the old result")


def test_lens_result_is_the_servers_in_every_pixel(page, lens):
    found = canvas_pixels(page, 1)
    np.testing.assert_array_equal(found, shown_result(page))
    page.get_by_label(WORDS["edges_correlation"]).check()
    found = wait_for_result(page, found)
    np.testing.assert_array_equal(found, shown_result(page))
    page.locator("#edges-photos button").nth(1).click()  # in color
    found = wait_for_result(page, found)
    np.testing.assert_array_equal(found, shown_result(page))
    for control in ("edges_signed", "edges_gray"):
        page.get_by_label(WORDS[control]).check()
        found = wait_for_result(page, found)
    assert np.abs(found.astype(int) - shown_result(page)).max() <= 1  # halves are rounded to the nearest or even number


def test_lens_arithmetic_follows_keys_and_mouse_without_a_request(page, lens):
    with Image.open(PHOTOS[0]) as photo:
        sums = correlate(to_gray(np.asarray(photo)), flip_kernel(KERNELS["vertical"]))
    row, column = START
    chips = lens.locator(".lens-chips")
    assert f"{sums[row, column]:.0f} > 50 → blanco" in chips.inner_text()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    canvas = lens.locator("canvas").first
    canvas.focus()
    for key, (down, right) in {"ArrowDown": (1, 0), "Shift+ArrowRight": (0, 10), "ArrowUp": (-1, 0)}.items():
        page.keyboard.press(key)
        row, column = row + down, column + right
        assert str(int(abs(sums[row, column]))) in chips.inner_text()
    page.locator(".lens-spoken", has_text=f"Fila {row}, columna {column}").wait_for(state="attached")
    box = lens.locator("canvas").last.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 100.5 / 512, box["y"] + box["height"] * 50.5 / 512)
    assert str(int(abs(sums[50, 100]))) in chips.inner_text()
    assert lens.locator("table").count() == 3 and lens.locator("td").count() == 27
    assert not requests


def test_lens_size_formula_has_the_actual_numbers(page, lens):
    page.locator("#edges-stride").get_by_label("4", exact=True).check()
    lens.locator(".lens-size", has_text="512 × 512 → 128 × 128: ⌈512 / 4⌉ = 128").wait_for()
    page.get_by_label(WORDS["edges_valid"]).check()
    lens.locator(".lens-size", has_text="⌊(512 − 3) / 4⌋ + 1 = 128").wait_for()
    choose_kernel(page, "blur")
    lens.locator(".lens-size", has_text="⌊(512 − 5) / 4⌋ + 1 = 127").wait_for()
    assert canvas_pixels(page, 1).shape[:2] == (127, 127)


def test_lens_slides_by_itself_until_it_is_stopped(page, lens):
    spoken = lens.locator(".lens-chips")
    before = spoken.inner_text()
    button = lens.get_by_role("button", name=WORDS["lens_play"])
    button.click()
    page.wait_for_function("t => document.querySelector('.lens-chips').innerText !== t", arg=before)
    lens.get_by_role("button", name=WORDS["lens_pause"]).click()
    assert button.get_attribute("aria-pressed") == "false"
