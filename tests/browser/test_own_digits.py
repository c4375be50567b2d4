"""The visitor's own labels: kept in the browser, counted, taken along as a dataset, deleted."""

import zipfile

import pytest

from tests.browser.actions import DIGITS, draw, open_tab, wait_for_answer
from training.stream import HubStream
from ui.i18n import BROWSER_TEXT

pytestmark = pytest.mark.browser
WORDS = BROWSER_TEXT["es"]


def key(page, label: str, place: int = 0):
    return page.locator(".own-keys").nth(place).get_by_role("button", name=label, exact=True)


def clear(page) -> None:
    page.get_by_role("button", name=WORDS["digit_clear"], exact=True).click()
    page.locator("#digit-answer .answer-text").wait_for(state="detached")


def test_labels_are_kept_counted_and_exported_for_sketches(page, tmp_path):
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    key(page, "1").click()
    key(page, "7").click()  # a second tap corrects the first
    assert key(page, "7").get_attribute("aria-pressed") == "true"
    assert key(page, "1").get_attribute("aria-pressed") == "false"
    clear(page)
    draw(page, DIGITS["1"])
    wait_for_answer(page, "1")
    key(page, "4").click()  # the network was wrong, as far as the visitor says
    page.get_by_text("acierta 1 de 2: el 50").wait_for()
    page.reload()
    open_tab(page, "digit")
    page.get_by_text(
        "acierta 1 de 2: el 50\u00a0%. Lo probable es una exactitud entre el 9\u00a0% y el 91\u00a0%"
    ).wait_for()
    cells = page.locator(".own-matrix td:is(.right, .wrong)")
    assert cells.all_inner_texts() == ["1", "1"]
    with page.expect_download() as download:
        page.get_by_role("button", name=WORDS["own_export"], exact=True).click()
    archive = tmp_path / "drawings.zip"
    download.value.save_as(archive)
    zipfile.ZipFile(archive).extractall(tmp_path / "drawings")
    assert zipfile.ZipFile(archive).testzip() is None
    stream = HubStream(str(tmp_path / "drawings"), split="train", batch_size=2, sketches=True)
    assert list(stream.labels) == ["4", "7"] and len(stream) == 1
    (batch,) = stream.epoch(0)
    assert sorted(batch.labels.tolist()) == [0, 1]


def test_each_character_of_a_row_has_its_keys(page):
    open_tab(page, "digit")
    page.locator("#digit-canvas input[type=range]").fill("16")
    for place, digit in enumerate("17"):
        draw(page, [[(0.02 + place * 0.5 + x * 0.4, 0.3 + y * 0.4) for x, y in line] for line in DIGITS[digit]])
    wait_for_answer(page, "1 7")
    page.locator(".own-keys").nth(1).wait_for()
    key(page, "1", place=0).click()
    key(page, "9", place=1).click()
    page.get_by_text("acierta 1 de 2").wait_for()


def test_delete_removes_everything_from_the_browser(page):
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    key(page, "7").click()
    page.get_by_text("acierta 1 de 1").wait_for()
    page.get_by_role("button", name=WORDS["own_delete"], exact=True).click()
    page.get_by_text(WORDS["own_deleted"]).wait_for()
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('trazo-drawings'))") == []
    assert page.locator(".own-accuracy").is_hidden()


def test_damaged_storage_is_left_out(page):
    page.evaluate("""() => localStorage.setItem('trazo-drawings-0 1 2 3 4 5 6 7 8 9',
        JSON.stringify([{label: '<b>', answer: '1', image: ''}, null, {label: '1', answer: '1', image: 'AA=='}]))""")
    page.reload()
    open_tab(page, "digit")
    page.get_by_text("acierta 1 de 1").wait_for()


def test_full_storage_takes_no_more_and_loses_nothing(page):
    page.evaluate("""() => localStorage.setItem('trazo-drawings-0 1 2 3 4 5 6 7 8 9',
        JSON.stringify(Array.from({length: 500}, () => ({label: '1', answer: '1', image: 'AA=='}))))""")
    page.reload()
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    key(page, "7").click()
    page.get_by_text(WORDS["own_full"].format(count=500)).wait_for()
    page.get_by_text("acierta 500 de 500").wait_for()


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844)])
def test_phone_answer_is_in_sight_while_drawing(open_page, width, height):
    page = open_page(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    open_tab(page, "digit")
    assert page.locator(".guide:visible p").bounding_box()["height"] < 30  # one line
    draw(page, DIGITS["7"])
    line = page.locator(".canvas-answer")
    page.wait_for_function("() => /^7 .* \\d+/.test(document.querySelector('.canvas-answer').textContent)")
    box = line.bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
