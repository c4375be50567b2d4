"""Successive halving: which trials are stopped, when, why, and what a search learns from them."""

import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus

from training.config import TuneConfig
from training.tuning.halving import comparison_epochs, is_promising
from training.tuning.oracles import make_oracle


def make(folder, task="multiclass", known=(), **options):
    """Return the oracle of a search in one dimension."""
    tune = TuneConfig(**{"trials": 20, "trial_epochs": 9, "strategy": "random"} | options)
    oracle = make_oracle(tune, task, lambda hp: True, known=known)
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    oracle.update_space(hp)
    oracle._set_project_dir(str(folder), "tuner")
    return oracle


def run(oracle, values) -> tuple[str, int]:
    """Run a trial that reaches these values; return (its id, the epochs it was allowed)."""
    trial = oracle.create_trial("one")
    for epoch, value in enumerate(values, 1):
        if oracle.update_trial(trial.trial_id, {oracle.objective.name: value}, step=epoch).status == "STOPPED":
            break
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    return trial.trial_id, epoch


@pytest.mark.parametrize(
    ("epochs", "compared"),
    [(1, ()), (2, (1,)), (3, (1,)), (6, (1, 2)), (9, (1, 3)), (10, (2, 4)), (30, (4, 10))],
)
def test_comparison_epochs_are_a_ninth_and_a_third_of_the_length(epochs, compared):
    assert comparison_epochs(epochs) == compared


@pytest.mark.parametrize(
    ("value", "rivals", "direction", "promising"),
    [
        (0.1, [0.9, 0.9], "max", True),  # too few to say
        (0.8, [0.7, 0.75, 0.9], "max", True),  # second of four
        (0.72, [0.7, 0.75, 0.9], "max", False),
        (0.9, [0.9, 0.9, 0.9, 0.9], "max", True),  # as good as the best
        (0.3, [0.1, 0.2, 0.4], "min", False),
        (0.1, [0.1, 0.2, 0.4], "min", True),
    ],
)
def test_is_promising_in_the_best_third(value, rivals, direction, promising):
    assert is_promising(value, rivals, direction) == promising


def test_oracle_bad_trial_is_stopped_early_and_good_one_continues(tmp_path):
    oracle = make(tmp_path)
    lengths = [run(oracle, [base + epoch / 100 for epoch in range(9)])[1] for base in (0.5, 0.6, 0.4, 0.3, 0.7)]
    lengths.append(run(oracle, [0.61] * 9)[1])
    assert lengths == [9, 9, 9, 1, 9, 3]  # the fourth is worst after an epoch, the last one third of five after three
    name = "03"
    assert oracle.stop_reasons[name] == (
        "stopped after epoch 1 of 9: val_accuracy 0.3 was in place 4 of 4 after as many epochs; the best had 0.6"
    )
    assert oracle.get_trial(name).status == TrialStatus.COMPLETED and oracle.get_trial(name).score == 0.3
    assert oracle.best_full_trial().trial_id == "04"


def test_oracle_known_points_are_never_stopped(tmp_path):
    """With several workers they come late; what is trained is compared with them."""
    oracle = make(tmp_path, known=[{"x": 0.5}])
    late = oracle.create_trial("late")
    assert [run(oracle, [value] * 9)[1] for value in (0.6, 0.7, 0.8, 0.5)] == [9, 9, 9, 1]
    statuses = {oracle.update_trial(late.trial_id, {"val_accuracy": 0.1}, step=epoch).status for epoch in range(1, 10)}
    assert statuses == {"RUNNING"}


def test_oracle_error_is_objective_larger_ones_are_stopped(tmp_path):
    oracle = make(tmp_path, task="regression")
    assert [run(oracle, [error] * 9)[1] for error in (3.0, 2.0, 4.0, 5.0, 1.0)] == [9, 9, 9, 1, 9]
    assert (
        "val_mean_absolute_error 5 was in place 4 of 4 after as many epochs; the best had 2"
        in oracle.stop_reasons["03"]
    )


@pytest.mark.parametrize("options", [{"full_trials": True}, {"strategy": "hyperband"}])
def test_oracle_trials_are_not_stopped_where_they_must_not_be(tmp_path, options):
    oracle = make(tmp_path, **options)
    assert [run(oracle, [value] * 9)[1] for value in (0.9, 0.8, 0.7, 0.1)] == [9] * 4


def test_oracle_loaded_again_knows_which_trials_were_stopped(tmp_path):
    """A kill after the decision and before the end of the trial: the answer is the same, and no epoch is added."""
    oracle = make(tmp_path)
    for value in (0.5, 0.6, 0.7):
        run(oracle, [value] * 9)
    trial = oracle.create_trial("one")
    assert oracle.update_trial(trial.trial_id, {"val_accuracy": 0.1}, step=1).status == "STOPPED"
    again = make(tmp_path)
    again.reload()
    assert again.stop_reasons == oracle.stop_reasons and len(again.stop_reasons) == 1
    resumed = again.create_trial("one")
    assert resumed.trial_id == trial.trial_id
    assert again.update_trial(trial.trial_id, {"val_accuracy": 0.1}, step=1).status == "STOPPED"


def test_oracle_late_epoch_of_a_trial_that_ended_elsewhere_changes_nothing(tmp_path):
    oracle = make(tmp_path)
    name, _ = run(oracle, [0.5] * 9)
    assert oracle.update_trial(name, {"val_accuracy": 0.9}, step=9).status == TrialStatus.COMPLETED
    assert oracle.value_after(oracle.get_trial(name), 9) == 0.5


def test_gaussian_process_learns_what_a_stopped_trial_would_have_reached(tmp_path):
    oracle = make(tmp_path, strategy="bayesian")
    for base in (0.5, 0.6, 0.4):
        run(oracle, [base + epoch / 100 for epoch in range(9)])
    stopped, epochs = run(oracle, [0.35] * 9)
    assert epochs == 1
    _, learned = oracle._vectorize_trials()
    # The best trial had 0.6 after an epoch, 0.25 more, and 0.68 in the end.
    assert learned == pytest.approx([-0.58, -0.68, -0.48, -0.43])
    assert oracle.get_trial(stopped).score == 0.35  # what is reported stays what was measured


# --- The end of a search ---


def count_until_end(oracle, scores) -> int:
    """Run trials of one epoch until the search ends; return how many there were."""
    for number, score in enumerate(scores):
        trial = oracle.create_trial("one")
        if trial.status == TrialStatus.STOPPED:
            return number
        oracle.update_trial(trial.trial_id, {"val_accuracy": score}, step=1)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return len(scores)


def test_search_ends_when_trials_in_a_row_gain_nothing(tmp_path):
    oracle = make(tmp_path, trials=None, search_patience=3, trial_epochs=1)
    scores = [0.5, 0.4, 0.4, 0.6, 0.6, 0.5, 0.1, 0.9]
    assert count_until_end(oracle, scores) == 7 and oracle.has_stalled()


def test_search_known_points_do_not_count_as_without_gain(tmp_path):
    known = [{"x": value / 10} for value in range(5)]
    oracle = make(tmp_path, trials=None, search_patience=2, trial_epochs=1, known=known)
    assert count_until_end(oracle, [0.9] + [0.1] * 10) == 7
    tried = [oracle.trials[name].hyperparameters.values for name in oracle.start_order]
    assert tried[:5] == known


@pytest.mark.parametrize("strategy", ["random", "bayesian", "hyperband"])
def test_search_known_points_come_first_in_their_order(tmp_path, strategy):
    known = [{"x": 0.25}, {"x": 0.75}, {"x": 0.5}]
    oracle = make(tmp_path, strategy=strategy, known=known)
    tried = []
    for _ in range(5):
        trial = oracle.create_trial("one")
        tried.append(trial.hyperparameters.values["x"])
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5}, step=1)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert tried[:3] == [0.25, 0.75, 0.5] and len({*tried}) == 5


def test_search_with_a_number_of_trials_has_as_many(tmp_path):
    oracle = make(tmp_path, trials=12, trial_epochs=1)
    assert count_until_end(oracle, [0.9] + [0.1] * 20) == 12
