"""Budgets of a search: parameters, minutes, epochs without progress, memory."""

import json

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.unit.training.tuning.test_tuner import Tiny
from training import commands
from training.config import STRATEGIES, DataConfig, TuneConfig
from training.loop.trainer import Progress
from training.tuning import tuner

SHORT = {"trials": 3, "trial_epochs": 1, "trial_steps": 2}


class Wide(Tiny):
    """Networks of 51, 102, 502 … parameters."""

    def point(self, hp):
        network, training = super().point(hp)
        return network | {"filters": (hp.Choice("width", [50, 5, 1, 25, 75]),)}, training


def tune(folder, **settings) -> dict:
    commands.tune(DataConfig(SAMPLE), {"batch_size": 32}, TuneConfig(**SHORT | settings), folder)
    return json.loads((folder / "trials.json").read_text())


@pytest.mark.parametrize(
    ("strategy", "trials", "epochs"),
    [
        ("random", 6, 1),
        ("bayesian", 11, 3),
        ("hyperband", 11, 3),
    ],
)
@pytest.mark.slow
def test_no_network_has_more_parameters_than_the_budget(tmp_path, monkeypatch, strategy, trials, epochs):
    monkeypatch.setattr(commands, "SearchSpace", Wide)
    # More trials of the Bayesian strategy than its random first ones.
    report = tune(tmp_path, strategy=strategy, trials=trials, trial_epochs=epochs, trial_steps=1, max_params=600)
    assert len(report["trials"]) >= 6
    assert all(row["status"] == "COMPLETED" and row["parameters"] <= 600 for row in report["trials"])
    assert {row["hyperparameters"]["width"] for row in report["trials"]} <= {1, 5, 25}


@pytest.mark.slow
def test_in_a_grid_a_network_that_is_too_large_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Wide)
    report = tune(tmp_path, strategy="grid", trials=6, trial_steps=1, max_params=200)
    for row in report["trials"]:
        small = row["hyperparameters"]["width"] in (1, 5)
        assert row["status"] == ("COMPLETED" if small else "FAILED"), row
        assert small or row["reason"] == f"{row['parameters']:,} parameters; at most 200 were asked for"
    assert {row["status"] for row in report["trials"]} == {"COMPLETED", "FAILED"}


def test_a_budget_that_no_network_keeps_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Wide)
    with pytest.raises(TrazoError, match="no trial completed; none of 200 random points of the space is small enough"):
        tune(tmp_path, max_params=20)


def done_at_once(*_, on_epoch, **__) -> Progress:
    """Stand for a training where only the choice of trials is of interest."""
    row = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 1.0}
    progress = Progress(epoch=1, history=[row])
    on_epoch(progress)
    return progress


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"strategy": "grid"}, "8 of the 30 trials asked for have ended: this grid search has no further point"),
        ({"minutes": 60}, "2 of the 30 trials asked for have ended: the time is up; the same command goes on"),
        ({"trials": 8}, ""),
    ],
)
def test_fewer_trials_than_were_asked_for_are_explained(tmp_path, monkeypatch, capsys, settings, why):
    def fit(*arguments, **options):
        calls.append(1)
        if len(calls) == 3 and "minutes" in settings:
            monkeypatch.setattr("training.tuning.oracles.ResumableOracle.deadline_passed", lambda self: True)
        return done_at_once(*arguments, **options)

    calls = []
    monkeypatch.setattr(tuner, "fit", fit)
    tune(tmp_path, **{"trials": 30, "search": ("activation",), **settings})
    told = [line for line in capsys.readouterr().out.splitlines() if "asked for" in line]
    assert told == ([why] if why else [])


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_when_the_time_is_up_the_running_trial_is_left_for_the_next_call(tmp_path, monkeypatch, strategy):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    settings = {"strategy": strategy, "trials": 4, "trial_epochs": 3}
    whole = tune(tmp_path / "whole", **settings)
    real, epochs = tuner.fit, []
    last = 4 if strategy == "hyperband" else 5  # in the middle of a trial; hyperband's first three have one epoch

    def fit(*arguments, on_epoch, **options):
        def counted(progress):
            epochs.append(progress.epoch)
            if len(epochs) == last:
                monkeypatch.setattr("training.tuning.oracles.ResumableOracle.deadline_passed", lambda self: True)
            on_epoch(progress)

        return real(*arguments, on_epoch=counted, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    cut = tune(tmp_path / "cut", **settings, minutes=60)
    assert cut["trials"][-1]["status"] == "RUNNING" and cut["trials"][-1]["ended"] is None
    monkeypatch.undo()
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    again = tune(tmp_path / "cut", **settings)
    for a, b in zip(whole["trials"], again["trials"], strict=True):
        assert (a["hyperparameters"], a["score"]) == (b["hyperparameters"], b["score"])


def test_a_search_that_ends_before_its_first_trial_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    with pytest.raises(TrazoError, match="no trial completed; none ended within 1e-09 minutes"):
        tune(tmp_path, minutes=1e-9)


def test_a_trial_that_gets_no_better_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    real, seen = tuner.fit, []

    def fit(config, settings, *arguments, **options):
        seen.append((settings.epochs, settings.patience))
        return real(config, settings, *arguments, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    tune(tmp_path / "a", trials=1, trial_epochs=4, trial_steps=2, trial_patience=2)
    tune(tmp_path / "b", trials=1, trial_epochs=4, trial_steps=2)
    assert seen == [(4, 2), (4, 4)]


@pytest.mark.slow
def test_a_trial_that_twice_took_all_memory_is_given_up(tmp_path, monkeypatch):
    """Linux ends the process, so that nothing can be caught: the next start sees it by the machine's own count."""
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    real, kills, calls, note = tuner.fit, [5], [], []

    def fit(*arguments, **options):
        calls.append(1)
        if len(calls) in (1, 3, 4):  # the first start is stopped by a person, the next two by the kernel
            kills[0] += 1  # also beside the first one, of somebody else's process
            note[:] = [(tmp_path / "tuner" / "trial_1" / "record.json").read_text()] if len(calls) > 1 else []
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    monkeypatch.setattr(tuner, "memory_note", lambda: {"boot": "this one", "kills": kills[0]})
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


def test_linux_counts_the_processes_it_ended():
    note = tuner.memory_note()
    assert note["kills"] >= 0 and len(note["boot"]) == 36


def test_kills_since_another_start_of_the_machine_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    folder = tmp_path / "tuner" / "trial_0"
    for start, note in enumerate([{"boot": "earlier", "kills": 0}] * 3):
        with monkeypatch.context() as interrupted:
            interrupted.setattr(tuner, "fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            interrupted.setattr(tuner, "memory_note", lambda: {"boot": "this one", "kills": 9})
            with pytest.raises(KeyboardInterrupt):
                tune(tmp_path)
        record = json.loads((folder / "record.json").read_text())
        assert record["memory_deaths"] == 0, start
        (folder / "record.json").write_text(json.dumps(record | {"memory": note}))


def test_tensorboard_gets_each_epoch_and_the_hyperparameters(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)
    commands.tune(
        DataConfig(SAMPLE), {"batch_size": 32}, TuneConfig(**SHORT | {"trials": 1, "trial_epochs": 2}), tmp_path, True
    )
    report = json.loads((tmp_path / "trials.json").read_text())
    for row in report["trials"]:
        events = EventAccumulator(str(tmp_path / "tensorboard" / row["trial_id"]), {"tensors": 0})
        events.Reload()
        losses = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("val_loss")]
        assert losses == pytest.approx([epoch["val_loss"] for epoch in row["history"]])
        assert events.summary_metadata["_hparams_/session_start_info"]
