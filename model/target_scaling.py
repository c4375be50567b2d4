"""How the numbers of a regression are scaled: the network learns standardized targets and answers in their own unit.

It stands next to `scaling`, which is about pixels. Without it, weights that start near 1 would have to grow to answer a
year or a price, and the error of a length in meters would be too small to learn from.
"""

from dataclasses import dataclass

import numpy as np

from model.errors import TrazoError

MAX_TARGET = 1e30  # squares still fit into float32 once they are divided by the deviation
MIN_RELATIVE_DEVIATION = 1e-6  # of the size of the targets: float32 does not tell smaller differences apart


@dataclass(frozen=True)
class TargetScaling:
    """`deviation × score + mean`: the last step of a regression network, from its scores to the targets' unit.

    Raises:
        TrazoError: if a value is not a finite number of a usable size.

    Example:
        >>> TargetScaling(mean=1987.5, deviation=12.0).for_loss("mse")
        (1987.5, 12.0)
    """

    mean: float  # of the training rows' targets, in their unit
    deviation: float  # their standard deviation, above 0

    def __post_init__(self) -> None:
        """Refuse values that float32 cannot compute with."""
        for name, value, low in (("mean", self.mean, 0.0), ("deviation", self.deviation, 1 / MAX_TARGET)):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not low <= abs(value) <= MAX_TARGET or (name == "deviation" and value < 0):
                raise TrazoError(f"{name} of target_scaling must be a number of a usable size, not {value!r}")

    def for_loss(self, loss: str) -> tuple[float, float]:
        """Return (offset, scale). A Poisson loss needs positive numbers, which are only divided by their mean."""
        if loss == "poisson":
            return 0.0, self.mean if self.mean > 0 else self.deviation
        return self.mean, self.deviation

    @staticmethod
    def fit(targets: np.ndarray, column: str) -> "TargetScaling":
        """Return the scaling for the targets of the training rows.

        Args:
            targets: float (n,), finite, at least one.
            column: what they are called, for messages.

        Raises:
            TrazoError: if all are equal, or too large.
        """
        targets = targets.astype(np.float64)
        largest = float(np.abs(targets).max())
        if largest > MAX_TARGET:
            raise TrazoError(f"{column!r} has targets of up to {largest:g}; at most {MAX_TARGET:g} can be learned")
        if targets.min() == targets.max():
            raise TrazoError(
                f"all {len(targets):,} targets in {column!r} are {targets[0]:g}: there is nothing to learn from them; "
                "choose another column with --label-column"
            )
        deviation = max(float(targets.std()), MIN_RELATIVE_DEVIATION * largest, 1 / MAX_TARGET)
        return TargetScaling(float(targets.mean()), deviation)
