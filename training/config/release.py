"""What is published, exported, deployed and kept."""

from dataclasses import dataclass
from pathlib import Path

from model.artifacts import EXPORT_FORMATS, HUB_IDS
from model.errors import TrazoError
from training.options import Validated, option


@dataclass(frozen=True)
class PublishConfig(Validated):
    """What is published, and where."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    repo: str = option(help="owner/name on the Hub")
    private: bool = option(False, help="make the repo private if it is new")
    revision: str | None = option(
        None, metavar="BRANCH", unset="the main branch", help="branch; a new one starts from the main branch"
    )
    create_pr: bool = option(False, help="open a pull request")
    license: str | None = option(
        None, metavar="ID", unset="none", help="license for the card, as on the Hub: apache-2.0, mit, …"
    )
    seeds: tuple[Path, ...] = option(
        (), metavar="RUN", help="runs of the same recipe with other seeds; the card lists their results too"
    )
    grid_intensity: float | None = option(
        None,
        low=0,
        metavar="G",
        unset="not known, so no emissions are stated",
        help="g of CO2e that a kWh of the electricity of the training caused; the card then states its emissions",
    )
    place: str | None = option(None, unset="not stated", help="where that electricity was used, for the card")
    supersedes: str | None = option(
        None, metavar="REPO", unset="none", help="owner/name of an older model of yours, whose card then names this one"
    )

    def __post_init__(self) -> None:
        """Check every field, and those that belong together.

        Raises:
            TrazoError: if a value is unknown or out of range.
        """
        super().__post_init__()
        if self.place and self.grid_intensity is None:
            raise TrazoError("--place says where the electricity of --grid-intensity was used: give both")
        if self.supersedes and (self.create_pr or self.revision):
            other = "--create-pr" if self.create_pr else "--revision"
            raise TrazoError(
                f"--supersedes links the main branch, and {other} leaves it as it is: publish to the main branch, "
                "or leave --supersedes out"
            )


@dataclass(frozen=True)
class ExportConfig(Validated):
    """What is exported."""

    run: Path = option(positional=True, metavar="RUN", help="folder of the run")
    to: tuple[str, ...] = option(
        choices=tuple(EXPORT_FORMATS),
        help="onnx for browsers and servers, litert for phones, c for microcontrollers, html for a page; int8: smaller",
    )
    dataset: str | None = option(
        None,
        unset="that of evaluation.json",
        help="dataset whose splits the exported network is checked and calibrated on",
    )


@dataclass(frozen=True)
class DeployConfig(Validated):
    """What is deployed, and where."""

    model: str = option(help="owner/name of a published model; with --local also a folder")
    repo: str | None = option(None, help="owner/name of the Space")
    revision: str | None = option(
        None, unset="the newest", help="branch, tag or commit of the model that the Space stays at"
    )
    private: bool = option(False, help="make the Space private if it is new")
    models: tuple[str, ...] = option(
        (),
        repeat=True,
        metavar="MODEL",
        help="another model that the demo opens by ?model=owner/name; owner/* for all of an owner, '*' for all",
    )
    hardware: str | None = option(
        None, unset="the Space's own; cpu-basic if it is new", help="the Space's machine; its price is printed"
    )
    secret: tuple[str, ...] = option(
        (),
        repeat=True,
        metavar="NAME=VALUE",
        help="a secret of the Space; NAME alone sends the value of your environment variable NAME",
    )
    no_wait: bool = option(False, help="do not wait until the Space is built and runs")
    local: bool = option(False, help="serve the demo on this machine, in a separate environment")
    output: Path | None = option(
        None, unset="not kept; with --local runs/space", help="folder that receives the Space's files"
    )

    def __post_init__(self) -> None:
        """Check every field, and that a demo on this machine is not asked for what only a Space has.

        Raises:
            TrazoError: if a value does not name models, or has no meaning.
        """
        super().__post_init__()
        for one in self.models:
            if not HUB_IDS.fullmatch(one):
                raise TrazoError(f"--models {one}: write owner/name, owner/* or '*'")
        of_space = {"repo": self.repo, "private": self.private, "hardware": self.hardware, "secret": self.secret}
        if given := [name for name, value in (of_space | {"no-wait": self.no_wait}).items() if self.local and value]:
            raise TrazoError(f"--local serves the demo on this machine, and --{given[0]} is for a Space: leave one out")
        if not self.local and not self.repo:
            raise TrazoError("a Space needs a name: give --repo owner/name, or --local to serve it on this machine")


@dataclass(frozen=True)
class CacheConfig(Validated):
    """What lies in the cache, and what is removed."""

    action: str | None = option(
        None, positional=True, metavar="clear", unset="list what is there", help="clear: remove it"
    )
    what: str | None = option(
        None,
        positional=True,
        metavar="WHAT",
        unset="everything",
        help="copies, scans, features, pixels, rows, footers, or a dataset's id or folder",
    )
    older_than: float | None = option(
        None, low=0, metavar="DAYS", unset="any", help="only what was not used for so many days"
    )
