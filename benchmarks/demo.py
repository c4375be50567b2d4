"""The demo compared with an empty page of the same Gradio: start, answers, many visitors at once, memory.

    python -m benchmarks.demo [--starts 5] [--repeats 100] [--write]

Both servers are separate processes, called over HTTP without Gradio's client: an image is uploaded once, then the
function is called with it many times. The empty page's functions do nothing: one takes an image and returns a text, as
`/classify` does, the other returns the image, as `/edges` does. The empty page runs with Gradio's defaults, and again
with the demo's settings (16 requests at once, no statistics of events), which alone make Gradio faster. Each visitor
has a separate session with twenty requests. The clients share the cores with the servers.
"""

import argparse
import http.client
import io
import json
import secrets
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from benchmarks.common import about, rate, report
from tests.support.app_server import App, running
from ui.server.gradio_settings import SET
from ui.server.upload import IMAGE_EVENTS

EMPTY = "benchmarks/empty_page.py"
PHOTO = Path(__file__).parent.parent / "ui" / "photos" / "camera.jpg"  # 512 × 512
VISITORS, REQUESTS = 50, 20
SETTINGS = SET | {"IMAGE_EVENTS": str(IMAGE_EVENTS["concurrency_limit"])}  # the demo's
WARM_REQUESTS, LATER_REQUESTS = 100, 5_000  # after them memory is measured


class Visitor:
    """A visitor who has uploaded an image and asks about it."""

    def __init__(self, app: App, image: bytes) -> None:
        """Upload the image, in the format of its bytes."""
        self._host = urlsplit(app.url).netloc
        self._file = app.upload(image)
        self._session = secrets.token_hex(6)  # the page and Gradio's client have one too

    def ask(self, endpoint: str, *arguments: object) -> float:
        """Call an endpoint with the image; returns the seconds until the answer.

        Raises:
            RuntimeError: if the answer is an error.
        """
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self._host, timeout=120)
        try:
            body = json.dumps({"data": [self._file, *arguments], "session_hash": self._session})
            connection.request("POST", f"/gradio_api/call/{endpoint}", body, {"Content-Type": "application/json"})
            event = json.load(connection.getresponse())["event_id"]
            connection.request("GET", f"/gradio_api/call/{endpoint}/{event}")
            events = connection.getresponse().read().decode()
        finally:
            connection.close()
        if "event: complete" not in events:
            raise RuntimeError(f"/{endpoint} answered: {events[-300:]}")
        return time.perf_counter() - started


def seven() -> bytes:
    """Return a drawing of a seven as PNG, as large as the demo's canvas."""
    image = Image.new("L", (448, 448), 255)
    ImageDraw.Draw(image).line([(125, 100), (322, 100), (206, 367)], 0, 36, joint="curve")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def twelve_megapixels() -> bytes:
    """Return the photograph at 4,000 × 3,000 pixels as JPEG."""
    file = io.BytesIO()
    Image.open(PHOTO).resize((4000, 3000)).save(file, "JPEG")
    return file.getvalue()


@dataclass(frozen=True)
class Call:
    """A function of the demo with its inputs, and the empty page's function to compare it with."""

    endpoint: str
    image: bytes
    arguments: tuple[object, ...]
    other: str


CLASSIFY = Call("classify", seven(), (), "text")
EDGES = Call("edges", PHOTO.read_bytes(), ("vertical", 50), "image")


def start(log: Path, script: str, endpoint: str) -> tuple[float, float]:
    """Start a server; returns the seconds until it served its page, and until it answered."""
    started = time.perf_counter()
    with running(log, script) as app:
        Visitor(app, seven()).ask(endpoint)
        return app.start_s, time.perf_counter() - started


def measure_crowd(app: App, image: bytes, endpoint: str, *arguments: object) -> tuple[float, int]:
    """Let many visitors ask at once; returns answers per second, and how many requests ended in an error."""
    visitors = [Visitor(app, image) for _ in range(VISITORS)]

    def ask_often(visitor: Visitor) -> int:
        errors = 0
        for _ in range(REQUESTS):
            try:
                visitor.ask(endpoint, *arguments)
            except (RuntimeError, OSError, http.client.HTTPException, KeyError):
                errors += 1
        return errors

    started = time.perf_counter()
    with ThreadPoolExecutor(VISITORS) as threads:
        errors = sum(threads.map(ask_often, visitors))
    return VISITORS * REQUESTS / (time.perf_counter() - started), errors


def tabulate_starts(log: Path, repeats: int) -> list[str]:
    """Start the demo and the empty page in turn; returns the table's lines."""
    servers = {"the demo": ("app.py", "classify"), "an empty page": (EMPTY, "text")}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(repeats):
        for name, (script, endpoint) in servers.items():
            took[name].append(start(log, script, endpoint))
    pages = {name: [page for page, _ in both] for name, both in took.items()}
    lines = ["| start | page, s | ratio | first answer, s |", "|---|---:|---:|---:|"]
    for name, both in took.items():
        ratio = median(pages[name]) / median(pages["an empty page"])
        lines.append(f"| {name} | {rate(pages[name], 2)} | {ratio:.2f} | {rate([one for _, one in both], 2)} |")
    return lines


def compare_answers(apps: Sequence[App], call: Call, image: bytes, repeats: int) -> str:
    """Ask the demo and the empty pages in turn; returns the cells of a line: milliseconds and differences."""
    visitor, *others = (Visitor(app, image) for app in apps)
    visitor.ask(call.endpoint, *call.arguments)
    asked = [
        (visitor.ask(call.endpoint, *call.arguments), *(one.ask(call.other) for one in others)) for _ in range(repeats)
    ]
    ours, *theirs = (1000 * median(times) for times in zip(*asked, strict=True))
    return f" {ours:.1f} |" + "".join(f" {one:.1f} | {ours - one:+.1f} |" for one in theirs)


def compare_crowds(apps: Sequence[App], call: Call) -> str:
    """Let a crowd ask each of them; returns the cells of a line: answers per second, ratios, and errors."""
    demo, *others = apps
    theirs = [measure_crowd(app, call.image, call.other)[0] for app in others]
    answers, errors = measure_crowd(demo, call.image, call.endpoint, *call.arguments)
    return f" {answers:.0f} |" + "".join(f" {one:.0f} | {answers / one:.2f} |" for one in theirs) + f" {errors} |"


def tabulate_answers(folder: Path, repeats: int) -> list[str]:
    """Compare single answers and crowds with those of the empty pages; returns the lines of both tables."""
    answers = [
        "",
        "| function | ms | empty page's, ms | difference | with the demo's settings, ms | difference |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    crowds = [
        "",
        f"| {VISITORS} visitors, {REQUESTS} requests each | answers/s | empty page's | ratio "
        "| with the demo's settings | ratio | errors |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    with (
        running(folder / "log.txt") as demo,
        running(folder / "empty.txt", EMPTY) as empty,
        running(folder / "set.txt", EMPTY, **SETTINGS) as empty_with_settings,
    ):
        apps = (demo, empty, empty_with_settings)
        large = compare_answers(apps, EDGES, twelve_megapixels(), max(1, repeats // 10))
        answers.append(f"| `/edges`, 12 megapixels |{large}")
        for call in (CLASSIFY, EDGES):
            answers.append(f"| `/{call.endpoint}` |{compare_answers(apps, call, call.image, repeats)}")
            crowds.append(f"| `/{call.endpoint}` |{compare_crowds(apps, call)}")
    return [*answers, *crowds]


def measure_memory(log: Path) -> str:
    """Ask the demo thousands of times; returns a sentence with its memory after the first hundred and at the end."""
    with running(log) as demo:
        sizes = []
        for number in range(LATER_REQUESTS):
            if number == WARM_REQUESTS:
                sizes.append(demo.memory_mb())
            if number % REQUESTS == 0:  # the next visitor
                call = EDGES if number % (5 * REQUESTS) == 0 else CLASSIFY
                visitor = Visitor(demo, call.image)
            visitor.ask(call.endpoint, *call.arguments)
        sizes.append(demo.memory_mb())
    return (
        f"Memory after {WARM_REQUESTS} requests {sizes[0]:,.0f} MB, "
        f"after {LATER_REQUESTS:,} {sizes[1]:,.0f} MB: {sizes[1] - sizes[0]:+.0f} MB."
    )


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument(
        "--repeats", type=int, default=100, help="requests of each kind; a tenth of it for large images"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = folder / "log.txt"
        lines = [*tabulate_starts(log, options.starts), *tabulate_answers(folder, options.repeats)]
        lines += ["", measure_memory(log), "", about("benchmarks.demo", None)]
    report("Demo", "\n".join(lines), options.write)


if __name__ == "__main__":
    main()
