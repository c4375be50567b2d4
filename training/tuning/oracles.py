"""The strategies of a search: KerasTuner's oracles with exact resume, budgets, and workers that may die.

The course that Trazo accompanies asks for KerasTuner, so it is kept, although much of it is extended or replaced here.

An oracle chooses the trials. With a chief and workers there is one oracle, in the chief. Its methods are then called on
behalf of the workers, under KerasTuner's lock (`keras_tuner.synchronized`).
"""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
import numpy as np
from keras_tuner import oracles
from keras_tuner.engine.trial import Trial, TrialStatus

from model import heads
from training.config import TuneConfig
from training.tuning.kerastuner_compat import OpenBayesianOracle, OpenGridOracle, OpenOracle

MAX_DRAWS = 200  # of random points in search of one within the budget of parameters
# Completed trials before the Gaussian process is used. KerasTuner's default is three times the number of
# hyperparameters: 72 here, which would make most searches random ones.
INITIAL_RANDOM_TRIALS = 20

logger = logging.getLogger("trazo")


def make_oracle(
    tune: TuneConfig,
    task: str,
    is_small_enough: Callable[[keras_tuner.HyperParameters], bool],
    plan: Sequence[dict[str, Any]] | None = None,
) -> "ResumableOracle":
    """Return the oracle of a strategy.

    Args:
        tune: strategy, budgets, objective, seed.
        task: a key of `heads.HEADS`.
        is_small_enough: returns whether the network of a point is within the budget of parameters.
        plan: the values of every trial; the strategy is not asked then.
    """
    measure, direction = heads.choose_objective(task, tune.objective)
    objective = keras_tuner.Objective(f"val_{measure}", direction)
    # For KerasTuner, seed 0 means "no seed". Consecutive failures do not end a search; the number of trials does.
    common = {"objective": objective, "seed": tune.seed + 1, "max_consecutive_failed_trials": sys.maxsize}
    oracle: ResumableOracle
    if plan is not None:
        oracle = Planned(plan, **common)
    elif tune.strategy == "hyperband":
        oracle = Hyperband(max_epochs=tune.trial_epochs, **common)
        oracle.max_trials = tune.trials  # not an argument of this oracle, but every oracle stops there
    elif tune.strategy == "bayesian":
        oracle = Bayesian(max_trials=tune.trials, num_initial_points=INITIAL_RANDOM_TRIALS, **common)
    else:
        oracle = {"random": Random, "grid": Grid}[tune.strategy](max_trials=tune.trials, **common)
    oracle.is_small_enough, oracle.worker_timeout_s = is_small_enough, tune.worker_timeout
    oracle.deadline = time.monotonic() + 60 * tune.minutes if tune.minutes else None
    oracle.verbose = 0
    return oracle


class BudgetMixin(OpenOracle):
    """Limits of a search: the number of trials, minutes, and the parameters of a network."""

    is_small_enough: Callable[[keras_tuner.HyperParameters], bool]
    deadline: float | None = None  # of `time.monotonic`; no trial starts after it

    def deadline_passed(self) -> bool:
        """Return whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; its status is IDLE if there is none now, but a running one may still fail."""
        if tuner_id not in self.ongoing_trials:
            expired = self.deadline_passed()
            full = len(self.trials) >= self.max_trials and not self.retry_queue
            if full and self.ongoing_trials and not expired:
                return self._empty_trial(TrialStatus.IDLE)
            if expired or full:
                self.tuner_ids.discard(tuner_id)
                return self._empty_trial(TrialStatus.STOPPED)
        return super().create_trial(tuner_id)

    def _empty_trial(self, status: str) -> Trial:
        return Trial(hyperparameters=self.hyperparameters.copy(), trial_id="", status=status)

    def _within_budget(self, values: dict[str, Any]) -> bool:
        hp = self.hyperparameters.copy()
        hp.values = dict(values)
        return self.is_small_enough(hp)


class ReproducibleSamplingMixin(BudgetMixin):
    """Random points that depend only on the seed and on how many were drawn before."""

    exhausted_reason: str | None = None  # why no further point can be drawn

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the strategy's next point, or a random one if that point was tried or its network is too large."""
        response = super().populate_space(trial_id)
        if response["status"] == TrialStatus.RUNNING and not self._is_usable(response["values"]):
            values = self._random_values()
            return {"status": TrialStatus.RUNNING if values else TrialStatus.STOPPED, "values": values}
        return response

    def _is_usable(self, values: dict[str, Any]) -> bool:
        return not self.was_tried(values) and self._within_budget(values)

    def _random_values(self) -> dict[str, Any] | None:
        """Return a random point within the budget; None if all were tried, or no point of many is small enough.

        KerasTuner draws each value with a new generator, seeded with the next whole number. What a hyperparameter gets
        in successive trials is then not independent: one of eight choices never came in 60 trials.
        """
        collisions = 0
        for _ in range(MAX_DRAWS):
            values = self._draw_values()
            if self.was_tried(values):
                collisions += 1
                if collisions > self.max_collisions:
                    return None
            elif self._within_budget(values):
                return values
        self.exhausted_reason = f"none of {MAX_DRAWS} random points of the space is small enough"
        return None

    def _draw_values(self) -> dict[str, Any]:
        random = np.random.default_rng([self.seed, self.next_draw_seed()])
        hp = keras_tuner.HyperParameters()
        for parameter in self.get_space().space:  # each comes after those it depends on
            hp.merge([parameter])
            if hp.is_active(parameter):
                hp.values[parameter.name] = parameter.prob_to_value(random.random())
        return hp.values

    def _default_values(self) -> dict[str, Any] | None:
        """Return the default point for the first trial if it is within the budget: a search starts from a recipe."""
        if self.start_order:
            return None
        hp = self.get_space()
        hp.values = {}
        for parameter in hp.space:  # each comes after those it depends on
            if hp.is_active(parameter):
                hp.values[parameter.name] = parameter.default
        return hp.values if self._within_budget(hp.values) else None


class HeartbeatMixin(BudgetMixin):
    """Trials that outlive their workers: the trial of a silent worker goes to the next one that asks."""

    worker_timeout_s: float  # seconds of silence after which a worker counts as dead

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without workers."""
        super().__init__(*args, **kwargs)
        self._last_heartbeat: dict[str, float] = {}  # tuner id -> `time.monotonic` of its last call
        self._started = time.monotonic()
        self._previous_trials: dict[str, Trial] = {}  # tuner id -> trial that an earlier chief had given to it
        self.stopped = False  # whether any worker was sent away because there are no further trials

    def set_state(self, state: dict[str, Any]) -> None:
        """Load a search; keeps which worker had which trial, which KerasTuner forgets."""
        super().set_state(state)
        self._previous_trials = dict(self.ongoing_trials)

    def return_trials_to_workers(self) -> None:
        """Leave the trials of an earlier chief with their workers, which may still run them, until they are silent."""
        for tuner_id, trial in self._previous_trials.items():
            if trial.trial_id in self.retry_queue:
                self.retry_queue.remove(trial.trial_id)
                self.ongoing_trials[tuner_id] = trial
                self.tuner_ids.add(tuner_id)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; the trials of silent workers come first."""
        self._last_heartbeat[tuner_id] = time.monotonic()
        self._release_silent_workers()
        trial = super().create_trial(tuner_id)
        self.stopped |= trial.status == TrialStatus.STOPPED
        return trial

    @keras_tuner.synchronized
    def get_trial(self, trial_id: str) -> Trial:
        """Return a trial; a worker that asks for the trial it runs is alive."""
        for tuner_id, trial in self.ongoing_trials.items():
            if trial.trial_id == trial_id:
                self._last_heartbeat[tuner_id] = time.monotonic()
        return super().get_trial(trial_id)

    # The next two take no lock: KerasTuner's lock stays locked forever if a method that holds it fails.

    def finished(self) -> bool:
        """Return whether there are no further trials, and no worker is still running one."""
        workers = {*self.tuner_ids, *self.ongoing_trials}
        # A worker whose time is up ends without asking for another trial.
        ended = self.stopped or self.deadline_passed()
        return ended and all(self._is_silent(tuner_id) for tuner_id in workers)

    def seconds_since_heartbeat(self) -> float:
        """Return the seconds since the last call of any worker."""
        return time.monotonic() - max(self._last_heartbeat.values(), default=self._started)

    def _is_silent(self, tuner_id: str) -> bool:
        return time.monotonic() - self._last_heartbeat.get(tuner_id, self._started) > self.worker_timeout_s

    def _release_silent_workers(self) -> None:
        for tuner_id in [*self.tuner_ids]:
            if self._is_silent(tuner_id):
                self.tuner_ids.discard(tuner_id)
                if trial := self.ongoing_trials.pop(tuner_id, None):
                    self.retry_queue.append(trial.trial_id)
                    logger.warning("%s is silent; trial %s goes to the next worker that asks", tuner_id, trial.trial_id)


class ResumableOracle(HeartbeatMixin, ReproducibleSamplingMixin):
    """What all strategies share."""

    on_change: Callable[[], object] = staticmethod(lambda: None)  # called when a trial has started or ended

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial. Status STOPPED: there are no further ones; IDLE: ask again, one may become free."""
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            self.on_change()
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """End a trial; if a silent worker returns after another one has ended its trial, the first result counts."""
        if trial.trial_id not in self.end_order:
            super().end_trial(trial)
            if trial.trial_id in self.retry_queue:
                self.retry_queue.remove(trial.trial_id)
                self.save()
            self.on_change()


class Random(ResumableOracle, oracles.RandomSearchOracle):
    """Random points, after the default one."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point."""
        if values := self._default_values():
            return {"status": TrialStatus.RUNNING, "values": values}
        return super().populate_space(trial_id)


class Bayesian(ResumableOracle, OpenBayesianOracle):
    """Points that a Gaussian process finds promising, after the default one and random ones."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point; the random state is new for each trial, so that a resumed search gives the same."""
        if values := self._default_values():
            return {"status": TrialStatus.RUNNING, "values": values}
        self.reseed([self.seed, len(self.trials)])
        return super().populate_space(trial_id)


class Hyperband(ResumableOracle, oracles.HyperbandOracle):
    """Many short trainings, the best of which are repeated with more epochs."""

    def _is_usable(self, values: dict[str, Any]) -> bool:
        return True  # random values are checked when they are drawn, and a promoted point was tried before


class Grid(ResumableOracle, OpenGridOracle):
    """Every combination in order. If a network is too large, its trial fails, because the order has no gaps."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Load a search, with the place in the grid."""
        super().set_state(state)
        self.restore_place()

    def _is_usable(self, values: dict[str, Any]) -> bool:
        return True


class Planned(ResumableOracle, keras_tuner.Oracle):
    """Given points in a given order, such as those of a designed experiment."""

    def __init__(self, plan: Sequence[dict[str, Any]], **settings: Any) -> None:
        """Set the points: the values of every hyperparameter, for each trial."""
        super().__init__(max_trials=len(plan), **settings)
        self._plan = plan

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point."""
        if len(self.start_order) >= len(self._plan):
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": dict(self._plan[len(self.start_order)])}
