"""Searches of a tiny space: what they report, failures, and resume after a kill."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
from datasets import Features, Image, Value

from model.errors import TrazoError
from tests.conftest import ROOT, SAMPLE
from tests.support import train_and_die
from tests.support.datasets import random_images, write_dataset
from tests.support.forked import run_forked
from tests.support.tiny_space import QUICK_TRAINING, TinySpace, assert_same_trials, tune
from training.cli import main
from training.commands.tune import tune as search_data
from training.config import STRATEGIES, DataConfig, TuneConfig
from training.tuning import tuner

QUICK_OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in QUICK_TRAINING.items()]
OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in STRATEGIES if name != "bayesian"]


@pytest.mark.parametrize("strategy", ["bayesian", *OTHERS])
def test_search_every_strategy_completes_and_reports_its_trials(tmp_path, tiny_space, in_process, strategy):
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


def test_search_regression_smallest_error_is_best(tmp_path, tiny_space, in_process):
    columns = {"image": [{"bytes": one} for one in random_images(80)], "weight": [float(i % 7) for i in range(80)]}
    data = write_dataset(tmp_path, Features({"image": Image(), "weight": Value("float32")}), [columns])
    options = DataConfig(data, label_column="weight", task="regression")
    report = search_data(options, QUICK_TRAINING, TuneConfig(trials=3, trial_epochs=2), tmp_path / "run")
    report = report.to_dict()
    assert report["objective"] == {"name": "val_mean_absolute_error", "direction": "min"}
    for trial in report["trials"]:
        assert trial["score"] == min(row["val_mean_absolute_error"] for row in trial["history"])
    best = min(report["trials"], key=lambda trial: trial["score"])
    assert report["best_trial"] == best["trial_id"]


def test_search_run_again_keeps_trials_and_adds_more(tmp_path, tiny_space, in_process):
    first = tune(tmp_path, trials=1)
    assert tune(tmp_path, trials=1) == first
    more = tune(tmp_path, trials=2)
    assert [t["score"] for t in more["trials"][:1]] == [t["score"] for t in first["trials"]]
    assert len(more["trials"]) == 2


@pytest.mark.slow
def test_search_more_than_ten_trials_stay_in_order(tmp_path, monkeypatch, tiny_space):
    def fit(*_, **__):
        raise TrazoError("no time for that")

    tune(tmp_path, trials=1)
    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    many = tune(tmp_path, trials=11)
    assert [int(t["trial_id"]) for t in many["trials"]] == list(range(11))


def test_hyperband_best_point_gets_more_epochs_and_plan_ends(tmp_path, tiny_space, instant_trials):
    report = tune(tmp_path, trials=20, strategy="hyperband", trial_epochs=3)
    assert [len(trial["history"]) for trial in report["trials"]] == [1, 1, 1, 3, 3, 3]


def test_hyperband_trials_are_compared_at_full_length_only(tmp_path, tiny_space, monkeypatch, instant_trials):
    """Its short trials have a score, too; the longer trial of a preset's point counts as the preset."""
    point = {"filters": 2, "learning_rate": 0.003}
    monkeypatch.setattr(TinySpace, "known_points", lambda self: {"default": point})
    report = tune(tmp_path, trials=20, strategy="hyperband", trial_epochs=3)
    short, full = report["trials"][0], report["trials"][3]
    assert short["origin"] == full["origin"] == "preset default" and len(full["history"]) == 3
    assert report["best_trial"] == report["chosen_trial"] == full["trial_id"] and report["chosen_because"] is None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_search_largest_seed_suits_every_strategy(tmp_path, tiny_space, in_process, strategy):
    data, seed = DataConfig(SAMPLE), 2**32 - 2
    settings = TuneConfig(trials=1, strategy=strategy, trial_epochs=3, trial_steps=1, seed=seed)
    report = search_data(data, QUICK_TRAINING | {"seed": seed + 1}, settings, tmp_path)
    assert report.best_trial == "0"


def test_search_failed_trial_is_recorded_and_search_continues(tmp_path, monkeypatch, instant_trials):
    class Sometimes(TinySpace):
        def point(self, hp):
            architecture, training = super().point(hp)
            return architecture | ({"activation": "mish"} if hp.get("filters") == 3 else {}), training

    monkeypatch.setattr("training.commands.tune.SearchSpace", Sometimes)
    report = tune(tmp_path, trials=10)
    by_filters = {trial["hyperparameters"]["filters"]: trial for trial in report["trials"]}
    assert by_filters[2]["status"] == "COMPLETED" and by_filters[2]["reason"] is None
    assert by_filters[3]["status"] == "FAILED" and "unknown activation 'mish'" in by_filters[3]["reason"]
    assert by_filters[3]["score"] is None


def test_search_no_trial_completes_fails_with_reason(tmp_path, monkeypatch, instant_trials):
    class Never(TinySpace):
        def point(self, hp):
            architecture, training = super().point(hp)
            return architecture | {"kernel_size": 99}, training

    monkeypatch.setattr("training.commands.tune.SearchSpace", Never)
    with pytest.raises(TrazoError, match="kernel_size must be a whole number from 1 to 31, not 99"):
        tune(tmp_path, trials=2)
    report = json.loads((tmp_path / "trials.json").read_text())
    assert report["best_trial"] is None and {t["status"] for t in report["trials"]} == {"FAILED"}


def search_command(folder, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tests.support.tune_tiny",
        "tune",
        "--dataset",
        SAMPLE,
        "--output",
        str(folder),
        *options,
    ]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_search_killed_resumes_its_trial(tmp_path, tiny_space, in_process, fork_server, capsys):
    """`kill -9` in the second trial: the first is kept, the second resumed, and the scores are the same."""
    options = ["--trials", "2", "--trial-epochs", "2", "--trial-steps", "4", *QUICK_OPTIONS]
    whole, killed = (
        ["tune", "--dataset", SAMPLE, "--output", str(tmp_path / name), *options] for name in ("whole", "killed")
    )
    assert main(whole) == 0
    assert "2 epochs of 4 steps" in capsys.readouterr().out
    assert run_forked(train_and_die.tune, "trial_1", killed) == -signal.SIGKILL
    checkpoint = tmp_path / "killed" / "tuner" / "trial_1" / "checkpoint.safetensors"
    assert checkpoint.exists()
    assert main(killed) == 0
    assert_same_trials(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_search_killed_at_random_moments_ends_the_same(tmp_path, strategy):
    """`kill -9` at random moments; eight trials, so that the Bayesian search chooses some points."""
    options = ["--strategy", strategy, "--trials", "8", "--trial-epochs", "3", "--trial-steps", "10"]
    command = search_command(tmp_path / "whole", *options, "--batch-size", "32")
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    command = search_command(tmp_path / "killed", *options, "--batch-size", "32")
    generator, kills = random.Random(strategy), 0
    for _ in range(30):
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()  # the search runs now; what came before are imports
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
    assert_same_trials(tmp_path / "whole", tmp_path / "killed")


def test_report_has_trial_from_its_start(tmp_path, tiny_space, monkeypatch):
    def fit(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuner, "fit_in_subprocess", fit)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path)
    report = json.loads((tmp_path / "trials.json").read_text())
    assert [(t["trial_id"], t["status"], t["score"]) for t in report["trials"]] == [("00", "RUNNING", None)]
    assert report["data"]["rows"]["train"] > report["data"]["rows"]["validation"] > 0


def test_tune_command_epochs_is_another_name_of_trial_epochs(tmp_path, tiny_space, in_process, capsys):
    arguments = ["tune", "--dataset", SAMPLE, "--output", str(tmp_path), "--trials", "1", *QUICK_OPTIONS]
    assert main([*arguments, "--epochs", "1", "--steps-per-epoch", "2"]) == 0
    report = json.loads((tmp_path / "trials.json").read_text())
    assert len(report["trials"][0]["history"]) == 1 and report["budget"]["trial_steps"] == 2
    assert main([*arguments, "--epochs", "1", "--trial-epochs", "2"]) == 2
    assert "--epochs is another name of --trial-epochs here: give one" in capsys.readouterr().err
