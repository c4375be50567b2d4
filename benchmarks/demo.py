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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from PIL import Image, ImageDraw

from app import NO_STATISTICS
from benchmarks.common import about, rate, report
from tests.support.app_server import App, running
from ui.server.upload import IMAGE_EVENTS

EMPTY = "benchmarks/empty_page.py"
PHOTO = Path(__file__).parent.parent / "ui" / "photos" / "camera.jpg"  # 512 × 512
VISITORS, REQUESTS = 50, 20
SETTINGS = NO_STATISTICS | {"IMAGE_EVENTS": str(IMAGE_EVENTS["concurrency_limit"])}  # the demo's
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


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument(
        "--repeats", type=int, default=100, help="requests of each kind; a tenth of it for large images"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    drawing, photo = seven(), PHOTO.read_bytes()
    # The demo's endpoint -> its inputs, and the empty page's endpoint to compare with.
    pairs = {"classify": (drawing, [], "text"), "edges": (photo, ["vertical", 50], "image")}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        starts = {"the demo": ("app.py", "classify"), "an empty page": (EMPTY, "text")}
        took = {name: [] for name in starts}
        for _ in range(options.starts):
            for name, (script, endpoint) in starts.items():
                took[name].append(start(log, script, endpoint))
        pages = {name: [page for page, _ in both] for name, both in took.items()}
        lines = ["| start | page, s | ratio | first answer, s |", "|---|---:|---:|---:|"]
        for name, both in took.items():
            ratio = median(pages[name]) / median(pages["an empty page"])
            lines.append(f"| {name} | {rate(pages[name], 2)} | {ratio:.2f} | {rate([one for _, one in both], 2)} |")
        lines += [
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
            running(log) as demo,
            running(Path(folder) / "empty.txt", EMPTY) as empty,
            running(Path(folder) / "set.txt", EMPTY, **SETTINGS) as empty_with_settings,
        ):

            def compare(title: str, endpoint: str, image: bytes, arguments: list, other: str, repeats: int) -> None:
                visitor, *others = (Visitor(app, image) for app in (demo, empty, empty_with_settings))
                visitor.ask(endpoint, *arguments)
                asked = [
                    (visitor.ask(endpoint, *arguments), *(one.ask(other) for one in others)) for _ in range(repeats)
                ]
                ours, *theirs = (1000 * median(times) for times in zip(*asked, strict=True))
                comparison = "".join(f" {one:.1f} | {ours - one:+.1f} |" for one in theirs)
                lines.append(f"| {title} | {ours:.1f} |{comparison}")

            few = max(1, options.repeats // 10)
            compare("`/edges`, 12 megapixels", "edges", twelve_megapixels(), *pairs["edges"][1:], few)
            for endpoint, (image, arguments, other) in pairs.items():
                compare(f"`/{endpoint}`", endpoint, image, arguments, other, options.repeats)
                (as_it_comes, _), (with_settings, _) = (
                    measure_crowd(one, image, other) for one in (empty, empty_with_settings)
                )
                answers, errors = measure_crowd(demo, image, endpoint, *arguments)
                crowds.append(
                    f"| `/{endpoint}` | {answers:.0f} | {as_it_comes:.0f} | {answers / as_it_comes:.2f} "
                    f"| {with_settings:.0f} | {answers / with_settings:.2f} | {errors} |"
                )
        with running(log) as demo:
            sizes = []
            for number in range(LATER_REQUESTS):
                if number == WARM_REQUESTS:
                    sizes.append(demo.memory_mb())
                if number % REQUESTS == 0:  # the next visitor
                    endpoint = "edges" if number % (5 * REQUESTS) == 0 else "classify"
                    image, arguments, _ = pairs[endpoint]
                    visitor = Visitor(demo, image)
                visitor.ask(endpoint, *arguments)
            sizes.append(demo.memory_mb())
    grown = sizes[1] - sizes[0]
    memory = (
        f"Memory after {WARM_REQUESTS} requests {sizes[0]:,.0f} MB, "
        f"after {LATER_REQUESTS:,} {sizes[1]:,.0f} MB: {grown:+.0f} MB."
    )
    line = about("benchmarks.demo", None)
    report("Demo", "\n".join([*lines, *crowds, "", memory, "", line]), options.write)


if __name__ == "__main__":
    main()
