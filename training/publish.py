"""A run -> one commit on the Hub, with a card written from the run's own files."""

import shutil
import tempfile
from pathlib import Path

import jinja2
from huggingface_hub import CommitInfo

from model import CnnModel, files
from model.card import render_card
from model.config import CnnConfig
from model.errors import TrazoError
from model.hub import commit_folder
from model.weights import is_about


def write_card(run: Path, repo_id: str | None = None, folder: Path | None = None) -> None:
    """Write README.md from a run's config.json and reports; an evaluation of other weights is left out.

    Args:
        run: the run's folder.
        repo_id: what the card's example loads; None for the run's folder.
        folder: where to write; None for the run itself.

    Raises:
        TrazoError: in one line: a damaged config or report.
    """
    config = CnnConfig.from_file(run / files.CONFIG)
    training, trials, evaluation = (files.read_report(run / name) for name in files.REPORTS)
    if evaluation and not is_about(evaluation, run):
        evaluation = None
    try:
        card = render_card(config, training, trials, evaluation, repo_id=repo_id)
    except (jinja2.UndefinedError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TrazoError(
            f"a report in {run} lacks something or is damaged ({error}): train and evaluate again"
        ) from None
    files.write_whole((folder or run) / files.CARD, str(card))


def publish(run: Path, repo_id: str, *, private: bool | None = None, token: str | None = None) -> CommitInfo:
    """Upload a run's config, weights, reports and card in one commit.

    Raises:
        TrazoError: in one line: the run is not complete, its evaluation is about other weights, a report is damaged,
            or the Hub refuses.
    """
    if not run.is_dir():
        raise TrazoError(f"there is no run {str(run)!r}; `python -m training run` makes one")
    missing = [name for name in (files.TRAINING, files.EVALUATION) if not (run / name).is_file()]
    if missing:
        raise TrazoError(f"{run} has no {' and no '.join(missing)}: train and evaluate it first")
    CnnModel.from_pretrained(run)  # what cannot be loaded is not published
    if not is_about(files.read_report(run / files.EVALUATION), run):
        raise TrazoError(
            f"{run / files.EVALUATION} is about other weights; "
            f"run `python -m training evaluate --model {run} --dataset ...` again"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in (files.CONFIG, files.WEIGHTS, *files.REPORTS):
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / name)
        write_card(run, repo_id, folder)
        return commit_folder(folder, repo_id, private=private, token=token)
