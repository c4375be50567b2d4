"""Budgets of a search: parameters, minutes, epochs without progress, memory."""

import json

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support import tiny_space
from tests.support.tiny_space import QUICK_TRAINING, TinySpace
from training.commands.tune import tune as search_data
from training.config import STRATEGIES, DataConfig, TuneConfig
from training.tuning import trial_record, tuner
from training.tuning.plan import RunClock
from training.tuning.speed import Speed


class WideSpace(TinySpace):
    """Networks of 51, 102, 502 … parameters."""

    def point(self, hp):
        architecture, training = super().point(hp)
        return architecture | {"filters": (hp.Choice("width", [50, 5, 1, 25, 75]),)}, training


def tune(folder, **settings) -> dict:
    """Search with three trials of an epoch, where the settings do not say otherwise."""
    return tiny_space.tune(folder, **{"trials": 3} | settings)


@pytest.mark.parametrize(
    ("strategy", "trials", "epochs"),
    [
        ("random", 6, 1),
        ("bayesian", 11, 3),
        ("hyperband", 11, 3),
    ],
)
@pytest.mark.slow
def test_max_params_larger_networks_are_not_tried(tmp_path, monkeypatch, strategy, trials, epochs):
    monkeypatch.setattr("training.commands.tune.SearchSpace", WideSpace)
    # More trials of the Bayesian strategy than its random first ones.
    report = tune(tmp_path, strategy=strategy, trials=trials, trial_epochs=epochs, trial_steps=1, max_params=600)
    assert len(report["trials"]) >= 6
    assert all(row["status"] == "COMPLETED" and row["parameters"] <= 600 for row in report["trials"])
    assert {row["hyperparameters"]["width"] for row in report["trials"]} <= {1, 5, 25}


@pytest.mark.slow
def test_max_params_grid_larger_network_fails(tmp_path, monkeypatch, instant_trials):
    monkeypatch.setattr("training.commands.tune.SearchSpace", WideSpace)
    report = tune(tmp_path, strategy="grid", trials=6, trial_steps=1, max_params=200)
    for row in report["trials"]:
        small = row["hyperparameters"]["width"] in (1, 5)
        assert row["status"] == ("COMPLETED" if small else "FAILED"), row
        assert small or row["reason"] == f"{row['parameters']:,} parameters; at most 200 were asked for"
    assert {row["status"] for row in report["trials"]} == {"COMPLETED", "FAILED"}


def test_max_params_no_network_is_small_enough_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("training.commands.tune.SearchSpace", WideSpace)
    with pytest.raises(TrazoError, match="no trial completed; none of 200 random points of the space is small enough"):
        tune(tmp_path, max_params=20)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"strategy": "grid"}, "8 of the 30 trials asked for have ended: this grid search has no further point"),
        (
            {"minutes": 60},
            "2 of the 30 trials asked for have ended: the time is up; run the same command again to resume",
        ),
        ({"trials": 8}, ""),
    ],
)
def test_search_fewer_trials_than_asked_for_are_explained(tmp_path, monkeypatch, caplog, instant_trials, settings, why):
    def fit(*arguments, **options):
        calls.append(1)
        if len(calls) == 3 and "minutes" in settings:
            monkeypatch.setattr("training.tuning.oracles.ResumableOracle.deadline_passed", lambda self: True)
        return instant_trials(*arguments, **options)

    calls = []
    caplog.set_level("INFO", logger="trazo")
    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    tune(tmp_path, **{"trials": 30, "search": ("activation",), **settings})
    reported = [message for message in caplog.messages if "asked for" in message]
    assert reported == ([why] if why else [])


def test_minutes_up_in_a_run_names_no_command_to_run_again(tmp_path, monkeypatch, caplog, instant_trials, tiny_space):
    """The training follows, and no trial is added after it."""

    calls = []

    def fit(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            monkeypatch.setattr("training.tuning.oracles.ResumableOracle.deadline_passed", lambda self: True)
        return instant_trials(*arguments, **options)

    caplog.set_level("INFO", logger="trazo")
    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    monkeypatch.setattr("training.tuning.plan.measure_speed", lambda *_: Speed(step_s=0.1, epoch_end_s=1.0))
    search = TuneConfig(minutes=60, trial_epochs=1, trial_steps=2)
    search_data(DataConfig(SAMPLE), QUICK_TRAINING, search, tmp_path, clock=RunClock(60, tmp_path))
    assert "1 of the 30 trials asked for have ended: the time of the search is up" in caplog.messages


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_minutes_running_trial_is_left_for_next_call(tmp_path, monkeypatch, strategy):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    settings = {"strategy": strategy, "trials": 4, "trial_epochs": 3}
    whole = tune(tmp_path / "whole", **settings)
    real, epochs = tuner.fit_in_subprocess, []
    last = 4 if strategy == "hyperband" else 5  # in the middle of a trial; hyperband's first three have one epoch

    def fit(*arguments, on_epoch, **options):
        def counted(progress):
            epochs.append(progress.epoch)
            if len(epochs) == last:
                monkeypatch.setattr("training.tuning.oracles.ResumableOracle.deadline_passed", lambda self: True)
            on_epoch(progress)

        return real(*arguments, on_epoch=counted, **options)

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    cut = tune(tmp_path / "cut", **settings, minutes=60)
    assert cut["trials"][-1]["status"] == "RUNNING" and cut["trials"][-1]["ended"] is None
    monkeypatch.undo()
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    again = tune(tmp_path / "cut", **settings)
    for a, b in zip(whole["trials"], again["trials"], strict=True):
        assert (a["hyperparameters"], a["score"]) == (b["hyperparameters"], b["score"])


def test_minutes_up_before_first_trial_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    with pytest.raises(TrazoError, match="no trial completed; none ended within 1e-09 minutes"):
        tune(tmp_path, minutes=1e-9)


def test_trial_patience_is_passed_to_training(tmp_path, monkeypatch, instant_trials):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    seen = []

    def fit(config, settings, *arguments, **options):
        seen.append((settings.epochs, settings.patience))
        return instant_trials(config, settings, *arguments, **options)

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    tune(tmp_path / "a", trials=1, trial_epochs=4, trial_steps=2, trial_patience=2)
    tune(tmp_path / "b", trials=1, trial_epochs=4, trial_steps=2)
    assert seen == [(4, 2), (4, 4)]


@pytest.mark.slow
def test_trial_out_of_memory_twice_fails(tmp_path, monkeypatch):
    """Linux ends the process, so nothing can be caught: the next start sees it by the machine's count."""
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    real, kills, calls, note = tuner.fit_in_subprocess, [5], [], []

    def fit(*arguments, **options):
        calls.append(1)
        if len(calls) in (1, 3, 4):  # the first start is stopped by the user, the next two by the kernel
            kills[0] += 1  # also during the first start, of some other process
            note[:] = [(tmp_path / "tuner" / "trial_1" / "record.json").read_text()] if len(calls) > 1 else []
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    monkeypatch.setattr(trial_record, "oom_kill_snapshot", lambda: {"boot": "this one", "kills": kills[0]})
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            tune(tmp_path)
        # The kernel leaves no time to take the note away.
        (tmp_path / "tuner" / "trial_1" / "record.json").write_text(note[0])
    report = tune(tmp_path)
    assert [row["status"] for row in report["trials"]] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert report["trials"][1]["reason"].endswith("the system ran out of memory 2 times while this trial ran")


def test_trial_kills_before_reboot_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    folder = tmp_path / "tuner" / "trial_0"
    for start, note in enumerate([{"boot": "earlier", "kills": 0}] * 3):
        with monkeypatch.context() as interrupted:
            interrupted.setattr(tuner, "fit_in_subprocess", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            interrupted.setattr(trial_record, "oom_kill_snapshot", lambda: {"boot": "this one", "kills": 9})
            with pytest.raises(KeyboardInterrupt):
                tune(tmp_path)
        record = json.loads((folder / "record.json").read_text())
        assert record["oom_kills"] == 0, start
        (folder / "record.json").write_text(json.dumps(record | {"memory": note}))


def test_tensorboard_files_have_epochs_and_hyperparameters(tmp_path, monkeypatch, in_process):
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    settings = TuneConfig(trials=1, trial_epochs=2, trial_steps=2)
    search_data(DataConfig(SAMPLE), QUICK_TRAINING, settings, tmp_path, ("tensorboard",))
    report = json.loads((tmp_path / "trials.json").read_text())
    for row in report["trials"]:
        events = EventAccumulator(str(tmp_path / "tensorboard" / f"trial_{row['trial_id']}"), {"tensors": 0})
        events.Reload()
        losses = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("val_loss")]
        assert losses == pytest.approx([epoch["val_loss"] for epoch in row["history"]])
        assert events.summary_metadata["_hparams_/session_start_info"]
