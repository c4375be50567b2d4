"""Accessibility: axe-core on every part of the page, and the keyboard."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.actions import DIGITS, SCREENS, SCREENSHOTS, TUNING_PARTS, draw, open_part, open_tab, wait_for_answer
from ui.i18n import BROWSER_TEXT

pytestmark = pytest.mark.browser

IMPACTS = ("critical", "serious", "moderate", "minor")
AXE_REPORT = """# Accessibility

Elements in which axe-core {version} finds problems, by impact, on each tab and part of the page in Spanish.
A critical or serious one fails the test. Made by
`TRAZO_SCREENSHOTS=1 python -m pytest tests/browser/test_accessibility.py -m browser`.

| page | tab | part | critical | serious | moderate | minor | rules passed |
|---|---|---|---:|---:|---:|---:|---:|
{rows}"""
AXE_OPTIONS = {"resultTypes": ["violations"]}  # the elements that pass are many, and not needed
ANIMATIONS_END = """async () => {
    const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
    await pause(200);
    const ends = document.getAnimations().map(animation => animation.finished.catch(() => {}));
    await Promise.race([Promise.all(ends), pause(1000)]);
}"""
axe_rows: dict[str, list[str]] = {}  # screen -> rows of the report, of the tests that have run so far


@pytest.mark.parametrize("tab", ["edges", "digit"])
def test_keyboard_focus_is_visible(page, tab):
    page.locator(".lens canvas").last.wait_for()
    open_tab(page, tab)
    controls = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        kind, outline = page.evaluate(
            "() => [document.activeElement.type ?? '', getComputedStyle(document.activeElement).outline]"
        )
        if page.evaluate("document.activeElement === document.body") and controls:
            break  # after the last one
        assert "solid 2px" in outline, (kind, outline)
        controls.add(kind)
    assert controls >= ({"text", "radio", "range", "number"} if tab == "edges" else {"range"})


def test_dropdown_left_with_tab_stays_closed(page):
    page.locator("#edges-result img").last.wait_for()
    page.locator("#edges-name input").focus()
    option = page.get_by_role("option", name=BROWSER_TEXT["es"]["edges_vertical"], exact=True)
    option.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.matrix') !== null")
    page.wait_for_timeout(500)  # Gradio would close and reopen it
    assert option.count() == 0


@pytest.mark.parametrize("screen", ["", *(pytest.param(name, marks=pytest.mark.slow) for name in ("-dark", "-phone"))])
def test_axe_finds_nothing_serious(open_page, screen):
    axe_rows[screen] = []
    page = open_page(**SCREENS[screen])
    for tab in ("edges", "digit", "tuning"):
        open_tab(page, tab)
        if tab == "digit":
            draw(page, DIGITS["7"])
            wait_for_answer(page, "7")
            page.locator("#digit-inside > button").click()
            page.locator('[data-stage="block1_conv2"]').click()
            page.locator(".network-tile:not(.silent)").first.click()
            page.locator(".network-sum table").first.wait_for()
            page.locator('[data-stage="answer"]').click()
            page.locator(".network-softmax").wait_for()
            page.locator("#digit-model > button").click()
            page.locator("#digit-model table").wait_for()
        for part in TUNING_PARTS if tab == "tuning" else [None]:
            if part:
                open_part(page, part)
            page.evaluate(ANIMATIONS_END)  # what fades in has its final colors
            response = Axe().run(page, options=AXE_OPTIONS).response
            found = [
                (one["impact"], one["id"], node["html"]) for one in response["violations"] for node in one["nodes"]
            ]
            assert not [one for one in found if one[0] in ("serious", "critical")], (tab, part)
            counts = [str([one[0] for one in found].count(impact)) for impact in IMPACTS]
            cells = [screen.strip("-") or "desktop", tab, part or "", *counts, str(len(response["passes"]))]
            axe_rows[screen].append(f"| {' | '.join(cells)} |\n")
    if os.environ.get("TRAZO_SCREENSHOTS"):
        rows = "".join(row for rows in axe_rows.values() for row in rows)
        (SCREENSHOTS / "axe.md").write_text(AXE_REPORT.format(version=response["testEngine"]["version"], rows=rows))
