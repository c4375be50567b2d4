"""Report a training to the trackers that were asked for; one that resumes continues the same tracked runs."""

import logging
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Self

from model.errors import TrazoError
from model.io.atomic import read_json, write_json
from training.tracking.run import RunLabel, TrackerRun

MAX_PAUSE = 31  # epochs
MAX_REASON_CHARS = 300

logger = logging.getLogger("trazo")


class _Tracker(NamedTuple):
    module: str  # of this package
    run: str  # the class in it
    package: str  # that it needs


TRACKERS = {
    "trackio": _Tracker("trackio_run", "TrackioRun", "trackio"),
    "tensorboard": _Tracker("tensorboard", "TensorBoardRun", "tensorboard"),
    "mlflow": _Tracker("mlflow_run", "MlflowRun", "mlflow"),
}


def check_trackers(names: Sequence[str]) -> None:
    """Refuse a tracker that is not installed.

    Raises:
        TrazoError: with the command that installs it.
    """
    missing = [TRACKERS[name].package for name in names if find_spec(TRACKERS[name].package) is None]
    if missing:
        raise TrazoError(f"--track {' '.join(missing)} needs a package: `pip install {' '.join(missing)}`")


class Tracking:
    """The runs of one training in several trackers; without any, it does nothing.

    Each is a file `tracking/TRACKER-NAME.json` in the run's folder: what the tracker knows the run by, and the last
    epoch that is certainly there. After a kill, the epoch that follows is sent again, with the same values.

    A tracker that fails ends no training: the reason is logged, and the epochs are sent later. A client may repeat its
    requests for minutes before it gives up, so the pauses grow: 1, 3, 7, … epochs, and one more attempt at the end.

    Example:
        >>> with Tracking(("mlflow",), RunLabel(folder, "training", {"epochs": 3})) as tracking:
        ...     fit(..., on_epoch=lambda progress: tracking.write(progress.history))
    """

    def __init__(self, names: Sequence[str], label: RunLabel) -> None:
        """Set what is tracked; trackers are opened with the first epoch."""
        self._connections = [_Connection(name, label) for name in dict.fromkeys(names)]

    def __enter__(self) -> Self:
        """Return the runs."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the runs."""
        self.close()

    def close(self) -> None:
        """Send what is left."""
        for connection in self._connections:
            connection.close()

    def write(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Report the epochs that were not reported yet.

        Args:
            history: one row per epoch, with `epoch` from 1; measures that are not finite are left out.
        """
        for connection in self._connections:
            connection.write(history)


class _Connection:
    """One tracker's run, and what is known of it."""

    def __init__(self, name: str, label: RunLabel) -> None:
        self._name, self._label = name, label
        self._file = label.folder / "tracking" / f"{name}-{label.name}.json"
        self._run: TrackerRun | None = None
        self._sent = 0  # the last epoch that was given to the tracker
        self._history: Sequence[Mapping[str, Any]] = ()  # all epochs that it is to get
        self._failures = self._pause = 0  # one after another; calls until the next attempt

    def write(self, history: Sequence[Mapping[str, Any]]) -> None:
        self._history = history
        if self._pause:
            self._pause -= 1
        else:
            self._send(history)

    def _send(self, history: Sequence[Mapping[str, Any]]) -> None:
        try:
            run = self._run = self._run or self._open()
            for row in history:
                epoch = int(row["epoch"])
                if epoch > self._sent:
                    self._note(self._sent)
                    run.write(epoch, _finite_measures(row))
                    self._sent = epoch
        except Exception as error:  # of any library, server or network: hours of training are worth more
            self._report(error)
        else:
            self._failures = 0

    def close(self) -> None:
        if self._failures:  # once more, with what is missing
            self._send(self._history)
        try:
            if self._run:
                self._run.close()
                self._note(self._sent)
        except Exception as error:
            self._report(error)

    def _open(self) -> TrackerRun:
        known = read_json(self._file) or {}
        tracker = TRACKERS[self._name]
        run_class = getattr(import_module(f"training.tracking.{tracker.module}"), tracker.run)
        run: TrackerRun = run_class(self._label, known.get("id"))
        self._run, self._sent = run, int(known.get("epoch", 0))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._note(self._sent)  # from here on, it is this run that continues
        return run

    def _note(self, epoch: int) -> None:
        assert self._run is not None
        write_json(self._file, {"id": self._run.id, "epoch": epoch})

    def _report(self, error: Exception) -> None:
        if not self._failures:
            logger.warning(
                "%s cannot be written: %s; the training continues, and its epochs are sent with a later one",
                self._name,
                " ".join(str(error).split())[:MAX_REASON_CHARS] or type(error).__name__,
            )
        self._failures += 1
        self._pause = min(2**self._failures - 1, MAX_PAUSE)


def _finite_measures(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the measures of an epoch that are finite numbers."""
    return {
        name: float(value)
        for name, value in row.items()
        if name != "epoch" and value is not None and math.isfinite(value)
    }
