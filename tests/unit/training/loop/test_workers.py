"""Which worker a process is, and what workers say to each other."""

import json
import os

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


@pytest.fixture
def resolvers(monkeypatch):
    """Return a list that receives what strategies are made with; making one fails."""
    made: list = []

    def make(resolver):
        made.append(resolver)
        raise tf.errors.DeadlineExceededError(None, None, "nobody came\nat all")

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", make)
    monkeypatch.setattr(workers, "wait_until_all_listen", lambda others: made.append(others))
    monkeypatch.setattr(workers, "limit_registration", lambda seconds: None)
    return made


def describe(monkeypatch, index: int, *addresses: str) -> None:
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))


@pytest.mark.parametrize(("count", "expected"), [(0, {}), (1, {"GPU": 1}), (2, {"GPU": 1})])
def test_connect_computes_on_a_gpu_if_there_is_one(gpus, resolvers, monkeypatch, count, expected):
    gpus(count)
    describe(monkeypatch, 0, "a:1", "b:1")
    with pytest.raises(WorkerLostError):
        connect()
    assert resolvers[0] == ["b:1"]  # for whom the first one waits
    assert resolvers[-1].num_accelerators() == expected


def test_connect_says_for_whom_it_waits_and_who_did_not_come(resolvers, monkeypatch, caplog):
    caplog.set_level("INFO")
    describe(monkeypatch, 1, "10.0.0.1:2222", "10.0.0.2:2222", "10.0.0.3:2222")
    expected = "^worker 2 of 3, 10.0.0.2:2222, cannot meet the others: DeadlineExceededError: nobody came$"
    with pytest.raises(WorkerLostError, match=expected):
        connect()
    assert "waiting for 2 other workers at 10.0.0.1:2222, 10.0.0.3:2222" in caplog.text


def test_connect_reaches_the_other_workers_without_a_proxy(resolvers, monkeypatch):
    for name, value in {"http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": "intranet"}.items():
        monkeypatch.setenv(name, value)
    describe(monkeypatch, 0, "10.0.0.1:2222", "n7.cluster:2222", "[fd00::1]:2222")
    with pytest.raises(WorkerLostError):
        connect()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"]
    assert os.environ["no_proxy"].endswith("::1,10.0.0.1,n7.cluster,fd00::1")


def test_connect_in_a_step_of_slurm_is_the_task_that_slurm_started(resolvers, monkeypatch):
    names = {"PROCID": "1", "STEP_NUM_TASKS": "2", "STEP_NODELIST": "n[9-10]", "STEP_TASKS_PER_NODE": "1(x2)"}
    for name, value in names.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    with pytest.raises(WorkerLostError, match="worker 2 of 2, n10:"):
        connect()
    assert (resolvers[0].task_type, resolvers[0].task_id) == ("worker", 1)


def test_choose_gpu_gives_each_worker_of_a_machine_another_one(gpus, monkeypatch):
    chosen, addresses = gpus(2), ["a:1", "a:2", "b:1"]
    assert all(workers._choose_gpu(addresses, rank) for rank in range(3))
    assert chosen == ["GPU:0", "GPU:1", "GPU:0"]
    with pytest.raises(TrazoError, match="3 workers on a, which has 2 GPUs: each worker needs a separate one"):
        workers._choose_gpu(["a:1", "a:2", "a:3"], 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")  # a launcher has chosen
    assert gpus(1) == chosen and len(chosen) == 3
    assert workers._choose_gpu(addresses, 1)
    gpus(0)
    assert not workers._choose_gpu(addresses, 1)
    assert len(chosen) == 3


def test_workers_say_arrays_bytes_and_texts():
    one = Workers(tf.distribute.MirroredStrategy(["/cpu:0"]))
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    for alone in (one, ALONE):
        np.testing.assert_array_equal(alone.sum_array(rows), rows)
        np.testing.assert_array_equal(alone.gather(rows), rows)
        assert alone.gather(rows[:0]).shape == (0, 2)
        for data in (b"", b"1234567", bytes(range(256))):
            assert alone.broadcast(data) == data
        assert alone.gather_texts("grün ∑") == ["grün ∑"]
        alone.wait()


LOST = tf.errors.UnavailableError(
    None, None, "Graph execution error:\n\nCollective ops is aborted by: Connection reset by peer\nand more"
)
FULL_GPU = tf.errors.InternalError(
    None,
    None,
    "Failed copying input tensor from /job:worker/replica:0/task:0/device:CPU:0 to /job:worker/replica:0/task:0/"
    "device:GPU:0 in order to run CollectiveReduceV2: Dst tensor is not initialized.",
)


def test_report_lost_workers_says_it_in_one_line_with_an_exit_code():
    expected = (
        "^worker 2 of 3: another one has ended or does not answer; run the same command.* "
        r"\(UnavailableError: Collective ops.*peer\)$"
    )
    with pytest.raises(WorkerLostError, match=expected) as caught, report_lost_workers(Workers(None, rank=1, size=3)):
        raise LOST
    assert caught.value.exit_code == 75


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (1, LOST),
        (2, FULL_GPU),
        (2, tf.errors.InternalError(None, None, "cuDNN failed")),
        (2, TrazoError("no")),
        (2, ValueError("no")),
    ],
)
def test_report_lost_workers_leaves_other_errors_alone(size, error):
    with pytest.raises(type(error)) as caught, report_lost_workers(Workers(None, size=size)):
        raise error
    assert caught.value is error


def test_leave_of_the_first_worker_needs_no_other_any_more(monkeypatch):
    paused = []
    monkeypatch.setattr(workers.time, "sleep", paused.append)

    def lose(self: Workers) -> None:
        raise LOST

    first, second = Workers(None, rank=0, size=2), Workers(None, rank=1, size=2)
    first.leave()
    Workers().leave()
    assert paused == [workers.LEAVING_S]
    monkeypatch.setattr(Workers, "wait", lose)
    first.leave()
    with pytest.raises(tf.errors.UnavailableError):
        second.leave()
