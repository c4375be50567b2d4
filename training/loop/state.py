"""The state of a training: everything that changes from step to step, and nothing else."""

import time
from dataclasses import dataclass, field

from model.backend import keras
import numpy as np


@dataclass
class Progress:
    """How far a training has come, as plain numbers."""

    epoch: int = 0  # the current one, from 0
    batch: int = 0  # the next one of that epoch
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # loss, metric and rows of the epoch so far
    seconds: float = 0.0  # of training so far, over all starts
    epoch_seconds: float = 0.0  # of the current epoch so far
    best_epoch: int = 0  # from 1; 0 if there is none yet
    best_loss: float = float("inf")  # on validation
    history: list[dict[str, float]] = field(default_factory=list)  # one row per epoch
    finished: bool = False
    ended: str | None = None  # when it was finished, in UTC

    def stopped_early(self, patience: int) -> bool:
        """Return whether validation has not improved for `patience` epochs."""
        return self.epoch - self.best_epoch >= patience


@dataclass
class TrainState:
    """What a checkpoint holds."""

    network: keras.Model  # takes the optimizer's steps
    ema_network: keras.Model  # is validated and returned; the same object if neither averaging nor bfloat16 is used
    optimizer: keras.optimizers.Optimizer
    progress: Progress = field(default_factory=Progress)
    best_weights: list[np.ndarray] | None = None  # of `ema_network`, in the order of its `weights`
    _counted_until: float = 0.0  # monotonic time up to which the progress counts seconds

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks by name, each once."""
        networks = {"network": self.network}
        return networks if self.ema_network is self.network else networks | {"ema": self.ema_network}

    def start_clock(self) -> None:
        """Count seconds of training from now on."""
        self._counted_until = time.monotonic()

    def count_seconds(self) -> None:
        """Add the time since the last call, or since `start_clock`, to the progress."""
        now = time.monotonic()
        self.progress.seconds += now - self._counted_until
        self.progress.epoch_seconds += now - self._counted_until
        self._counted_until = now
