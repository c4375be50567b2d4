"""Where a run is written, and on which machine it is made."""

from dataclasses import dataclass
from pathlib import Path

from model.errors import TrazoError
from training.options import Validated, option

TRACKERS = ("trackio", "tensorboard", "mlflow")


@dataclass(frozen=True)
class OutputConfig(Validated):
    """Where a run is written."""

    output: Path = option(help="folder of the run")
    track: tuple[str, ...] = option(
        (),
        choices=TRACKERS,
        unset="none",
        help="trackers that every epoch is reported to; TensorBoard's files are written to --output",
    )


@dataclass(frozen=True)
class RemoteConfig(Validated):
    """On which machine it runs."""

    on: str | None = option(
        None,
        metavar="HARDWARE",
        unset="this machine",
        help="rent a machine of Hugging Face Jobs: cpu-upgrade, t4-small, a10g-small, …; an unknown one lists all",
    )
    push_to: str | None = option(None, metavar="REPO", unset="none", help="owner/name that it publishes the run to")
    private: bool = option(False, help="make that repo private if it is new")
    license: str | None = option(None, metavar="ID", unset="none", help="license for the card, as on the Hub")
    yes: bool = option(False, help="rent it without being asked")

    def __post_init__(self) -> None:
        """Check every field, and that a rented machine knows where to publish.

        Raises:
            TrazoError: if one is missing, or has no meaning on this machine.
        """
        super().__post_init__()
        if self.on and not self.push_to:
            raise TrazoError("a rented machine does not keep the run: give --push-to owner/name, which it publishes to")
        if not self.on and (self.push_to or self.private or self.license or self.yes):
            raise TrazoError("--push-to, --private, --license and --yes are for a rented machine: give --on, too")
