"""Trials that are stopped early in a real search: what is kept of them, and a kill at the worst moment."""

import json

import pytest

from model.io.atomic import write_json
from tests.support.tiny_space import tune
from training.loop.trainer import Progress
from training.tuning import tuner
from training.tuning.trials_report import read_trials

ENDS = [0.5, 0.6, 0.7, 0.2, 0.9]  # accuracy that the trials reach; the fourth is bad from the start


@pytest.fixture
def scripted(monkeypatch, tiny_space):
    """Let trials reach `ENDS` without training; return a list of (trial, epochs trained by this start)."""
    trained: list[tuple[int, list[int]]] = []

    def fit(_, settings, *__, checkpoint, on_epoch, **___) -> Progress:
        number, saved = int(checkpoint.parent.name.removeprefix("trial_")), checkpoint.with_suffix(".json")
        progress = Progress(history=json.loads(saved.read_text()) if saved.exists() else [])
        trained.append((number, []))
        for epoch in range(len(progress.history) + 1, settings.epochs + 1):
            value = ENDS[number] * (0.5 + epoch / 20)
            row = {
                "epoch": epoch,
                "loss": 1.0,
                "accuracy": value,
                "val_loss": 1.0,
                "val_accuracy": value,
                "seconds": 1.0,
            }
            progress.history.append(row)
            progress.epoch, progress.seconds = epoch, float(epoch)
            write_json(saved, progress.history)
            trained[-1][1].append(epoch)
            on_epoch(progress)
        progress.finished = True
        return progress

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    return trained


def what_counts(report: dict) -> list[tuple]:
    """Return what must not depend on interruptions."""
    return [
        (one["trial_id"], one["status"], one["score"], len(one["history"]), one["stopped"]) for one in report["trials"]
    ]


def test_search_bad_trial_ends_after_its_first_comparison(tmp_path, scripted):
    report = tune(tmp_path, strategy="random", trials=5, trial_epochs=9)
    assert [len(epochs) for _, epochs in scripted] == [9, 9, 9, 1, 9]
    bad = report["trials"][3]
    assert bad["status"] == "COMPLETED" and len(bad["history"]) == 1
    assert bad["stopped"].startswith("stopped after epoch 1 of 9: val_accuracy 0.11 was in place 4 of 4")
    assert bad["ended"] and report["best_trial"] == "4"
    assert not (tmp_path / "tuner" / "trial_3" / "checkpoint.safetensors").exists()


def test_search_full_trials_stops_none(tmp_path, scripted):
    report = tune(tmp_path, strategy="random", trials=5, trial_epochs=9, full_trials=True)
    assert {len(epochs) for _, epochs in scripted} == {9} and not any(one["stopped"] for one in report["trials"])


@pytest.mark.parametrize("moment", ["before the record", "before the decision is known", "before the end"])
def test_search_killed_around_the_decision_ends_the_same(tmp_path, monkeypatch, scripted, moment):
    """The checkpoint has the epoch already: the next start trains at most one more, which does not count."""
    whole = what_counts(tune(tmp_path / "whole", strategy="random", trials=5, trial_epochs=9))
    killed = {
        "before the record": (tuner.TrialRecord, "update"),
        "before the decision is known": (tuner.StreamTuner, "_report_epochs"),
        "before the end": (tuner.StreamTuner, "on_trial_end"),
    }[moment]
    real = getattr(*killed)

    def die(self, *arguments, **values):
        of_bad_trial = scripted and scripted[-1][0] == 3 and len(scripted) == 9
        if of_bad_trial and not (moment == "before the record" and "history" not in values):
            raise KeyboardInterrupt
        return real(self, *arguments, **values)

    monkeypatch.setattr(*killed, die)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "killed", strategy="random", trials=5, trial_epochs=9)
    monkeypatch.setattr(*killed, real)
    report = tune(tmp_path / "killed", strategy="random", trials=5, trial_epochs=9)
    assert what_counts(report) == whole
    starts = [epochs for number, epochs in scripted[9:] if number == 3]
    assert starts == ([[2]] if moment == "before the record" else [])


def test_search_ends_by_itself_and_says_why(tmp_path, scripted, caplog, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ENDS", [0.5, 0.9] + [0.4] * 20)
    caplog.set_level("INFO", logger="trazo")
    report = tune(tmp_path, strategy="random", trial_epochs=1, trials=None, search_patience=3)
    assert len(report["trials"]) == 5
    assert "the search has ended: none of the last 3 trials was the best one" in caplog.messages
    assert read_trials(tmp_path).budget.search_patience == 3
