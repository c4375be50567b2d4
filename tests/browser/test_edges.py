"""The edges tab: kernels, controls, uploads."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from tests.browser.actions import LOCALES, choose_kernel
from ui.i18n import BROWSER_TEXT, GRADIO_TEXT, SERVER_TEXT

pytestmark = pytest.mark.browser


@contextmanager
def result_changes(page) -> Iterator[None]:
    """Wait after the block until the edges tab shows another result."""
    result = page.locator("#edges-result img").last
    before = result.get_attribute("src")
    yield
    page.wait_for_function("b => [...document.querySelectorAll('#edges-result img')].at(-1)?.src !== b", arg=before)


def read_weights(page) -> list[float]:
    cells = page.locator(".matrix input")
    return [read_number(cell.input_value()) for cell in cells.all()]


def read_number(text: str) -> float:
    """Read what the page writes in Spanish."""
    return float(text.replace("−", "-").replace("\u202f", "").replace(",", "."))


def test_edges_follow_every_control(page):
    words = BROWSER_TEXT["es"]
    page.locator("#edges-result img").last.wait_for()
    assert read_weights(page) == [1, 0, -1] * 3
    with result_changes(page):
        choose_kernel(page, "all")
    page.wait_for_function("() => document.querySelectorAll('.matrix input')[4].value === '8'")
    for name in ("absolute", "gray", "valid"):
        with result_changes(page):
            page.get_by_label(words[f"edges_{name}"], exact=True).check()
    page.get_by_role("spinbutton", name=words["edges_threshold"]).wait_for(state="detached")
    with result_changes(page):
        page.locator("#edges-stride").get_by_label("3", exact=True).check()
    with result_changes(page):
        page.locator("#edges-photos button").nth(1).click()
    with result_changes(page):
        page.get_by_label(words["edges_binary"], exact=True).check()
    threshold = page.get_by_role("spinbutton", name=words["edges_threshold"])
    threshold.fill("200")
    with result_changes(page):
        page.keyboard.press("Tab")


def test_kernel_edited_weight_makes_it_the_users_own(page):
    page.locator("#edges-result img").last.wait_for()
    cells = page.locator(".matrix input")
    with result_changes(page):
        cells.nth(4).fill("2,5")
        page.keyboard.press("Tab")
    label = BROWSER_TEXT["es"]["matrix_weight"].format(row=2, column=3)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == label
    assert read_weights(page) == [1, 0, -1, 1, 2.5, -1, 1, 0, -1]
    assert page.locator("#edges-name input").input_value() == BROWSER_TEXT["es"]["edges_own"]
    cells.nth(0).fill("mucho")
    page.keyboard.press("Tab")
    page.get_by_role("alert").get_by_text(BROWSER_TEXT["es"]["matrix_refusal"].format(text="mucho")).wait_for()
    with result_changes(page):
        cells.nth(0).fill("−1/8")
        page.keyboard.press("Tab")
    assert read_weights(page)[0] == -0.125 and not page.locator(".matrix-refusal").inner_text()
    page.get_by_label("5 × 5", exact=True).check()
    page.wait_for_function("() => document.querySelectorAll('.matrix input').length === 25")
    assert read_weights(page)[12] == 2.5
    page.get_by_label("3 × 3", exact=True).check()
    page.wait_for_function("() => document.querySelectorAll('.matrix input').length === 9")


def test_kernel_turned_is_the_next_one_that_has_a_name(page):
    page.locator("#edges-result img").last.wait_for()
    turn = page.get_by_role("button", name=BROWSER_TEXT["es"]["matrix_turn"])
    for name in ("horizontal", "prewitt"):  # the vertical kernel turned by 90°, and by 180°
        with result_changes(page):
            turn.click()
        page.wait_for_function(
            "name => document.querySelector('#edges-name input').value === name",
            arg=BROWSER_TEXT["es"][f"edges_{name}"],
        )
    assert read_weights(page) == [-1, 0, 1] * 3


def test_kernel_of_fractions_shows_them(page):
    page.locator("#edges-result img").last.wait_for()
    choose_kernel(page, "blur")
    page.wait_for_function("() => document.querySelectorAll('.matrix input')[12]?.value === '36/256'")
    page.locator(".lens caption", has_text="256").wait_for()
    page.locator(".lens-chips", has_text="/ 256 = ").wait_for()


def test_kernel_that_makes_an_image_shows_its_values(page):
    page.locator("#edges-result img").last.wait_for()
    value, above = (
        page.locator("#edges-output").get_by_label(BROWSER_TEXT["es"][f"edges_{n}"]) for n in ("gray", "binary")
    )
    threshold = page.get_by_role("spinbutton", name=BROWSER_TEXT["es"]["edges_threshold"])
    for name in ("blur", "sharpen", "emboss"):
        with result_changes(page):
            choose_kernel(page, name)
        assert value.is_checked()
        threshold.wait_for(state="detached")
    with result_changes(page):
        choose_kernel(page, "sobel")
    assert above.is_checked()
    threshold.wait_for()
    # From one edge kernel to the next, what somebody chose stays.
    with result_changes(page):
        value.check()
    with result_changes(page):
        choose_kernel(page, "scharr")
    assert value.is_checked()


def test_comparison_bar_moves_with_mouse_and_keys(page):
    bar = page.get_by_role("slider", name=BROWSER_TEXT["es"]["edges_bar"])
    bar.wait_for()
    shown = page.locator("#edges-result img").last  # cut off at the left, up to the bar

    def cut() -> float:
        return float(shown.evaluate("image => image.style.clipPath.match(/([0-9.]+)%/)[1]"))

    page.wait_for_function("image => image.style.clipPath.includes('%')", arg=shown.element_handle())
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


def test_learned_kernel_changes_the_edges(page):
    page.locator("#edges-result img").last.wait_for()
    with result_changes(page):
        choose_kernel(page, "learned")
    first = read_weights(page)
    assert len(first) == 9 and all(weight != round(weight) for weight in first)
    filters = page.get_by_role("radiogroup", name=BROWSER_TEXT["es"]["edges_filters"]).get_by_role("radio")
    assert filters.count() == 24 and filters.nth(0).is_checked()
    filters.nth(0).focus()
    with result_changes(page):
        page.keyboard.press("ArrowRight")
    assert read_weights(page) != first and filters.nth(1).is_checked()
    name = filters.nth(1).get_attribute("aria-label")
    page.locator(".kernels-chosen", has_text=name).wait_for()
    assert page.get_by_label(BROWSER_TEXT["es"]["edges_gray"]).is_checked()
    for control in ("edges_signed", "edges_correlation"):
        assert page.get_by_label(BROWSER_TEXT["es"][control]).is_checked()
    page.locator(".lens-chips", has_text="veces más clara").wait_for()
    with result_changes(page):
        choose_kernel(page, "vertical")
    for control in ("edges_clipped", "edges_convolution", "edges_binary"):
        page.wait_for_function(
            "radio => radio.checked", arg=page.get_by_label(BROWSER_TEXT["es"][control], exact=True).element_handle()
        )


def test_upload_unreadable_is_reported_in_the_language(open_page, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not an image")
    for language in LOCALES:
        page = open_page(language)
        page.locator("#edges-result img").last.wait_for()  # else the page's first answer tells it too
        page.locator("#edges-original input[type=file]").set_input_files(bad)
        page.get_by_text(SERVER_TEXT[language]["image_unreadable"]).wait_for()
        page.locator("#edges-result img").last.wait_for(state="detached")  # the message may come before the answer
        page.locator("#edges-original img").wait_for(state="detached")  # no sign of a broken image


def test_upload_tiff_is_read_with_a_note(page, tmp_path):
    Image.fromarray(np.full((200, 300), 40_000, np.uint16)).save(tmp_path / "sixteen bits.tiff")
    page.locator("#edges-result img").last.wait_for()
    page.locator("#edges-original input[type=file]").set_input_files(tmp_path / "sixteen bits.tiff")
    page.get_by_text(SERVER_TEXT["es"]["image_undisplayed"].format(format="TIFF")).wait_for()
    page.wait_for_function("document.querySelector('#edges-result img')?.naturalWidth === 300")


def test_upload_refused_by_gradio_is_reported_in_spanish(page, tmp_path):
    (tmp_path / "large.png").write_bytes(b"\0" * 21_000_000)
    (tmp_path / "words.pdf").write_bytes(b"%PDF-1.4")
    page.get_by_label(GRADIO_TEXT["es"]["Remove Image"]).click()
    for name, key in (("large.png", "too_much"), ("words.pdf", "image_unreadable")):
        page.locator("#edges-original input[type=file]").set_input_files(tmp_path / name)
        page.get_by_text(SERVER_TEXT["es"][key].format(limit=20), exact=True).wait_for()


def test_upload_without_room_is_reported_in_spanish(page, tmp_path):
    refused = {"detail": SERVER_TEXT["es"]["storage_full"]}
    page.route("**/gradio_api/upload*", lambda route: route.fulfill(status=507, json=refused))
    Image.new("L", (20, 20)).save(tmp_path / "small.png")
    page.get_by_label(GRADIO_TEXT["es"]["Remove Image"]).click()
    page.locator("#edges-original input[type=file]").set_input_files(tmp_path / "small.png")
    page.get_by_text(refused["detail"], exact=True).wait_for()
