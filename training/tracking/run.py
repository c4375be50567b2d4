"""What every tracker has in common: what a run is called, and what is reported of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Value = bool | int | float | str


@dataclass(frozen=True)
class RunLabel:
    """What a training is called in a tracker.

    Attributes:
        folder: of the run that it belongs to; its name is that of the project, or experiment.
        name: `training`, or the name of a trial.
        hyperparameters: what it is trained with.
    """

    folder: Path
    name: str
    hyperparameters: Mapping[str, Any]

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.folder.resolve().name

    @property
    def values(self) -> dict[str, Value]:
        """The hyperparameters as every tracker takes them: lists and None as text."""
        return {name: value if isinstance(value, Value) else str(value) for name, value in self.hyperparameters.items()}


class TrackerRun(Protocol):
    """A run in one tracker. Its constructor takes a `RunLabel`, and the `id` of a run that continues, or None.

    Attributes:
        id: what it is known by there.
    """

    id: str

    def write(self, epoch: int, measures: Mapping[str, float]) -> None:
        """Report the measures of an epoch."""
        ...

    def close(self) -> None:
        """Send what is left, and end the run for now."""
        ...
