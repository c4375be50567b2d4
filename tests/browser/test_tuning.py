"""The tuning tab: every part with its figures, the trials table, the confusion matrix."""

import pytest

from tests.browser.actions import PRETRAINED, open_part, open_tab
from tests.support.run_reports import write
from tests.support.search_report import EVIL, REPORT
from ui.figures.axes import format_value
from ui.figures.findings import CHOICES
from ui.i18n import BROWSER_TEXT, SERVER_TEXT, translate
from ui.reports.parse import read_search

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 360])
def test_tuning_parts_show_their_figures(open_page, searched_app, width):
    shown = {
        "search": ["running_best", "intermediate"],
        "compare": ["pareto", "comparison_curves"],
        "space": ["importance", "slice"],
        "combinations": ["parallel", "contour"],
        "table": ["timeline"],
        "conclusions": [],
        "model": ["curve", "confusion", "calibration"],
    }
    page = open_page(viewport={"width": width, "height": 900}, app=searched_app)
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    open_tab(page, "tuning")
    open_part(page, "model")  # immediately: the figures of the first part may still be drawn while hidden
    page.locator("#tuning-confusion .main-svg").first.wait_for()
    for name, figures in shown.items():
        open_part(page, name)
        for figure in figures:
            panel = page.locator(".block.panel:visible", has_text=BROWSER_TEXT["es"][f"tuning_{figure}"]).last
            panel.locator(".js-plotly-plot .main-svg").first.wait_for()
        if name == "conclusions":
            assert page.locator(".findings li .badge").count() == len(CHOICES)
        if name == "table":
            page.locator("#tuning-trials").get_by_text(SERVER_TEXT["es"]["COMPLETED"]).locator(
                "visible=true"
            ).first.wait_for()
        if name == "model":
            page.locator(".unavailable:visible code", has_text="python -m training evaluate … --mistakes").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        page.wait_for_function(
            """() => [...document.querySelectorAll('.js-plotly-plot')].every(plot => !plot.checkVisibility()
                || plot.querySelector('.main-svg').clientWidth <= plot.clientWidth)"""
        )
        assert page.locator("img[src='x'], .js-plotly-plot b").count() == 0
    assert not errors


def test_confusion_matrix_click_shows_mistakes_of_the_cell(page):
    open_tab(page, "tuning")
    open_part(page, "model")
    shown = page.locator(".mistakes figure:visible")
    open_part(page, "search")
    open_part(page, "model")  # and again
    page.locator("#tuning-confusion [data-listening]").first.wait_for()
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


def test_hyperparameter_with_html_name_is_escaped(open_page, searched_app):
    page = open_page(app=searched_app)
    open_tab(page, "tuning")
    open_part(page, "space")
    page.locator("#tuning-slice .main-svg").first.wait_for()  # else the page's first answer replaces what is chosen
    page.get_by_label(BROWSER_TEXT["es"]["tuning_slice_of"], exact=True).click()
    page.get_by_role("option", name=EVIL, exact=True).click()
    page.locator("#tuning-slice .xtitle", has_text="<b>a</b> & <img").wait_for()
    open_part(page, "combinations")
    page.locator("#tuning-parallel .axis-title", has_text=EVIL[:20]).wait_for()


def test_trials_table_sorts_filters_and_searches(page):
    open_tab(page, "tuning")
    open_part(page, "table")
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
    wait_until(lambda: set(cells(activation)) == {"PReLU"})
    choose(activation, "Quitar los filtros")
    wait_until(lambda: len(set(cells(activation))) > 1)

    table.get_by_placeholder(BROWSER_TEXT["es"]["tuning_find"]).fill("coseno")
    wait_until(lambda: set(cells(translate("loss", "es"))) == {"similitud coseno"})


def click_trial(page, figure: str, number: int) -> str:
    """Click the point of a figure by its place among those that can be clicked; returns what the line then says."""
    point = page.locator(f"#{figure} .points path").nth(number)
    point.wait_for()
    for _ in range(10):
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
        page.locator(f"#{figure} .hovertext").first.wait_for()  # Plotly goes by what it has found under the mouse
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(1000)
        # Plotly draws a figure again when its panel gets its final size: then another point was under the mouse.
        if "chosen" in (point.get_attribute("class") or ""):
            break
    return page.locator(".selected-run").text_content()


def test_trial_clicked_in_a_figure_is_selected_everywhere(page):
    open_tab(page, "tuning")
    selected = click_trial(page, "tuning-running-best", 5)
    assert selected.startswith("Elegido: ensayo 5 · ")
    page.locator("#tuning-running-best .points path.chosen").wait_for()
    open_part(page, "compare")
    page.locator("#tuning-pareto .points path.chosen").first.wait_for()
    first = page.get_by_label(BROWSER_TEXT["es"]["tuning_first"], exact=True)
    assert first.input_value().startswith("ensayo 5 · ")
    table = page.locator("#tuning-comparison table")
    table.get_by_role("columnheader", name="ensayo 5", exact=True).wait_for()
    assert table.get_by_role("rowheader", name=translate("normalization", "es")).count() <= 1
    other = click_trial(page, "tuning-pareto", 0)
    table.get_by_role("columnheader", name=other.split(": ")[1].split(" · ")[0], exact=True).wait_for()
    open_part(page, "table")
    rows = page.locator("#tuning-trials .virtual-row")
    rows.first.locator("[aria-colindex='3']").click()
    best = read_search(PRETRAINED).best.order
    page.locator(".selected-run", has_text=f"ensayo {best} · ").wait_for()
    page.locator("#tuning-trials .virtual-row.chosen").wait_for()


def test_comparison_of_two_trials_works_by_keyboard(page):
    open_tab(page, "tuning")
    open_part(page, "compare")
    verdict = page.locator("#tuning-comparison .verdict")
    verdict.wait_for()
    second = page.get_by_label(BROWSER_TEXT["es"]["tuning_second"], exact=True)
    second.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(translate("this_model", "es"))
    page.keyboard.press("Enter")
    page.locator("#tuning-comparison .verdict", has_text=translate("compare_other_rows", "es")).wait_for()


def test_search_that_runs_is_followed(open_page, running_search):
    app, folder = running_search
    page = open_page(app=app)
    page.locator("#notice", has_text="trazo.json").wait_for()  # the folder holds none yet
    open_tab(page, "tuning")
    best = page.locator("#tuning-running-best .points path")
    page.wait_for_function("document.querySelectorAll('#tuning-running-best .points path').length === 3")
    open_part(page, "space")
    chooser = page.get_by_label(BROWSER_TEXT["es"]["tuning_slice_of"], exact=True)
    page.locator("#tuning-slice .main-svg").first.wait_for()
    chooser.click()
    page.get_by_role("option", name=translate("optimizer", "es"), exact=True).click()
    page.locator("#tuning-slice .xtitle", has_text=translate("optimizer", "es")).wait_for()
    write(folder, "trials.json", REPORT | {"trials": REPORT["trials"][:12], "best_trial": "11", "importance": None})
    page.wait_for_function("document.querySelectorAll('#tuning-slice .points path').length >= 10")
    assert page.locator("#tuning-slice .xtitle").text_content() == translate("optimizer", "es")
    assert chooser.input_value() == translate("optimizer", "es")
    open_part(page, "search")
    page.wait_for_function("document.querySelectorAll('#tuning-running-best .points path').length === 10")
    assert best.count() == 10
    open_part(page, "compare")  # with another run
    second = page.get_by_label(BROWSER_TEXT["es"]["tuning_second"], exact=True)
    second.click()
    page.get_by_role("option", name="pretrained · ensayo 0", exact=False).first.click()
    page.locator("#tuning-comparison th", has_text="pretrained · ensayo 0").wait_for()
    page.locator("#tuning-comparison .verdict", has_text=translate("compare_other_rows", "es")).wait_for()
