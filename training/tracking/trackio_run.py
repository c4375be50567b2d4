"""Trackio: a database on this machine, or what Trackio's own variables name, such as TRACKIO_SPACE_ID."""

import secrets
from collections.abc import Mapping

import trackio

from training.tracking.run import RunLabel


class TrackioRun:
    """A run of the project that is called as the run's folder."""

    def __init__(self, label: RunLabel, run_id: str | None) -> None:
        """Begin the run, or continue the one of this name."""
        # Another folder may be called the same: its runs are in the same project, under other names.
        self.id = run_id or f"{label.name}-{secrets.token_hex(3)}"
        self._run = trackio.init(
            project=label.project, name=self.id, config=label.values, resume="allow", embed=False, auto_log_cpu=False
        )

    def write(self, epoch: int, measures: Mapping[str, float]) -> None:
        """Queue the measures of an epoch; Trackio sends them from a thread."""
        self._run.log(dict(measures), step=epoch)

    def close(self) -> None:
        """Send what is queued."""
        self._run.finish()
