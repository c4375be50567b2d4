"""How cores and GPUs are shared among the workers of `--parallel`, and which processes may start some."""

import os

import pytest

from model.errors import TrazoError
from training import devices, processes
from training.tuning import distributed, parallel


@pytest.fixture
def machine(monkeypatch):
    """Return a function that sets the machine's cores and GPUs."""

    def make(cores: int, gpus: int = 0, visible: str | None = None) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(10, 10 + cores)), raising=False)
        monkeypatch.setattr(devices.tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
        if visible is None:
            monkeypatch.delenv(processes.GPUS, raising=False)
        else:
            monkeypatch.setenv(processes.GPUS, visible)

    return make


@pytest.mark.parametrize(
    ("cores", "workers", "shares"),
    [
        (4, 2, [[10, 12], [11, 13]]),
        (5, 2, [[10, 12, 14], [11, 13]]),
        (2, 3, [[10], [11], [10]]),
    ],
)
def test_share_machine_every_core_is_used_and_none_has_two_workers_more_than_another(machine, cores, workers, shares):
    machine(cores)
    assert parallel.share_machine(workers) == [(share, None) for share in shares]


@pytest.mark.parametrize(
    ("gpus", "visible", "workers", "given"),
    [
        (2, None, 2, ["0", "1"]),
        (2, "5,7", 3, ["5", "7", "5"]),
        (1, "", 2, ["0", "0"]),
        (0, "3", 2, [None, None]),
    ],
)
def test_share_machine_one_gpu_for_each_worker_of_those_that_are_visible(machine, gpus, visible, workers, given):
    machine(4, gpus, visible)
    assert [gpu for _, gpu in parallel.share_machine(workers)] == given


def test_run_parallel_in_a_worker_of_another_search_is_refused(monkeypatch):
    monkeypatch.setenv(distributed.TUNER_ID, "worker-a")
    monkeypatch.setenv(distributed.ORACLE_IP, "127.0.0.1")
    monkeypatch.setenv(distributed.ORACLE_PORT, "50051")
    with pytest.raises(TrazoError, match="--parallel starts a chief and its workers itself: unset KERASTUNER_TUNER_ID"):
        parallel.run_parallel(None, 2)


def test_chief_environment_is_gone_afterwards():
    before = dict(os.environ)
    with parallel._chief_environment() as workers:
        assert os.environ[distributed.TUNER_ID] == "chief"
        assert workers[distributed.ORACLE_PORT] == os.environ[distributed.ORACLE_PORT]
    assert dict(os.environ) == before
