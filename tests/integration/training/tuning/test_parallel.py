"""Searches with `--parallel`: the command starts its workers, watches them, and leaves none behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE
from tests.support.tiny_space import tune
from training.tuning.search_time import passed_seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads processes from /proc")


def descendants(pid: int) -> set[int]:
    """Return the ids of a process' children, and of theirs."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *descendants(child)}
    return found


def is_running(pid: int) -> bool:
    """Return whether there is such a process, and it is not one that has ended and waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition: Callable[[], object], seconds: float = 250) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_search_two_workers_complete_all_trials_and_end(tmp_path, tiny_space):
    started = time.monotonic()
    report = tune(tmp_path, trials=2, parallel=2)
    assert max(trial["seconds"] for trial in report["trials"]) < passed_seconds(tmp_path) < time.monotonic() - started
    assert [trial["status"] for trial in report["trials"]] == ["COMPLETED"] * 2
    assert all(len(trial["history"]) == 1 and trial["ended"] for trial in report["trials"])
    names = {path.stem for path in (tmp_path / "tuner").glob("worker-*.json")}
    assert names == {"worker-1", "worker-2"} and not any("KERASTUNER" in name for name in os.environ)


@pytest.fixture
def search(tmp_path):
    """Start a long search with two workers; return its process once both train, and kill it in the end."""
    log = (tmp_path / "log.txt").open("w")
    data = ["--dataset", SAMPLE, "--max-rows", "500", "--batch-size", "32"]
    length = ["--trials", "4", "--trial-epochs", "400", "--trial-steps", "5"]
    verb = [sys.executable, "-m", "tests.support.tune_tiny", "tune"]
    command = [*verb, "--output", str(tmp_path / "run"), "--parallel", "2", *data, *length]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    wait_for(lambda: len([*(tmp_path / "run" / "tuner").glob("trial_*/checkpoint.safetensors")]) == 2)
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_search_ended_from_outside_leaves_no_process(search, signal_number):
    children = descendants(search.pid)
    assert len(children) >= 4  # two workers, and their trials
    search.send_signal(signal_number)
    search.wait(timeout=30)
    wait_for(lambda: not any(map(is_running, children)), seconds=15)


@pytest.mark.slow
def test_search_worker_killed_is_started_again_and_resumes_its_trial(search, tmp_path):
    ongoing = json.loads((tmp_path / "run" / "tuner" / "oracle.json").read_text())["ongoing_trials"]
    (worker,) = [
        pid
        for pid in descendants(search.pid)
        if b"KERASTUNER_TUNER_ID=worker-1" in Path(f"/proc/{pid}/environ").read_bytes()
        and b"training.tuning.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "worker 1 ended: SIGKILL" in (tmp_path / "log.txt").read_text())
    record = tmp_path / "run" / "tuner" / f"trial_{ongoing['worker-1']}" / "record.json"
    before = len(json.loads(record.read_text())["history"])
    wait_for(lambda: len(json.loads(record.read_text())["history"]) > before)
    assert json.loads((tmp_path / "run" / "tuner" / "oracle.json").read_text())["ongoing_trials"] == ongoing
