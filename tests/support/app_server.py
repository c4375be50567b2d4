"""The app as a person runs it: a process of its own on a free port."""

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


@dataclass
class App:
    """A running app."""

    url: str
    log: Path  # what it wrote on both outputs
    process: int  # its id
    seconds: float  # from its start until it served the page

    def client(self, language: str = "en") -> Client:
        """Return Gradio's client of it, for a person of this language."""
        return Client(self.url, verbose=False, headers={"Accept-Language": language})

    def send(self, path: str, body: bytes, kind: str = "application/json", language: str = "en") -> tuple[int, str]:
        """Post what Gradio's client would not; returns the status of the answer, and the answer."""
        headers = {"Content-Type": kind, "Accept-Language": language}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def upload(self, content: bytes) -> dict:
        """Upload a file; returns what the endpoints are to be told of it."""
        head = b'--part\r\nContent-Disposition: form-data; name="files"; filename="picture.png"\r\n\r\n'
        form = head + content + b"\r\n--part--\r\n"
        status, answer = self.send("gradio_api/upload", form, "multipart/form-data; boundary=part")
        assert status == 200, answer
        return {"path": json.loads(answer)[0], "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, body: bytes, language: str = "en") -> tuple[str, Any]:
        """Call an endpoint; returns how it ended (`complete`, `error`, a refusal's status) and what came with it."""
        status, answer = self.send(f"gradio_api/call/{endpoint}", body, language=language)
        if status != 200:
            return str(status), answer
        event = f"{self.url}gradio_api/call/{endpoint}/{json.loads(answer)['event_id']}"
        events = urllib.request.urlopen(event, timeout=60).read().decode()
        name, data = events.strip().split("\n\n")[-1].split("\n")[:2]
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def join(self, event: int, data: list, language: str = "en", **named: Any) -> tuple[bool, Any]:
        """Run an event by its number, as the page does; returns whether it was answered, and the answer."""
        session = secrets.token_hex(8)
        body = json.dumps({"data": data, "fn_index": event, "session_hash": session, **named})
        status, answer = self.send("gradio_api/queue/join", body.encode(), language=language)
        assert status == 200, answer
        events = urllib.request.urlopen(f"{self.url}gradio_api/queue/data?session_hash={session}", timeout=60)
        told = [json.loads(line.removeprefix("data: ")) for line in events.read().decode().strip().split("\n\n")]
        (last,) = [one for one in told if one["msg"] == "process_completed"]
        return last["success"], last["output"]

    def memory(self) -> float:
        """Return the megabytes that its processes hold in memory."""
        return sum(int(_status(one).get("VmRSS", "0").split()[0]) for one in [self.process, *self._begun()]) / 1024

    def network(self) -> int | None:
        """Return the process that the network lives in; None where there is none at the moment."""
        for one in self._begun():
            with suppress(OSError):  # ended meanwhile
                if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text():
                    return one
        return None

    def _begun(self) -> list[int]:
        processes = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
        return [one for one in processes if _status(one).get("PPid", "").strip() == str(self.process)]


@contextmanager
def running(log: Path, *command: str, folder: Path = ROOT, seconds: float = 120, **environment: str) -> Iterator[App]:
    """Run what serves on PORT, Python's arguments or app.py in a folder, until the block ends.

    It must answer within so many seconds.
    """
    port = _free_port()
    kept = {k: v for k, v in os.environ.items() if k not in ("MODEL_ID", "MODEL_REVISION", "SPACE_ID")}
    # No TF_CPP_MIN_LOG_LEVEL from the tests either: the app itself keeps the console clean.
    kept.pop("TF_CPP_MIN_LOG_LEVEL", None)
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *(command or ["app.py"])],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=kept | {"PORT": str(port), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"} | environment,
        )
    try:
        url = f"http://127.0.0.1:{port}/"
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < started + seconds, log.read_text()
            time.sleep(0.05)
        yield App(url, log, process.pid, time.monotonic() - started)
        assert process.poll() is None, f"the server went down: {log.read_text()}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _status(process: int) -> dict[str, str]:
    try:
        return dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    except OSError:  # ended meanwhile
        return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False
