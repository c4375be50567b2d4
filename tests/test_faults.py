"""The stream against a Hub whose network fails."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.hub import Fault, LoopbackHub
from training.stream import HubStream

SCRIPT = """
import json, sys
from model.errors import TrazoError
from training.stream import HubStream
try:
    stream = HubStream("someone/sample", seed=1, batch_size=100, window_rows=1000, window_runs=2)
    print(json.dumps([[b.index.tolist(), [len(i) for i in b.images]] for b in stream.epoch(0)]))
except TrazoError as error:
    print(error)
"""


def stream_from(hub: LoopbackHub, home: Path) -> str:
    environment = {**hub.environ(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(reset=True), Fault(cut=1000)], ids=["status 503", "reset", "body cut short"]
)
def test_after_a_fault_come_the_same_rows_in_the_same_order(tmp_path, fault):
    seen: Counter = Counter()

    def every_third_request_fails_once(method: str, path: str, headers: dict) -> Fault | None:
        if method != "GET" or not path.endswith(".parquet"):
            return None
        key = headers["range"]
        seen[key] += 1
        return fault if seen[key] == 1 and len(seen) % 3 == 0 else None

    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = every_third_request_fails_once
        rows = json.loads(stream_from(hub, tmp_path))
    assert max(seen.values()) > 1, "no request failed"
    local = HubStream(SAMPLE, seed=1, batch_size=100, window_rows=1000, window_runs=2)
    assert rows == [[batch.index.tolist(), [len(i) for i in batch.images]] for batch in local.epoch(0)]


@pytest.mark.slow
def test_a_hub_that_dies_in_mid_stream_is_an_error_within_a_minute(tmp_path):
    requests: list[str] = []

    def dies(method: str, path: str, headers: dict) -> Fault | None:
        if method == "GET" and path.endswith(".parquet"):
            requests.append(path)
        return Fault(status=503) if len(requests) > 6 else None

    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = dies
        told = stream_from(hub, tmp_path)
    assert "cannot be read: " in told and "503" in told and "goes on from here" in told
