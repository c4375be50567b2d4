"""The map of the network: followed by keyboard down to one multiplication, the numbers add up, and it fits a phone."""

import pytest

from tests.browser.actions import DIGITS, PHONE, draw, draw_with_finger, open_tab, wait_for_answer
from ui.i18n import BROWSER_TEXT

pytestmark = pytest.mark.browser

WORDS = BROWSER_TEXT["es"]
STEPS = 16  # of the bundled network: scaling, nine convolutions, three poolings, the mean, the scores, the answer


def open_map(page):
    """Draw a 7 and open the map."""
    open_tab(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.locator("#digit-inside > button").click()
    page.locator(".network-step[data-stage=answer]").wait_for()
    return page.locator(".network")


def values(page, selector: str, name: str) -> list[float]:
    """Return the numbers that elements carry, in full precision."""
    return page.locator(selector).evaluate_all("(all, name) => all.map(one => Number(one.dataset[name]))", name)


def wait_for_part(page, part: str, text: str) -> None:
    page.wait_for_function(
        "([part, text]) => document.querySelector(part + ' h2')?.textContent.includes(text)", arg=[part, text]
    )


def test_map_is_followed_by_keyboard_to_one_multiplication(page):
    network = open_map(page)
    assert network.locator("button[data-stage]").count() == STEPS
    page.locator('[data-stage="block1_conv2"]').focus()
    page.keyboard.press("Enter")
    wait_for_part(page, ".network-stage", "Convolución 2 del bloque 1")
    assert page.evaluate("document.activeElement.tagName") == "H2"  # the reader continues there
    tiles = network.locator(".network-tile")
    assert tiles.count() == 24 and tiles.first.locator("canvas").bounding_box()["width"] >= 72
    page.locator(".network-tile:not(.silent)").first.focus()
    page.keyboard.press("Enter")
    wait_for_part(page, ".network-value", "Mapa")
    (total,) = values(page, ".network-sum [data-total]", "total")
    assert sum(values(page, ".network-groups [data-sum]", "sum")) == pytest.approx(total, rel=1e-4, abs=1e-4)
    products = values(page, ".network-detail table:last-of-type td", "value")
    (first, *_) = values(page, ".network-groups [data-sum]", "sum")
    assert len(products) == 9 and sum(products) == pytest.approx(first, rel=1e-4, abs=1e-5)
    page.locator(".network-detail table:last-of-type td button").nth(4).focus()
    page.keyboard.press("Enter")
    (product,) = values(page, ".network-product", "product")
    assert product == pytest.approx(products[4], rel=1e-5, abs=1e-7)
    page.locator(".network-product button").press("Enter")  # where its value comes from
    wait_for_part(page, ".network-value", "Convolución 1 del bloque 1")


def test_map_arrow_keys_choose_the_pixel(page):
    network = open_map(page)
    network.locator('[data-stage="block1_conv1"]').click()
    network.locator(".network-tile:not(.silent)").first.click()
    canvas = network.locator("canvas.network-large").first
    canvas.focus()
    before = network.locator(".network-value h3", has_text="De dónde sale el píxel").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.network-value h3')].every(one => one.textContent !== before)",
        arg=before,
    )
    assert page.evaluate("document.activeElement.classList.contains('network-large')")


def test_map_answer_has_the_evidence_that_adds_up(page):
    network = open_map(page)
    network.locator('[data-stage="answer"]').click()
    wait_for_part(page, ".network-answer", WORDS["map_answer_title"])

    def check() -> float:
        (total,) = values(page, ".network-answer [data-total]", "total")
        parts = values(page, ".network-answer [data-sum]", "sum")
        places, *features = parts  # the image first
        *_, bias = features
        assert sum(features) == pytest.approx(total, rel=1e-4, abs=1e-3)
        assert places + bias == pytest.approx(total, rel=1e-4, abs=1e-3)
        return total

    alone = check()
    assert network.locator("select[name=map-label]").input_value() == "7"
    network.locator("select[name=map-other]").select_option("1")
    network.locator(".lens-chips", has_text=WORDS["map_difference"]).wait_for()
    assert check() != alone
    assert network.locator(".network-softmax tbody tr").count() == 10


def test_map_follows_the_character_that_is_chosen(page):
    open_tab(page, "digit")
    page.locator("#digit-canvas input[type=range]").fill("16")
    for place, digit in enumerate("17"):
        draw(page, [[(0.05 + place * 0.5 + x * 0.4, 0.3 + y * 0.4) for x, y in line] for line in DIGITS[digit]])
    wait_for_answer(page, "1 7")
    page.locator("#digit-inside > button").click()
    best = page.locator(".network-best")
    page.locator(".network-best", has_text="1:").wait_for()
    page.locator(".network-which select").select_option(label="2")
    page.locator(".network-best", has_text="7:").wait_for()
    page.get_by_role("button", name=WORDS["digit_clear"], exact=True).click()
    page.locator(".network-wait", has_text=WORDS["map_wait"]).wait_for()
    assert not best.is_visible()


def test_map_one_scale_shows_the_same_map_otherwise(page):
    network = open_map(page)
    network.locator('[data-stage="block2_conv1"]').click()
    wait_for_part(page, ".network-stage", "Convolución 1 del bloque 2")
    images = "() => [...document.querySelectorAll('.network-tile canvas')].map(one => one.toDataURL())"
    alone = page.evaluate(images)
    page.get_by_label(WORDS["map_common"]).check()
    common = page.evaluate(images)
    assert len(common) == len(alone) and sum(a != b for a, b in zip(alone, common, strict=True)) > len(alone) // 2


def test_map_fits_a_phone(open_page):
    page = open_page(**PHONE | {"viewport": {"width": 360, "height": 640}})
    open_tab(page, "digit")
    page.locator("#digit-canvas canvas").scroll_into_view_if_needed()
    draw_with_finger(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.locator("#digit-inside > button").tap()
    for stage in ("block2_conv3", "block1_pool", "mean", "head"):
        page.locator(f'[data-stage="{stage}"]').tap()
        wait_for_part(page, ".network-stage", "")
        page.locator(".network-stage [data-unit]").first.tap()
        page.locator(".network-value h2").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), stage
    page.locator('[data-stage="answer"]').tap()
    page.locator(".network-answer h2").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_model_panel_is_in_the_language_of_the_page(page):
    open_tab(page, "digit")
    page.locator("#digit-model > button").click()
    page.locator("#digit-model dl", has_text="350\u202f818").wait_for()
    assert page.locator("#digit-model tbody tr").count() == 4
    assert "no es la ganadora" in page.locator("#digit-model").inner_text()
