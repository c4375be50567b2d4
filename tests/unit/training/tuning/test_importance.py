"""Importance of hyperparameters: what the score depends on comes first."""

import numpy as np
import pytest

from model.io.reports.trials import TrialsReport
from tests.support.trials import trial_row, trials_report
from training.tuning.importance import hyperparameter_importance

SPACE = [
    {"name": "blocks", "values": [1, 2, 3], "default": 3, "when": {}},
    {"name": "activation", "values": ["relu", "tanh", "gelu"], "default": "relu", "when": {}},
    {"name": "pooling", "values": ["max"], "default": "max", "when": {}},
    {"name": "optimizer", "values": ["adam", "sgd"], "default": "adam", "when": {}},
    *(
        {
            "name": f"learning_rate_{name}",
            "low": default / 10,
            "high": default * 10,
            "scale": "log",
            "step": None,
            "default": default,
            "when": {"optimizer": [name]},
        }
        for name, default in (("adam", 1e-3), ("sgd", 1e-1))
    ),
]


def importance(report: dict) -> dict | None:
    """Return the importance of hyperparameters in the content of a trials.json."""
    found = hyperparameter_importance(TrialsReport.parse(report, "trials.json"), trees=20)  # enough for 40, and quick
    return found and found.to_dict()


def search(score, trials: int = 40) -> dict:
    """Return a search with random points and a score that is a function of the point."""
    generator, rows = np.random.default_rng(0), []
    for number in range(trials):
        optimizer = str(generator.choice(["adam", "sgd"]))
        rate = 10 ** generator.uniform(-1, 1)
        point = {
            "blocks": int(generator.integers(1, 4)),
            "activation": str(generator.choice(["relu", "tanh", "gelu"])),
            "pooling": "max",
            "optimizer": optimizer,
            f"learning_rate_{optimizer}": {"adam": 1e-3, "sgd": 1e-1}[optimizer] * rate,
        }
        rows.append(trial_row(number, score(point, rate, generator), **point))
    return trials_report(rows) | {"space": SPACE}


def test_importance_what_the_score_depends_on_comes_first():
    found = importance(search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"] + 0.002 * np.log10(rate)))
    assert [value["name"] for value in found["values"][:2]] == ["blocks", "learning_rate"]
    blocks, *others = found["values"]
    assert blocks["importance"] > 1 and all(value["importance"] < 0.1 for value in others)
    assert {value["name"] for value in found["values"]} == {"blocks", "activation", "optimizer", "learning_rate"}
    assert found["r2"] > 0.9 and found["trials"] == 40


def test_importance_learning_rate_counts_relative_to_default_of_optimizer():
    found = importance(search(lambda point, rate, _: 0.9 - abs(np.log10(rate))))
    assert found["values"][0]["name"] == "learning_rate" and found["r2"] > 0.7


def test_importance_choice_counts_as_one_hyperparameter():
    found = importance(search(lambda point, rate, _: {"relu": 0.9, "tanh": 0.5, "gelu": 0.8}[point["activation"]]))
    assert found["values"][0]["name"] == "activation"


def test_importance_noise_has_low_r2():
    assert importance(search(lambda point, rate, generator: generator.uniform()))["r2"] < 0.2


@pytest.mark.parametrize("report", [search(lambda *_: 0.5), search(lambda point, rate, _: rate, trials=9)])
def test_importance_too_few_or_equal_trials_is_none(report):
    assert importance(report) is None


def test_importance_failed_trials_are_left_out():
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"])
    failed = trial_row(40, None, "no", blocks=3, activation="relu", pooling="max", optimizer="adam")
    assert importance(report | {"trials": [*report["trials"], failed]}) == importance(report)


def test_importance_names_of_cross_entropy_count_as_one():
    losses = ["sparse_categorical_crossentropy", "log_loss", "kl_divergence", "hinge"]
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"])
    report["space"] = [*SPACE, {"name": "loss", "values": losses, "default": losses[0], "when": {}}]
    for number, trial in enumerate(report["trials"]):
        trial["hyperparameters"]["loss"] = losses[number % 3]
    assert "loss" not in {value["name"] for value in importance(report)["values"]}
    report["trials"][0]["hyperparameters"]["loss"] = "hinge"
    assert "loss" in {value["name"] for value in importance(report)["values"]}


def test_importance_short_trials_of_hyperband_are_left_out():
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"]) | {"strategy": "hyperband"}
    for number, trial in enumerate(report["trials"]):
        trial["history"] = [{"epoch": 1}] * (3 if number % 2 else 1)
    assert importance(report)["trials"] == 20
