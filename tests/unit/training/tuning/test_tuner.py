import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
from datasets import Features, Image, Value

from model import CnnConfig
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.errors import TrazoError
from model.heads import HEADS
from model.scaling import PixelHistogram
from tests.conftest import ROOT, SAMPLE
from tests.support.datasets import pictures, write_dataset
from training import commands
from training.cli import main
from training.config import OPTIMIZERS, SCHEDULES, STRATEGIES, DataConfig, TrainConfig, TuneConfig
from training.tuning import search_space, tuner
from training.tuning.oracles import RANDOM_FIRST, make_oracle

SHORT = {"trial_epochs": 1, "trial_steps": 2}


def tune(folder, **settings) -> dict:
    commands.tune(DataConfig(SAMPLE), {"batch_size": 32}, TuneConfig(**SHORT | settings), folder)
    return json.loads((folder / "trials.json").read_text())


class Tiny(search_space.SearchSpace):
    """The real space's form with two small networks, so that a test of the search is not a test of patience."""

    def point(self, hp):
        network = {"filters": (hp.Choice("filters", [2, 3]),), "convolutions": 1, "dense_units": ()}
        rate = hp.Float("learning_rate", 1e-3, 1e-2, sampling="log")
        return network | {"scaling": "min-max"}, {"loss": "", **self.overrides, "learning_rate": rate}


@pytest.fixture
def tiny_space(monkeypatch):
    monkeypatch.setattr(commands, "SearchSpace", Tiny)


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in STRATEGIES if name != "bayesian"]


@pytest.mark.parametrize("strategy", ["bayesian", *OTHERS])
def test_every_strategy_completes_and_reports_its_trials(tmp_path, tiny_space, strategy):
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


def test_of_a_regression_the_smallest_error_is_the_best(tmp_path, tiny_space):
    columns = {"image": [{"bytes": one} for one in pictures(80)], "weight": [float(i % 7) for i in range(80)]}
    data = write_dataset(tmp_path, Features({"image": Image(), "weight": Value("float32")}), [columns])
    report = commands.tune(DataConfig(data), {"batch_size": 32}, TuneConfig(trials=3, trial_epochs=2), tmp_path / "run")
    assert report["objective"] == {"name": "val_mean_absolute_error", "direction": "min"}
    for trial in report["trials"]:
        assert trial["score"] == min(row["val_mean_absolute_error"] for row in trial["history"])
    best = min(report["trials"], key=lambda trial: trial["score"])
    assert report["best_trial"] == best["trial_id"]


def test_finished_trials_are_not_run_again_and_more_can_be_asked_for(tmp_path, tiny_space):
    first = tune(tmp_path, trials=1)
    assert tune(tmp_path, trials=1) == first
    more = tune(tmp_path, trials=2)
    assert [t["score"] for t in more["trials"][:1]] == [t["score"] for t in first["trials"]]
    assert len(more["trials"]) == 2


@pytest.mark.slow
def test_trials_stay_in_order_when_their_number_gets_a_digit_more(tmp_path, monkeypatch, tiny_space):
    def fit(*_, **__):
        raise TrazoError("no time for that")

    tune(tmp_path, trials=1)
    monkeypatch.setattr(tuner, "fit", fit)
    many = tune(tmp_path, trials=11)
    assert [int(t["trial_id"]) for t in many["trials"]] == list(range(11))


def test_hyperband_gives_its_best_point_more_epochs_and_ends_with_its_plan(tmp_path, tiny_space):
    report = tune(tmp_path, trials=20, strategy="hyperband", trial_epochs=3)
    assert [len(trial["history"]) for trial in report["trials"]] == [1, 1, 1, 3, 3, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "hyperband", "trial_epochs": 2}, "give 3 or more, not 2"),
        ({"trial_steps": 0}, "trial_steps is at least 1, not 0"),
        ({"max_params": 0}, "max_params is at least 1, not 0"),
        ({"minutes": 0}, "minutes is a time above 0, not 0"),
        ({"worker_timeout": float("nan")}, "worker_timeout is a time above 0, not nan"),
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
def test_the_largest_seed_suits_every_strategy(tmp_path, tiny_space, strategy):
    data, seed = DataConfig(SAMPLE), 2**32 - 2
    settings = TuneConfig(trials=1, strategy=strategy, trial_epochs=3, trial_steps=1, seed=seed)
    report = tune(data, {"batch_size": 32, "seed": seed + 1}, settings, tmp_path)
    assert report["best_trial"] == "0"


def test_a_failed_trial_is_told_and_the_search_goes_on(tmp_path, monkeypatch):
    class Sometimes(Tiny):
        def point(self, hp):
            network, training = super().point(hp)
            return network | ({"activation": "mish"} if hp.get("filters") == 3 else {}), training

    monkeypatch.setattr(commands, "SearchSpace", Sometimes)
    report = tune(tmp_path, trials=10)
    by_filters = {trial["hyperparameters"]["filters"]: trial for trial in report["trials"]}
    assert by_filters[2]["status"] == "COMPLETED" and by_filters[2]["reason"] is None
    assert by_filters[3]["status"] == "FAILED" and "unknown activation 'mish'" in by_filters[3]["reason"]
    assert by_filters[3]["score"] is None


def test_a_search_of_which_no_trial_completes_fails_and_says_why(tmp_path, monkeypatch):
    class Never(Tiny):
        def point(self, hp):
            network, training = super().point(hp)
            return network | {"kernel_size": 99}, training

    monkeypatch.setattr(commands, "SearchSpace", Never)
    with pytest.raises(TrazoError, match="kernel_size must be a whole number from 1 to 28"):
        tune(tmp_path, trials=2)
    report = json.loads((tmp_path / "trials.json").read_text())
    assert report["best_trial"] is None and {t["status"] for t in report["trials"]} == {"FAILED"}


KILLED = """
import os, sys; from training.tuning import trial_process; trial_process.fit.__kwdefaults__["save_every_s"] = 0.0
from training import commands; from tests.unit.training.tuning.test_tuner import Tiny; commands.SearchSpace = Tiny
from training.cli import main; status = main(sys.argv[1:]); sys.stdout.flush(); os._exit(status)
"""


def search_command(folder, *options: str) -> list[str]:
    return [sys.executable, "-c", KILLED, "tune", "--dataset", SAMPLE, "--output", str(folder), *options]


def assert_same(a: Path, b: Path) -> None:
    whole, killed = (json.loads((folder / "trials.json").read_text())["trials"] for folder in (a, b))
    for one, other in zip(whole, killed, strict=True):
        assert (one["hyperparameters"], one["score"]) == (other["hyperparameters"], other["score"])
        assert [row["val_loss"] for row in one["history"]] == [row["val_loss"] for row in other["history"]]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_killed_search_goes_on_with_its_trial(tmp_path):
    """`kill -9` in the second trial: the first is kept, the second continued, and the scores are those of no kill."""
    options = ["--trials", "2", "--trial-epochs", "2", "--trial-steps", "20", "--batch-size", "32"]
    command = search_command(tmp_path / "whole", *options)
    said = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=200).stdout
    assert b"a trial is 40 steps" in said
    command = search_command(tmp_path / "killed", *options)
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "tuner" / "trial_1" / "checkpoint.safetensors"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the search ended before it could be killed"
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=200)
    assert_same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_wherever_it_is_killed_every_strategy_ends_the_same(tmp_path, strategy):
    """`kill -9` at random moments; eight trials, so that the Bayesian search comes to points of its own."""
    options = ["--strategy", strategy, "--trials", "8", "--trial-epochs", "3", "--trial-steps", "10"]
    command = search_command(tmp_path / "whole", *options, "--batch-size", "32")
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    command = search_command(tmp_path / "killed", *options, "--batch-size", "32")
    generator, kills = random.Random(strategy), 0
    for _ in range(30):
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()  # the search is under way: what came before are imports
        try:
            process.communicate(timeout=generator.uniform(0, 4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0
        break
    assert kills > 2 and process.returncode == 0
    assert_same(tmp_path / "whole", tmp_path / "killed")


def test_the_space_gives_a_network_and_a_training_for_any_point(tmp_path):
    objective = keras_tuner.Objective("val_accuracy", "max")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective=objective, max_trials=60, seed=1)
    oracle.verbose = 0
    base = {"task": "multiclass", "labels": tuple("0123456789"), "image_shape": (28, 28, 1)}
    space = search_space.SearchSpace(base)
    probe = keras_tuner.engine.base_tuner.BaseTuner(oracle, space.point, str(tmp_path), "space")
    seen = defaultdict(set)
    for number in range(60):
        hp = probe.oracle.create_trial(f"tuner{number}").hyperparameters
        network, training = space.point(hp)
        seen["scaling"].add(network.pop("scaling"))
        config, settings = CnnConfig(**base | network, loss=training["loss"]), TrainConfig(**training)
        for name in ("activation", "normalization", "pooling", "regularization", "loss"):
            seen[name].add(getattr(config, name))
        for name in ("optimizer", "schedule", "batch_size"):
            seen[name].add(getattr(settings, name))
        seen["blocks"].add(len(config.filters))
        assert 0.2 <= config.dropout <= 0.5 and 0 <= settings.augment <= 1.5
        active = [name for name in hp.values if name.startswith("learning_rate")]
        assert active == [f"learning_rate_{settings.optimizer}"]
    assert seen["activation"] == set(ACTIVATIONS) and seen["normalization"] == set(NORMALIZATIONS)
    assert seen["regularization"] == {"none", "l1", "l2", "elastic net"} and seen["pooling"] == set(POOLINGS)
    assert seen["loss"] == set(HEADS["multiclass"].losses) and seen["optimizer"] == set(OPTIMIZERS)
    assert seen["schedule"] == set(SCHEDULES) and seen["blocks"] == {1, 2, 3, 4} and len(seen["batch_size"]) == 3
    assert seen["scaling"] == {"min-max", "z-score", "robust"}


@pytest.mark.parametrize(
    ("overrides", "unasked"),
    [
        ({"optimizer": "lion"}, {"optimizer", "learning_rate_sgd", "learning_rate_adamw"}),
        ({"learning_rate": 0.1}, {"learning_rate_adamw"}),
        ({"loss": "hinge", "batch_size": 32}, {"loss", "batch_size"}),
    ],
)
def test_what_a_person_chose_is_not_searched(fixed, unasked):
    hp = keras_tuner.HyperParameters()
    base = {"task": "binary", "labels": ("no", "yes"), "image_shape": (8, 8, 3)}
    _, training = search_space.SearchSpace(base, fixed).point(hp)
    assert fixed.items() <= training.items() and not unasked & hp.values.keys()
    assert ("learning_rate_lion" in hp.values) == ("optimizer" in fixed)


def test_the_space_is_a_hyper_model_of_keras_tuner():
    histogram = PixelHistogram(1)
    histogram.update(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    base = {"task": "regression", "labels": ("weight",), "image_shape": (16, 16, 1)}
    space = search_space.SearchSpace(base, histogram=histogram)
    assert isinstance(space, keras_tuner.HyperModel)
    network = space.build(keras_tuner.HyperParameters())
    assert network.input_shape == (None, 16, 16, 1) and network.output_shape == (None, 1)


def test_the_gaussian_process_chooses_after_twenty_trials_of_the_real_space(tmp_path, monkeypatch):
    """Not after 3 × the number of hyperparameters, KerasTuner's own choice: no search of 60 trials would have one."""
    space = search_space.SearchSpace({"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)})
    oracle = make_oracle(TuneConfig(strategy="bayesian", trials=60), "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    space.point(hp)
    oracle.update_space(hp)
    oracle._set_project_dir(str(tmp_path), "tuner")
    fitted = []
    monkeypatch.setattr(type(oracle.gpr), "fit", lambda self, x, y: fitted.append(len(y)))
    monkeypatch.setattr(type(oracle.gpr), "predict", lambda self, x, return_std: (np.zeros(len(x)), np.ones(len(x))))
    for number in range(RANDOM_FIRST + 1):
        trial = oracle.create_trial("one")
        space.point(trial.hyperparameters)
        oracle.update_trial(trial.trial_id, {"val_accuracy": number / 100})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert fitted == [RANDOM_FIRST]


def test_a_trial_is_in_the_report_from_its_beginning(tmp_path, tiny_space, monkeypatch):
    def fit(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuner, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path)
    report = json.loads((tmp_path / "trials.json").read_text())
    assert [(t["trial_id"], t["status"], t["score"]) for t in report["trials"]] == [("0", "RUNNING", None)]
    assert report["data"]["rows"]["train"] > report["data"]["rows"]["validation"] > 0


def test_a_training_of_a_trial_is_as_long_as_either_name_says(tmp_path, tiny_space, capsys):
    arguments = ["tune", "--dataset", SAMPLE, "--output", str(tmp_path), "--trials", "1", "--batch-size", "32"]
    assert main([*arguments, "--epochs", "1", "--steps-per-epoch", "2"]) == 0
    report = json.loads((tmp_path / "trials.json").read_text())
    assert len(report["trials"][0]["history"]) == 1 and report["budget"]["trial_steps"] == 2
    assert main([*arguments, "--epochs", "1", "--trial-epochs", "2"]) == 2
    assert "--epochs is another name of --trial-epochs here: give one" in capsys.readouterr().err


def test_each_choice_comes_about_as_often_as_the_others(tmp_path):
    space = search_space.SearchSpace({"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)})
    oracle = make_oracle(TuneConfig(trials=400), "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    space.point(hp)
    oracle.update_space(hp)
    drawn = [oracle._drawn_values() for _ in range(400)]
    counts = {name: sum(values["activation"] == name for values in drawn) for name in ACTIVATIONS}
    assert min(counts.values()) > 30 and max(counts.values()) < 75


def test_a_search_can_be_of_some_hyperparameters_alone(tmp_path):
    base = {"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)}
    space = search_space.SearchSpace(base, searched=["activation", "optimizer", "learning_rate"])
    hp = keras_tuner.HyperParameters()
    network, training = space.point(hp)
    whole = search_space.SearchSpace(base).point(keras_tuner.HyperParameters())
    assert (network, training) == whole  # defaults
    assert {parameter.name for parameter in hp.space} == {"activation", "optimizer", "learning_rate_adamw"}
    with pytest.raises(
        TrazoError, match="no hyperparameter 'optimiser' to search; there are blocks, filters, "
    ) as told:
        search_space.SearchSpace(base, searched=["optimiser"])
    names = str(told.value).partition("there are ")[2].split(", ")
    assert names[-2:] == ["optimizer", "learning_rate"] and {"l1", "l2"} < {*names} and len(names) == len({*names})
    oracle = make_oracle(TuneConfig(strategy="grid", trials=60, search=("activation",)), "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    search_space.SearchSpace(base, searched=["activation"]).point(hp)
    oracle.update_space(hp)
    oracle._set_project_dir(str(tmp_path), "tuner")
    tried = []
    while (trial := oracle.create_trial("one")).status == "RUNNING":
        tried.append(trial.hyperparameters.values["activation"])
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert sorted(tried) == sorted(ACTIVATIONS)


@pytest.mark.parametrize(
    ("searched", "varies"),
    [(["regularization"], ["regularization"]), (["regularization", "l2"], ["regularization", "l2"])],
)
def test_a_search_of_the_regularization_has_a_penalty_that_counts(searched, varies):
    base = {"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)}
    hp = keras_tuner.HyperParameters()
    hp.values = {"regularization": "elastic net"}
    network, _ = search_space.SearchSpace(base, searched=searched).point(hp)
    assert [parameter.name for parameter in hp.space] == varies
    assert (network["l1"], network["l2"]) == (2e-6, 3e-5)  # neither is the lowest of its range


@pytest.mark.parametrize(
    ("searched", "overrides", "message"),
    [
        (["l1"], {}, "l1 exists only with some regularization: search regularization too"),
        (["learning_rate"], {"learning_rate": 0.1}, "no hyperparameter 'learning_rate' to search"),
    ],
)
def test_a_search_of_what_cannot_vary_is_refused(searched, fixed, message):
    base = {"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)}
    with pytest.raises(TrazoError, match=message):
        search_space.SearchSpace(base, fixed, searched=searched)
