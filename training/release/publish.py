"""Publish a run to the Hub in one commit."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import CommitInfo

from model import CnnModel
from model.artifacts import CONFIG_FILE, EVALUATION_FILE, REPORT_FILES, TRAINING_FILE, WEIGHTS_FILE
from model.card.energy import Electricity
from model.errors import TrazoError
from model.io.exported_files import exported_files
from model.io.files import copy_file
from model.io.hub import commit_folder, with_owner
from model.io.keras_files import write_keras_files
from model.io.published_card import find_space
from model.io.reports import write_report
from model.io.reports.evaluation import EvaluationReport, SeedResult
from model.io.reports.training import TrainingReport
from model.io.weights import matches_weights
from training.release.card import write_card
from training.release.links import check_superseded, supersede


def publish(
    run: Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    license: str | None = None,
    seeds: Iterable[Path] = (),
    electricity: Electricity | None = None,
    supersedes: str | None = None,
    token: str | None = None,
) -> CommitInfo:
    """Upload a run's config, weights, reports and card, and its network as Keras itself saves it, in one commit.

    Args:
        run: the run's folder.
        repo_id: `owner/name`, or a name of the account's own; created if it does not exist.
        private: whether a new repo is private; None for the account's default.
        revision: branch, created from the main branch if it does not exist; None for the main branch.
        create_pr: open a pull request instead of committing to the branch.
        license: identifier as on the Hub, such as `apache-2.0`; the card shows it.
        seeds: more runs of the same recipe with other seeds; the card lists their results too.
        electricity: that the training used, from which the card states emissions.
        supersedes: an older model, `owner/name`, whose card then names this one as its newer version.
        token: as in huggingface_hub.

    Raises:
        TrazoError: if the run is not complete, its evaluation belongs to other weights, a report is damaged, a run in
            `seeds` has another recipe, or the Hub refuses the upload.
    """
    if not run.is_dir():
        raise TrazoError(f"the run {str(run)!r} does not exist; `python -m training run` makes one")
    _, evaluation = _read_complete_run(run)
    cnn = CnnModel.from_pretrained(run)  # do not publish what cannot be loaded
    repo_id = with_owner(repo_id, token)  # the card and the notebook name it in full
    if supersedes:
        check_superseded(supersedes, repo_id, token)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in (CONFIG_FILE, WEIGHTS_FILE, *REPORT_FILES, *exported_files(run)):
            copy_file(run, name, folder)
        write_keras_files(cnn.config, cnn.network, folder)  # those of the run may be older than its weights
        if results := _results_per_seed([run, *seeds]):
            write_report(folder / EVALUATION_FILE, evaluation.model_copy(update={"seeds": results}))
        write_card(folder, repo_id, license, electricity)  # fails on a damaged report before the Hub is asked
        if space := find_space(repo_id, token):
            write_card(folder, repo_id, license, electricity, space)
        commit = commit_folder(folder, repo_id, private=private, token=token, revision=revision, create_pr=create_pr)
    if supersedes:
        supersede(supersedes, repo_id, token)
    return commit


def _read_complete_run(run: Path) -> tuple[TrainingReport, EvaluationReport]:
    """Return training.json and evaluation.json of a run.

    Raises:
        TrazoError: if a file is missing, or the evaluation belongs to other weights.
    """
    required = (WEIGHTS_FILE, TRAINING_FILE, EVALUATION_FILE)
    if missing := [name for name in required if not (run / name).is_file()]:
        raise TrazoError(f"{run} has no {', '.join(missing)}: train and evaluate it first")
    training = TrainingReport.read(run / TRAINING_FILE)
    evaluation = EvaluationReport.read(run / EVALUATION_FILE)
    assert training is not None and evaluation is not None
    if not matches_weights(evaluation.weights_sha256, run):
        raise TrazoError(
            f"{run / EVALUATION_FILE} is about other weights; "
            f"run `python -m training evaluate --model {run} --dataset ...` again"
        )
    return training, evaluation


def _results_per_seed(runs: list[Path]) -> list[SeedResult]:
    """Return the result of each run, or an empty list for a single run.

    Raises:
        TrazoError: if they differ in recipe or data, share a seed, or are regressions.
    """
    if len(runs) < 2:
        return []
    reports = [_read_complete_run(run) for run in runs]
    recipes = [
        (training.hyperparameters | {"seed": None}, training.data.fingerprint, evaluation.rows)
        for training, evaluation in reports
    ]
    for run, recipe in zip(runs, recipes, strict=True):
        if recipe != recipes[0]:
            raise TrazoError(f"{run} is not another seed of {runs[0]}: its recipe or its data is different")
    if len({training.seed for training, _ in reports}) < len(runs):
        raise TrazoError("two of these runs have the same seed: give each once")
    results = []
    for training, evaluation in reports:
        if evaluation.accuracy is None or evaluation.calibration is None:
            raise TrazoError("results of several seeds can be listed for classes only, not for numbers")
        results.append(
            SeedResult(
                seed=training.seed,
                accuracy=evaluation.accuracy,
                ece=evaluation.calibration.ece,
                loss=evaluation.loss,
                weights_sha256=evaluation.weights_sha256,
            )
        )
    return results
