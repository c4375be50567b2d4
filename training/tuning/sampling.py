"""Random points of a search, after the known ones."""

from typing import Any

import model.backend  # noqa: F401 - Keras is imported there first
import keras_tuner
import numpy as np
from keras_tuner.engine.trial import TrialStatus

from training.tuning.budgets import BudgetMixin

MAX_DRAWS = 200  # of random points in search of one within the budget of parameters


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
        """Return the next known point, or a random one; None if all were tried, or none of many is small enough.

        KerasTuner draws each value with a new generator, seeded with the next whole number. What a hyperparameter gets
        in successive trials is then not independent: one of eight choices never came in 60 trials.
        """
        if self.knows_next():
            return dict(self.known[len(self.start_order)])
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
                low, high = self.range_of(parameter)
                hp.values[parameter.name] = parameter.prob_to_value(low + (high - low) * random.random())
        return hp.values

    def range_of(self, parameter: Any) -> tuple[float, float]:
        """Return between which quantiles of a hyperparameter's values points are drawn."""
        return 0.0, 1.0

    def knows_next(self) -> bool:
        """Return whether the next trial is one of the known points."""
        return len(self.start_order) < len(self.known)
