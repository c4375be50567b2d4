"""The stream against a Hub whose network fails."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from diskcache import Cache

from model.errors import StreamError
from tests.conftest import ROOT, SAMPLE
from tests.support.fake_hub import Fault, LoopbackHub
from training.stream import HubStream

SCRIPT = """
import json, sys
from huggingface_hub import HfApi
from model.errors import TrazoError
from training.data.parquet.byte_ranges import HttpOptions
from training.stream import HubStream
def between(batch): {between}
try:
    http = HttpOptions({network})
    stream = HubStream("someone/sample", seed=1, batch_size=100, window_rows=1000, window_runs=2, http=http)
    rows = []
    for batch in stream.epoch(0):
        rows.append([batch.index.tolist(), [len(image) for image in batch.images]])
        between(batch)
    print(json.dumps(rows))
except TrazoError as error:
    print(error)
"""


def stream_from(hub: LoopbackHub, home: Path, network: str = "", between: str = "pass") -> str:
    environment = {**hub.environ(home, token=True), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT.format(network=network, between=between)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503), Fault(reset=True), Fault(cut=1000), Fault(stall=5), Fault(cut=1000, stall=5)],
    ids=["status 503", "reset", "body cut short", "silence", "silence in the body"],
)
def test_epoch_after_fault_has_the_same_rows(tmp_path, fault):
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
        rows = json.loads(stream_from(hub, tmp_path, "timeout=1"))
    assert max(seen.values()) > 1, "no request failed"
    assert rows == without_faults()


def without_faults() -> list:
    local = HubStream(SAMPLE, seed=1, batch_size=100, window_rows=1000, window_runs=2)
    return [[batch.index.tolist(), [len(image) for image in batch.images]] for batch in local.epoch(0)]


def test_epoch_shard_replaced_on_hub_is_unchanged(tmp_path):
    replace = (
        "batch.number == 3 and HfApi().upload_file(path_or_fileobj=b'other', repo_id='someone/sample', "
        "repo_type='dataset', path_in_repo='data/train-00000-of-00001.parquet')"
    )
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        rows = json.loads(stream_from(hub, tmp_path, between=replace))
        assert len(hub.commits("someone/sample", "dataset")) == 2
    assert rows == without_faults()


def test_epoch_shard_replaced_in_folder_is_error(tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    shard = folder / "data" / "train-00000-of-00001.parquet"
    batches = HubStream(str(folder), window_rows=500).epoch(0)
    next(batches)
    shard.write_bytes(shard.read_bytes())
    with pytest.raises(StreamError, match="was replaced while it was being read"):
        list(batches)


def test_epoch_silent_hub_is_error(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = lambda method, path, headers: Fault(stall=90) if path.endswith(".parquet") else None
        started = time.monotonic()
        output = stream_from(hub, tmp_path, "timeout=0.3, retries=1")
        assert time.monotonic() - started < 90  # it did not wait for the Hub
    assert "cannot be read: " in output and "run the same command again" in output


def test_epoch_random_faults_has_the_same_rows(tmp_path):
    random = np.random.default_rng(0)
    failed = []

    def one_in_five(method: str, path: str, headers: dict) -> Fault | None:
        if method != "GET" or not path.endswith(".parquet") or random.random() > 0.2:
            return None
        failed.append(path)
        return [Fault(status=500), Fault(status=502), Fault(reset=True), Fault(cut=500)][len(failed) % 4]

    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = one_in_five
        rows = json.loads(stream_from(hub, tmp_path, "retries=6"))
    assert failed and rows == without_faults()


def test_open_silent_hub_is_error(tmp_path):
    script = """
from model.errors import TrazoError
from training.data.parquet import hub_client
from training.data.parquet.source import open_source
hub_client.MAX_SILENCE_S, hub_client.DEFAULT_TIMEOUT_S = 3.0, 1.0
try:
    open_source("someone/sample", "train")
except TrazoError as error:
    print(error)
"""
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = lambda method, path, headers: Fault(stall=30) if "/tree/" in path else None
        command = [sys.executable, "-c", script]
        environment = {**hub.environ(tmp_path), "PYTHONPATH": str(ROOT)}
        started = time.monotonic()
        answer = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
        assert time.monotonic() - started < 25, "it waited for the Hub"
    assert "cannot be reached for 'someone/sample'" in answer.stdout, answer.stderr


def test_epoch_ctrl_c_does_not_wait_for_silent_hub(tmp_path):
    script = """
from training.stream import HubStream
stream = HubStream("someone/sample", window_rows=500, window_runs=2)
print("open", flush=True)
for batch in stream.epoch(0):
    pass
"""
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        environment = {**hub.environ(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
            asked = len(hub.log)
            hub.fault = lambda method, path, headers: Fault(stall=30) if len(hub.log) > asked + 12 else None
            process.stdout.readline()
            time.sleep(1)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            process.wait(60)
            assert time.monotonic() - started < 8
    assert process.returncode


def test_epoch_damaged_cache_is_read_again_or_reported(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        first = stream_from(hub, tmp_path, "cache_bytes=10_000_000")
        (footer,) = (tmp_path / "trazo" / "footers").iterdir()
        footer.write_bytes(b"\xff" * 300)
        assert stream_from(hub, tmp_path, "cache_bytes=10_000_000") == first
        (tmp_path / "trazo" / "rows" / "cache.db").write_bytes(b"no database" * 1000)
        assert "rows cannot be kept in" in stream_from(hub, tmp_path, "cache_bytes=10_000_000")
        assert stream_from(hub, tmp_path) == first


def test_disk_cache_is_bounded(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        stream_from(hub, tmp_path, "cache_bytes=300_000")
    with Cache(tmp_path / "trazo" / "rows") as cache:
        kept = sum(len(cache[key]) for key in cache)
    assert 0 < kept < 400_000 < sum(path.stat().st_size for path in Path(SAMPLE).rglob("train-*"))


def test_epoch_second_comes_from_disk_cache(tmp_path):
    script = """
from training.data.parquet.byte_ranges import HttpOptions
from training.stream import HubStream
stream = HubStream("someone/sample", window_rows=700, http=HttpOptions(cache_bytes=10_000_000))
for epoch in (0, 1):
    print(sorted(row for batch in stream.epoch(epoch) for row in batch.index.tolist()) == list(range(3500)))
    open({flag!r}, "w").close()
"""
    flag = tmp_path / "first epoch is over"
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = lambda method, path, headers: Fault(status=404) if flag.exists() else None
        environment = {**hub.environ(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", script.format(flag=str(flag))]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert answer.stdout.split() == ["True", "True"], answer.stderr
    kept = sum(path.stat().st_size for path in (tmp_path / "trazo" / "rows").rglob("*") if path.is_file())
    assert 500_000 < kept < 10_000_000


def test_open_footers_are_read_once_per_commit(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        first = stream_from(hub, tmp_path)
        asked = [request.range for request in hub.log if request.path.endswith(".parquet") and request.range]
        hub.log.clear()
        assert stream_from(hub, tmp_path) == first
        again = [request.range for request in hub.log if request.path.endswith(".parquet") and request.range]
    assert len(again) == len(asked) - 1 and set(again) < set(asked)


@pytest.mark.slow
def test_epoch_hub_down_is_error_within_a_minute(tmp_path):
    requests: list[str] = []

    def dies(method: str, path: str, headers: dict) -> Fault | None:
        if method == "GET" and path.endswith(".parquet"):
            requests.append(path)
        return Fault(status=503) if len(requests) > 6 else None

    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = dies
        output = stream_from(hub, tmp_path)
    assert "cannot be read: " in output and "503" in output and "run the same command again" in output
