"""`run --minutes`: what it does with its time, and a call that continues."""

import json

import pytest

from tests.conftest import SAMPLE
from tests.support.tiny_training import tiny_preset
from training.commands.run import run_all
from training.config import DataConfig, TuneConfig
from training.presets import PRESETS
from training.tuning import plan as planning
from training.tuning.speed import Speed

QUICK = {"ema_momentum": 0.0, "optimizer": "sgd"}


@pytest.fixture
def speed(monkeypatch) -> list[Speed]:
    """Let `default` be a tiny preset; return a list whose one item is what is measured."""
    monkeypatch.setitem(PRESETS, "default", tiny_preset)
    measured = [Speed(step_s=0.2, epoch_end_s=0.5)]
    monkeypatch.setattr(planning, "measure_speed", lambda *_: measured[0])
    return measured


def run(folder, minutes: float) -> dict[str, dict]:
    """Run, and return the reports by their names."""
    run_all(DataConfig(SAMPLE), QUICK, TuneConfig(minutes=minutes), folder)
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_run_too_little_time_for_a_search_trains_the_preset_for_all_of_it(tmp_path, speed, caplog):
    caplog.set_level("INFO", logger="trazo")
    reports = run(tmp_path, minutes=0.4)
    assert "trials" not in reports and reports["evaluation"]["rows"] == 1000
    training = reports["training"]
    assert training["preset"] == "default" and len(training["history"]) == 5
    # Half of the minutes at least, 12 seconds: five epochs of (12 / 5 - 0.5) / 0.2 steps.
    assert training["hyperparameters"]["steps_per_epoch"] == 9 and training["options"]["training"]["epochs"] == 5
    assert "0.4 minutes are too short for a search that would find anything: the preset is trained" in caplog.text
    assert "training: 5 epochs of 9 steps, as long as fits into the 0.2 minutes that are left" in caplog.text
    speed[0] = Speed(step_s=0.01, epoch_end_s=0.1)  # the next call measures nothing, and finds the training finished
    assert run(tmp_path, minutes=0.4)["training"] == training


def test_run_epochs_that_are_given_are_trained_whatever_the_minutes_are(tmp_path, speed):
    run_all(DataConfig(SAMPLE), QUICK | {"epochs": 1, "steps_per_epoch": 3}, TuneConfig(minutes=0.4), tmp_path)
    history = json.loads((tmp_path / "training.json").read_text())["history"]
    assert len(history) == 1
