"""The stream against a Hub whose network fails."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, HfFileSystem
from huggingface_hub.utils import close_session, http_backoff

from model.errors import StreamError, TrazoError
from tests.conftest import ROOT, SAMPLE
from tests.support.fake_hub import Fault, LoopbackHub
from training.data.parquet import byte_ranges, hub_client
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.row_cache import FILE_NAME
from training.data.parquet.source import open_source
from training.stream import Batch, HubStream

OPTIONS = {"seed": 1, "batch_size": 100, "window_rows": 1000, "window_runs": 2}
CACHE = HttpOptions(cache_bytes=10_000_000)

Rows = list[tuple[list[int], list[int]]]  # of each batch: the ids of its rows, and the sizes of their images


@pytest.fixture
def hub(tmp_path, use_hub, monkeypatch) -> Iterator[LoopbackHub]:
    """A Hub with the bundled sample, to which this process is connected; pauses before a retry are short."""
    monkeypatch.setattr(byte_ranges, "http_backoff", partial(http_backoff, base_wait_time=0.02))
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        use_hub(hub, tmp_path)
        yield hub


def read_epoch(
    dataset: str = "someone/sample",
    http: HttpOptions = HttpOptions(),
    between: Callable[[Batch], None] = lambda batch: None,
) -> Rows:
    """Open the dataset as a new process does, and return the rows of an epoch."""
    HfFileSystem.clear_instance_cache()
    rows = []
    for batch in HubStream(dataset, http=http, **OPTIONS).epoch(0):
        rows.append((batch.index.tolist(), [len(image) for image in batch.images]))
        between(batch)
    return rows


@pytest.fixture(scope="module")
def without_faults() -> Rows:
    return read_epoch(SAMPLE)


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503), Fault(reset=True), Fault(cut=1000), Fault(stall=1), Fault(cut=1000, stall=1)],
    ids=["status 503", "reset", "body cut short", "silence", "silence in the body"],
)
def test_epoch_after_fault_has_the_same_rows(hub, without_faults, fault):
    seen: Counter = Counter()

    def every_third_request_fails_once(method: str, path: str, headers: dict) -> Fault | None:
        if method != "GET" or not path.endswith(".parquet"):
            return None
        key = headers["range"]
        seen[key] += 1
        return fault if seen[key] == 1 and len(seen) % 3 == 0 else None

    hub.fault = every_third_request_fails_once
    rows = read_epoch(http=HttpOptions(timeout=0.5))
    assert max(seen.values()) > 1, "no request failed"
    assert rows == without_faults


def test_epoch_shard_replaced_on_hub_is_unchanged(hub, without_faults):
    def replace_shard(batch: Batch) -> None:
        if batch.number == 3:
            shard = "data/train-00000-of-00001.parquet"
            HfApi().upload_file(
                path_or_fileobj=b"other", path_in_repo=shard, repo_id="someone/sample", repo_type="dataset"
            )

    assert read_epoch(between=replace_shard) == without_faults
    assert len(hub.commits("someone/sample", "dataset")) == 2


def test_epoch_shard_replaced_in_folder_is_error(tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    shard = folder / "data" / "train-00000-of-00001.parquet"
    batches = HubStream(str(folder), window_rows=500).epoch(0)
    next(batches)
    shard.write_bytes(shard.read_bytes())
    with pytest.raises(StreamError, match="was replaced while it was being read"):
        list(batches)


def test_epoch_silent_hub_is_error(hub):
    hub.fault = lambda method, path, headers: Fault(stall=90) if path.endswith(".parquet") else None
    started = time.monotonic()
    with pytest.raises(StreamError, match=r"cannot be read: .*run the same command again"):
        read_epoch(http=HttpOptions(timeout=0.3, retries=1))
    assert time.monotonic() - started < 90  # it did not wait for the Hub


def test_epoch_random_faults_has_the_same_rows(hub, without_faults):
    random = np.random.default_rng(0)
    failed = []

    def one_in_five(method: str, path: str, headers: dict) -> Fault | None:
        if method != "GET" or not path.endswith(".parquet") or random.random() > 0.2:
            return None
        failed.append(path)
        return [Fault(status=500), Fault(status=502), Fault(reset=True), Fault(cut=500)][len(failed) % 4]

    hub.fault = one_in_five
    rows = read_epoch(http=HttpOptions(retries=6))
    assert failed and rows == without_faults


def test_open_is_repeated_once_if_the_connection_was_closed(hub, tmp_path, monkeypatch):
    asked = len(hub.log)
    hub.fault = lambda *_: Fault(reset=True) if len(hub.log) == asked + 1 else None
    assert HubStream("someone/sample").rows == 3500
    hub.fault = lambda *_: Fault(reset=True)
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "empty"))
    with pytest.raises(TrazoError, match="cannot be reached"):
        HubStream("someone/sample")


def test_open_silent_hub_is_error(hub, monkeypatch):
    monkeypatch.setattr(hub_client, "MAX_SILENCE_S", 0.9)
    monkeypatch.setattr(hub_client, "DEFAULT_TIMEOUT_S", 0.5)
    close_session()  # the timeout is that of a new HTTP client
    hub.fault = lambda method, path, headers: Fault(stall=30) if "/tree/" in path else None
    started = time.monotonic()
    with pytest.raises(TrazoError, match="cannot be reached for 'someone/sample'"):
        open_source("someone/sample", "train")
    assert time.monotonic() - started < 25, "it waited for the Hub"


def test_epoch_ctrl_c_does_not_wait_for_silent_hub(hub, tmp_path):
    script = """
import signal
from training.stream import HubStream
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
stream = HubStream("someone/sample", window_rows=500, window_runs=2)
print("open", flush=True)
for batch in stream.epoch(0):
    pass
"""
    environment = {**hub.environ(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        asked = len(hub.log)
        hub.fault = lambda method, path, headers: Fault(stall=30) if len(hub.log) > asked + 12 else None
        process.stdout.readline()
        while len(hub.log) <= asked + 12 and process.poll() is None:
            time.sleep(0.01)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert time.monotonic() - started < 8
    assert process.returncode


def test_epoch_damaged_cache_is_read_again_or_reported(hub, tmp_path, without_faults):
    assert read_epoch(http=CACHE) == without_faults
    (footer,) = (tmp_path / "trazo" / "footers").iterdir()
    footer.write_bytes(b"\xff" * 300)
    assert read_epoch(http=CACHE) == without_faults
    for file in (tmp_path / "trazo" / "rows").glob(f"{FILE_NAME}*"):  # the database and what is not yet written into it
        file.write_bytes(b"no database" * 1000)
    with pytest.raises(TrazoError, match="rows cannot be kept in"):
        read_epoch(http=CACHE)
    assert read_epoch() == without_faults


def test_disk_cache_is_bounded(hub, tmp_path):
    read_epoch(http=HttpOptions(cache_bytes=300_000))
    with closing(sqlite3.connect(tmp_path / "trazo" / "rows" / FILE_NAME)) as database:
        (kept,) = database.execute("SELECT sum(length(data)) FROM rows").fetchone()
    assert 0 < kept < 400_000 < sum(path.stat().st_size for path in Path(SAMPLE).rglob("train-*"))


def test_epoch_second_comes_from_disk_cache(hub, tmp_path):
    stream = HubStream("someone/sample", window_rows=700, http=CACHE)
    for epoch in (0, 1):
        rows = sorted(row for batch in stream.epoch(epoch) for row in batch.index.tolist())
        assert rows == list(range(3500))
        hub.fault = lambda method, path, headers: Fault(status=404)
    kept = sum(path.stat().st_size for path in (tmp_path / "trazo" / "rows").rglob("*") if path.is_file())
    assert 500_000 < kept < 10_000_000


def test_open_footers_are_read_once_per_commit(hub, without_faults):
    def requested_ranges() -> list[str]:
        return [request.range for request in hub.log if request.path.endswith(".parquet") and request.range]

    read_epoch()
    asked = requested_ranges()
    hub.log.clear()
    assert read_epoch() == without_faults
    again = requested_ranges()
    assert len(again) == len(asked) - 1 and set(again) < set(asked)


@pytest.mark.slow
def test_epoch_hub_down_is_error_within_a_minute(hub):
    requests: list[str] = []

    def dies(method: str, path: str, headers: dict) -> Fault | None:
        if method == "GET" and path.endswith(".parquet"):
            requests.append(path)
        return Fault(status=503) if len(requests) > 6 else None

    hub.fault = dies
    with pytest.raises(StreamError, match=r"cannot be read: .*503.*run the same command again"):
        read_epoch()
