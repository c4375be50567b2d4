import numpy as np
import pytest

from tests.unit.training.tuning.test_trials_report import report_of, row
from training.tuning.importance import importance

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
        rows.append(row(number, score(point, rate, generator), **point))
    return report_of(rows) | {"space": SPACE}


def test_what_the_score_hangs_on_comes_first():
    found = importance(search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"] + 0.002 * np.log10(rate)))
    assert [value["name"] for value in found["values"][:2]] == ["blocks", "learning_rate"]
    blocks, *others = found["values"]
    assert blocks["importance"] > 1 and all(value["importance"] < 0.1 for value in others)
    assert {value["name"] for value in found["values"]} == {"blocks", "activation", "optimizer", "learning_rate"}
    assert found["r2"] > 0.9 and found["trials"] == 40


def test_the_rate_counts_relative_to_its_optimisers_default():
    found = importance(search(lambda point, rate, _: 0.9 - abs(np.log10(rate))))
    assert found["values"][0]["name"] == "learning_rate" and found["r2"] > 0.7


def test_a_class_counts_as_one_hyperparameter():
    found = importance(search(lambda point, rate, _: {"relu": 0.9, "tanh": 0.5, "gelu": 0.8}[point["activation"]]))
    assert found["values"][0]["name"] == "activation"


def test_noise_is_told_by_its_r2():
    assert importance(search(lambda point, rate, generator: generator.uniform()))["r2"] < 0.2


@pytest.mark.parametrize("report", [search(lambda *_: 0.5), search(lambda point, rate, _: rate, trials=9)])
def test_too_few_or_equal_trials_say_nothing(report):
    assert importance(report) is None


def test_failed_trials_are_left_out():
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"])
    failed = row(40, None, "no", blocks=3, activation="relu", pooling="max", optimizer="adam")
    assert importance(report | {"trials": [*report["trials"], failed]}) == importance(report)


def test_the_names_of_one_loss_count_as_one():
    losses = ["sparse_categorical_crossentropy", "log_loss", "kl_divergence", "hinge"]
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"])
    report["space"] = [*SPACE, {"name": "loss", "values": losses, "default": losses[0], "when": {}}]
    for number, trial in enumerate(report["trials"]):
        trial["hyperparameters"]["loss"] = losses[number % 3]
    assert "loss" not in {value["name"] for value in importance(report)["values"]}
    report["trials"][0]["hyperparameters"]["loss"] = "hinge"
    assert "loss" in {value["name"] for value in importance(report)["values"]}


def test_hyperbands_short_trials_do_not_count():
    report = search(lambda point, rate, _: 0.9 + 0.02 * point["blocks"]) | {"strategy": "hyperband"}
    for number, trial in enumerate(report["trials"]):
        trial["history"] = [{}] * (3 if number % 2 else 1)
    assert importance(report)["trials"] == 20
