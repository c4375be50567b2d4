"""Write a run's model card, README.md, and its figures from the run's own files."""

from pathlib import Path

from model.artifacts import CARD_FILE, CONFIG_FILE, EVALUATION_FILE, NOTEBOOK_FILE, TRAINING_FILE, TRIALS_FILE
from model.card.card import render_card
from model.card.energy import Electricity
from model.card.notebook import make_notebook
from model.config import CnnConfig
from model.io.atomic import atomic_write
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from model.io.weights import matches_weights
from training.release.card_figures import write_figures
from training.release.exported_files import read_exports


def write_card(
    run: Path,
    repo_id: str | None = None,
    license: str | None = None,
    electricity: Electricity | None = None,
    space: str | None = None,
) -> None:
    """Write README.md and its figures from a run's config and reports; an evaluation of other weights is left out.

    With the name of its repo, notebook.ipynb is written, too.

    Args:
        run: the run's folder.
        repo_id: what the card's example loads; None for the run's folder.
        license: identifier as on the Hub, such as `apache-2.0`.
        electricity: that the training used; None if it is not known.
        space: `owner/name` of a Space that shows the model, or None.

    Raises:
        TrazoError: if the config or a report is damaged.
    """
    config = CnnConfig.from_file(run / CONFIG_FILE)
    training, trials = TrainingReport.read(run / TRAINING_FILE), TrialsReport.read(run / TRIALS_FILE)
    evaluation = EvaluationReport.read(run / EVALUATION_FILE)
    if evaluation and not matches_weights(evaluation.weights_sha256, run):
        evaluation = None
    exports = read_exports(run)
    card = render_card(config, training, trials, evaluation, repo_id, license, exports, electricity, space)
    write_figures(evaluation, run)
    if repo_id:
        atomic_write(run / NOTEBOOK_FILE, make_notebook(config, evaluation and evaluation.redacted(), repo_id))
    atomic_write(run / CARD_FILE, str(card))
