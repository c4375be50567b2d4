"""A learner's first ten minutes: every step of the lesson, from its prediction to its explanation."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.actions import DIGITS, PHONE, choose_kernel, draw, open_part
from ui.i18n import BROWSER_TEXT, LESSON_TEXT
from ui.lesson import STEPS

pytestmark = pytest.mark.browser
WORDS, LESSON = BROWSER_TEXT["es"], LESSON_TEXT["es"]
ZIGZAG = [[(0.1, 0.1), (0.9, 0.2), (0.1, 0.3), (0.9, 0.4), (0.1, 0.5), (0.9, 0.6), (0.2, 0.9), (0.6, 0.2)]]


def number_of(name: str) -> int:
    return next(number for number, step in enumerate(STEPS, 1) if step.name == name)


def visit_step(page, name: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}?lesson={number_of(name)}")
    page.locator(".lesson-card h2", has_text=LESSON[f"{name}_title"]).wait_for()


def tasks_done(page) -> int:
    return page.locator(".lesson-tasks .done").count()


def wait_for_tasks(page, count: int, timeout: float = 60_000) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('.lesson-tasks .done').length === count", arg=count, timeout=timeout
    )


def train(page, **choices: str) -> None:
    for name, value in choices.items():
        page.locator(f"#tuning-train select[name={name}]").select_option(value)
    page.locator(".train-start").click()


def look_at(page, wanted: str) -> None:
    """Move the lens by the arrow keys until the sum under it is as wanted."""
    page.locator(".lens canvas").first.focus()
    for _ in range(300):
        page.keyboard.press("ArrowRight")
        if wanted in page.locator(".lens-chips").inner_text():
            page.wait_for_timeout(500)  # the lens reports when it rests
            return
    raise AssertionError(f"no {wanted}")


def do_batches(page):
    train(page)
    yield


def do_layers(page):
    train(page)
    yield
    train(page, filters="8")
    yield


def do_activation(page):
    train(page)
    yield
    train(page, activation="tanh")
    page.locator(".lesson-said", has_text=LESSON["not_yet"]).wait_for()
    train(page, activation="relu")
    yield


def do_scaling(page):
    train(page)
    yield
    train(page, scaling="z-score")
    yield


def do_loss(page):
    train(page)
    yield


def do_rate(page):
    train(page)
    yield
    train(page, rate="0.01")
    yield


def do_overfitting(page):
    train(page)
    yield
    train(page, dropout="0.5")
    yield


def do_stopping(page):
    train(page)
    yield


def do_search(page):
    page.get_by_role("tab", name=WORDS["tuning_search"], exact=True).wait_for()
    open_part(page, "space")
    yield
    open_part(page, "table")
    yield


def do_kernel(page):
    page.locator(".lens-size", has_text="512").wait_for()
    look_at(page, "→ blanco")
    yield
    look_at(page, "ReLU")
    yield


def do_bricks(page):
    page.locator(".lens-size", has_text="512").wait_for()
    choose_kernel(page, "vertical")
    yield


def do_pooling(page):
    page.locator("#edges-stride").get_by_label("2", exact=True).check()
    yield
    page.locator("#edges-stride").get_by_label("1", exact=True).check()
    page.get_by_label(WORDS["edges_valid"]).check()
    yield


def do_digit(page):
    draw(page, DIGITS["7"])
    yield
    page.get_by_role("button", name=WORDS["digit_clear"], exact=True).click()
    draw(page, ZIGZAG)
    yield


@pytest.mark.parametrize("first", [pytest.param("batches", marks=pytest.mark.slow), "search"])
def test_lesson_is_walked_to_its_last_step(page, first):
    """Predictions and steps by the keyboard; each task is checked by the page, and none is done by itself.

    The steps before the search train networks, which takes a minute.
    """
    if number_of(first) > 1:
        visit_step(page, first)
    else:
        page.get_by_role("button", name=WORDS["lesson_open"], exact=True).focus()
        page.keyboard.press("Enter")
    steps = STEPS[number_of(first) - 1 :]
    for step in steps:
        heading = page.locator(".lesson-card h2", has_text=LESSON[f"{step.name}_title"])
        heading.wait_for()
        assert heading.evaluate("heading => heading === document.activeElement")  # a screen reader reads it
        page.keyboard.press("Tab")
        page.keyboard.press("Space" if step.answer == 1 else "ArrowDown")
        for _ in range(step.answer - 2):
            page.keyboard.press("ArrowDown")
        assert page.locator(".lesson input:checked").get_attribute("value") == str(step.answer)
        assert tasks_done(page) == 0 and page.locator(".lesson-explain").is_hidden()
        for done, _ in enumerate(globals()[f"do_{step.name}"](page), 1):
            wait_for_tasks(page, done, timeout=60_000)
        page.locator(".lesson-verdict", has_text=LESSON["right"]).wait_for()
        assert page.get_by_text(LESSON[f"{step.name}_explain"]).is_visible()
        if step is not steps[-1]:
            page.locator(".lesson-next").focus()
            page.keyboard.press("Enter")
    assert page.locator(".lesson-next").is_disabled()
    page.reload()  # the browser remembers what was done
    page.locator(".lesson-steps .done").nth(len(steps) - 1).wait_for()


def test_lesson_wrong_prediction_shows_the_answer_once_the_tasks_are_done(page):
    visit_step(page, "bricks")
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    choose_kernel(page, "all")
    page.wait_for_timeout(1000)
    assert tasks_done(page) == 0  # this kernel leaves the horizontal joints
    choose_kernel(page, "sobel")
    wait_for_tasks(page, 1)
    page.get_by_text(LESSON["predict_first"]).wait_for()
    page.locator(".lesson input").first.check()
    page.locator(".lesson-verdict", has_text=LESSON["bricks_option_2"]).wait_for()


def test_lesson_starts_over_only_if_that_is_confirmed(page):
    visit_step(page, "pooling")
    page.locator("#edges-stride").get_by_label("2", exact=True).check()
    wait_for_tasks(page, 1)
    restart = page.get_by_role("button", name=LESSON["restart"], exact=True)
    page.once("dialog", lambda dialog: dialog.dismiss())
    restart.click()
    assert tasks_done(page) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    restart.click()
    page.locator(".lesson-card h2", has_text=LESSON["batches_title"]).wait_for()
    visit_step(page, "pooling")
    assert tasks_done(page) == 0


def test_lesson_waits_for_the_end_of_a_drawing(page):
    visit_step(page, "digit")
    draw(page, DIGITS["7"])
    wait_for_tasks(page, 1)
    page.get_by_role("button", name=WORDS["digit_clear"], exact=True).click()
    box = page.locator("#digit-canvas canvas").bounding_box()
    first, *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ZIGZAG[0]]
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=20)
    page.locator("#digit-answer .answer-text", has_text="?").wait_for()
    page.wait_for_timeout(1500)  # the answer is there, and the line may continue
    assert tasks_done(page) == 1
    page.mouse.up()
    wait_for_tasks(page, 2)


def test_lesson_opened_by_its_address_has_the_controls_set(page):
    visit_step(page, "bricks")
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    assert page.locator("#edges-name input").input_value() == WORDS["edges_horizontal"]
    visit_step(page, "kernel")
    page.locator(".lens-where", has_text=WORDS["lens_where"].format(row=90, column=150)).wait_for()
    visit_step(page, "overfitting")
    page.locator("#tuning-train select[name=rows]").wait_for()
    page.wait_for_function("() => document.querySelector('#tuning-train select[name=rows]').value === '200'")


@pytest.mark.parametrize("name", ["batches", "kernel", "bricks", "digit"])
def test_lesson_on_a_phone_covers_nothing(open_page, name):
    page = open_page(**PHONE | {"viewport": {"width": 360, "height": 640}})
    visit_step(page, name)
    if name in ("kernel", "bricks"):
        page.locator(".lens-size", has_text="512 × 512").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".lesson-go").click()
    line = page.locator(".lesson-line")
    line.wait_for()
    assert line.bounding_box()["height"] <= 76
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if name == "kernel":  # the sum is in sight with the image
        chips = page.locator(".lens-chips").bounding_box()
        assert page.locator(".lens canvas").first.bounding_box()["y"] > 0
        assert chips["y"] + chips["height"] <= line.bounding_box()["y"] + 1
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.panel, .block')].map(b => b.getBoundingClientRect().bottom))"
    )
    assert last <= line.bounding_box()["y"] + 1  # the page ends above the line
    line.get_by_role("button").click()
    assert page.locator(".lesson-card h2").evaluate("heading => heading === document.activeElement")


def test_worksheet_has_every_question_and_no_answer(page):
    visit_step(page, "bricks")
    page.get_by_role("button", name=LESSON["print"], exact=True).click()
    sheet = page.frame_locator(".lesson-paper").locator("body")
    assert sheet.locator("h3").count() == len(STEPS)
    text = sheet.inner_text()
    for step in STEPS:
        assert LESSON[f"{step.name}_question"] in text and LESSON[f"{step.name}_explain"] not in text


def test_lesson_has_no_axe_violation(page):
    visit_step(page, "bricks")
    page.locator(".lens-size", has_text="512 × 512").wait_for()
    choose_kernel(page, "vertical")
    wait_for_tasks(page, 1)
    page.locator(".lesson input").last.check()
    page.locator(".lesson-verdict").wait_for()
    violations = Axe().run(page, context=["#lesson", "#page-tools"], options={"resultTypes": ["violations"]})
    assert violations.response["violations"] == []
