"""Reading the trials of a trials.json: order, comparable scores, one learning rate."""

import pytest

from model.io.trials import comparable_trials, fold_learning_rate, rank_trials


@pytest.mark.parametrize(
    ("name", "folded"),
    [("learning_rate_adam", "learning_rate"), ("learning_rate", "learning_rate"), ("batch_size", "batch_size")],
)
def test_fold_learning_rate_rates_of_optimizers_have_one_name(name, folded):
    assert fold_learning_rate(name) == folded


@pytest.mark.parametrize(("direction", "order"), [("max", [2, 0, 3, 1]), ("min", [0, 3, 2, 1])])
def test_rank_trials_best_first_equal_in_order_failed_last(direction, order):
    rows = [{"score": score, "number": number} for number, score in enumerate([0.5, None, 0.75, 0.5])]
    assert [row["number"] for row in rank_trials(rows, direction)] == order


def test_comparable_trials_of_hyperband_are_the_longest():
    rows = [{"score": score, "history": [{}] * epochs} for score, epochs in ((0.5, 1), (0.6, 3), (0.7, 3), (None, 5))]
    assert comparable_trials({"trials": rows, "strategy": "random"}) == rows[:3]
    assert comparable_trials({"trials": rows, "strategy": "hyperband"}) == rows[1:3]
