"""Honest visitors: what each of them does again and again, and whether the answer is right."""

import base64
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from random import Random
from threading import Event, Thread

from PIL import Image, ImageChops

from benchmarks.demo import PHOTO, seven
from benchmarks.soak.client import Client

PAUSE_S = 0.3  # between an answer and the next request
MAX_SHIFT_PX = 20
CROP_PX = 400
# Decoded here: an image that two threads decode at the same time fails.
SEVEN = Image.open(io.BytesIO(seven())).convert("L")
PHOTOGRAPH = Image.open(PHOTO).convert("RGB")


@dataclass(frozen=True)
class Answer:
    """An answer to an honest visitor, or what was wrong with it."""

    visitor: str
    ended: float  # on `time.monotonic`
    seconds: float
    error: str = ""


def draw(random: Random) -> bytes:
    """Return a seven as PNG, at another place each time."""
    shift_px = (random.randint(-MAX_SHIFT_PX, MAX_SHIFT_PX) for _ in "xy")
    return _encode(ImageChops.offset(SEVEN, *shift_px), "PNG")


def photograph(random: Random) -> bytes:
    """Return a part of the photograph as JPEG, another one each time."""
    left, top = (random.randint(0, side - CROP_PX) for side in PHOTOGRAPH.size)
    return _encode(PHOTOGRAPH.crop((left, top, left + CROP_PX, top + CROP_PX)), "JPEG")


def classify(client: Client, random: Random) -> float:
    """Upload a drawing and have it classified; returns the seconds until the answer."""
    file = client.upload(draw(random))
    started = time.perf_counter()
    events = client.call("classify", file)
    seconds = time.perf_counter() - started
    _expect('"label": "7"' in events, events)
    return seconds


def find_edges(client: Client, random: Random) -> float:
    """Upload a photograph and have its edges found; returns the seconds until the answer."""
    file = client.upload(photograph(random))
    started = time.perf_counter()
    events = client.call("edges", file, "sobel", 50)
    seconds = time.perf_counter() - started
    _expect("event: complete" in events, events)
    (answer,) = json.loads(events.split("data: ")[-1])
    edges = Image.open(io.BytesIO(client.get(f"/gradio_api/file={answer['path']}")))
    _expect(edges.size == (CROP_PX, CROP_PX), f"edges of {edges.size} pixels")
    return seconds


def load_page(client: Client, random: Random) -> float:
    """Load the page; returns the seconds it took."""
    started = time.perf_counter()
    page = client.get("/")
    client.get("/theme.css")
    seconds = time.perf_counter() - started
    _expect(b"window.gradio_config" in page, page[:200].decode(errors="replace"))
    return seconds


def ask_trials(client: Client, random: Random) -> float:
    """Ask for the trials of the search; returns the seconds until the answer."""
    started = time.perf_counter()
    events = client.call("trials")
    _expect("event: complete" in events and '"headers"' in events, events)
    return time.perf_counter() - started


def call_tool(client: Client, random: Random) -> float:
    """Have a drawing classified over MCP; returns the seconds until the answer."""
    image = "data:image/png;base64," + base64.b64encode(draw(random)).decode()
    params = {"name": "classify", "arguments": {"drawing": image}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    started = time.perf_counter()
    accepted = "application/json, text/event-stream"
    status, answer = client.request("POST", "/gradio_api/mcp/", body, Accept=accepted)
    _expect(status == 200 and b"'label': '7'" in answer, f"status {status}: {answer.decode()}")
    return time.perf_counter() - started


VISITORS: dict[str, Callable[[Client, Random], float]] = {
    "/classify": classify,
    "/edges": find_edges,
    "the page": load_page,
    "/trials": ask_trials,
    "MCP": call_tool,
}


class Crowd:
    """One visitor of each kind, each with a separate address, who ask until they are stopped.

    Attributes:
        answers: so far.
    """

    def __init__(self, url: str) -> None:
        """Start them."""
        self.answers: list[Answer] = []
        self._stopped = Event()
        self._threads = [
            Thread(target=self._visit, args=(name, Client(url, f"127.0.1.{number}")))
            for number, name in enumerate(VISITORS, 1)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for their last answers."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, name: str, client: Client) -> None:
        random = Random(name)
        while not self._stopped.wait(PAUSE_S):
            seconds, error = 0.0, ""
            try:
                seconds = VISITORS[name](client, random)
            except (RuntimeError, OSError, HTTPException, ValueError, KeyError) as problem:
                error = f"{type(problem).__name__}: {problem}"
            self.answers.append(Answer(name, time.monotonic(), seconds, error))


def _encode(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _expect(condition: bool, answer: str) -> None:
    if not condition:
        raise RuntimeError(f"answered: {answer[-300:]}")
