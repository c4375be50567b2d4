import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from model import CnnConfig
from model.errors import StreamError, TrazoError
from tests.conftest import ROOT, SAMPLE
from tests.unit.training.tuning.test_tuner import Tiny, assert_same, tune
from training import commands
from training.config import TrainConfig
from training.loop import trainer
from training.stream import HubStream
from training.tuning import trial_process

pytestmark = pytest.mark.skipif(not trial_process.CAN_FORK, reason="trials run in the search's own process here")


@pytest.fixture
def arguments():
    train, validation = HubStream(SAMPLE, batch_size=32).hold_out(0.2)
    config = CnnConfig(filters=(2,), convolutions=1, dense_units=(), labels=train.labels)
    return config, TrainConfig(epochs=2, batch_size=32, steps_per_epoch=3), train, validation


def test_it_does_what_the_training_does_and_tells_each_epoch(tmp_path, arguments):
    told = []
    progress = trial_process.fit(*arguments, checkpoint=tmp_path / "a", on_epoch=lambda p: told.append(p.epoch))
    _, same = trainer.fit(*arguments, checkpoint=tmp_path / "b", verbose=False)
    assert told == [1, 2]
    assert [row["val_loss"] for row in progress.history] == [row["val_loss"] for row in same.history]


def test_a_process_is_used_again_until_it_has_grown(tmp_path, arguments, monkeypatch):
    pids = []

    def train(name):
        told = lambda progress: pids.append(trial_process._children[0].process.pid)  # noqa: E731
        trial_process.fit(*arguments, checkpoint=tmp_path / name, on_epoch=told)

    train("a")
    train("b")
    assert len(set(pids)) == 1 and len(trial_process._children) == 1
    trial_process.end()
    assert not Path(f"/proc/{pids[0]}").exists()
    monkeypatch.setattr(trial_process, "GROWTH", -1)  # of the next process: whatever its size, it has grown
    train("c")
    assert pids[-1] != pids[0] and not trial_process._children
    assert not Path(f"/proc/{pids[-1]}").exists()


def test_a_mistake_is_raised_here(tmp_path, arguments):
    config, settings, *streams = arguments
    trial_process.fit(*arguments, checkpoint=tmp_path / "c", on_epoch=lambda progress: None)
    other = replace(settings, seed=1)
    with pytest.raises(TrazoError, match="seed"):
        trial_process.fit(config, other, *streams, checkpoint=tmp_path / "c", on_epoch=lambda progress: None)


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (signal.SIGSEGV, TrazoError, r"the process of this trial crashed \(SIGSEGV\)"),
        (signal.SIGKILL, StreamError, r"was ended from outside \(SIGKILL\); the same command goes on"),
    ],
)
def test_the_end_of_the_process_is_told_and_the_next_call_goes_on(tmp_path, arguments, number, error, message):
    def die(progress):
        os.kill(trial_process._children[0].process.pid, number)

    with pytest.raises(error, match=message) as caught:
        trial_process.fit(*arguments, checkpoint=tmp_path / "c", on_epoch=die)
    assert type(caught.value) is error
    told = []
    trial_process.fit(*arguments, checkpoint=tmp_path / "c", on_epoch=lambda progress: told.append(progress.epoch))
    assert told == [2]


def test_where_the_system_ends_it_for_want_of_memory_the_trial_fails_and_the_search_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    kills = iter([0, 0, 1, 1, 1, 1])  # the machine's count before the first trial and after its end, and so on
    monkeypatch.setattr(trial_process, "out_of_memory_kills", lambda: next(kills))
    monkeypatch.setattr("training.tuning.tuner.memory_note", lambda: {"boot": "this one", "kills": 0})
    real, calls = trial_process.fit, []

    def fit(*arguments, on_epoch, **options):
        calls.append(1)

        def then_die(progress):
            on_epoch(progress)
            if len(calls) == 2:
                os.kill(trial_process._children[0].process.pid, signal.SIGKILL)

        return real(*arguments, on_epoch=then_die, **options)

    monkeypatch.setattr("training.tuning.tuner.fit", fit)
    trials = tune(tmp_path, trials=3)["trials"]
    assert [trial["status"] for trial in trials] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "the system ran out of memory and ended the process of this trial" in trials[1]["reason"]


SEARCH = """
from training import commands
from training.tuning import trial_process
from tests.unit.training.tuning.test_tuner import Tiny
commands.SearchSpace = Tiny
from pathlib import Path; import os, sys, training.tuner as t
def told(*arguments, on_epoch, **options):
    def tell(progress):
        print(trial_process._children[0].process.pid, flush=True)
        on_epoch(progress)
    return trial_process.fit(*arguments, on_epoch=tell, **options)
t.fit = told
from tests.unit.training.tuning.test_tuner import tune; tune(Path(sys.argv[1]), trials=2, trial_epochs=300)
"""


@pytest.mark.slow
def test_no_training_outlives_a_search_that_was_killed(tmp_path):
    """It would write into the checkpoint of the search that goes on."""
    command = [sys.executable, "-c", SEARCH, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while not (line := process.stdout.readline()).strip().isdigit():
        assert line, "the search ended by itself"
    process.kill()
    process.wait()
    gone = time.monotonic() + 30
    while Path(f"/proc/{line.strip()}").exists() and time.monotonic() < gone:
        time.sleep(0.05)
    assert not Path(f"/proc/{line.strip()}").exists()


SCRIPT = """
import sys; sys.path.insert(0, {root!r})
from pathlib import Path; from training import commands
from tests.unit.training.tuning.test_tuner import Tiny, tune
commands.SearchSpace = Tiny
print("once"); print(len(tune(Path(sys.argv[1]), trials=1)["trials"]), "trial")
"""


@pytest.mark.slow
def test_a_script_without_a_guard_is_not_run_again_in_the_process(tmp_path):
    script = tmp_path / "search.py"
    script.write_text(SCRIPT.format(root=str(ROOT)))
    command = [sys.executable, str(script), str(tmp_path / "run")]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("once") == 1 and "1 trial" in result.stdout


@pytest.mark.slow
def test_a_search_is_the_same_in_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    tune(tmp_path / "a", trials=3)
    monkeypatch.setattr(trial_process, "CAN_FORK", False)
    tune(tmp_path / "b", trials=3)
    assert_same(tmp_path / "a", tmp_path / "b")


def test_what_tensorflow_says_of_a_failure_is_told_in_one_line(monkeypatch):
    @tf.function
    def product(x):
        return tf.linalg.matmul(x, x)

    with pytest.raises(tf.errors.OpError) as caught:
        product.get_concrete_function(tf.TensorSpec(None))(tf.zeros((2, 3)))
    told = str(trial_process._portable(caught.value))
    assert "\n" not in told and "Op:" not in told and "[2,3]" in told.replace(" ", "")
    message = (
        "Graph execution error:\n\nDetected at node model/conv defined at (most recent call last):\n"
        '  File "x.py", line 1, in f\n\nOOM when allocating tensor with shape[128,9999] and type float on cpu\n'
        "\t [[{{node model/conv}}]] [Op:__inference_f_13]"
    )
    error = tf.errors.ResourceExhaustedError(None, None, message)
    told = str(trial_process._portable(error))
    assert told == "out of memory: OOM when allocating tensor with shape[128,9999] and type float on cpu"
