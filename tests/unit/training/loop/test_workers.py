"""Which worker a process is, and what workers say to each other."""

import json

import numpy as np
import pytest
import tensorflow as tf

from model.errors import TrazoError
from training.loop import workers
from training.loop.cluster import WorkerLostError
from training.loop.workers import ALONE, Workers, connect, report_lost_workers


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing is known of other workers."""
    for name in ("TF_CONFIG", "SLURM_STEP_NODELIST", "SLURM_STEP_NUM_TASKS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that gives the machine GPUs, and the list of those that were chosen."""
    chosen: list[str] = []

    def make(count: int) -> list[str]:
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:{i}" for i in range(count)])
        monkeypatch.setattr(tf.config, "set_visible_devices", lambda device, kind: chosen.append(device))
        return chosen

    return make


def test_connect_without_a_launcher_or_with_one_worker_is_alone(monkeypatch):
    assert connect() is ALONE and ALONE.is_first
    task = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    assert connect() is ALONE


def test_connect_in_a_step_of_slurm_numbers_tasks_by_machine_without_asking_for_gpus(monkeypatch):
    names = {"PROCID": "2", "STEP_NUM_TASKS": "4", "STEP_NODELIST": "n[1-2]", "STEP_TASKS_PER_NODE": "2(x2)"}
    for name, value in names.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    resolver = workers._find_cluster()
    assert resolver.cluster_spec().as_dict() == {"worker": ["n1:8888", "n1:8889", "n2:8888", "n2:8889"]}
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)


def test_choose_gpu_gives_each_worker_of_a_machine_another_one(gpus, monkeypatch):
    chosen, addresses = gpus(2), ["a:1", "a:2", "b:1"]
    for rank in range(3):
        workers._choose_gpu(addresses, rank)
    assert chosen == ["GPU:0", "GPU:1", "GPU:0"]
    with pytest.raises(TrazoError, match="3 workers on a, which has 2 GPUs: each worker needs a separate one"):
        workers._choose_gpu(["a:1", "a:2", "a:3"], 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")  # a launcher has chosen
    assert gpus(1) == chosen and len(chosen) == 3
    workers._choose_gpu(addresses, 1)
    gpus(0)
    workers._choose_gpu(addresses, 1)
    assert len(chosen) == 3


def test_workers_say_arrays_bytes_and_texts():
    one = Workers(tf.distribute.MirroredStrategy(["/cpu:0"]))
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    for alone in (one, ALONE):
        np.testing.assert_array_equal(alone.total(rows), rows)
        np.testing.assert_array_equal(alone.gather(rows), rows)
        assert alone.gather(rows[:0]).shape == (0, 2)
        for data in (b"", b"1234567", bytes(range(256))):
            assert alone.broadcast(data) == data
        assert alone.gather_texts("grün ∑") == ["grün ∑"]
        alone.wait()


LOST = tf.errors.UnavailableError(None, None, "Collective ops is aborted by: Connection reset by peer")


def test_report_lost_workers_says_it_in_one_line_with_an_exit_code():
    expected = "^worker 2 of 3: another one has ended or does not answer; run the same command"
    with pytest.raises(WorkerLostError, match=expected) as caught, report_lost_workers(Workers(None, rank=1, size=3)):
        raise LOST
    assert caught.value.exit_code == 75


@pytest.mark.parametrize(
    ("size", "error"),
    [(1, LOST), (2, tf.errors.InternalError(None, None, "cuDNN failed")), (2, TrazoError("no")), (2, ValueError("no"))],
)
def test_report_lost_workers_leaves_other_errors_alone(size, error):
    with pytest.raises(type(error)) as caught, report_lost_workers(Workers(None, size=size)):
        raise error
    assert caught.value is error
