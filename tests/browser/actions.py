"""What a person does with the page: open it, turn to a tab, draw, wait for an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.app_server import App
from ui.i18n import BROWSER_TEXT

PRETRAINED = Path(__file__).parents[2] / "model" / "pretrained"
LOCALES = {"es": "es-ES", "en": "en-US"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SCREENS = {
    "": {},
    "-dark": {"color_scheme": "dark"},
    "-phone": PHONE,
    "-phone-dark": PHONE | {"color_scheme": "dark"},
}
SCREENSHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
TUNING_PARTS = ("search", "compare", "conclusions", "try", "space", "combinations", "table", "model")

# Strokes as (x, y) in shares of the canvas, left to right and top to bottom.
Strokes = list[list[tuple[float, float]]]
DIGITS: dict[str, Strokes] = {
    "1": [[(0.5, 0.15), (0.5, 0.85)]],
    "7": [[(0.28, 0.22), (0.72, 0.22), (0.46, 0.82)]],
    "0": [
        [(0.5, 0.2), (0.34, 0.3), (0.3, 0.5), (0.34, 0.7), (0.5, 0.8), (0.66, 0.7), (0.7, 0.5), (0.66, 0.3), (0.5, 0.2)]
    ],
}

free_pages: dict = {}  # (browser, URL of the app, options) -> a page that no test uses now


@contextmanager
def opened(browser, app: App, language: str = "es", **options) -> Iterator:
    """Open the page, with nothing stored; fail if it asks another host, or if scripts fail or are refused.

    Chromium loads it in a page that has shown it before, if there is one with these options: it has compiled its
    scripts already, which takes as long as the rest.
    """
    options = {"viewport": {"width": 1280, "height": 900}, "locale": LOCALES.get(language, language)} | options
    key = browser, app.url, repr(options)
    page, failures = free_pages.pop(key, None) or browser.new_context(**options).new_page(), []
    watched = {
        "pageerror": lambda error: failures.append(str(error)),
        "console": lambda message: failures.append(message.text) if "Content Security" in message.text else None,
        "request": lambda r: failures.append(r.url) if not r.url.startswith((app.url, "data:", "blob:")) else None,
    }
    for event, note in watched.items():
        page.on(event, note)
    page.set_default_timeout(60_000)
    page.goto(app.url)
    page.get_by_role("tab").first.wait_for()
    yield page
    page.unroute_all()
    page.evaluate("localStorage.clear(), sessionStorage.clear()")
    for event, note in watched.items():
        page.remove_listener(event, note)
    assert not failures
    page.mouse.move(0, 0)
    page.goto("about:blank")
    free_pages[key] = page


def open_tab(page, name: str, language: str = "es") -> None:
    page.get_by_role("tab", name=BROWSER_TEXT[language][f"{name}_tab"], exact=True).click()


def open_part(page, name: str) -> None:
    """Open a part of the tuning tab; on a phone some are in a menu."""
    title, menu = BROWSER_TEXT["es"][f"tuning_{name}"], page.locator(".overflow-menu > button:visible")
    tab = page.get_by_role("tab", name=title, exact=True)
    if tab.is_visible():
        tab.click()
    else:
        menu.last.click()
        page.locator(".overflow-dropdown button:visible", has_text=title).click()


def draw(page, strokes: Strokes) -> None:
    """Draw on the canvas with the mouse."""
    canvas = page.locator("#digit-canvas canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def draw_with_finger(page, strokes: Strokes) -> None:
    """Send touches, which the browser itself turns into the page's events."""
    box = page.locator("#digit-canvas canvas").bounding_box()
    fingers = page.context.new_cdp_session(page)
    for stroke in strokes:
        places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in stroke]
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
        for place in places[1:]:
            fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def wait_for_answer(page, text: str) -> None:
    """Wait until the network answers this; while a stroke is being drawn it may have answered something else."""
    page.wait_for_function(
        "text => document.querySelector('#digit-answer .answer-text')?.textContent === text", arg=text
    )


def wait_for_no_answer(page) -> None:
    page.locator("#digit-answer .answer-text").wait_for(state="detached")


def choose_kernel(page, name: str, language: str = "es") -> None:
    page.locator("#edges-name input").click()
    page.get_by_role("option", name=BROWSER_TEXT[language][f"edges_{name}"], exact=True).click()
