"""The strategies of a search: KerasTuner's oracles with exact resume, budgets, and workers that may die.

The course that Trazo accompanies asks for KerasTuner, so it is kept, although much of it is extended or replaced here.

An oracle chooses the trials. With a chief and workers there is one oracle, in the chief. Its methods are then called on
behalf of the workers, under KerasTuner's lock (`keras_tuner.synchronized`).
"""

import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
from keras_tuner import oracles
from keras_tuner.engine.trial import Trial, TrialStatus
from sklearn.exceptions import ConvergenceWarning

from model import heads
from training.config import TuneConfig
from training.tuning.budgets import BudgetMixin
from training.tuning.halving import comparison_epochs
from training.tuning.kerastuner_compat import OpenBayesianOracle, OpenGridOracle
from training.tuning.sampling import ReproducibleSamplingMixin

# Completed random trials, after the known points, before the Gaussian process is used. KerasTuner's default is three
# times the number of hyperparameters, 72 for the whole space, which would make most searches random ones.
INITIAL_RANDOM_TRIALS = 3
# Variance of a score by chance, in units of the variance of all scores. With KerasTuner's default, 1e-4, the Gaussian
# process takes the difference of two seeds for one of their hyperparameters.
SCORE_NOISE = 1e-2
TRUST_RADIUS = 0.25  # around the best point, in quantiles of each hyperparameter's values

logger = logging.getLogger("trazo")


def make_oracle(
    tune: TuneConfig,
    task: str,
    is_small_enough: Callable[[keras_tuner.HyperParameters], bool],
    plan: Sequence[dict[str, Any]] | None = None,
    known: Sequence[dict[str, Any]] = (),
) -> "ResumableOracle":
    """Return the oracle of a strategy.

    Args:
        tune: strategy, budgets, objective, seed; with the length of a trial.
        task: a key of `heads.HEADS`.
        is_small_enough: returns whether the network of a point is within the budget of parameters.
        plan: the values of every trial; the strategy is not asked then.
        known: the values of the first trials; a grid does not use them, because its order has no gaps.
    """
    assert tune.trial_epochs is not None, "the length of a trial is decided before"
    measure, direction = heads.choose_objective(task, tune.objective)
    objective = keras_tuner.Objective(f"val_{measure}", direction)
    # For KerasTuner, seed 0 means "no seed". Consecutive failures do not end a search; the number of trials does.
    common = {"objective": objective, "seed": tune.seed + 1, "max_consecutive_failed_trials": sys.maxsize}
    oracle: ResumableOracle
    if plan is not None:
        oracle = Planned(plan, **common)
    elif tune.strategy == "hyperband":
        oracle = Hyperband(max_epochs=tune.trial_epochs, **common)
        oracle.max_trials = tune.max_trials  # not an argument of this oracle, but every oracle stops there
    elif tune.strategy == "bayesian":
        first = len(known) + INITIAL_RANDOM_TRIALS
        oracle = Bayesian(max_trials=tune.max_trials, num_initial_points=first, alpha=SCORE_NOISE, **common)
    else:
        oracle = {"random": Random, "grid": Grid}[tune.strategy](max_trials=tune.max_trials, **common)
    oracle.is_small_enough, oracle.worker_timeout_s = is_small_enough, tune.worker_timeout
    oracle.deadline = time.monotonic() + 60 * tune.minutes if tune.minutes else None
    oracle.verbose = 0
    oracle.trial_epochs, oracle.known = tune.trial_epochs, list(known)
    if plan is None and tune.strategy != "hyperband":  # which stops trials in its own way
        oracle.compared_after = () if tune.full_trials else comparison_epochs(tune.trial_epochs)
        oracle.patience = tune.max_trials_without_gain
    return oracle


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

    on_change: Callable[[], object] = staticmethod(
        lambda: None
    )  # called when a trial has started, trained an epoch, or ended

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial. Status STOPPED: there are no further ones; IDLE: ask again, one may become free."""
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            self.on_change()
        return trial

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Note the measures of a trial after an epoch; status STOPPED: it is not worth continuing."""
        if trial_id in self.end_order:  # by another worker, while this one was silent
            return self.trials[trial_id]
        trial = super().update_trial(trial_id, metrics, step)
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
    """Random points, after the known ones."""


class Bayesian(ResumableOracle, OpenBayesianOracle):
    """Points that a Gaussian process finds promising, after the known ones and a few random ones.

    If there are known points, all others lie in a trust region around the best one so far (after Eriksson et al. 2019,
    "Scalable Global Optimization via Local Bayesian Optimization"; its size is fixed here). A process that knows ten
    points in seven dimensions finds everything promising that is far from them, and most of it is bad.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the next point; the random state is new for each trial, so that a resumed search gives the same."""
        if self.knows_next():  # also with several workers, when enough of them have completed
            return self.random_point()
        self.reseed([self.seed, len(self.trials)])
        with warnings.catch_warnings():  # of few trials the process cannot say how smooth the score is
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)

    _region_is_exhausted = False  # while a point is drawn for which the trust region had none that was not tried

    def _random_values(self) -> dict[str, Any] | None:
        """Return a random point of the trust region, or of the whole space if none is left in it."""
        values = super()._random_values()
        if values is None and self.known:
            self._region_is_exhausted, self.exhausted_reason = True, None
            values = super()._random_values()
            self._region_is_exhausted = False
        return values

    def range_of(self, parameter: Any) -> tuple[float, float]:
        """Return the trust region of a hyperparameter, in quantiles of its values."""
        best = self.best_full_trial() if self.known else None
        if best is None or self._region_is_exhausted:
            return 0.0, 1.0
        center = parameter.value_to_prob(best.hyperparameters.values.get(parameter.name, parameter.default))
        return max(0.0, center - TRUST_RADIUS), min(1.0, center + TRUST_RADIUS)

    def learned_score(self, trial: Trial) -> float | None:
        """Return the score of a trial, of a stopped one what it would have reached."""
        return self.comparable_score(trial)


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
