"""The app as a person runs it: a process of its own on a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradio_client import Client

ROOT = Path(__file__).parent.parent


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False
