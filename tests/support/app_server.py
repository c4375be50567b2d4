"""The app as a user runs it: a separate process on a free port."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio_client import Client

ROOT = Path(__file__).parents[2]
BOUNDARY = "part"  # of multipart forms
GRACE_S = 0.5  # that a server has to end
# Instead of `app.py`, for tests that need no answers of the network: importing TensorFlow takes seconds.
WITHOUT_NETWORK = "-m", "tests.support.app_without_network"


@dataclass
class App:
    """A running app."""

    url: str
    log: Path  # what it wrote to stdout and stderr
    pid: int
    start_s: float  # from its start until it served the page

    def client(self, language: str = "en") -> Client:
        """Return Gradio's client of the app, for a user of this language."""
        return Client(self.url, verbose=False, headers={"Accept-Language": language})

    def get(self, path: str) -> bytes:
        """Return the body of a route."""
        return urllib.request.urlopen(self.url + path, timeout=10).read()

    def config(self) -> dict:
        """Return Gradio's description of the page."""
        return json.loads(self.get("config"))

    def post(self, path: str, body: bytes, kind: str = "application/json", language: str = "en") -> tuple[int, str]:
        """Post any body, also one that Gradio's client would not send; returns the response's status and text."""
        headers = {"Content-Type": kind, "Accept-Language": language}
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def upload(self, content: bytes) -> dict:
        """Upload a file; returns the value that stands for it in the endpoints' inputs."""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="image.png"\r\n\r\n'
        form = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        status, response = self.post("gradio_api/upload", form, f"multipart/form-data; boundary={BOUNDARY}")
        assert status == 200, response
        return {"path": json.loads(response)[0], "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, body: bytes, language: str = "en") -> tuple[str, Any]:
        """Call an endpoint; returns `complete` with the outputs, `error` with its data, or a status and its text."""
        status, response = self.post(f"gradio_api/call/{endpoint}", body, language=language)
        if status != 200:
            return str(status), response
        event = f"{self.url}gradio_api/call/{endpoint}/{json.loads(response)['event_id']}"
        events = urllib.request.urlopen(event, timeout=60).read().decode()
        name, data = events.strip().split("\n\n")[-1].split("\n")[:2]
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def run_event(self, event: int, data: list, language: str = "en", **fields: Any) -> tuple[bool, Any]:
        """Run an event by its number, as the page does; returns whether it succeeded, and its output."""
        session = secrets.token_hex(8)
        body = json.dumps({"data": data, "fn_index": event, "session_hash": session, **fields})
        status, response = self.post("gradio_api/queue/join", body.encode(), language=language)
        assert status == 200, response
        stream = urllib.request.urlopen(f"{self.url}gradio_api/queue/data?session_hash={session}", timeout=60)
        messages = [json.loads(line.removeprefix("data: ")) for line in stream.read().decode().strip().split("\n\n")]
        (last,) = [message for message in messages if message["msg"] == "process_completed"]
        return last["success"], last["output"]

    def memory_mb(self) -> float:
        """Return the resident memory of the app's processes."""
        return sum(_resident_mb(pid) for pid in [self.pid, *self._descendants()])

    def page_memory_mb(self) -> float:
        """Return the resident memory of the page's process."""
        return _resident_mb(self.pid)

    def network_pid(self) -> int | None:
        """Return the id of the network's process; None if there is none at the moment."""
        for pid in self._descendants():
            with suppress(OSError):  # ended in the meantime
                if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
                    return pid
        return None

    def _descendants(self) -> list[int]:
        """Return the ids of all processes that the app has started, and of theirs."""
        pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
        parents = {pid: int(_status(pid).get("PPid", "0")) for pid in pids}
        found = [self.pid]
        for parent in found:
            found += [pid for pid in pids if parents[pid] == parent]
        return found[1:]


@contextmanager
def running(log: Path, *command: str, folder: Path = ROOT, seconds: float = 120, **environment: str) -> Iterator[App]:
    """Run the app, or another program that serves on PORT, until the block ends.

    Args:
        log: file for its output.
        *command: Python's arguments; `app.py` if there are none.
        folder: in which it runs.
        seconds: within which it must serve the page.
        **environment: variables in addition to the tests' own.
    """
    port = _free_port()
    # No TF_CPP_MIN_LOG_LEVEL from the tests either: the app itself keeps the console clean.
    dropped = ("MODEL_ID", "MODEL_REVISION", "COMPARE_ID", "SPACE_ID", "TF_CPP_MIN_LOG_LEVEL")
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *(command or ["app.py"])],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=inherited | {"PORT": str(port), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"} | environment,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        while not _responds(url):
            assert process.poll() is None and time.monotonic() < started + seconds, log.read_text()
            time.sleep(0.05)
        yield App(url, log, process.pid, time.monotonic() - started)
        assert process.poll() is None, f"the server went down: {log.read_text()}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:  # it waits for open connections; the network's process ends with it
            process.kill()
            process.wait()


def _status(pid: int) -> dict[str, str]:
    try:
        return dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:  # ended in the meantime
        return {}


def _resident_mb(pid: int) -> float:
    return int(_status(pid).get("VmRSS", "0").split()[0]) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _responds(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False
