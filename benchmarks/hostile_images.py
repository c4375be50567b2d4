"""Images made to harm: what each costs a decoder, and how much longer another visitor's drawing takes meanwhile.

    python -m benchmarks.hostile_images [--megabytes 19] [--rounds 10] [--write]

Each file is handled in a separate process, as a decoder of the demo handles it; its CPU time and memory are the
system's figures for that process, less those for an image of one pixel. Then an attacker with two connections sends
such files to the running demo without pause, from another address than the visitor, who asks about a drawing.
"""

import argparse
import http.client
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event, Thread
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from benchmarks.common import about, report
from benchmarks.demo import seven
from tests.support.app_server import App, running
from tests.support.hostile_images import BOMBS, jpeg_of_scans, png_of_size
from tests.support.images import encode_image, photograph
from ui.decoding import worker
from ui.decoding.worker import Outcome, Size, Task
from ui.edges.render import edge_map_png

PHOTO = np.tile(photograph(600, 800), (10, 10, 1))  # 48 megapixels
LARGE: dict[str, Callable[[int], bytes]] = {
    "JPEG, 100 scans of 12 megapixels": lambda size: jpeg_of_scans(100, 4_000, 3_000),
    "PNG, 50 megapixels of zeros": lambda size: png_of_size(7_000, 7_000),
    "PNG, 50 megapixels of zeros with transparency": lambda size: png_of_size(7_000, 7_000, color=6),
    "PNG, 31 megapixels of 64 bits": lambda size: png_of_size(5_500, 5_500, 16, 6),
    "TIFF, CMYK, 46 megapixels": lambda size: encode_image(
        Image.new("CMYK", (6_800, 6_800)), "TIFF", compression="tiff_adobe_deflate"
    ),
    "JPEG, 48 megapixels, progressive": lambda size: encode_image(PHOTO, "JPEG", progressive=True),
    "WebP, 48 megapixels": lambda size: encode_image(PHOTO, "WEBP", method=0),
    "AVIF, 48 megapixels": lambda size: encode_image(np.zeros((6_000, 8_000, 3), np.uint8), "AVIF", speed=10),
    "JPEG, 12 megapixels (a photograph)": lambda size: encode_image(PHOTO[:3_000, :4_000], "JPEG", quality=90),
}
ATTACK = (*BOMBS, "PNG, 50 megapixels of zeros", "JPEG, 100 scans of 12 megapixels")
CONNECTIONS = 2
DRAWINGS, SETTLE_S = 5, 0.8
ATTACKER, VISITOR = "127.0.0.2", "127.0.0.1"


def handle(path: Path) -> tuple[str, float, float]:
    """Have a file handled in a forked process; returns the outcome, CPU seconds and peak MB."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        outcome, value = worker._answer(Task(str(path), edge_map_png, ("vertical", 50, False)), Size.ANY)
        os.write(write, b"read" if outcome is Outcome.DONE else value.key.encode())
        os._exit(0)
    os.close(write)
    _, _, usage = os.wait4(pid, 0)
    with os.fdopen(read, "rb") as pipe:
        outcome = pipe.read().decode() or "ended"
    return outcome, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def measure_files(folder: Path, size: int) -> list[str]:
    """Return the rows of the table of files."""
    nothing = folder / "nothing"
    nothing.write_bytes(encode_image(np.zeros((1, 1), np.uint8)))
    handle(nothing)
    _, least_s, least_mb = handle(nothing)
    lines = ["| file | MB | outcome | CPU s | MB of memory |", "|---|---:|---|---:|---:|"]
    for name, make in {**BOMBS, **LARGE}.items():
        path = folder / name.replace("/", " ")
        if not (pid := os.fork()):  # so that its memory is not inherited
            path.write_bytes(make(size))
            os._exit(0)
        os.waitpid(pid, 0)
        outcome, cpu_s, memory_mb = handle(path)
        megabytes = path.stat().st_size / 1e6
        lines.append(
            f"| {name} | {megabytes:.1f} | {outcome} | {cpu_s - least_s:.2f} | {max(0, memory_mb - least_mb):.0f} |"
        )
    return lines


def ask(app: App, source: str, endpoint: str, *data: object) -> float:
    """Call an endpoint from an address; returns the seconds until the answer, or the message that it is refused."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=120, source_address=(source, 0))
    try:
        connection.request(
            "POST", f"/gradio_api/call/{endpoint}", json.dumps({"data": data}), {"Content-Type": "application/json"}
        )
        event = json.load(connection.getresponse())["event_id"]
        connection.request("GET", f"/gradio_api/call/{endpoint}/{event}")
        connection.getresponse().read()
    finally:
        connection.close()
    return time.perf_counter() - started


class Attack:
    """Connections that send files one after the other, whenever they are not paused."""

    def __init__(self, app: App, calls: list[tuple]) -> None:
        """Start them, paused."""
        self._app, self._calls = app, calls
        self.active, self._stopped = Event(), Event()
        self._threads = [Thread(target=self._send, args=(first,)) for first in range(CONNECTIONS)]
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """End them."""
        self._stopped.set()
        self.active.set()
        for one in self._threads:
            one.join()

    def _send(self, number: int) -> None:
        while self.active.wait() and not self._stopped.is_set():
            ask(self._app, ATTACKER, *self._calls[number % len(self._calls)])
            number += 1


def measure_visitor(app: App, files: dict[str, dict], rounds: int) -> list[str]:
    """Return the rows of the table of a visitor's drawing, in turn alone and next to an attacker."""
    drawing = app.upload(seven())

    def ask_often(times_ms: list[float]) -> None:
        time.sleep(SETTLE_S)
        times_ms += [1000 * ask(app, VISITOR, "classify", drawing) for _ in range(DRAWINGS)]

    ask_often([])
    before_mb = app.page_memory_mb()
    lines = [
        "| sent without pause | to | a drawing's answer, ms | alone, ms | ratio | page's memory, MB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    kinds = {"all of them": list(files.values())} | {name: [file] for name, file in files.items()}
    for name, sent in kinds.items():
        for endpoint, arguments in (("edges", ("vertical", 50)), ("classify", ())):
            attack = Attack(app, [(endpoint, file, *arguments) for file in sent])
            alone, attacked = list[float](), list[float]()
            for _ in range(rounds):
                ask_often(alone)
                attack.active.set()
                ask_often(attacked)
                grown = app.page_memory_mb() - before_mb
                attack.active.clear()
            attack.stop()
            next_to, by_itself = median(attacked), median(alone)
            times = f"{next_to:.0f} | {by_itself:.0f} | {next_to / by_itself:.2f}"
            lines.append(f"| {name} | `/{endpoint}` | {times} | {grown:+.0f} |")
    return lines


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=19, help="of each file; the demo takes 20")
    parser.add_argument(
        "--rounds", type=int, default=10, help="each with five drawings alone and five next to an attacker"
    )
    parser.add_argument("--only", nargs="*", default=ATTACK, help="files that are sent to the demo")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/RESULTS.md")
    options = parser.parse_args()
    size = int(options.megabytes * 1_000_000)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lines = [*measure_files(folder, size), ""]
        with running(folder / "log.txt") as app:
            makers = {**BOMBS, **LARGE}
            files = {name: app.upload(makers[name](size)) for name in options.only}
            lines += measure_visitor(app, files, options.rounds)
    report("Hostile images", "\n".join([*lines, "", about("benchmarks.hostile_images", None)]), options.write)


if __name__ == "__main__":
    main()
