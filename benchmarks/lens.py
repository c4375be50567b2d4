"""What a move of the lens in the edges tab costs in Chromium: milliseconds of script, style and layout.

    python -m benchmarks.lens [--moves 500] [--passes 3] [--write]

The demo runs in a process, Chromium shows it headless without a GPU. Each move sends the canvas the event of a mouse
over another pixel, and asks for the page's layout, which the browser would compute for the next frame; painting is not
included. The same moves are made several times, and of each the fastest counts, which leaves out what else the machine
did; the medians of single passes are shown, too. A screen that shows 60 frames a second leaves 16.7 ms for a frame.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from benchmarks.common import about, rate, report
from tests.support.app_server import WITHOUT_NETWORK, running

KERNELS = {"Vertical edges": "3 × 3", "Blur": "5 × 5"}  # names in the list -> sides
MOVES = """async (moves) => {
    const canvas = document.querySelector('.lens canvas');
    const box = canvas.getBoundingClientRect();
    const took = [];
    for (let i = 0; i < moves; i++) {
        const place = { clientX: box.left + (i * 37) % box.width, clientY: box.top + (i * 61) % box.height };
        const event = new PointerEvent('pointermove', { ...place, isPrimary: true, bubbles: true });
        const started = performance.now();
        canvas.dispatchEvent(event);
        document.body.getBoundingClientRect();
        took.push(performance.now() - started);
        await new Promise(requestAnimationFrame);
    }
    return took;
}"""


def measure_moves(page: Page, moves: int, passes: int) -> tuple[list[list[float]], int]:
    """Return the milliseconds of each move, one list per pass, and how many requests were sent meanwhile."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    return [page.evaluate(MOVES, moves) for _ in range(passes)], len(requests)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=500)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--note", default="", help="what else the machine did, for the report")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "log.txt", *WITHOUT_NETWORK) as app,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 900})
        page.goto(app.url)
        for kernel, side in KERNELS.items():
            page.locator(".lens canvas").first.wait_for()
            page.locator("#edges-name input").click()
            page.get_by_role("option", name=kernel, exact=True).click()
            page.locator(".lens-tables caption").first.wait_for()
            page.wait_for_function(
                "side => document.querySelectorAll('.lens-tables tr').length === 3 * side", arg=int(side[0])
            )
            found, requests = measure_moves(page, options.moves, options.passes)
            fastest = sorted(min(times) for times in zip(*found, strict=True))
            figures = median(fastest), fastest[int(0.99 * len(fastest))], fastest[-1]
            single = rate([median(times) for times in found], 1)
            rows.append(f"| {side} | {' | '.join(f'{one:.1f}' for one in figures)} | {single} | {requests} |\n")
        version = browser.version
        browser.close()
    command = about("benchmarks.lens", None, f"--moves {options.moves} --passes {options.passes}")
    text = (
        f"Milliseconds of script, style and layout for one of {options.moves} moves over a photo of 512 × 512 "
        f"pixels, in headless Chromium {version}.{f' {options.note}' if options.note else ''}\n\n"
        f"| kernel | median, fastest of {options.passes} | 99th percentile | slowest | medians of single passes "
        "| requests |\n|---|---:|---:|---:|---:|---:|\n"
        f"{''.join(rows)}\n{command}"
    )
    report("Lens", text, options.write)


if __name__ == "__main__":
    main()
