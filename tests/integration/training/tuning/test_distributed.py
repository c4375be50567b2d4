"""Searches with a chief and workers, each in a process; they are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, SAMPLE
from training.tuning import distributed


def free_port() -> str:
    """Return a port of the loopback address."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a chief or a worker on a loopback port; what still runs at the end is killed."""
    port, processes = free_port(), []

    def start(name: str, *options: str) -> subprocess.Popen:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KERASTUNER")}
        environment |= {"PYTHONPATH": str(ROOT), distributed.TUNER_ID: name, distributed.ORACLE_PORT: port}
        data = ["--dataset", SAMPLE, "--output", str(tmp_path / "run"), "--batch-size", "32"]
        command = [sys.executable, "-m", "tests.support.tune_tiny", "tune", *data, "--trial-epochs", "1", *options]
        with open(tmp_path / f"{name}.log", "a") as log:
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_search_killed_worker_trial_is_ended_by_another_worker_and_chief_ends(tmp_path, start):
    options = ["--trials", "5", "--trial-steps", "60", "--worker-timeout", "4"]
    chief, killed, left = (start(name, *options) for name in ("chief", "worker-a", "worker-b"))
    folder = tmp_path / "run" / "tuner"

    def trial_of_worker_a() -> str | None:
        """Return the trial that worker-a is running, if it has a checkpoint already."""
        path = folder / "oracle.json"
        trial = json.loads(path.read_text())["ongoing_trials"].get("worker-a") if path.exists() else None
        return trial if trial and (folder / f"trial_{trial}" / "checkpoint.safetensors").exists() else None

    deadline = time.monotonic() + 120
    while (trial := trial_of_worker_a()) is None:
        assert time.monotonic() < deadline and killed.poll() is None, (tmp_path / "worker-a.log").read_text()
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    assert chief.wait(timeout=200) == 0, (tmp_path / "chief.log").read_text()
    assert left.wait(timeout=30) == 0
    report = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [row["status"] for row in report["trials"]] == ["COMPLETED"] * 5
    assert all(len(row["history"]) == 1 and row["ended"] for row in report["trials"])
    log = (tmp_path / "chief.log").read_text()
    assert f"worker-a is silent; trial {trial} goes to the next worker" in log and "5 of 5 trials completed" in log
    ends = [line for line in (tmp_path / "worker-b.log").read_text().splitlines() if line.startswith(f"trial {trial} ")]
    assert len(ends) == 1
    assert "no further trials" in (tmp_path / "worker-b.log").read_text()


@pytest.mark.slow
def test_search_killed_chief_resumes(tmp_path, start):
    options = ["--trials", "3", "--trial-steps", "60", "--worker-timeout", "4"]
    chief, worker = start("chief", *options), start("worker", *options)
    first = tmp_path / "run" / "tuner" / "trial_1" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not first.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    chief.send_signal(signal.SIGKILL)
    chief.wait()
    chief = start("chief", *options)
    if worker.wait(timeout=200) != 0:  # it was in the middle of a call when the chief died
        assert "start it again, then this worker" in (tmp_path / "worker.log").read_text()
        worker = start("worker", *options)
    assert chief.wait(timeout=200) == 0
    report = json.loads((tmp_path / "run" / "trials.json").read_text())
    assert [row["status"] for row in report["trials"]] == ["COMPLETED"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"), [("worker", "the chief at 127.0.0.1:"), ("chief", "no worker has called for 3 seconds")]
)
def test_search_chief_or_worker_alone_ends_after_max_wait(tmp_path, start, monkeypatch, name, message):
    monkeypatch.setenv("MAX_PEER_SILENCE_S", "3")
    assert start(name).wait(timeout=120) == 2
    error = (tmp_path / f"{name}.log").read_text().strip().splitlines()[-1]
    assert error.startswith("trazo: ") and message in error
