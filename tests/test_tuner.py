import json
import os
import signal
import subprocess
import sys
import time

import keras_tuner
import pytest

from model import CnnConfig
from model.errors import TrazoError
from tests.conftest import ROOT, SAMPLE
from training import search_space, tuner
from training.__main__ import main
from training.config import STRATEGIES, DataConfig, TrainConfig, TuneConfig
from training.run import tune_run

SHORT = {"trial_epochs": 1, "trial_steps": 2}


def tune(folder, **settings) -> dict:
    tune_run(DataConfig(SAMPLE), TrainConfig(batch_size=32), TuneConfig(**SHORT | settings), folder)
    return json.loads((folder / "trials.json").read_text())


def tiny(hp):
    """The real space's form with two small networks, so that a test of the search is not a test of patience."""
    network = {"filters": (hp.Choice("filters", [2, 3]),), "convolutions": 1, "dense_units": (), "scaling": "min-max"}
    return network, {"learning_rate": hp.Float("learning_rate", 1e-3, 1e-2, sampling="log")}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_completes_and_reports_its_trials(tmp_path, monkeypatch, strategy):
    monkeypatch.setattr(tuner, "build", tiny)
    report = tune(tmp_path, trials=2, strategy=strategy, trial_epochs=3)
    assert len(report["trials"]) == 2
    for trial in report["trials"]:
        assert trial["status"] == "COMPLETED" and trial["parameters"] > 0 and trial["seconds"] > 0
        assert trial["score"] == max(row["val_accuracy"] for row in trial["history"])
        assert set(trial["hyperparameters"]) == {"filters", "learning_rate"}
    assert report["objective"] == {"name": "val_accuracy", "direction": "max"}
    best = max(report["trials"], key=lambda trial: trial["score"])
    scores = {trial["trial_id"]: trial["score"] for trial in report["trials"]}
    assert scores[report["best_trial"]] == best["score"]


def test_finished_trials_are_not_run_again_and_more_can_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tuner, "build", tiny)
    first = tune(tmp_path, trials=1)
    assert tune(tmp_path, trials=1) == first
    more = tune(tmp_path, trials=2)
    assert [t["score"] for t in more["trials"][:1]] == [t["score"] for t in first["trials"]]
    assert len(more["trials"]) == 2


def test_trials_stay_in_order_when_their_number_gets_a_digit_more(tmp_path, monkeypatch):
    def fit(*_, **__):
        raise TrazoError("no time for that")

    monkeypatch.setattr(tuner, "build", tiny)
    tune(tmp_path, trials=1)
    monkeypatch.setattr(tuner, "fit", fit)
    many = tune(tmp_path, trials=11)
    assert [int(t["trial_id"]) for t in many["trials"]] == list(range(11))


def test_hyperband_gives_its_best_point_more_epochs_and_ends_with_its_plan(tmp_path, monkeypatch):
    monkeypatch.setattr(tuner, "build", tiny)
    report = tune(tmp_path, trials=20, strategy="hyperband", trial_epochs=3)
    assert [len(trial["history"]) for trial in report["trials"]] == [1, 1, 1, 3, 3, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "hyperband", "trial_epochs": 2}, "give 3 or more, not 2"),
        ({"trial_steps": 0}, "at least 1"),
        ({"seed": -1}, "seed of a search must lie between 0 and 4294967294, not -1"),
        ({"seed": 2**32 - 1}, "not 4294967295"),
    ],
)
def test_what_cannot_be_searched_is_refused_beforehand(settings, message):
    with pytest.raises(TrazoError, match=message):
        TuneConfig(**settings)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes_is_refused(seed, tmp_path, capsys):
    with pytest.raises(TrazoError, match=f"seed must lie between 0 and 4294967295, not {seed}"):
        TrainConfig(seed=seed)
    assert main(["tune", "--dataset", SAMPLE, "--output", str(tmp_path), "--seed", str(seed)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_largest_seed_suits_every_strategy(tmp_path, monkeypatch, strategy):
    monkeypatch.setattr(tuner, "build", tiny)
    data, seed = DataConfig(SAMPLE), 2**32 - 2
    settings = TuneConfig(trials=1, strategy=strategy, trial_epochs=3, trial_steps=1, seed=seed)
    report = tune_run(data, TrainConfig(batch_size=32, seed=seed + 1), settings, tmp_path)
    assert report["best_trial"] == "0"


def test_a_failed_trial_is_told_and_the_search_goes_on(tmp_path, monkeypatch):
    def sometimes(hp):
        network, training = tiny(hp)
        if hp.get("filters") == 3:
            network["activation"] = "mish"
        return network, training

    monkeypatch.setattr(tuner, "build", sometimes)
    report = tune(tmp_path, trials=4)
    by_filters = {trial["hyperparameters"]["filters"]: trial for trial in report["trials"]}
    assert by_filters[2]["status"] == "COMPLETED" and by_filters[2]["reason"] is None
    assert by_filters[3]["status"] == "FAILED" and "unknown activation 'mish'" in by_filters[3]["reason"]
    assert by_filters[3]["score"] is None


def test_a_search_of_which_no_trial_completes_fails_and_says_why(tmp_path, monkeypatch):
    def never(hp):
        network, training = tiny(hp)
        return {**network, "kernel_size": 99}, training

    monkeypatch.setattr(tuner, "build", never)
    with pytest.raises(TrazoError, match="kernel_size must be a whole number from 1 to 28"):
        tune(tmp_path, trials=2)
    report = json.loads((tmp_path / "trials.json").read_text())
    assert report["best_trial"] is None and {t["status"] for t in report["trials"]} == {"FAILED"}


def test_a_killed_search_goes_on_with_its_trial(tmp_path):
    """`kill -9` in the second trial: the first is kept, the second continued, and the scores are those of no kill."""
    script = (
        "import sys, training.trainer as t; t.SECONDS_BETWEEN_CHECKPOINTS = 0.0\n"
        "from training import tuner; from tests.test_tuner import tiny; tuner.build = tiny\n"
        "from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )

    def command(folder) -> list[str]:
        options = ["--trials", "2", "--trial-epochs", "2", "--trial-steps", "40", "--batch-size", "32"]
        return [sys.executable, "-c", script, "tune", "--dataset", SAMPLE, "--output", str(folder), *options]

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command(tmp_path / "whole"), env=environment, check=True, capture_output=True, timeout=200)
    process = subprocess.Popen(command(tmp_path / "killed"), env=environment, stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "tuner" / "trial_1" / "checkpoint.safetensors"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the search ended before it could be killed"
    subprocess.run(command(tmp_path / "killed"), env=environment, check=True, capture_output=True, timeout=200)
    whole, killed = (json.loads((tmp_path / n / "trials.json").read_text())["trials"] for n in ("whole", "killed"))
    for a, b in zip(whole, killed, strict=True):
        assert (a["hyperparameters"], a["score"]) == (b["hyperparameters"], b["score"])
        assert [row["val_loss"] for row in a["history"]] == [row["val_loss"] for row in b["history"]]


def test_the_space_gives_a_network_and_a_training_for_any_point(tmp_path):
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"), max_trials=30, seed=1
    )
    oracle.verbose = 0
    probe = keras_tuner.engine.base_tuner.BaseTuner(oracle, search_space.build, str(tmp_path), "space")
    kinds = set()
    for number in range(30):
        hp = probe.oracle.create_trial(f"tuner{number}").hyperparameters
        network, training = search_space.build(hp)
        network.pop("scaling")
        config, settings = CnnConfig(**network), TrainConfig(**training)
        kinds.add((config.regularization, settings.optimizer))
    assert {kind for kind, _ in kinds} == {"none", "l1", "l2", "elastic net"}
    assert {optimizer for _, optimizer in kinds} == set(search_space.LEARNING_RATES)
