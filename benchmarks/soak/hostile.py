"""Hostile visitors: what each of them sends again and again, at a bounded rate."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from random import Random
from socket import socket
from threading import Event, Thread

from benchmarks.soak.client import FORM, Client, file_data, form
from tests.support.hostile_images import BOMBS, jpeg_of_scans, png_of_size

BOMB_BYTES = 8_000_000
NICENESS = 10  # attackers have other machines; here they share the cores
SLOW_S, HELD_S, UNREAD_S = 20, 20, 40  # somewhat longer than the demo waits
SMALL_BUFFER_BYTES = 4_096
API = "/gradio_api"

CLOSED_ROUTES = (
    "/monitoring",
    "/monitoring/summary",
    "/docs",
    "/runs",
    "/pwa_icon/100000",
    f"{API}/dev/reload",
    f"{API}/file=http://127.0.0.1/",
    f"{API}/file=/etc/passwd",
    f"{API}/file=uploads/../../etc/passwd",
    f"{API}/proxy=http://127.0.0.1/",
    f"{API}/custom_component/x%0a%1b[31m/client/a/b",
    f"{API}/deep_link",
    f"{API}/run/predict",
    "/?deep_link=../../etc/passwd",
    "/" + "a" * 10_000,
)
ADDRESSES = (
    "http://127.0.0.1:1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[::ffff:127.0.0.1]/",
    "http://100.64.0.1/",
    "http://192.0.2.1/image.png",
    "file:///etc/passwd",
)
JUNK = (
    b"{",
    b"[" * 100_000,
    b'{"data": ' + b'{"a": ' * 50_000,
    b'{"data": [NaN, Infinity, -Infinity]}',
    b'{"data": [' + b"9" * 1_000_000 + b"]}",
    b'{"data": [' + b"1, " * 500_000 + b"1]}",
    b'{"data": "\\ud800", "session_hash": "\\udfff"}',
    b'{"data": [null], "fn_index": -1, "session_hash": "a"}',
    b'{"data": [null], "fn_index": 1000000000, "session_hash": "a"}',
    b'{"data": [], "session_hash": "' + b"h" * 1_000_000 + b'"}',
    b'{"data": [[[]]], "batched": true}',
    b"\x00\xff\xfe",
    b'{"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "sobel", 50]}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {"a": [[[]]]}}}',
)
LARGE_CALLS = (
    b'{"data": [' + b"{}, " * 950_000 + b"1]}",
    b'{"data": [' + b"1, " * 1_300_000 + b"1]}",
    b'{"data": ["' + b"a" * 3_900_000 + b'", "sobel", 50]}',
)
JUNK_ROUTES = ("queue/join", "call/edges", "call/classify", "call/v2/edges", "mcp/", "upload")


# Not refused: each costs a decoder about a second.
COSTLY: tuple[Callable[[int], bytes], ...] = (
    lambda size: png_of_size(7_000, 7_000),
    lambda size: jpeg_of_scans(100, 4_000, 3_000),
)


@dataclass
class Attacker:
    """A hostile visitor.

    Attributes:
        client: at the visitor's address.
        bombs: files of images made to harm.
        random: what chance decides.
        stopped: set when the attack ends.
        answers: how many there were, by status.
    """

    client: Client
    bombs: Sequence[Path]
    random: Random
    stopped: Event
    answers: Counter[str]

    def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Send a request, count the answer by its status, and return it."""
        accepted = "application/json, text/event-stream"
        status, answer = self.client.request(method, path, body, kind, Accept=accepted)
        self.answers[str(status)] += 1
        return answer

    def send(self, endpoint: str, *data: object) -> None:
        """Call an endpoint; fetch the answer if there is one."""
        answer = self.request("POST", f"{API}/call/{endpoint}", json.dumps({"data": data}).encode())
        if event := json.loads(answer).get("event_id"):
            self.request("GET", f"{API}/call/{endpoint}/{event}")

    def post_head(self, path: str, length: int, kind: str = "application/json") -> bytes:
        """Return the head of a request whose body has this length."""
        head = f"POST {API}/{path} HTTP/1.1\r\nHost: {self.client.host}\r\nContent-Type: {kind}\r\n"
        return f"{head}Content-Length: {length}\r\n\r\n".encode()

    @contextmanager
    def connections(self, count: int, sent: bytes, buffer_bytes: int = 0) -> Iterator[list[socket]]:
        """Open connections that send these bytes, and hold them during the block."""
        with ExitStack() as held:
            opened = []
            for _ in range(count):
                try:
                    opened.append(held.enter_context(closing(self.client.connect(sent, buffer_bytes))))
                except ConnectionError:
                    self.answers["refused"] += 1
            self.answers["connected"] += len(opened)
            yield opened

    def trickle(self, connections: list[socket]) -> None:
        """Send a byte each second until the connections are closed, or the time is over."""
        for _ in range(SLOW_S):
            if self.stopped.wait(1):
                return
            for one in list(connections):
                try:
                    one.sendall(b"a")
                except OSError:
                    connections.remove(one)
                    self.answers["closed"] += 1


def make_bombs(folder: Path) -> None:
    """Write the images made to harm."""
    for number, make in enumerate((*BOMBS.values(), *COSTLY)):
        (folder / str(number)).write_bytes(make(BOMB_BYTES))


def send_bombs(attacker: Attacker) -> None:
    """Upload an image made to harm and have it decoded."""
    path = attacker.random.choice(attacker.bombs)
    answer = attacker.request("POST", f"{API}/upload", form(path.read_bytes()), FORM)
    endpoint, *options = attacker.random.choice([("edges", "vertical", 50), ("classify",)])
    attacker.send(endpoint, file_data(json.loads(answer)[0]), *options)


def name_addresses(attacker: Attacker) -> None:
    """Have addresses fetched: many in a kernel, and one that is not public as the image."""
    address = attacker.random.choice(ADDRESSES)
    attacker.send("edges", None, [[file_data(f"{address}{number}") for number in range(500)]], 50)
    attacker.send("edges", file_data(address), "sobel", 50)


def abort_uploads(attacker: Attacker) -> None:
    """Leave in the middle of an upload of 15 MB."""
    with attacker.connections(1, attacker.post_head("upload", 15_000_000, FORM)) as connections:
        for one in connections:
            one.sendall(form(attacker.random.randbytes(5_000_000))[:-20])


def misname_uploads(attacker: Attacker) -> None:
    """Upload files under names that are not expected."""
    content = attacker.random.randbytes(500_000)
    field, name = attacker.random.choice([("other", "a.png"), ("files", "../../a.html"), ("files", "a" * 3_000)])
    attacker.request("POST", f"{API}/upload", form(content, field, name), FORM)


def send_many_parts(attacker: Attacker) -> None:
    """Upload a thousand tiny files at once."""
    attacker.request("POST", f"{API}/upload", form(b"a", parts=1000), FORM)


def flood_sessions(attacker: Attacker) -> None:
    """Start sessions with a call whose answer is never fetched, and listeners that leave at once."""
    for _ in range(20):
        session = attacker.random.randbytes(6).hex()
        call = json.dumps({"data": [], "session_hash": session}).encode()
        attacker.request("POST", f"{API}/call/trials", call)
        listen = f"GET {API}/heartbeat/{session} HTTP/1.1\r\nHost: {attacker.client.host}\r\n\r\n"
        with attacker.connections(1, listen.encode()):
            pass


def send_slow_bodies(attacker: Attacker) -> None:
    """Send the bodies of uploads and calls byte by byte."""
    for path, kind in (("upload", FORM), ("queue/join", "application/json")):
        with attacker.connections(10, attacker.post_head(path, 1_000_000, kind)) as connections:
            attacker.trickle(connections)


def send_slow_heads(attacker: Attacker) -> None:
    """Send the heads of requests byte by byte."""
    with attacker.connections(20, b"GET / HTTP/1.1\r\nX-Slow: ") as connections:
        attacker.trickle(connections)


def hold_connections(attacker: Attacker) -> None:
    """Hold many connections without a request."""
    with attacker.connections(700, b""):
        attacker.stopped.wait(HELD_S)


def read_nothing(attacker: Attacker) -> None:
    """Ask for the page many times and read none of it."""
    request = f"GET / HTTP/1.1\r\nHost: {attacker.client.host}\r\n\r\n".encode()
    with attacker.connections(50, request * 20, SMALL_BUFFER_BYTES):
        attacker.stopped.wait(UNREAD_S)


def send_junk(attacker: Attacker) -> None:
    """Send bodies that are not what a route expects."""
    for _ in range(3):
        route = attacker.random.choice(JUNK_ROUTES)
        attacker.request("POST", f"{API}/{route}", attacker.random.choice(JUNK))


def send_large_calls(attacker: Attacker) -> None:
    """Send calls that are nearly as large as they may be."""
    route = attacker.random.choice(["call/edges", "call/classify", "mcp/"])
    attacker.request("POST", f"{API}/{route}", attacker.random.choice(LARGE_CALLS))


def ask_closed_routes(attacker: Attacker) -> None:
    """Ask for what Gradio has and the demo has not."""
    for path in CLOSED_ROUTES:
        attacker.request(attacker.random.choice(["GET", "POST"]), path)


# Name -> what a visitor does, and the seconds between two times.
ATTACKS: dict[str, tuple[Callable[[Attacker], None], float]] = {
    "images made to harm": (send_bombs, 0.5),
    "addresses": (name_addresses, 2),
    "aborted uploads": (abort_uploads, 3),
    "misnamed uploads": (misname_uploads, 1),
    "forms of many parts": (send_many_parts, 2),
    "floods of sessions": (flood_sessions, 2),
    "slow bodies": (send_slow_bodies, 1),
    "slow heads": (send_slow_heads, 1),
    "idle connections": (hold_connections, 1),
    "answers not read": (read_nothing, 1),
    "junk": (send_junk, 1),
    "large calls": (send_large_calls, 1),
    "closed routes": (ask_closed_routes, 2),
}


def attack(url: str, bombs: Path, seconds: float) -> dict[str, Counter[str]]:
    """Let one visitor of each kind attack from a separate address; returns what they were answered.

    Args:
        url: of the demo.
        bombs: folder of images made to harm.
        seconds: after which they stop.
    """
    os.nice(NICENESS)
    stopped, files = Event(), sorted(bombs.iterdir())
    attackers = {
        name: Attacker(Client(url, f"127.0.2.{number}"), files, Random(name), stopped, Counter())
        for number, name in enumerate(ATTACKS, 1)
    }
    threads = [Thread(target=_repeat, args=(attacker, *ATTACKS[name])) for name, attacker in attackers.items()]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stopped.set()
    for thread in threads:
        thread.join()
    return {name: attacker.answers for name, attacker in attackers.items()}


def _repeat(attacker: Attacker, act: Callable[[Attacker], None], pause_s: float) -> None:
    while not attacker.stopped.wait(pause_s):
        try:
            act(attacker)
        except (OSError, HTTPException, ValueError, KeyError):  # refused, closed, or answered with an error's text
            attacker.answers["no answer"] += 1
