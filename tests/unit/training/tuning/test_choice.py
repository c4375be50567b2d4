"""Which trial is trained: the best one, or a preset that may be as good."""

import pytest

from model.io.reports.trials import Trial
from tests.support.trials import trial_row
from training.tuning.choice import choose_trial


def choose(preset: float | None, other: float, rows: int, objective="val_accuracy", **of_preset):
    trials = [trial_row(0, preset) | {"origin": "preset default"} | of_preset, trial_row(1, other)]
    direction = "max" if "accuracy" in objective else "min"
    better = preset is None or (other > preset if direction == "max" else other < preset) or of_preset
    best = "1" if better else "0"
    return choose_trial([Trial(**row) for row in trials], best, objective, direction, rows)


@pytest.mark.parametrize(
    ("preset", "other", "rows", "chosen"),
    [
        (0.900, 0.905, 1000, "0"),  # the standard error is 0.0093
        (0.900, 0.905, 100_000, "1"),
        (0.900, 0.950, 1000, "1"),
        (0.900, 0.800, 1000, "0"),  # the preset is the best one
        (None, 0.800, 1000, "1"),  # it failed
        (0.900, 0.905, 0, "1"),  # nobody knows how many rows there were
    ],
)
def test_choose_trial_preset_unless_another_is_better_by_more_than_chance(preset, other, rows, chosen):
    found, because = choose(preset, other, rows)
    assert found == chosen
    assert (because is None) == (chosen == "1" or preset > other)


def test_choose_trial_reason_has_both_figures():
    assert choose(0.900, 0.905, 1000)[1] == (
        "the preset default, because trial 1 was better by 0.0050 only: that may be chance (standard error 0.0093 on "
        "1,000 validation rows)"
    )


def test_choose_trial_without_a_standard_error_is_the_best_one():
    assert choose(0.5, 0.4999, 100, objective="val_mean_absolute_error") == ("1", None)


def test_choose_trial_stopped_preset_is_not_chosen():
    assert choose(0.95, 0.90, 1000, stopped="stopped after epoch 1 of 9") == ("1", None)


def test_choose_trial_none_completed_is_none():
    assert choose_trial([Trial(**trial_row(0, None, "no"))], None, "val_accuracy", "max", 100) == (None, None)
