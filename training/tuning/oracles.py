"""KerasTuner's strategies, mended where they would lose work: exact resume, budgets, workers that die.

An oracle chooses the trials. With a chief and workers there is one, the chief's; its methods are then called for the
workers, under KerasTuner's lock (`keras_tuner.synchronized`).
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner import oracles
from keras_tuner.engine.trial import Trial, TrialStatus

from model import heads
from training.config import TuneConfig

DRAWS = 200  # of a random point that fits the budget, before the search gives up
# Completed trials before the Gaussian process is asked. KerasTuner's own number is three times that of the
# hyperparameters: 72 here, so that most searches would be random ones.
RANDOM_FIRST = 20


def make_oracle(tune: TuneConfig, task: str, fits: Callable[[keras_tuner.HyperParameters], bool]) -> keras_tuner.Oracle:
    """Return the oracle of a strategy.

    Args:
        tune: strategy, budgets, seed.
        task: a key of `heads.HEADS`; its metric on validation is the objective.
        fits: tells whether the network of a point is within the budget of parameters.
    """
    metric = heads.HEADS[task].metric
    objective = keras_tuner.Objective(f"val_{metric}", "max" if metric == "accuracy" else "min")
    # KerasTuner takes seed 0 for "no seed" and draws one. Failures in a row are no end: the number of trials is.
    common = {"objective": objective, "seed": tune.seed + 1, "max_consecutive_failed_trials": sys.maxsize}
    if tune.strategy == "hyperband":
        oracle = Hyperband(max_epochs=tune.trial_epochs, **common)
        oracle.max_trials = tune.trials  # no argument of this oracle's, but every oracle stops there
    elif tune.strategy == "bayesian":
        oracle = Bayesian(max_trials=tune.trials, num_initial_points=RANDOM_FIRST, **common)
    else:
        oracle = {"random": Random, "grid": Grid}[tune.strategy](max_trials=tune.trials, **common)
    oracle.fits, oracle.worker_timeout = fits, tune.worker_timeout
    oracle.deadline = time.monotonic() + 60 * tune.minutes if tune.minutes else None
    oracle.verbose = 0
    return oracle


class ResumableOracle(keras_tuner.Oracle):
    """What all strategies share: budgets of time and of parameters, and trials that outlive their workers."""

    fits: Callable[[keras_tuner.HyperParameters], bool]
    deadline: float | None  # of `time.monotonic`, after which no trial begins
    worker_timeout: float  # seconds of silence after which a worker's trial goes to another
    after_change: Callable[[], object] = staticmethod(lambda: None)  # called when a trial has begun or ended
    failure: str | None = None  # why no further point can be drawn

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Start with no worker heard of."""
        super().__init__(*arguments, **options)
        self._heard: dict[str, float] = {}  # tuner id -> `time.monotonic` of its last call
        self._begun = time.monotonic()
        self._former: dict[str, Trial] = {}
        self.stopped = False  # whether a worker has been told that there are no further trials

    # --- Which trial is next ---

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; STOPPED when there is none, IDLE while another worker's may still fall free."""
        self._heard[tuner_id] = time.monotonic()
        self._free_trials_of_the_silent()
        if tuner_id not in self.ongoing_trials:
            late = self.deadline_passed()
            full = len(self.trials) >= self.max_trials and not self._retry_queue
            if full and self.ongoing_trials and not late:
                return self._without_values(TrialStatus.IDLE)
            if late or full:
                self.tuner_ids.discard(tuner_id)
                self.stopped = True
                return self._without_values(TrialStatus.STOPPED)
        trial = super().create_trial(tuner_id)
        self.stopped |= trial.status == TrialStatus.STOPPED
        if trial.status == TrialStatus.RUNNING:
            self.after_change()
        return trial

    def _without_values(self, status: str) -> Trial:
        return Trial(hyperparameters=self.hyperparameters.copy(), trial_id="", status=status)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the strategy's next point; a random one in place of a point that was tried or is too large."""
        response = super().populate_space(trial_id)
        if response["status"] == TrialStatus.RUNNING and not self._usable(response["values"]):
            values = self._random_values()
            return {"status": TrialStatus.RUNNING if values else TrialStatus.STOPPED, "values": values}
        return response

    def _usable(self, values: dict[str, Any]) -> bool:
        return not self._duplicate(values) and self._fits(values)

    def _fits(self, values: dict[str, Any]) -> bool:
        hp = self.hyperparameters.copy()
        hp.values = dict(values)
        return self.fits(hp)

    def _random_values(self) -> dict[str, Any] | None:
        """Return a random point that fits; None where all were tried, or none of many is small enough.

        KerasTuner draws each value with a generator of its own, seeded with the next whole number: what a
        hyperparameter gets in successive trials is then not independent (one of eight choices never came in 60).
        """
        collisions = 0
        for _ in range(DRAWS):
            values = self._drawn_values()
            if self._duplicate(values):
                collisions += 1
                if collisions > self._max_collisions:
                    return None
            elif self._fits(values):
                return values
        self.failure = f"none of {DRAWS} random points of the space is small enough"
        return None

    def _drawn_values(self) -> dict[str, Any]:
        random = np.random.default_rng([self.seed, self._seed_state])
        self._seed_state += 1  # KerasTuner keeps it
        hp = keras_tuner.HyperParameters()
        for parameter in self.get_space().space:  # parents come before what depends on them
            hp.merge([parameter])
            if hp.is_active(parameter):
                hp.values[parameter.name] = parameter.prob_to_value(random.random())
        return hp.values

    def _first_point(self) -> dict[str, Any] | None:
        """Return the space's default point where no trial has begun and it fits: a search starts at what is known."""
        if self.start_order:
            return None
        hp = self.get_space()
        hp.values = {}
        for parameter in hp.space:  # parents come before what depends on them
            if hp.is_active(parameter):
                hp.values[parameter.name] = parameter.default
        return hp.values if self._fits(hp.values) else None

    # --- Workers that die ---

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember whose each trial was, which KerasTuner forgets when it takes an earlier call's trials up."""
        super().set_state(state)
        self._former = dict(self.ongoing_trials)

    def leave_with_workers(self) -> None:
        """Leave the trials of an earlier chief with their workers, who may still be at them, until they are silent."""
        for tuner_id, trial in self._former.items():
            if trial.trial_id in self._retry_queue:
                self._retry_queue.remove(trial.trial_id)
                self.ongoing_trials[tuner_id] = trial
                self.tuner_ids.add(tuner_id)

    @keras_tuner.synchronized
    def get_trial(self, trial_id: str) -> Trial:
        """Return a trial; a worker that asks for the one it runs is alive."""
        for tuner_id, trial in self.ongoing_trials.items():
            if trial.trial_id == trial_id:
                self._heard[tuner_id] = time.monotonic()
        return super().get_trial(trial_id)

    def _free_trials_of_the_silent(self) -> None:
        for tuner_id in [*self.tuner_ids]:
            if self._silence(tuner_id) > self.worker_timeout:
                self.tuner_ids.discard(tuner_id)
                if trial := self.ongoing_trials.pop(tuner_id, None):
                    self._retry_queue.append(trial.trial_id)
                    print(f"{tuner_id} is silent; trial {trial.trial_id} goes to the next worker that asks", flush=True)

    def _silence(self, tuner_id: str) -> float:
        return time.monotonic() - self._heard.get(tuner_id, self._begun)

    # These take no lock: KerasTuner's stays locked for ever where a method that holds it fails.

    def finished(self) -> bool:
        """Tell whether there are no further trials, and no worker is still at one."""
        workers = {*self.tuner_ids, *self.ongoing_trials}
        # A worker whose time is up ends without a word, and asks for no further trial either.
        ended = self.stopped or self.deadline_passed()
        return ended and all(self._silence(tuner_id) > self.worker_timeout for tuner_id in workers)

    def deadline_passed(self) -> bool:
        """Tell whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def seconds_since_heartbeat(self) -> float:
        """Return the seconds since any worker has called."""
        return time.monotonic() - max(self._heard.values(), default=self._begun)

    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """End a trial; of a worker that was taken for dead and another, the first result counts."""
        if trial.trial_id not in self.end_order:
            super().end_trial(trial)
            if trial.trial_id in self._retry_queue:
                self._retry_queue.remove(trial.trial_id)
                self.save()
            self.after_change()


class Random(ResumableOracle, oracles.RandomSearchOracle):
    """Random points, the default one first."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point."""
        if values := self._first_point():
            return {"status": TrialStatus.RUNNING, "values": values}
        return super().populate_space(trial_id)


class Bayesian(ResumableOracle, oracles.BayesianOptimizationOracle):
    """Points that a Gaussian process holds promising, the default one first."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point.

        KerasTuner does not keep its random state; drawn anew for each trial, a resumed search goes the same way.
        """
        if values := self._first_point():
            return {"status": TrialStatus.RUNNING, "values": values}
        self._random_state = np.random.RandomState([self.seed, len(self.trials)])
        return super().populate_space(trial_id)


class Hyperband(ResumableOracle, oracles.HyperbandOracle):
    """Many short trainings, the best of which are repeated at greater length."""

    def _usable(self, values: dict[str, Any]) -> bool:
        return True  # random values are checked when they are drawn, and a promoted point was tried before


class Grid(ResumableOracle, oracles.GridSearchOracle):
    """Every combination in order; one that is too large is a failed trial, for the order has no gaps."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Find the place again, which KerasTuner keeps only in memory: each trial's successor started after it."""
        super().set_state(state)
        for trial_id in self.start_order:
            self._ordered_ids.insert(trial_id)
        self._populate_next = list(self.end_order)

    def _usable(self, values: dict[str, Any]) -> bool:
        return True
