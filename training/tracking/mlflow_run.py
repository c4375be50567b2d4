"""MLflow: the server or the files that MLFLOW_TRACKING_URI names, or what MLflow uses without it."""

import os
import time
from collections.abc import Mapping

import mlflow
from mlflow.entities import Metric, Param

from training.tracking.run import RunLabel


class MlflowRun:
    """A run of the experiment MLFLOW_EXPERIMENT_NAME, or of the one that is called as the run's folder."""

    def __init__(self, label: RunLabel, run_id: str | None) -> None:
        """Create the run, or continue it."""
        self._client = mlflow.MlflowClient()
        if run_id is None:
            experiment = mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or label.project)
            run_id = self._client.create_run(experiment.experiment_id, run_name=label.name).info.run_id
            params = [Param(name, str(value)) for name, value in label.values.items()]
            self._client.log_batch(run_id, params=params)
        else:
            self._client.update_run(run_id, status="RUNNING")
        self.id = run_id

    def write(self, epoch: int, measures: Mapping[str, float]) -> None:
        """Send the measures of an epoch."""
        now_ms = time.time_ns() // 1_000_000
        self._client.log_batch(
            self.id, metrics=[Metric(name, value, now_ms, epoch) for name, value in measures.items()]
        )

    def close(self) -> None:
        """Mark the run as finished; it continues if the training does."""
        self._client.set_terminated(self.id)
