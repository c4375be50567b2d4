"""Several processes train one network together: to the same result as one, and to none if one of them is lost."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from tests.conftest import SAMPLE
from tests.support import worker_training
from tests.support.worker_training import CASES, write_data
from tests.support.workers import end_workers, start_workers
from training.loop.workers import ALONE

FLOAT64_CASES = [name for name in CASES if name not in ("bfloat16", "short")]


pytestmark = pytest.mark.usefixtures("fork_server")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


@pytest.fixture
def folder(tmp_path, data):
    """Return a function that makes a folder with the datasets, for one number of workers."""

    def make(name: object) -> Path:
        made = tmp_path / str(name)
        made.mkdir()
        for one in data.iterdir():
            (made / one.name).symlink_to(one)
        return made

    return make


def train(folder: Path, count: int, precision: str, names: list[str]) -> None:
    for worker in start_workers(count, folder, worker_training.run, folder, precision, names):
        assert worker.wait(1500) == 0, worker.read()


def read(folder: Path, name: str) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    """Return the tensors of a checkpoint, and the history without times."""
    with safe_open(folder / f"{name}.safetensors", "numpy") as file:
        history = json.loads(file.metadata()["state"])["progress"]["history"]
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    return tensors, [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def check_equal(expected: Path, actual: Path, name: str, tolerance: float, history_tolerance: float = 1e-6) -> None:
    (a, history), (b, other_history) = read(expected, name), read(actual, name)
    assert a.keys() == b.keys() and len(history) == len(other_history)
    for key in a:
        np.testing.assert_allclose(b[key], a[key], rtol=tolerance, atol=tolerance, err_msg=f"{name}, {key}")
    for row, other in zip(history, other_history, strict=True):
        assert other == pytest.approx(row, rel=history_tolerance, abs=1e-9, nan_ok=True), name


def test_fit_with_two_workers_takes_the_steps_of_one(folder):
    alone, together = folder("alone"), folder("together")
    workers = start_workers(2, together, worker_training.run, together, "float32", ["short"])
    worker_training.train(alone, "float32", ["short"], ALONE)
    for worker in workers:
        assert worker.wait() == 0, worker.read()
    check_equal(alone, together, "short", tolerance=1e-4, history_tolerance=1e-3)


def test_train_command_with_two_workers_ends_with_the_weights_of_one(training, tmp_path):
    for count in ("1", "2"):
        options = ("--preset", "fast", "--image-size", "8", "--precision", "float32", "--batch-size", "32")
        options += ("--optimizer", "sgd", "--learning-rate", "0.01", "--epochs", "1", "--steps-per-epoch", "3")
        ended = training("train", "--dataset", SAMPLE, "--output", tmp_path / count, *options, "--workers", count)
        assert ended.returncode == 0, ended.stderr
    alone, together = (load_file(tmp_path / count / "model.safetensors") for count in ("1", "2"))
    assert alone.keys() == together.keys()
    for name in alone:
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-4, atol=1e-4, err_msg=name)
    first, second = (json.loads((tmp_path / count / "training.json").read_text()) for count in ("1", "2"))
    assert second["history"][0]["val_loss"] == pytest.approx(first["history"][0]["val_loss"], rel=1e-3)


@pytest.mark.slow
def test_fit_with_any_number_of_workers_ends_with_the_same_weights(folder):
    """In float64, in which rounding does not hide a mistake: 20 steps with each option."""
    folders = {count: folder(count) for count in (1, 2, 3)}
    for count, one in folders.items():
        train(one, count, "float64", FLOAT64_CASES)
    for name in FLOAT64_CASES:
        tolerance = 1e-7 if name == "augmented" else 1e-10  # images are distorted in float32
        for count in (2, 3):
            check_equal(folders[1], folders[count], name, tolerance)


@pytest.mark.slow
def test_fit_two_workers_twice_ends_with_the_same_bits(folder):
    first, second = folder("first"), folder("second")
    for one in (first, second):
        train(one, 2, "float32", ["augmented", "bfloat16"])
    for name in ("augmented", "bfloat16"):
        check_equal(first, second, name, tolerance=0.0)


@pytest.mark.slow
def test_fit_killed_and_resumed_with_2_then_3_then_1_worker_ends_with_the_same_weights(folder):
    whole, killed = folder("whole"), folder("killed")
    train(whole, 1, "float64", ["mixed"])
    for count, victim, step in ((2, 1, 7), (3, 0, 6)):
        options = {"FAIL_AT_STEP": str(step), "FAIL_RANK": str(victim), "FAIL_BY": "SIGKILL"}
        workers = start_workers(count, killed, worker_training.run, killed, "float64", ["mixed"], **options)
        for rank, worker in enumerate(workers):
            code = worker.wait(600)
            if rank == victim:
                assert code == -signal.SIGKILL, worker.read()
            else:
                assert code == 75 and f"worker {rank + 1} of {count}: another one has ended" in worker.read()
    train(killed, 1, "float64", ["mixed"])
    check_equal(whole, killed, "mixed", tolerance=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_fit_worker_that_stops_answering_ends_the_other(folder, victim):
    options = {"FAIL_AT_STEP": "5", "FAIL_RANK": str(victim), "FAIL_BY": "SIGSTOP"}
    data = folder("run")
    workers = start_workers(2, data, worker_training.run, data, "float32", ["short", "plain"], **options)
    try:
        other = workers[1 - victim]
        assert other.wait(600) == 75 and "does not answer" in other.read()
    finally:
        end_workers(workers)


@pytest.mark.slow
@pytest.mark.parametrize(("cause", "code", "text"), [("error", 2, "the disk is gone"), ("bug", 1, "KeyError: 'a bug'")])
def test_fit_error_in_one_worker_ends_all_and_is_named(folder, cause, code, text):
    options = {"FAIL_AT_STEP": "5", "FAIL_RANK": "1", "FAIL_BY": cause}
    data = folder("run")
    first, second = start_workers(2, data, worker_training.run, data, "float32", ["short", "plain"], **options)
    assert second.wait(600) == code and text in second.read()
    assert first.wait(600) == 75 and "worker 1 of 2: another one has ended or does not answer" in first.read()
