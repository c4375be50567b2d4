"""TensorBoard files of a training: the measures of each epoch and, for a trial, its hyperparameters."""

from pathlib import Path
from typing import Any

from model.backend import tf
from tensorboard.plugins.hparams import api as hparams


class SummaryWriter:
    """One run in TensorBoard. A training that resumes adds a file to the same folder."""

    def __init__(self, folder: Path) -> None:
        """Set the folder, which is created with the first epoch."""
        self._folder = folder
        self._last_epoch = 0.0
        self._writer: tf.summary.SummaryWriter | None = None

    def write(self, row: dict[str, float], hyperparameters: dict[str, Any] | None = None) -> None:
        """Write one row of the history, unless it is written already, and with the first row the hyperparameters."""
        if row["epoch"] <= self._last_epoch:
            return
        self._last_epoch = row["epoch"]
        is_first = self._writer is None
        writer = self._writer = self._writer or tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=int(row["epoch"])):
            if is_first and hyperparameters:
                hparams.hparams(hyperparameters, trial_id=self._folder.name)
            for name, value in row.items():
                if name != "epoch":
                    tf.summary.scalar(name, value)
        writer.flush()
