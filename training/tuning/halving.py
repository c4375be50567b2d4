"""Successive halving: a trial is stopped early if most others were better when they had trained as long.

This is the stopping variant of asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel
Hyperparameter Tuning"): nothing waits for other trials, so it suits one process and several workers. It works with any
strategy, by what KerasTuner has for it: a worker reports each epoch with `Oracle.update_trial`, and the status of the
trial that is returned says whether to stop. KerasTuner's Hyperband, which is a strategy here too, knows neither given
first points nor a Gaussian process, and repeats the training of a promising point in another trial.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from training.tuning.kerastuner_compat import OpenOracle

REDUCTION = 3  # a third of the trials continues after each comparison
COMPARISONS = 2
MIN_RIVALS = 3  # trials to compare with; before there are as many, none is stopped


def comparison_epochs(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which a trial is compared: after a ninth and a third of its length, rounded up.

    Example:
        >>> comparison_epochs(9), comparison_epochs(3), comparison_epochs(1)
        ((1, 3), (1,), ())
    """
    shares = [REDUCTION**power for power in range(COMPARISONS, 0, -1)]
    return tuple(sorted({rung for share in shares if (rung := -(-epochs // share)) < epochs}))


def is_promising(value: float, rivals: Sequence[float], direction: str) -> bool:
    """Return whether a value is in the best third of all, or there are too few rivals to say.

    Args:
        value: of the trial in question.
        rivals: of the other trials.
        direction: `max` or `min`.
    """
    better = sum(rival > value if direction == "max" else rival < value for rival in rivals)
    return len(rivals) < MIN_RIVALS or better < -(-(len(rivals) + 1) // REDUCTION)


class HalvingMixin(OpenOracle):
    """Stops trials that are worse than others of the same length."""

    trial_epochs: int = 0  # of a trial that is not stopped
    compared_after: tuple[int, ...] = ()  # epochs after which a trial is compared; empty: none is stopped
    # The points of the first trials, which are not stopped: others are judged by them.
    known: Sequence[dict[str, Any]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without trials."""
        super().__init__(*args, **kwargs)
        self.stop_reasons: dict[str, str] = {}  # trial id -> after which epoch and why it was stopped

    def get_state(self) -> dict[str, Any]:
        """Return what KerasTuner saves."""
        return super().get_state() | {"stop_reasons": self.stop_reasons}

    def set_state(self, state: dict[str, Any]) -> None:
        """Load a search; those of older versions stopped no trial."""
        super().set_state(state)
        self.stop_reasons = state.get("stop_reasons", {})

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Note the measures of a trial after an epoch.

        Returns:
            the trial; its status is STOPPED if it is not worth continuing, RUNNING otherwise.
        """
        trial = super().update_trial(trial_id, metrics, step=step)
        is_known = int(trial_id) < len(self.known)
        if trial_id not in self.stop_reasons and step in self.compared_after and not is_known:
            self._compare_with_others(trial, step)
        if trial_id not in self.stop_reasons:
            return trial
        answer = copy.copy(trial)
        answer.status = TrialStatus.STOPPED
        return answer

    def _compare_with_others(self, trial: Trial, epoch: int) -> None:
        """Note why a trial is not worth continuing, if it is not."""
        value, direction = self.value_after(trial, epoch), self.objective.direction
        others = (self.value_after(one, epoch) for one in self.trials.values() if one is not trial)
        rivals = [one for one in others if one is not None]
        if value is None or is_promising(value, rivals, direction):
            return
        place = sorted([*rivals, value], reverse=direction == "max").index(value) + 1
        best = max(rivals) if direction == "max" else min(rivals)
        self.stop_reasons[trial.trial_id] = (
            f"stopped after epoch {epoch} of {self.trial_epochs}: {self.objective.name} {value:.4g} was in place "
            f"{place} of {len(rivals) + 1} after as many epochs; the best had {best:.4g}"
        )
        self.save()

    def best_full_trial(self) -> Trial | None:
        """Return the best trial that was not stopped, of equal ones the first that ended; None if there is none."""
        ended = [self.trials[name] for name in self.end_order if name not in self.stop_reasons]
        sign = 1 if self.objective.direction == "max" else -1
        return max((one for one in ended if one.score is not None), key=lambda one: sign * one.score, default=None)

    def value_after(self, trial: Trial, epoch: int) -> float | None:
        """Return the best objective of a trial up to an epoch; None if it has not come as far."""
        if not trial.metrics.exists(self.objective.name):
            return None
        history = trial.metrics.get_history(self.objective.name)
        if not history or history[-1].step < epoch:
            return None
        values = [float(one.mean()) for one in history if one.step <= epoch]
        if not values:
            return None
        return max(values) if self.objective.direction == "max" else min(values)

    def comparable_score(self, trial: Trial) -> float | None:
        """Return what a completed trial would have reached at full length, as far as is known.

        A stopped trial is taken to stay as far behind the best trial of full length as it was when it was stopped.
        Without that, a Gaussian process would take half a training for a bad point.
        """
        if trial.trial_id not in self.stop_reasons or trial.score is None:
            return trial.score
        best = self.best_full_trial()
        if best is None:
            return trial.score
        epoch = trial.metrics.get_history(self.objective.name)[-1].step
        reached = self.value_after(best, epoch)
        return trial.score if reached is None else best.score + trial.score - reached
