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
    lens.locator(".lens-size", has_text="512 × 512 → 128 × 128:").wait_for()
    lens.locator(".lens-size", has_text="⌊(512 + 0 − 3) / 4⌋ + 1 = 128").wait_for()
    choose_kernel(page, "blur")
    lens.locator(".lens-size", has_text="⌊(512 + 1 − 5) / 4⌋ + 1 = 128").wait_for()
    page.get_by_label(WORDS["edges_valid"]).check()
    lens.locator(".lens-size", has_text="⌊(512 + 0 − 5) / 4⌋ + 1 = 127").wait_for()
    assert canvas_pixels(page, 1).shape[:2] == (127, 127)


def shown_table(lens, number: int) -> np.ndarray:
    rows = lens.locator("table").nth(number).locator("tr").all()
    return np.array([[float(cell.replace("−", "-")) for cell in row.inner_text().split()] for row in rows])


def shown_sum(lens) -> float:
    return float(lens.locator(".lens-chips span").first.inner_text().split()[-1].replace("−", "-"))


def test_lens_example_every_sum_is_the_convolution_of_its_numbers(page, lens):
    page.get_by_label(WORDS["lens_source_example"]).check()
    lens.locator(".lens-size", has_text="7 × 7 → 7 × 7:").wait_for()
    lens.locator("canvas").last.focus()
    for key in ("Shift+ArrowUp", "Shift+ArrowLeft"):  # to the corner
        page.keyboard.press(key)
    numbers, sums = np.zeros((7, 7), np.float32), np.zeros((7, 7), np.float32)
    for row in range(7):
        for column in range(7):
            numbers[row, column] = shown_table(lens, 0)[1, 1]
            sums[row, column] = shown_sum(lens)
            if row == column:
                np.testing.assert_array_equal(shown_table(lens, 0) * shown_table(lens, 1), shown_table(lens, 2))
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowLeft")
    assert numbers.max() > 100 and (sums > 50).any() and (sums < 0).any()
    np.testing.assert_array_equal(sums, correlate(numbers, flip_kernel(KERNELS["vertical"])))


def test_lens_result_has_the_scale_of_the_image(page, lens):
    """A stride makes the result smaller; without padding a border is left free where the kernel does not fit."""

    def widths() -> tuple[float, float, float]:
        boxes = [lens.locator(part).bounding_box() for part in (".lens-view >> nth=0", ".lens-view >> nth=1")]
        return boxes[0]["width"], boxes[1]["width"], lens.locator("canvas").last.bounding_box()["width"]

    image, view, result = widths()
    assert image == pytest.approx(view, abs=1) and view == pytest.approx(result, abs=1)
    page.get_by_label(WORDS["edges_valid"]).check()
    choose_kernel(page, "blur")
    lens.locator(".lens-size", has_text="→ 508 × 508").wait_for()
    image, view, result = widths()
    assert image == pytest.approx(view, abs=1) and result == pytest.approx(image * 508 / 512, abs=1)
    page.locator("#edges-stride").get_by_label("4", exact=True).check()
    lens.locator(".lens-size", has_text="→ 127 × 127").wait_for()
    assert widths()[1] == pytest.approx(image / 4, abs=1)
    page.get_by_label(WORDS["lens_source_example"]).check()
    lens.locator(".lens-size", has_text="7 × 7 → 1 × 1").wait_for()
    page.locator("#edges-stride").get_by_label("1", exact=True).check()
    lens.locator(".lens-size", has_text="7 × 7 → 3 × 3").wait_for()
    image, view, result = widths()
    assert image == pytest.approx(view, abs=1) and result == pytest.approx(image * 3 / 7, abs=1)


def test_lens_slides_by_itself_until_it_is_stopped(page, lens):
    spoken = lens.locator(".lens-chips")
    before = spoken.inner_text()
    button = lens.get_by_role("button", name=WORDS["lens_play"])
    button.click()
    page.wait_for_function("t => document.querySelector('.lens-chips').innerText !== t", arg=before)
    lens.get_by_role("button", name=WORDS["lens_pause"]).click()
    assert button.get_attribute("aria-pressed") == "false"
