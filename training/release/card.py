"""Write a run's model card, README.md, and its figures from the run's own files."""

from pathlib import Path

from model.card.energy import Electricity
from model.card.of_folder import write_card_of_folder
from training.release.card_figures import write_figures


def write_card(
    run: Path,
    repo_id: str | None = None,
    license: str | None = None,
    electricity: Electricity | None = None,
    space: str | None = None,
) -> None:
    """Write README.md and its figures; see `write_card_of_folder` for the arguments.

    Raises:
        TrazoError: if the config or a report is damaged.
    """
    write_figures(write_card_of_folder(run, repo_id, license, electricity, space), run)
