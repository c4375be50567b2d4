"""When a search ends: after so many trials or minutes, or when trials gain nothing any more."""

import time
from collections.abc import Callable
from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from training.tuning.halving import HalvingMixin


class BudgetMixin(HalvingMixin):
    """Limits of a search: trials, trials without a gain, minutes, and the parameters of a network."""

    is_small_enough: Callable[[keras_tuner.HyperParameters], bool]
    deadline: float | None = None  # of `time.monotonic`; no trial starts after it
    patience: int | None = None  # trials in a row that gain nothing, after which none starts

    def deadline_passed(self) -> bool:
        """Return whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def trials_without_gain(self) -> int:
        """Return how many trials have ended since the best one, without those of the known points."""
        best = self.best_full_trial()
        since = self.end_order[self.end_order.index(best.trial_id) + 1 :] if best else self.end_order
        return sum(int(name) >= len(self.known) for name in since)

    def has_stalled(self) -> bool:
        """Return whether as many trials in a row as the patience allows have gained nothing."""
        return self.patience is not None and self.trials_without_gain() >= self.patience

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; its status is IDLE if there is none now, but a running one may still fail."""
        if tuner_id not in self.ongoing_trials:
            expired = self.deadline_passed()
            full = (len(self.trials) >= self.max_trials or self.has_stalled()) and not self.retry_queue
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
