"""The reports of a model, as the page shows them. Anyone may have made them; `model.io.reports` checks them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from model.artifacts import EVALUATION_FILE, STUDY_FILE, TRAINING_FILE, TRIALS_FILE
from model.errors import TrazoError
from model.io.reports.evaluation import EvaluationReport, Mistake
from model.io.reports.schema import Report
from model.io.reports.study import StudyReport
from model.io.reports.training import TrainingReport
from model.io.reports.trials import TrialsReport
from ui.i18n import UserError
from ui.reports.search import Search
from ui.reports.search_report import make_search

# A page with more than this would be too large: each figure is as large as what it shows. Files have their limits in
# `model.artifacts`.
MAX_TRIALS = 5_000
MAX_EPOCHS = 100_000  # of all trials together
MAX_CURVES = 4
MAX_HYPERPARAMETERS = 100
MAX_CELLS = 250_000  # hyperparameters of all trials together
MAX_CURVE_POINTS = 2_000
MAX_CLASSES = 100  # of a confusion matrix
MIN_BIN_ROWS = 30  # of a calibration: the share of fewer answers is mostly chance
MAX_IMAGE_BASE64_CHARS = 100_000  # of base64
MAX_IMAGES_BASE64_CHARS = 4_000_000  # of all mistakes together


R = TypeVar("R", bound=Report)
T = TypeVar("T")


@dataclass(frozen=True)
class TrainingView:
    """A training.json, as far as the page shows it."""

    epochs: tuple[int, ...]
    curves: dict[str, tuple[list[float | None], list[float | None]]]  # metric -> (training, validation), one per epoch
    best_epoch: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the training and the network


@dataclass(frozen=True)
class EvaluationView:
    """The confusion matrix of an evaluation.json."""

    labels: tuple[str, ...]
    confusion: list[list[int]]  # row: true class, column: the network's answer
    accuracy: float
    rows: int
    split: str


@dataclass(frozen=True)
class CalibrationView:
    """How far the confidence of an evaluation.json can be believed."""

    bins: tuple[tuple[float, float, int], ...]  # (mean confidence, share of right answers, answers), by confidence
    ece: float  # expected calibration error, 0 … 1


def read_search(folder: Path) -> Search:
    """Read trials.json.

    Raises:
        UserError: if it is missing or damaged.
    """
    report = _read(TrialsReport, folder / TRIALS_FILE)
    try:
        search = make_search(report)
    except ValueError:  # a time that is not one
        raise _damaged(TRIALS_FILE) from None
    trials = search.trials
    names = {name for trial in trials for name in trial.hyperparameters}
    epochs = sum(len(trial.history) for trial in trials)
    is_too_wide = len(names) > MAX_HYPERPARAMETERS or len(trials) * len(names) > MAX_CELLS
    if len(trials) > MAX_TRIALS or is_too_wide or epochs > MAX_EPOCHS:
        raise _damaged(TRIALS_FILE)
    return search


def read_study(folder: Path) -> StudyReport:
    """Read study.json.

    Raises:
        UserError: if it is missing or damaged.
    """
    study = _read(StudyReport, folder / STUDY_FILE)
    if len({factor.name for factor in study.factors}) < len(study.factors):
        raise _damaged(STUDY_FILE)
    return study


def read_training_report(folder: Path) -> TrainingReport:
    """Read training.json.

    Raises:
        UserError: if it is missing or damaged.
    """
    return _read(TrainingReport, folder / TRAINING_FILE)


def read_training(folder: Path) -> TrainingView:
    """Read the history of training.json: the loss and every metric that has a validation value too.

    Raises:
        UserError: if it is missing, damaged or without a history.
    """
    report = read_training_report(folder)
    given = report.history[0].to_dict() if report.history else {}
    names = sorted((name for name in given if f"val_{name}" in given), key=lambda name: name != "loss")
    if not names:
        raise _damaged(TRAINING_FILE)
    rows = report.history[:: -(-len(report.history) // MAX_CURVE_POINTS)]
    curves = {
        name: ([row.value(name) for row in rows], [row.value(f"val_{name}") for row in rows])
        for name in names[:MAX_CURVES]
    }
    return TrainingView(tuple(row.epoch for row in rows), curves, report.best_epoch, report.hyperparameters)


@cache
def was_trained_on_sketches(folder: Path) -> bool:
    """Return whether training.json names free drawings among its data; False if it cannot be read."""
    try:
        return any(source.sketches for source in _read(TrainingReport, folder / TRAINING_FILE).data.sources)
    except UserError:
        return False


def read_evaluation(folder: Path) -> EvaluationView:
    """Read the confusion matrix of evaluation.json.

    Raises:
        UserError: if it is missing or damaged, or the model predicts a number.
    """
    report = _read(EvaluationReport, folder / EVALUATION_FILE)
    if report.accuracy is None:
        raise UserError("report_no_classes")
    if not report.confusion_matrix:
        raise UserError("report_many_classes", count=len(report.labels))
    shown = shown_classes(report)
    confusion = [[report.confusion_matrix[row][column] for column in shown] for row in shown]
    return EvaluationView(
        tuple(report.labels[number] for number in shown), confusion, report.accuracy, report.rows, report.split
    )


def shown_classes(report: EvaluationReport) -> list[int]:
    """Return the classes that a confusion matrix has room for, in order: of many, those with the most mistakes."""
    counts = np.array(report.confusion_matrix, float)
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return sorted(np.argsort(-mistakes, kind="stable")[:MAX_CLASSES].tolist())


def read_measures(folder: Path) -> EvaluationReport:
    """Read evaluation.json for the sentences about it.

    Raises:
        UserError: if it is missing or damaged.
    """
    return _read(EvaluationReport, folder / EVALUATION_FILE)


def read_or_none(read: Callable[[Path], T], folder: Path) -> T | None:
    """Return what one of these functions reads; None if it cannot."""
    try:
        return read(folder)
    except UserError:
        return None


def read_calibration(folder: Path) -> CalibrationView:
    """Read the bins of the calibration in evaluation.json, those that any answer fell into.

    Raises:
        UserError: if it is missing or damaged, or the evaluation has none.
    """
    calibration = _read(EvaluationReport, folder / EVALUATION_FILE).calibration
    if calibration is None:
        raise UserError("report_no_calibration")
    bins = []
    for one in calibration.bins:
        if one.rows:
            if one.confidence is None or one.accuracy is None:
                raise _damaged(EVALUATION_FILE)
            bins.append((one.confidence, one.accuracy, one.rows))
    return CalibrationView(_joined(bins), calibration.ece)


def _joined(bins: list[tuple[float, float, int]]) -> tuple[tuple[float, float, int], ...]:
    """Return the bins with neighbors joined until each has enough answers: a share of three is mostly chance."""
    joined: list[tuple[float, float, int]] = []
    for one in reversed(bins):  # from the end where most answers are
        joined.append(_join(joined.pop(), one) if joined and joined[-1][2] < MIN_BIN_ROWS else one)
    if len(joined) > 1 and joined[-1][2] < MIN_BIN_ROWS:
        joined.append(_join(joined.pop(), joined.pop()))
    return tuple(reversed(joined))


def _join(one: tuple[float, float, int], other: tuple[float, float, int]) -> tuple[float, float, int]:
    rows = one[2] + other[2]
    confidence, right = ((one[i] * one[2] + other[i] * other[2]) / rows for i in (0, 1))
    return confidence, right, rows


def read_mistakes(folder: Path) -> list[Mistake]:
    """Read the mistakes that evaluation.json keeps with their images, the first ones if these are large.

    Raises:
        UserError: if it is missing or damaged, or the evaluation keeps none.
    """
    mistakes = _read(EvaluationReport, folder / EVALUATION_FILE).mistakes
    if not mistakes:
        raise UserError("report_no_mistakes")
    room, shown = MAX_IMAGES_BASE64_CHARS, 0
    for one in mistakes:
        if one.confidence is None or len(one.image) > MAX_IMAGE_BASE64_CHARS:
            raise _damaged(EVALUATION_FILE)
        room -= len(one.image)
        shown += room >= 0
    return mistakes[:shown]


def _read(report: type[R], path: Path) -> R:
    try:
        found = report.read(path)
    except (OSError, TrazoError):
        raise _damaged(path.name) from None
    if found is None:
        raise UserError("report_missing", file=path.name)
    return found


def _damaged(name: str) -> UserError:
    return UserError("report_damaged", file=name)
