"""TensorBoard's files of a training, in the folder `tensorboard` of its run."""

from collections.abc import Mapping

from model.backend import tf
from tensorboard.plugins.hparams import api as hparams

from training.tracking.run import RunLabel


class TensorBoardRun:
    """A folder of TensorBoard's files. A training that resumes adds a file to it."""

    def __init__(self, label: RunLabel, run_id: str | None) -> None:
        """Create the folder; a new run begins with its hyperparameters."""
        self.id = label.name
        self._writer = tf.summary.create_file_writer(str(label.folder / "tensorboard" / label.name))
        if run_id is None:
            with self._writer.as_default(step=0):
                hparams.hparams(label.values, trial_id=label.name)

    def write(self, epoch: int, measures: Mapping[str, float]) -> None:
        """Write the measures of an epoch to the disk."""
        with self._writer.as_default(step=epoch):
            for name, value in measures.items():
                tf.summary.scalar(name, value)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
