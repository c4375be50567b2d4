"""A run -> one commit on the Hub, with a card written from the run's own files."""

import shutil
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import CommitInfo

from model import CnnModel
from model.artifacts import (
    CARD_FILE,
    CONFIG_FILE,
    EVALUATION_FILE,
    EXPORTED_FILES,
    EXPORTS_FILE,
    REPORT_FILES,
    TRAINING_FILE,
    WEIGHTS_FILE,
)
from model.card.card import render_card
from model.config import CnnConfig
from model.errors import CorruptFileError, TrazoError
from model.io.atomic import atomic_write, read_json, write_json
from model.io.hub import commit_folder
from model.io.reports import read_report
from model.io.weights import matches_weights
from training.release.card_figures import write_pictures


def write_card(run: Path, repo_id: str | None = None, folder: Path | None = None, license: str | None = None) -> None:
    """Write README.md and its pictures from a run's config and reports; an evaluation of other weights is left out.

    Args:
        run: the run's folder.
        repo_id: what the card's example loads; None for the run's folder.
        folder: where to write; None for the run itself.
        license: identifier as the Hub knows it, such as `apache-2.0`.

    Raises:
        TrazoError: in one line: a damaged config or report.
    """
    config = CnnConfig.from_file(run / CONFIG_FILE)
    training, trials, evaluation = (read_report(run / name) for name in REPORT_FILES)
    if evaluation and not matches_weights(evaluation, run):
        evaluation = None
    exports = exports_of(run)
    try:
        card = render_card(config, training, trials, evaluation, repo_id=repo_id, license=license, exports=exports)
    except (jinja2.UndefinedError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise TrazoError(
            f"a report in {run} lacks something or is damaged ({error}): train and evaluate again"
        ) from None
    write_pictures(evaluation, folder or run)
    atomic_write((folder or run) / CARD_FILE, str(card))


def publish(
    run: Path,
    repo_id: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    license: str | None = None,
    seeds: Iterable[Path] = (),
    token: str | None = None,
) -> CommitInfo:
    """Upload a run's config, weights, reports and card in one commit.

    Args:
        run: the run's folder.
        repo_id: `owner/name`; made where there is none.
        private: whether a repo that is made now is private; None as the account's settings say.
        revision: branch, made from the main one where there is none; None for the main one.
        create_pr: propose the commit as a pull request.
        license: for the card: identifier as the Hub knows it, such as `apache-2.0`.
        seeds: further runs of the same recipe with other seeds; the card lists their results beside this one's.
        token: as huggingface_hub takes it.

    Raises:
        TrazoError: in one line: the run is not complete, its evaluation is about other weights, a report is damaged,
            a further run has another recipe, or the Hub refuses.
    """
    if not run.is_dir():
        raise TrazoError(f"there is no run {str(run)!r}; `python -m training run` makes one")
    _, evaluation = _measured(run)
    CnnModel.from_pretrained(run)  # what cannot be loaded is not published
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in (CONFIG_FILE, WEIGHTS_FILE, *REPORT_FILES, *exported(run)):
            if (run / name).is_file():
                (folder / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(run / name, folder / name)
        if results := _results([run, *seeds]):
            write_json(folder / EVALUATION_FILE, evaluation | {"seeds": results})
        write_card(folder, repo_id, license=license)
        return commit_folder(folder, repo_id, private=private, token=token, revision=revision, create_pr=create_pr)


def exported(folder: Path) -> list[str]:
    """Return exports.json and the files it names, where they are of the weights in this folder; else nothing.

    Raises:
        TrazoError: when one of them is missing or another than was checked.
    """
    report = exports_of(folder)
    if report is None:
        return []
    for name, one in report["formats"].items():
        path = folder / one["file"]
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != one["sha256"]:
            raise TrazoError(f"{path} is not what was exported: `python -m training export {folder} --to {name}` again")
    return [EXPORTS_FILE, *(one["file"] for one in report["formats"].values())]


def exports_of(folder: Path) -> dict[str, Any] | None:
    """Return exports.json where it is about the weights in this folder, else None.

    Raises:
        CorruptFileError: when it is not what `export` writes: in one line.
    """
    path = folder / EXPORTS_FILE
    report = read_json(path)
    if report is None:
        return None
    formats = report.get("formats") if isinstance(report, dict) else None
    known = isinstance(formats, dict) and all(
        isinstance(one, dict) and one.get("file") in EXPORTED_FILES and "sha256" in one for one in formats.values()
    )
    if not known:  # a name in it is a file that is published
        raise CorruptFileError(f"{path} is not what `python -m training export` writes: delete it and export again")
    return report if matches_weights(report, folder) else None


def _measured(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return training.json and evaluation.json of a run that is complete."""
    missing = [name for name in (WEIGHTS_FILE, TRAINING_FILE, EVALUATION_FILE) if not (run / name).is_file()]
    if missing:
        raise TrazoError(f"{run} has no {', '.join(missing)}: train and evaluate it first")
    training, evaluation = read_report(run / TRAINING_FILE), read_report(run / EVALUATION_FILE)
    assert training is not None and evaluation is not None
    if not matches_weights(evaluation, run):
        raise TrazoError(
            f"{run / EVALUATION_FILE} is about other weights; "
            f"run `python -m training evaluate --model {run} --dataset ...` again"
        )
    return training, evaluation


def _results(runs: list[Path]) -> list[dict[str, Any]]:
    """Return what each seed of a recipe came to, for two runs and more; all must be one recipe on the same rows."""
    if len(runs) < 2:
        return []
    measured = [_measured(run) for run in runs]
    recipes = [
        (training["hyperparameters"] | {"seed": None}, training["data"]["fingerprint"], evaluation["rows"])
        for training, evaluation in measured
    ]
    for run, recipe in zip(runs, recipes, strict=True):
        if recipe != recipes[0]:
            raise TrazoError(f"{run} is no further seed of {runs[0]}: its recipe or its data is another")
    if len({training["seed"] for training, _ in measured}) < len(runs):
        raise TrazoError("two of these runs have the same seed: give each once")
    if "accuracy" not in measured[0][1]:
        raise TrazoError("results of several seeds are listed for classes, not for numbers")
    return [
        {
            "seed": training["seed"],
            "accuracy": evaluation["accuracy"],
            "ece": evaluation["calibration"]["ece"],
            "loss": evaluation["loss"],
            "weights_sha256": evaluation["weights_sha256"],
        }
        for training, evaluation in measured
    ]
