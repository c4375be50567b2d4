"""Which trial is trained: the best one, or a preset that may be as good."""

import numpy as np
import pytest

from model.io.reports.trials import Trial
from tests.support.trials import trial_row
from training.tuning.choice import TrainingTime, choose_trial, standard_error


def choose(*scores: float, rows: int = 1000, presets: int = 1, objective="val_accuracy", seconds=(), time=None):
    """Return (the number of the trial that is chosen, why it is not the best).

    Args:
        scores: of the trials.
        rows: that they were measured on.
        presets: how many of the first trials are presets.
        objective: what they are compared by.
        seconds: of an epoch of each trial.
        time: for the training.
    """
    trials = [trial_row(number, score) for number, score in enumerate(scores)]
    for trial, name in zip(trials[:presets], ("default", "photo"), strict=False):
        trial["origin"] = f"preset {name}"
    for trial, one in zip(trials, seconds, strict=False):
        trial["history"] = [{"epoch": 1, "seconds": one + 9}, {"epoch": 2, "seconds": one}]
    direction = "min" if objective.endswith("error") else "max"
    chosen, because = choose_trial([Trial(**row) for row in trials], objective, direction, rows, time)
    return int(chosen), because


@pytest.mark.parametrize(
    ("preset", "other", "rows", "chosen"),
    [
        (0.900, 0.905, 1000, 0),  # the standard error is 0.0093
        (0.900, 0.905, 100_000, 1),
        (0.900, 0.950, 1000, 1),
        (0.900, 0.800, 1000, 0),  # the preset is the best one
        (0.900, 0.905, 0, 1),  # nobody knows how many rows there were
        (2 / 3, 1.0, 3, 0),  # a perfect score has an error as well
        (0.98, 1.0, 100, 1),
    ],
)
def test_choose_trial_preset_unless_another_is_better_by_more_than_chance(preset, other, rows, chosen):
    found, because = choose(preset, other, rows=rows)
    assert found == chosen
    assert (because is None) == (chosen == 1 or preset > other)


def test_choose_trial_reason_has_both_figures():
    assert choose(0.900, 0.905)[1] == (
        "the preset default, because trial 1 was better by 0.0050 only: that may be chance (standard error 0.0093 on "
        "1,000 validation rows)"
    )


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ((0.900, 0.905, 0.800), 0),  # the first preset suits the images
        ((0.900, 0.950, 0.800), 1),
        ((0.900, 0.905, 0.912), 1),  # the first one is too far behind the best trial, the second is not
        ((0.900, 0.905, 0.990), 2),
    ],
)
def test_choose_trial_first_preset_unless_another_one_is_better_by_more_than_chance(scores, chosen):
    assert choose(*scores, presets=2)[0] == chosen


@pytest.mark.parametrize(
    ("objective", "preset", "close", "better"),
    [
        ("val_macro_f1", 0.900, 0.905, 0.950),
        ("val_balanced_accuracy", 0.900, 0.905, 0.950),
        ("val_mean_absolute_error", 5.0, 4.9, 4.5),
        ("val_r2", 0.80, 0.805, 0.85),
    ],
)
def test_choose_trial_every_objective_has_a_standard_error(objective, preset, close, better):
    """Not only accuracy: with any of them, a difference that may be chance chooses nothing."""
    assert choose(preset, close, objective=objective)[0] == 0
    assert choose(preset, better, objective=objective)[0] == 1


def test_standard_error_of_a_regression_is_that_of_normal_errors():
    rng = np.random.default_rng(0)
    errors, targets = rng.normal(0, 2, (2000, 100)), rng.normal(0, 4, (2000, 100))
    means, squares = abs(errors).mean(axis=1), (errors**2).mean(axis=1)
    assert standard_error("val_mean_absolute_error", means.mean(), 100) == pytest.approx(means.std(), rel=0.1)
    r2 = 1 - squares / targets.var()  # of the same targets, as in a search
    assert standard_error("val_r2", r2.mean(), 100) == pytest.approx(r2.std(), rel=0.1)


@pytest.mark.parametrize(
    ("other", "seconds", "chosen"),
    [
        (0.915, 1.0, 1),  # more than a standard error, and as fast
        (0.915, 3.0, 0),  # the preset trains for three times the epochs
        (0.940, 3.0, 1),
        (0.915, 0.5, 1),
        (0.990, 100.0, 0),  # its training would have one epoch, its trial had two
    ],
)
def test_choose_trial_of_limited_minutes_slow_network_has_to_lead_by_more(other, seconds, chosen):
    time = TrainingTime(seconds=100.0, max_epochs=1000)
    assert choose(0.900, other, seconds=(1.0, seconds), time=time)[0] == chosen
    assert choose(0.900, other, seconds=(1.0, seconds))[0] == 1


def test_choose_trial_of_limited_minutes_says_why():
    time = TrainingTime(seconds=100.0, max_epochs=1000)
    assert choose(0.900, 0.915, seconds=(1.0, 3.0), time=time)[1] == (
        "the preset default, because trial 1 was better by 0.0150 only: in the same minutes the preset trains 3.0 × as "
        "long (standard error 0.0089 on 1,000 validation rows)"
    )
    assert choose(0.9, 0.95, 0.99, presets=0, seconds=(1.0, 1.0, 100.0), time=time) == (
        1,
        "trial 1, because within the minutes a training of trial 2 would be shorter than the trial was",
    )


def test_training_time_is_what_the_trials_leave_but_at_least_half():
    trial = Trial(**trial_row(0) | {"history": [{"epoch": 1, "seconds": 4.0}, {"epoch": 2, "seconds": 2.0}]})
    time = TrainingTime(seconds=100.0, max_epochs=45.0)
    assert [time.epochs(trial, spent_s) for spent_s in (0.0, 20.0, 99.0)] == [45.0, 40.0, 25.0]


def test_choose_trial_none_completed_is_none():
    assert choose_trial([], "val_accuracy", "max", 100) == (None, None)
