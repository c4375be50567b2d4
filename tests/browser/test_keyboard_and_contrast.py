"""What axe does not find: groups of radio buttons, spoken answers and names, high contrast, zoom, reduced motion."""

import pytest

from tests.browser.actions import DIGITS, choose_kernel, draw, open_tab, wait_for_answer
from ui.i18n import BROWSER_TEXT

pytestmark = pytest.mark.browser

WORDS = BROWSER_TEXT["es"]
# What a style paints of an element, and of the label around it.
LOOKS = """element => {
    const looks = one => { const s = getComputedStyle(one); return [s.outline, s.border, s.appearance].join(); };
    return [looks(element), looks(element.closest('label') ?? element)].join();
}"""
WIDER_THAN_THE_PAGE = """() => [...document.querySelectorAll('main *')].filter(element => {
    const { width, right } = element.getBoundingClientRect();
    const isWider = width && right > document.documentElement.clientWidth + 1;
    return isWider && !element.closest('.table-wrap, .visually-hidden, svg');
}).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture
def edges(page):
    page.locator(".lens canvas").first.wait_for()
    page.locator(".lens-size", has_text="512 × 512 → 512 × 512").wait_for()
    return page


@pytest.mark.parametrize("key", ["ArrowRight", "ArrowDown"])
def test_radio_groups_are_one_tab_stop_each_and_follow_the_arrow_keys(edges, key):
    group = edges.get_by_role("radiogroup", name=WORDS["edges_sign"], exact=True)
    group.get_by_role("radio", name=WORDS["edges_clipped"], exact=True).focus()
    for name in ("absolute", "signed", "clipped"):
        edges.keyboard.press(key)
        radio = group.get_by_role("radio", name=WORDS[f"edges_{name}"], exact=True)
        edges.wait_for_function(
            "radio => document.activeElement === radio && radio.checked", arg=radio.element_handle()
        )
        edges.locator("#edges-result img").last.wait_for()
    assert group.get_by_role("radio", checked=True).count() == 1
    edges.keyboard.press("Tab")
    assert edges.evaluate("document.activeElement.closest('fieldset')?.id") == "edges-output"


def test_every_radio_group_has_a_name_and_no_radio_is_alone(edges):
    groups = edges.evaluate(
        """() => [...document.querySelectorAll('input[type=radio]')].map(radio => [
            radio.name, radio.closest('[role=radiogroup], fieldset:has(legend)') !== null])"""
    )
    names = [name for name, _ in groups]
    assert all(is_grouped for _, is_grouped in groups) and len(names) > 12
    assert all(names.count(name) > 1 for name in names)
    for group in edges.get_by_role("radiogroup").all():
        label = group.get_attribute("aria-labelledby")
        assert group.get_attribute("aria-label") or edges.locator(f"[id='{label}']").inner_text().strip()


def test_images_say_what_is_seen(edges):
    edges.get_by_alt_text(WORDS["edges_photo_camera"], exact=True).first.wait_for()
    sentence = f"{WORDS['edges_photo_camera']} · {WORDS['edges_vertical']}: el "
    result = edges.locator("#edges-result img").last
    edges.wait_for_function("([image, text]) => image.alt.startsWith(text)", arg=[result.element_handle(), sentence])
    shown = edges.evaluate(
        """async () => {
            const image = [...document.querySelectorAll('#edges-result img')].at(-1);
            await image.decode();
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.filter((value, i) => i % 4 === 0 && value === 255).length / (pixels.length / 4);
        }"""
    )
    share = f"{100 * shown:.1f}".replace(".", ",")
    assert result.get_attribute("alt") == f"{sentence}{share}\u00a0% de los píxeles son blancos."
    edges.locator("#edges-photos button").nth(5).click()
    choose_kernel(edges, "blur")
    edges.locator(".lens figcaption", has_text=f"{WORDS['edges_photo_brick']} · {WORDS['edges_blur']}").wait_for()
    unnamed = edges.locator("main img:visible:not([alt]), main img[alt='']:visible")
    assert unnamed.count() == edges.locator("#edges-photos button[aria-label] img").count()  # their buttons are named


def test_panels_are_headings_and_the_zoom_is_named(edges):
    for name in ("edges_original", "edges_result", "edges_matrix", "edges_lens"):
        assert edges.get_by_role("heading", name=WORDS[name], level=2, exact=True).is_visible()
    assert edges.locator("#edges-result button").first.get_attribute("aria-label") == WORDS["edges_reset"]
    assert [table.inner_text() for table in edges.locator(".lens caption").all()] == [
        WORDS["lens_grays"],
        WORDS["lens_weights_turned"],
        WORDS["lens_products"],
    ]


def test_answers_are_spoken_in_an_element_that_stays(page):
    open_tab(page, "digit")
    canvas = page.locator("#digit-canvas canvas")
    assert canvas.get_attribute("aria-label") == WORDS["digit_blank"]
    spoken = page.locator(".contain > .spoken[role=status]").element_handle()
    for digit in ("7", "1"):
        draw(page, DIGITS[digit])
        wait_for_answer(page, digit)
        page.wait_for_function(
            "([element, text]) => element.isConnected && element.textContent === text",
            arg=[spoken, f"{WORDS['digit_answer']}: {digit}"],
        )
        assert canvas.get_attribute("aria-label") == WORDS["digit_canvas"]
        page.get_by_role("button", name=WORDS["digit_clear"], exact=True).click()
        page.wait_for_function("element => element.textContent === ''", arg=spoken)


def test_high_contrast_shows_what_is_chosen_without_colors(open_page):
    page = open_page(forced_colors="active")
    page.locator(".lens canvas").first.wait_for()

    def looks(locator) -> str:
        return locator.evaluate(LOOKS)

    tabs = page.get_by_role("tab")
    assert looks(tabs.nth(0)) != looks(tabs.nth(1))
    radios = page.get_by_role("radiogroup", name=WORDS["edges_sign"], exact=True).get_by_role("radio")
    assert looks(radios.nth(0)) != looks(radios.nth(1)) == looks(radios.nth(2))
    assert page.locator("input[type=range]").first.evaluate("one => getComputedStyle(one).appearance") == "auto"
    cells = page.locator(".matrix input")
    assert len({looks(cells.nth(i)) for i in range(3)}) == 3  # plus, zero, minus


def test_reduced_motion_nothing_moves_for_long(open_page):
    page = open_page(reduced_motion="reduce")
    page.locator(".lens canvas").first.wait_for()
    longest = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('*')].flatMap(one => {
            const style = getComputedStyle(one);
            return [style.transitionDuration, style.animationDuration].join().split(',').map(parseFloat);
        }))"""
    )
    assert longest <= 0.001


@pytest.mark.parametrize("width", [640, 360])  # 200 % of a desktop window, a small phone
@pytest.mark.parametrize("tab", ["edges", "digit", "tuning"])
def test_enlarged_page_has_no_sideways_scroll(open_page, width, tab):
    page = open_page(viewport={"width": width, "height": 640})
    page.locator(".lens canvas").first.wait_for()
    if tab == "edges":
        choose_kernel(page, "blur")
        page.wait_for_function("() => document.querySelectorAll('.lens-tables td').length === 75")
        page.get_by_label(WORDS["lens_source_example"]).check()
    elif tab == "tuning":
        open_tab(page, tab)
        page.locator(".js-plotly-plot").first.wait_for()
    else:
        open_tab(page, tab)
        draw(page, DIGITS["7"])
        wait_for_answer(page, "7")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(WIDER_THAN_THE_PAGE) == []
