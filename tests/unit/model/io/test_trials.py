"""Reading the trials of a trials.json: order, comparable scores, one learning rate."""

from types import SimpleNamespace

import pytest

from model.io.reports.trials import Trial
from model.io.trials import (
    comparable_trials,
    compare_with_presets,
    fold_learning_rate,
    get_optimizer,
    rank_trials,
)
from tests.support.trials import trial_row


@pytest.mark.parametrize(
    ("name", "folded"),
    [("learning_rate_adam", "learning_rate"), ("learning_rate", "learning_rate"), ("batch_size", "batch_size")],
)
def test_fold_learning_rate_rates_of_optimizers_have_one_name(name, folded):
    assert fold_learning_rate(name) == folded


@pytest.mark.parametrize(
    ("name", "optimizer"), [("learning_rate_adam", "adam"), ("learning_rate", None), ("batch_size", None)]
)
def test_get_optimizer_only_of_learning_rates(name, optimizer):
    assert get_optimizer(name) == optimizer


@pytest.mark.parametrize(("direction", "order"), [("max", [2, 0, 3, 1]), ("min", [0, 3, 2, 1])])
def test_rank_trials_best_first_equal_in_order_failed_last(direction, order):
    trials = [SimpleNamespace(score=score, number=number) for number, score in enumerate([0.5, None, 0.75, 0.5])]
    assert [trial.number for trial in rank_trials(trials, direction)] == order


def test_comparable_trials_of_hyperband_are_the_longest():
    lengths = ((0.5, 1), (0.6, 3), (0.7, 3), (None, 5))
    trials = [SimpleNamespace(score=score, history=[{}] * epochs, stopped=None) for score, epochs in lengths]
    assert comparable_trials(trials, "random") == trials[:3]
    assert comparable_trials(trials, "hyperband") == trials[1:3]


@pytest.mark.parametrize(
    ("best", "presets"),
    [
        ("3", "default 0.9000, fast was stopped after epoch 1, small failed"),
        ("0", "the best trial is default, fast was stopped after epoch 1, small failed"),
    ],
)
def test_compare_with_presets_says_what_each_reached(best, presets):
    rows = [
        trial_row(0, 0.9) | {"origin": "preset default"},
        trial_row(1, 0.5) | {"origin": "preset fast", "stopped": "stopped after epoch 1 of 9: …"},
        trial_row(2, None, "no such network") | {"origin": "preset small"},
        trial_row(3, 0.95),
    ]
    found = compare_with_presets([Trial(**row) for row in rows], best)
    assert found == f"the presets at the same length: {presets}"
    assert compare_with_presets([Trial(**rows[3])], "3") == ""


def test_compare_with_presets_of_hyperband_leaves_out_shorter_trials():
    rows = [trial_row(0, 0.9), trial_row(1, 0.8), trial_row(2, 0.95), trial_row(3, 0.96)]
    for row in rows[:3]:
        row["origin"] = "preset fast" if row["trial_id"] == "1" else "preset default"
    for row in rows[2:]:
        row["history"] = [{"epoch": 1}, {"epoch": 2}]
    found = compare_with_presets([Trial(**row) for row in rows], "3", "hyperband")
    assert found == "the presets at the same length: default 0.9500"
