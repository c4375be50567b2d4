"""How long the map of the network takes to open in Chromium, and each step into it.

    python -m benchmarks.network_map [--repeats 10] [--write]

The demo runs in a process, Chromium shows it headless without a GPU; both share the cores. Each repetition is a fresh
page, on which a 7 is drawn. From a click until the browser has painted what it asked for: the map, with the maps of all
stages, which fetches the panel's script and asks the server for the maps; the maps of a convolution; the sum of one
pixel.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from benchmarks.common import about, report
from tests.browser.actions import DIGITS, draw, open_tab, wait_for_answer
from tests.support.app_server import running

STEPS = {  # what opens -> (what is clicked, what is then there)
    "the map": ("#digit-inside > button", ".network-step[data-stage=answer]"),
    "the maps of a convolution": ('[data-stage="block1_conv2"]', ".network-stage .network-tile canvas"),
    "the sum of a pixel": (".network-tile:not(.silent)", ".network-sum table"),
}
CLICK = """async ([button, wanted]) => {
    const started = performance.now();
    document.querySelector(button).click();
    while (!document.querySelector(wanted)) await new Promise(requestAnimationFrame);
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    return performance.now() - started;
}"""


def measure_page(page: Page, url: str) -> list[float]:
    """Return the milliseconds of each step on a fresh page."""
    page.goto(url)
    page.locator(".lens canvas").first.wait_for()
    open_tab(page, "digit", "en")
    draw(page, DIGITS["7"])
    wait_for_answer(page, "7")
    page.wait_for_timeout(1000)  # nothing else is being done
    return [page.evaluate(CLICK, list(step)) for step in STEPS.values()]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "log.txt") as app,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = []
        for _ in range(options.repeats):
            context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
            found.append(measure_page(context.new_page(), app.url))
            context.close()
        version = browser.version
        browser.close()
    lines = [f"From a click to the painted page, headless Chromium {version}.", ""]
    lines += ["| what opens | median, ms | slowest, ms |", "|---|---:|---:|"]
    for name, times in zip(STEPS, zip(*found, strict=True), strict=True):
        lines.append(f"| {name} | {median(times):.0f} | {max(times):.0f} |")
    lines += ["", about("benchmarks.network_map", None, f"--repeats {options.repeats}")]
    report("Network map", "\n".join(lines), options.write)


if __name__ == "__main__":
    main()
