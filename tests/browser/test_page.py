"""The whole page: language, notices, colors, lost connections."""

import shutil
from contextlib import ExitStack
from itertools import combinations, pairwise

import pytest

from tests.browser.actions import (
    DIGITS,
    LOCALES,
    PRETRAINED,
    SCREENS,
    draw,
    open_part,
    open_tab,
    opened,
    wait_for_answer,
)
from tests.support.app_server import running
from ui.i18n import BROWSER_TEXT, GRADIO_TEXT, SERVER_TEXT

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", LOCALES)
def test_page_language_is_the_browsers(open_page, language, browser):
    page = open_page(language)
    tabs = [page.get_by_role("tab").nth(i).inner_text() for i in range(3)]
    assert tabs == [BROWSER_TEXT[language][f"{name}_tab"] for name in ("edges", "digit", "tuning")]
    for name in ("edges", "digit", "tuning"):
        open_tab(page, name, language)
        page.get_by_text(BROWSER_TEXT[language][f"{name}_guide"]).wait_for()
    assert "__i18n__" not in page.locator("main").inner_html()
    if language == "es":
        open_part(page, "table")
        page.wait_for_function(
            """english => ![...document.querySelectorAll('[aria-label], [title]')].some(one =>
                english.some(name => [one.ariaLabel, one.title].some(said => said?.startsWith(name))))""",
            arg=[*GRADIO_TEXT["es"], "number input for", "range slider for"],
        )
        open_part(page, "search")
    # What the server says follows the browser too.
    page.locator(".js-plotly-plot", has_text=SERVER_TEXT[language]["epoch"]).wait_for()


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(("width", "rows"), [(1280, 1), (768, 1), (360, 2)])
def test_header_takes_few_rows_and_nothing_overlaps(open_page, width, rows, language):
    page = open_page(language, viewport={"width": width, "height": 640})
    boxes = [
        one.bounding_box()
        for one in page.locator(".masthead :is(h1, .page-tools button, .lesson-open)").all()
        if one.is_visible()
    ]
    assert len(boxes) == 5  # the title, two languages, the link, the lesson
    middles = sorted(box["y"] + box["height"] / 2 for box in boxes)
    assert 1 + sum(later - earlier > 12 for earlier, later in pairwise(middles)) == rows
    for one, other in combinations(boxes, 2):
        apart_x = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        apart_y = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert apart_x or apart_y
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_unknown_language_is_english(open_page):
    page = open_page("fr")
    page.get_by_role("tab", name=BROWSER_TEXT["en"]["edges_tab"], exact=True).wait_for()
    page.wait_for_function("() => document.documentElement.lang === 'en'")


def test_notice_shows_loading_and_replaced_model(tmp_path, browser):
    folder = shutil.copytree(PRETRAINED, tmp_path / "model")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-4:] = b"\xff" * 4  # not a number
    (folder / "model.safetensors").write_bytes(weights)
    held = "-m", "tests.support.held_app", str(tmp_path / "go")
    with running(tmp_path / "log.txt", *held, MODEL_ID=str(folder)) as app, ExitStack() as people:
        page = people.enter_context(opened(browser, app, "en"))
        page.locator("#notice", has_text=SERVER_TEXT["en"]["network_loading"]).wait_for()
        (tmp_path / "go").touch()
        page.locator("#notice", has_text="not finite").wait_for()
        assert str(tmp_path) not in page.content()
        open_tab(page, "digit", "en")
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")


def test_page_dark_scheme_has_dark_panels(open_page):
    backgrounds = []
    for screen in ("", "-dark"):
        page = open_page(**SCREENS[screen])
        backgrounds.append(
            page.locator(".block.panel").first.evaluate("panel => getComputedStyle(panel).backgroundColor")
        )
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(26, 29, 37)"]


def test_page_lost_connection_is_reported_and_restored(page):
    """Gradio reloads the page when it reaches the server again."""
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.context.set_offline(True)
    draw(page, [[(0.1, 0.9), (0.9, 0.9)]])
    page.get_by_text("Se ha perdido la conexión").wait_for()
    with page.expect_navigation():
        page.context.set_offline(False)
    open_tab(page, "digit")
    draw(page, DIGITS["1"])
    wait_for_answer(page, "1")
