"""A run -> one commit on the Hub, with a card written from the run's own files."""

import shutil
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo

from model import CnnModel, files
from model.card import render_card
from model.config import CnnConfig
from model.errors import TrazoError
from model.hub import commit_folder


def write_card(run: Path, repo_id: str | None = None, folder: Path | None = None) -> None:
    """Write README.md from a run's config.json and reports.

    Args:
        run: the run's folder.
        repo_id: what the card's example loads; None for the run's folder.
        folder: where to write; None for the run itself.
    """
    reports = [files.read_json(run / name) for name in files.REPORTS]
    card = render_card(CnnConfig.from_file(run / files.CONFIG), *reports, repo_id=repo_id)
    files.write_whole((folder or run) / files.CARD, str(card))


def publish(run: Path, repo_id: str, *, private: bool | None = None, token: str | None = None) -> CommitInfo:
    """Upload a run's config, weights, reports and card in one commit.

    Raises:
        TrazoError: in one line: the run is not complete, or the Hub refuses.
    """
    if not run.is_dir():
        raise TrazoError(f"there is no run {str(run)!r}; `python -m training run` makes one")
    missing = [name for name in (files.TRAINING, files.EVALUATION) if not (run / name).is_file()]
    if missing:
        raise TrazoError(f"{run} has no {' and no '.join(missing)}: train and evaluate it first")
    CnnModel.from_pretrained(run)  # what cannot be loaded is not published
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in (files.CONFIG, files.WEIGHTS, *files.REPORTS):
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / name)
        write_card(run, repo_id, folder)
        return commit_folder(folder, repo_id, private=private, token=token)
