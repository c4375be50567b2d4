"""TensorBoard's files of a training: each epoch's measures, and for a trial its hyperparameters."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams


class SummaryWriter:
    """One run in TensorBoard; a training that goes on adds a file to the same folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made with the first epoch."""
        self._folder, self._epochs = folder, 0.0
        self._writer: tf.summary.SummaryWriter | None = None

    def write(self, row: dict[str, float], hyperparameters: dict[str, Any] | None = None) -> None:
        """Write an epoch, a row of the history, once; and with the first the hyperparameters."""
        if row["epoch"] <= self._epochs:
            return
        self._epochs, first = row["epoch"], self._writer is None
        writer = self._writer = self._writer or tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=int(row["epoch"])):
            if first and hyperparameters:
                hparams.hparams(hyperparameters, trial_id=self._folder.name)
            for name, value in row.items():
                if name != "epoch":
                    tf.summary.scalar(name, value)
        writer.flush()
