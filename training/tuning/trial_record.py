"""What a trial itself notes in its folder: times, history, parameters, and ends for lack of memory."""

from pathlib import Path
from typing import Any

from model.errors import TrazoError
from model.io.atomic import read_json, write_json
from model.io.reports.schema import utc_timestamp
from training.tuning.system_memory import oom_kill_snapshot

MAX_OOM_KILLS = 2  # of the process in one trial, after which the trial fails


class TrialRecord:
    """The file record.json of a trial, written after each change."""

    def __init__(self, folder: Path, trial_id: str) -> None:
        """Read the record of a trial that an earlier call has started; else make an empty one.

        Args:
            folder: of the trial.
            trial_id: its id.

        Raises:
            CorruptFileError: if the file is damaged.
        """
        self._path = folder / "record.json"
        self.values: dict[str, Any] = read_json(self._path) or {"trial_id": trial_id}

    def start(self) -> None:
        """Note that the trial starts, or starts again.

        While a trial runs its first epoch, the record holds Linux's count of processes that were ended for lack of
        memory. If this process is one of them, the next start finds the old count next to a higher one.

        Raises:
            TrazoError: if the process was ended in this trial `MAX_OOM_KILLS` times.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.values.setdefault("started", utc_timestamp())
        before, now = self.values.pop("memory", None), oom_kill_snapshot()
        kills = self.values.get("oom_kills", 0)
        # The count starts again with the machine.
        if before and before["boot"] == now["boot"] and before["kills"] < now["kills"]:
            kills += 1
        self.values["oom_kills"] = kills
        write_json(self._path, self.values | {"memory": now})
        if kills >= MAX_OOM_KILLS:
            raise TrazoError(f"the system ran out of memory {kills} times while this trial ran")

    def update(self, **values: Any) -> None:
        """Set some values and write the record, without the memory count."""
        self.values.update(values)
        write_json(self._path, self.values)
