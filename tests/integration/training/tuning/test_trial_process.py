"""Trials in a separate process: its errors, its end, its reuse, and searches that are killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from model import CnnConfig
from model.errors import StreamError, TrazoError
from tests.conftest import ROOT, SAMPLE
from tests.support.tiny_space import QUICK_TRAINING, TinySpace, assert_same_trials, tune
from tests.support.trial_pid import trial_process_pid
from training.config import TrainConfig
from training.loop import trainer
from training.stream import HubStream
from training.tuning import trial_process

pytestmark = [
    pytest.mark.skipif(not trial_process.CAN_FORK, reason="trials run in the search's own process here"),
    pytest.mark.usefixtures("fork_server"),
]


@pytest.fixture
def arguments():
    train, validation = HubStream(SAMPLE, batch_size=32).hold_out(0.2)
    config = CnnConfig(filters=(2,), convolutions=1, dense_units=(), normalization="none", labels=train.labels)
    return config, TrainConfig(epochs=2, steps_per_epoch=3, **QUICK_TRAINING), train, validation


def test_fit_in_subprocess_gives_same_result_and_reports_each_epoch(tmp_path, arguments):
    epochs = []
    progress = trial_process.fit_in_subprocess(
        *arguments, checkpoint=tmp_path / "a", on_epoch=lambda p: epochs.append(p.epoch)
    )
    _, same = trainer.fit(*arguments, checkpoint=tmp_path / "b", verbose=False)
    assert epochs == [1, 2]
    assert [row["val_loss"] for row in progress.history] == [row["val_loss"] for row in same.history]


def test_fit_in_subprocess_process_is_reused_until_it_has_grown(tmp_path, arguments):
    pids = []

    def train(name, **options):
        note_pid = lambda progress: pids.append(trial_process_pid())  # noqa: E731
        trial_process.fit_in_subprocess(*arguments, checkpoint=tmp_path / name, on_epoch=note_pid, **options)

    train("a")
    train("b")
    assert len(set(pids)) == 1 and trial_process_pid() == pids[0]
    trial_process.close_trial_process()
    assert not Path(f"/proc/{pids[0]}").exists()
    train("c", max_growth_bytes=-1)  # which it always exceeds
    assert pids[-1] != pids[0] and trial_process_pid() is None
    assert not Path(f"/proc/{pids[-1]}").exists()


def test_fit_in_subprocess_error_is_raised_in_caller(tmp_path, arguments):
    config, settings, *streams = arguments
    trial_process.fit_in_subprocess(*arguments, checkpoint=tmp_path / "c", on_epoch=lambda progress: None)
    other = replace(settings, seed=1)
    with pytest.raises(TrazoError, match="seed"):
        trial_process.fit_in_subprocess(
            config, other, *streams, checkpoint=tmp_path / "c", on_epoch=lambda progress: None
        )


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (signal.SIGSEGV, TrazoError, r"the process of this trial crashed \(SIGSEGV\)"),
        (signal.SIGKILL, StreamError, r"was ended from outside \(SIGKILL\); run the same command again"),
    ],
)
def test_fit_in_subprocess_killed_process_is_reported_and_next_call_resumes(
    tmp_path, arguments, number, error, message
):
    def die(progress):
        os.kill(trial_process_pid(), number)

    with pytest.raises(error, match=message) as caught:
        trial_process.fit_in_subprocess(*arguments, checkpoint=tmp_path / "c", on_epoch=die)
    assert type(caught.value) is error
    epochs = []
    trial_process.fit_in_subprocess(
        *arguments, checkpoint=tmp_path / "c", on_epoch=lambda progress: epochs.append(progress.epoch)
    )
    assert epochs == [2]


def test_search_process_ended_for_lack_of_memory_fails_only_its_trial(tmp_path, monkeypatch):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    kills = iter([0, 0, 1, 1, 1, 1])  # the machine's count before the first trial and after its end, and so on
    monkeypatch.setattr(trial_process, "count_oom_kills", lambda: next(kills))
    monkeypatch.setattr("training.tuning.trial_record.oom_kill_snapshot", lambda: {"boot": "this one", "kills": 0})
    real, calls = trial_process.fit_in_subprocess, []

    def fit(*arguments, on_epoch, **options):
        calls.append(1)

        def then_die(progress):
            on_epoch(progress)
            if len(calls) == 2:
                os.kill(trial_process_pid(), signal.SIGKILL)

        return real(*arguments, on_epoch=then_die, **options)

    monkeypatch.setattr("training.tuning.tuner.fit_in_subprocess", fit)
    trials = tune(tmp_path, trials=3)["trials"]
    assert [trial["status"] for trial in trials] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "the system ran out of memory and killed the process of this trial" in trials[1]["reason"]


@pytest.mark.slow
def test_search_killed_no_training_outlives_it(tmp_path):
    """It would write into the checkpoint of the resumed search."""
    command = [sys.executable, "-m", "tests.support.tune_printing_pids", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while not (line := process.stdout.readline()).strip().isdigit():
        assert line, "the search ended by itself"
    process.kill()
    process.wait()
    gone = time.monotonic() + 30
    while Path(f"/proc/{line.strip()}").exists() and time.monotonic() < gone:
        time.sleep(0.05)
    assert not Path(f"/proc/{line.strip()}").exists()


@pytest.mark.slow
def test_search_script_without_main_guard_runs_once(tmp_path):
    # A copy, because Python would look for imports next to the script first.
    script = Path(shutil.copy(ROOT / "tests" / "support" / "unguarded_search.py", tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), str(tmp_path / "run")]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("once") == 1 and "1 trial" in result.stdout


@pytest.mark.slow
def test_search_in_one_process_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    tune(tmp_path / "a", trials=3)
    monkeypatch.setattr(trial_process, "CAN_FORK", False)
    tune(tmp_path / "b", trials=3)
    assert_same_trials(tmp_path / "a", tmp_path / "b")
