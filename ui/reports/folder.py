"""The reports in a model's folder, each read again when its file has changed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from model.artifacts import HUB_ID, REPORT_FILES, STUDY_FILE, TRAINING_FILE, TRIALS_FILE
from model.io.locate import locate_model
from model.io.reports.study import StudyReport
from model.io.reports.training import TrainingReport
from ui.reports import parse
from ui.reports.search import Search

Stamp: TypeAlias = tuple[int, int, int] | None  # what changes with a file; None: there is no such file


def file_stamp(path: Path) -> Stamp:
    """Return what changes when a file is written again: its time, its size and its number on the disk."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def find_compared(name: str | None) -> "ReportFolder | None":
    """Return the folder of another run, whose networks can be compared with those of the page; None without a name.

    Args:
        name: a folder, or a Hub id `owner/name`, whose model is checked as the page's own.

    Raises:
        ModelError: if it is not available.
    """
    if not name:
        return None
    folder = Path(name)
    if not folder.is_dir():
        folder, _ = locate_model(name)
    return ReportFolder(folder, name if HUB_ID.fullmatch(name) and not Path(name).is_dir() else Path(name).name)


class ReportFolder:
    """A folder of reports. Each is that of the file as it is now, and is read only once.

    The methods raise a `UserError` if a report is missing or damaged.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        """Name the folder; its reports are read when they are needed.

        Args:
            path: of the folder.
            name: by which the page calls it; empty for that of the model that the page is about.
        """
        self.path, self.name = path, name
        self._read: dict[str, tuple[Stamp, Any]] = {}

    @property
    def stamp(self) -> tuple[Stamp, ...]:
        """What changes when any report does."""
        return tuple(file_stamp(self.path / name) for name in REPORT_FILES)

    @property
    def search(self) -> Search:
        """The trials."""
        return self._cached(TRIALS_FILE, parse.read_search)

    @property
    def study(self) -> StudyReport:
        """The study."""
        return self._cached(STUDY_FILE, parse.read_study)

    @property
    def training(self) -> TrainingReport:
        """How the model was trained."""
        return self._cached(TRAINING_FILE, parse.read_training_report)

    def _cached(self, name: str, read: Callable[[Path], Any]) -> Any:
        stamp = file_stamp(self.path / name)
        if name not in self._read or self._read[name][0] != stamp:
            self._read[name] = stamp, read(self.path)
        return self._read[name][1]
