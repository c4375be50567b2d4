"""The oracles, called as KerasTuner's tuner and server call them: sampling, resume, and workers that die."""

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.trial import TrialStatus

from model.config import ACTIVATIONS
from model.errors import TrazoError
from training.config import TuneConfig
from training.tuning.oracles import INITIAL_RANDOM_TRIALS, make_oracle
from training.tuning.search_space import SearchSpace


def tuned(**options) -> TuneConfig:
    """Return the options of a search whose trials have three epochs."""
    return TuneConfig(**{"trial_epochs": 3} | options)


BASE = {"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)}


def oracle_of_space(folder, tune, space):
    """Return an oracle that knows the space's default point."""
    oracle = make_oracle(tune, "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    space.point(hp)
    oracle.update_space(hp)
    oracle._set_project_dir(str(folder), "tuner")
    return oracle


def complete(oracle, trial, score):
    """End a trial as completed."""
    oracle.update_trial(trial.trial_id, {"val_accuracy": score})
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)


def test_bayesian_oracle_fits_gaussian_process_after_initial_random_trials(tmp_path, monkeypatch):
    """Not after 3 × the number of hyperparameters, KerasTuner's default: few searches have as many trials."""
    space = SearchSpace(BASE)
    oracle = oracle_of_space(tmp_path, tuned(strategy="bayesian", trials=60), space)
    fitted = []
    monkeypatch.setattr(type(oracle.gpr), "fit", lambda self, x, y: fitted.append(len(y)))
    monkeypatch.setattr(type(oracle.gpr), "predict", lambda self, x, return_std: (np.zeros(len(x)), np.ones(len(x))))
    for number in range(INITIAL_RANDOM_TRIALS + 1):
        trial = oracle.create_trial("one")
        space.point(trial.hyperparameters)
        complete(oracle, trial, number / 100)
    assert fitted == [INITIAL_RANDOM_TRIALS]


def test_random_oracle_choices_come_about_equally_often(tmp_path):
    oracle = oracle_of_space(tmp_path, tuned(trials=400), SearchSpace(BASE))
    drawn = [oracle._draw_values() for _ in range(400)]
    counts = {name: sum(values["activation"] == name for values in drawn) for name in ACTIVATIONS}
    assert min(counts.values()) > 30 and max(counts.values()) < 75


def test_grid_oracle_one_name_searched_tries_each_value_once(tmp_path):
    tune = tuned(strategy="grid", trials=60, search=("activation",))
    oracle = oracle_of_space(tmp_path, tune, SearchSpace(BASE, searched=["activation"]))
    tried = []
    while (trial := oracle.create_trial("one")).status == "RUNNING":
        tried.append(trial.hyperparameters.values["activation"])
        complete(oracle, trial, 0.5)
    assert sorted(tried) == sorted(ACTIVATIONS)


# --- Several workers ---


@pytest.fixture
def oracle(tmp_path):
    """Return a chief's oracle for two trials; a worker is dead after a second of silence."""
    oracle = make_oracle(tuned(trials=2, worker_timeout=1), "multiclass", lambda hp: True)
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    oracle.update_space(hp)
    oracle._set_project_dir(str(tmp_path), "tuner")
    return oracle


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose one number is the time in seconds."""
    now = [1000.0]
    monkeypatch.setattr("training.tuning.oracles.time.monotonic", lambda: now[0])
    return now


def test_oracle_worker_waits_while_a_running_trial_may_become_free(clock, oracle):
    a, b = oracle.create_trial("a"), oracle.create_trial("b")
    complete(oracle, b, 0.5)
    assert oracle.create_trial("b").status == TrialStatus.IDLE and not oracle.finished()
    clock[0] += 0.9
    oracle.get_trial(a.trial_id)  # a heartbeat
    clock[0] += 0.9
    assert oracle.create_trial("b").status == TrialStatus.IDLE
    clock[0] += 1.1
    again = oracle.create_trial("b")
    assert (again.status, again.trial_id) == (TrialStatus.RUNNING, a.trial_id)
    complete(oracle, again, 0.75)
    assert oracle.create_trial("b").status == TrialStatus.STOPPED and oracle.finished()


def test_oracle_trial_ended_twice_first_result_counts(clock, oracle):
    a = oracle.create_trial("a")
    clock[0] += 2
    again = oracle.create_trial("b")
    assert again.trial_id == a.trial_id
    complete(oracle, again, 0.75)
    ends = []
    oracle.on_change = lambda: ends.append(1)
    complete(oracle, a, 0.25)
    assert not ends and oracle.end_order == [a.trial_id]
    assert oracle.get_trial(a.trial_id).score == 0.75
    assert oracle.create_trial("a").trial_id != a.trial_id


def test_oracle_worker_back_in_time_keeps_its_trial(clock, oracle):
    a = oracle.create_trial("a")
    clock[0] += 0.5
    assert oracle.create_trial("a").trial_id == a.trial_id
    assert oracle.create_trial("b").trial_id != a.trial_id


def test_oracle_all_workers_dead_search_is_not_finished(clock, oracle):
    oracle.create_trial("a")
    clock[0] += 1000
    assert not oracle.finished() and oracle.seconds_since_heartbeat() == 1000


def test_oracle_deadline_passed_workers_need_not_ask_again(clock, oracle):
    oracle.deadline = clock[0] + 10
    oracle.create_trial("a")
    clock[0] += 9
    assert not oracle.finished()
    clock[0] += 1.5  # the time is up, and the worker may still be in its last epoch
    oracle.get_trial("0")
    assert not oracle.finished()
    clock[0] += 1.5
    assert oracle.finished()


def test_oracle_restarted_chief_leaves_trials_with_their_workers(clock, oracle):
    a, b = oracle.create_trial("a"), oracle.create_trial("b")
    again = make_oracle(tuned(trials=3, worker_timeout=1), "multiclass", lambda hp: True)
    again._set_project_dir(oracle._directory, oracle._project_name)
    again.reload()
    again.return_trials_to_workers()
    assert again.create_trial("c").trial_id not in (a.trial_id, b.trial_id)
    again.get_trial(a.trial_id)
    complete(again, b, 0.5)  # finished while there was no chief
    for _ in range(3):  # both are alive
        clock[0] += 0.9
        again.get_trial(a.trial_id)
        again.get_trial("2")
        assert again.create_trial("b").status == TrialStatus.IDLE
    clock[0] += 0.9
    again.get_trial("2")
    clock[0] += 0.9  # a has been silent for too long
    assert again.create_trial("b").trial_id == a.trial_id


@pytest.mark.parametrize(
    ("task", "chosen", "name", "direction"),
    [
        ("multiclass", None, "val_accuracy", "max"),
        ("binary", "macro_f1", "val_macro_f1", "max"),
        ("multiclass", "balanced_accuracy", "val_balanced_accuracy", "max"),
        ("regression", None, "val_mean_absolute_error", "min"),
        ("regression", "r2", "val_r2", "max"),
    ],
)
def test_make_oracle_objective_is_the_chosen_measure_on_validation(task, chosen, name, direction):
    for strategy in ("random", "hyperband"):
        oracle = make_oracle(tuned(strategy=strategy, objective=chosen), task, lambda hp: True)
        assert (oracle.objective.name, oracle.objective.direction) == (name, direction)


@pytest.mark.parametrize(("task", "chosen"), [("regression", "accuracy"), ("binary", "r2")])
def test_make_oracle_objective_of_another_task_is_refused(task, chosen):
    with pytest.raises(TrazoError, match=f"objective {chosen} does not suit a {task} task; these suit it"):
        make_oracle(tuned(objective=chosen), task, lambda hp: True)


# --- Known points ---


def test_bayesian_oracle_after_known_points_stays_near_the_best_one(tmp_path):
    """Random points, and those of the Gaussian process: a quarter of each range on either side."""
    space = SearchSpace(BASE, searched=["filters", "dropout", "augment", "learning_rate"])
    known = [space.complete({"augment": 0.25}), space.complete({"augment": 1.25})]
    oracle = make_oracle(tuned(trials=20), "multiclass", lambda hp: True, known=known)
    hp = keras_tuner.HyperParameters()
    space.point(hp)
    oracle.update_space(hp)
    oracle._set_project_dir(str(tmp_path), "tuner")
    tried = []
    for number in range(5):
        trial = oracle.create_trial("one")
        tried.append(trial.hyperparameters.values["augment"])
        complete(oracle, trial, 0.9 if number == 1 else 0.5)
    assert tried[:2] == [0.25, 1.25] and min(tried[2:]) >= 0.75
    bounds = dict(zip((one.name for one in hp.space), oracle._get_hp_bounds(), strict=True))
    assert [*bounds["augment"].round(2)] == [0.54, 1.0]
    bounds = dict(zip((one.name for one in hp.space), oracle._get_hp_bounds(), strict=True))
    assert [*bounds["augment"].round(2)] == [0.54, 1.0]
    free = make_oracle(tuned(trials=20), "multiclass", lambda hp: True)
    assert free.range_of(hp.space[0]) == (0.0, 1.0)
