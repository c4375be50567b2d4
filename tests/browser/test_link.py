"""The page's address: it opens what it names, follows what is chosen, and has a language."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.actions import choose_kernel, open_part, open_tab
from ui.i18n import BROWSER_TEXT, SERVER_TEXT

pytestmark = pytest.mark.browser
WORDS = BROWSER_TEXT["es"]


def address(page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def visit(page, query: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}?{query}")
    page.get_by_role("tab").first.wait_for()


def wait_for_address(page, **wanted: str | None) -> None:
    page.wait_for_function(
        """wanted => {
            const query = new URLSearchParams(location.search);
            return Object.entries(wanted).every(([name, value]) => query.get(name) === value);
        }""",
        arg=wanted,
    )


def test_address_opens_photo_kernel_threshold_and_pixel(page):
    visit(page, "tab=edges&photo=brick&kernel=1,0,-1;5,0,-5;1,0,-1&threshold=80&flip=0&stride=2&px=121,89")
    page.locator(".lens-size", has_text="512 × 512 → 256 × 256").wait_for()
    page.locator(".lens-chips", has_text="80").wait_for()
    page.locator(".lens-where", has_text=WORDS["lens_where"].format(row=89, column=121)).wait_for()
    weights = page.locator("#edges-kernel .matrix input")
    assert [weights.nth(i).input_value() for i in (0, 3, 5)] == ["1", "5", "−5"]
    assert page.get_by_label(WORDS["edges_correlation"]).is_checked()
    assert page.locator("#edges-name input").input_value() == WORDS["edges_own"]
    assert page.locator("#edges-original img").get_attribute("src").endswith("brick.jpg")


@pytest.mark.parametrize("query", ["tab=digit", "tab=tuning&part=model"])
def test_address_opens_tab_and_part(page, query):
    visit(page, query)
    wanted = dict(parse_qsl(query))
    page.get_by_role("tab", name=WORDS[f"{wanted['tab']}_tab"], exact=True, selected=True).wait_for()
    if "part" in wanted:
        page.get_by_role("tab", name=WORDS[f"tuning_{wanted['part']}"], exact=True, selected=True).wait_for()


def test_address_with_impossible_values_is_refused_in_a_sentence(page):
    visit(page, "photo=<script>alert(1)</script>&stride=9&kernel=sobel&tab=nowhere&lesson=0&px=1e9,2")
    names = "tab, photo, stride, px, lesson"
    page.get_by_text(SERVER_TEXT["es"]["link_refused"].format(names=names)).wait_for()
    page.locator("#edges-result img").last.wait_for()
    assert page.locator("#edges-name input").input_value() == WORDS["edges_sobel"]


def test_address_follows_what_is_chosen_and_opens_it_again(page):
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    assert address(page) == {}
    choose_kernel(page, "sobel")
    page.locator("#edges-photos button").nth(5).click()
    page.locator("#edges-stride").get_by_label("2", exact=True).check()
    page.get_by_label(WORDS["edges_correlation"]).check()
    wait_for_address(page, kernel="sobel", photo="brick", stride="2", flip="0")
    page.locator("#edges-stride").get_by_label("1", exact=True).check()
    wait_for_address(page, stride=None)  # as at the start
    page.locator("#edges-kernel .matrix input").first.fill("4")
    page.keyboard.press("Enter")
    wait_for_address(page, kernel="4,0,1;-2,0,2;-1,0,1")
    open_tab(page, "tuning")
    open_part(page, "space")
    wait_for_address(page, tab="tuning", part="space")
    visit(page, urlsplit(page.url).query)
    page.get_by_role("tab", name=WORDS["tuning_space"], exact=True, selected=True).wait_for()
    open_tab(page, "edges")
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    assert page.locator("#edges-kernel .matrix input").first.input_value() == "4"


def test_address_carries_the_choices_of_a_training(page):
    visit(page, "tab=tuning&part=try&preset=sigmoid&filters=2&rows=200&epochs=9999")
    page.get_by_text(SERVER_TEXT["es"]["link_refused"].format(names="epochs")).wait_for()
    chosen = {"preset": "sigmoid", "convolutions": "2", "filters": "2", "rows": "200", "epochs": "12"}

    def choices() -> dict[str, str]:
        page.locator("#tuning-train select").first.wait_for()
        return {name: page.locator(f"#tuning-train select[name={name}]").input_value() for name in chosen}

    assert choices() == chosen  # what cannot be chosen is as in the preset
    page.locator("#tuning-train select[name=dropout]").select_option("0.5")
    page.locator("#tuning-train select[name=filters]").select_option("8")
    wait_for_address(page, preset="own", activation="sigmoid", rows="200", dropout="0.5", filters=None)  # 8 are usual
    chosen |= {"preset": "own", "filters": "8", "dropout": "0.5"}
    visit(page, urlsplit(page.url).query)
    assert choices() == chosen
    page.locator("#tuning-train select[name=preset]").select_option("overfit")
    wait_for_address(page, preset="overfit", rows=None, dropout=None)


def test_language_is_chosen_by_the_address_and_kept_by_the_switch(open_page):
    page = open_page("en")
    visit(page, "lang=es&stride=9")
    page.get_by_role("tab", name=WORDS["edges_tab"], exact=True).wait_for()
    page.get_by_text(SERVER_TEXT["es"]["link_refused"].format(names="stride")).wait_for()  # the server's words, too
    page.goto(page.url.partition("?")[0])
    page.get_by_role("tab", name=BROWSER_TEXT["en"]["edges_tab"], exact=True).wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name=WORDS["language_name"], exact=True).click()
    page.get_by_role("tab", name=WORDS["edges_tab"], exact=True).wait_for()
    assert address(page)["lang"] == "es"
    page.goto(page.url.partition("?")[0])  # the browser remembers it
    page.get_by_role("tab", name=WORDS["edges_tab"], exact=True).wait_for()
    assert page.get_by_role("button", name=WORDS["language_name"], exact=True).get_attribute("aria-current") == "true"


@pytest.mark.parametrize(("browser_language", "shown"), [("ca-ES", "es"), ("pt-BR", "es"), ("de-DE", "en")])
def test_language_near_the_browsers_is_shown(open_page, browser_language, shown):
    page = open_page(browser_language)
    page.get_by_role("tab", name=BROWSER_TEXT[shown]["edges_tab"], exact=True).wait_for()
    visit(page, "stride=9")
    page.get_by_text(SERVER_TEXT[shown]["link_refused"].format(names="stride")).wait_for()


def test_copied_link_opens_what_is_shown(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose_kernel(page, "sobel")
    wait_for_address(page, kernel="sobel")
    page.get_by_role("button", name=WORDS["tools_copy"], exact=True).click()
    page.get_by_text(WORDS["tools_copied"]).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert address(page) == {"kernel": "sobel", "lang": "es"}
