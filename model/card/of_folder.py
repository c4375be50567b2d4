"""The card and the notebook of a model folder, written from the reports next to the weights."""

from pathlib import Path

from huggingface_hub import ModelCard
from yaml import YAMLError

from model.artifacts import CARD_FILE, CONFIG_FILE, EVALUATION_FILE, NOTEBOOK_FILE, TRAINING_FILE, TRIALS_FILE
from model.card.card import render_card
from model.card.energy import Electricity
from model.card.notebook import make_notebook
from model.config import CnnConfig
from model.io.atomic import atomic_write
from model.io.exported_files import read_exports
from model.io.files import read_file
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from model.io.weights import matches_weights


def write_card_of_folder(
    folder: Path,
    repo_id: str | None = None,
    license: str | None = None,
    electricity: Electricity | None = None,
    space: str | None = None,
) -> EvaluationReport | None:
    """Write README.md from a folder's config and reports; an evaluation of other weights is left out.

    With the name of its repo, notebook.ipynb is written, too. The figures that the card shows are not.

    Args:
        folder: with config and weights.
        repo_id: `owner/name`, what the card's example loads; None for the folder.
        license: identifier as on the Hub, such as `apache-2.0`.
        electricity: that the training used; None if it is not known.
        space: `owner/name` of a Space that shows the model, or None.

    Returns:
        the evaluation that the card shows, or None.

    Raises:
        TrazoError: if the config or a report is damaged.
    """
    config = CnnConfig.from_file(folder / CONFIG_FILE)
    training, trials = TrainingReport.read(folder / TRAINING_FILE), TrialsReport.read(folder / TRIALS_FILE)
    evaluation = EvaluationReport.read(folder / EVALUATION_FILE)
    if evaluation and not matches_weights(evaluation.weights_sha256, folder):
        evaluation = None
    exports = read_exports(folder)
    card = render_card(config, training, trials, evaluation, repo_id, license, exports, electricity, space)
    if repo_id:
        atomic_write(folder / NOTEBOOK_FILE, make_notebook(config, evaluation and evaluation.redacted(), repo_id))
    atomic_write(folder / CARD_FILE, str(card))
    return evaluation


def license_of_folder(folder: Path) -> str | None:
    """Return the license in the metadata of a folder's card, as the Hub knows it; None without one."""
    card = read_file(folder, CARD_FILE)
    try:
        found = ModelCard((card or b"").decode(errors="replace")).data.get("license")
    except (ValueError, YAMLError):  # of a card that Trazo did not write
        return None
    return found if isinstance(found, str) else None
