"""How much time a search has taken, over all its calls. Its folder keeps it."""

import time
from pathlib import Path

from model.io.atomic import read_json, write_json


class SearchTimer:
    """The time that passes while a search runs, which is the same for one trial at a time and for several."""

    def __init__(self, folder: Path) -> None:
        """Start, with what earlier calls have taken.

        Args:
            folder: of the run.
        """
        self._path = _path(folder)
        self._before_s, self._started = passed_seconds(folder), time.monotonic()

    def save(self) -> float:
        """Keep the seconds that have passed so far, and return them; a kill loses those since the last call."""
        seconds = self._before_s + time.monotonic() - self._started
        write_json(self._path, {"seconds": round(seconds, 1)})
        return seconds


def passed_seconds(folder: Path) -> float:
    """Return the seconds that the search of a run has taken so far; time while it was stopped does not count.

    Args:
        folder: of the run.
    """
    saved = read_json(_path(folder))
    return saved["seconds"] if saved else 0.0


def _path(folder: Path) -> Path:
    return folder / "tuner" / "time.json"
