"""`--workers`: who starts, watches, ends and starts again the processes of a training."""

import json
import os
from pathlib import Path

import pytest

from model.errors import TrazoError
from training import devices, launch, processes
from training.config import WorkersConfig
from training.loop.cluster import WorkerLostError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs workers, of which each does something else with each start, and a folder of notes."""
    monkeypatch.setattr(launch, "COMMAND", "tests.support.worker_commands:run")
    monkeypatch.delenv("TF_CONFIG", raising=False)

    def run(*acts: list[str], restarts: int = 0) -> int:
        (tmp_path / "acts.json").write_text(json.dumps(acts))
        return launch.run_workers([str(tmp_path)], WorkersConfig(len(acts), restarts))

    return run


def starts(folder: Path) -> list[int]:
    return [len(path.read_text()) for path in sorted(folder.glob("starts-*"))]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_run_workers_all_succeed_returns_0(run, tmp_path):
    assert run(["0"], ["0"], ["0"]) == 0
    assert starts(tmp_path) == [1, 1, 1]


def test_run_workers_one_with_an_error_ends_all_and_returns_its_code(run, tmp_path):
    assert run(["sleep"], ["2"], restarts=3) == 2  # which another start would not fix
    assert starts(tmp_path)[-1] == 1
    for path in tmp_path.glob("pid-*"):
        assert not is_running(int(path.read_text()))


def test_run_workers_one_is_killed_ends_all_and_names_it(run, tmp_path):
    with pytest.raises(WorkerLostError, match="worker 2 of 2 ended: SIGKILL; run the same command again") as caught:
        run(["sleep"], ["die"])
    assert caught.value.exit_code == 75
    assert not is_running(int((tmp_path / "pid-0").read_text()))


def test_run_workers_with_restarts_starts_all_again(run, tmp_path, caplog):
    assert run(["75", "0"], ["0"], restarts=1) == 0
    assert starts(tmp_path)[0] == 2 and "worker 1 of 2 ended: exit code 75; all are started again" in caplog.text
    with pytest.raises(WorkerLostError):
        run(["75"], ["sleep"], restarts=1)


def test_run_workers_of_another_launcher_are_refused(run, monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(TrazoError, match="leave it out where a launcher does"):
        run(["0"], ["0"])


def test_run_workers_get_one_of_the_gpus_that_may_be_used(run, tmp_path, monkeypatch):
    monkeypatch.setenv(processes.GPUS, "5,GPU-7f,2")
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda kind: [kind] * 3)
    assert run(["0"], ["0"]) == 0
    assert [(tmp_path / f"gpu-{rank}").read_text() for rank in range(2)] == ["5", "GPU-7f"]


def test_run_workers_more_than_gpus_are_refused_before_one_starts(run, tmp_path, monkeypatch):
    monkeypatch.setenv(processes.GPUS, "0")
    monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda kind: [kind])
    with pytest.raises(TrazoError, match=r"--workers 2, but only 1 GPU may be used .*give --workers 1"):
        run(["0"], ["0"])
    assert starts(tmp_path) == []
