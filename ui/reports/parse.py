"""The reports of a model, as the page shows them. Anyone may have made them; `model.io.reports` checks them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from model.artifacts import EVALUATION_FILE, TRAINING_FILE, TRIALS_FILE
from model.errors import TrazoError
from model.io.reports.evaluation import EvaluationReport, Mistake
from model.io.reports.schema import Report, Value
from model.io.reports.training import TrainingReport
from model.io.reports.trials import Importance, Parameter, Trial, TrialsReport
from model.io.trials import fold_learning_rate, get_optimizer
from ui.i18n import UserError
from ui.reports.search import HyperparameterView, Search, TrialView

# A page with more than this would be too large: each figure is as large as what it shows. Files have their limits in
# `model.artifacts`.
MAX_TRIALS = 5_000
MAX_EPOCHS = 100_000  # of all trials together
MAX_CURVES = 4
MAX_HYPERPARAMETERS = 100
MAX_SHOWN_REASON_CHARS = 2_000
MAX_IMAGE_BASE64_CHARS = 100_000  # of base64


R = TypeVar("R", bound=Report)


@dataclass(frozen=True)
class TrainingView:
    """A training.json, as far as the page shows it."""

    epochs: tuple[int, ...]
    curves: dict[str, tuple[list[float | None], list[float | None]]]  # metric -> (training, validation), one per epoch
    best_epoch: int | None


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

    bins: tuple[tuple[float, float, int], ...]  # (mean confidence, share of right answers, answers)
    ece: float  # expected calibration error, 0 … 1


def read_search(folder: Path) -> Search:
    """Read trials.json.

    Raises:
        UserError: if it is missing or damaged.
    """
    report = _read(TrialsReport, folder / TRIALS_FILE)
    try:
        trials = tuple(_trial(order, row, report.objective.name) for order, row in enumerate(report.trials))
    except ValueError:  # a time that is not one
        raise _damaged(TRIALS_FILE) from None
    names = {name for trial in trials for name in trial.hyperparameters}
    epochs = sum(len(trial.history) for trial in trials)
    if len(trials) > MAX_TRIALS or len(names) > MAX_HYPERPARAMETERS or epochs > MAX_EPOCHS:
        raise _damaged(TRIALS_FILE)
    schedule = (report.overrides or {}).get("schedule")
    rates = {optimizer: row.default for row in report.space or () if (optimizer := get_optimizer(row.name)) is not None}
    return Search(
        report.objective.name,
        report.objective.direction == "max",
        trials,
        next((trial for trial in trials if trial.trial_id == report.best_trial), None),
        _space(report.space or []),
        _importance(report.importance),
        {optimizer: rate for optimizer, rate in rates.items() if isinstance(rate, (int, float))},
        schedule if isinstance(schedule, str) else None,
        report.strategy,
    )


def read_training(folder: Path) -> TrainingView:
    """Read the history of training.json: the loss and every metric that has a validation value too.

    Raises:
        UserError: if it is missing, damaged or without a history.
    """
    report = _read(TrainingReport, folder / TRAINING_FILE)
    given = report.history[0].to_dict() if report.history else {}
    names = sorted((name for name in given if f"val_{name}" in given), key=lambda name: name != "loss")
    if not names:
        raise _damaged(TRAINING_FILE)
    curves = {
        name: ([row.value(name) for row in report.history], [row.value(f"val_{name}") for row in report.history])
        for name in names[:MAX_CURVES]
    }
    return TrainingView(tuple(row.epoch for row in report.history), curves, report.best_epoch)


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
    return EvaluationView(tuple(report.labels), report.confusion_matrix, report.accuracy, report.rows, report.split)


def read_measures(folder: Path) -> EvaluationReport:
    """Read evaluation.json for the sentences about it.

    Raises:
        UserError: if it is missing or damaged.
    """
    return _read(EvaluationReport, folder / EVALUATION_FILE)


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
    return CalibrationView(tuple(bins), calibration.ece)


def read_mistakes(folder: Path) -> list[Mistake]:
    """Read the mistakes that evaluation.json keeps with their images.

    Raises:
        UserError: if it is missing or damaged, or the evaluation keeps none.
    """
    mistakes = _read(EvaluationReport, folder / EVALUATION_FILE).mistakes
    if not mistakes:
        raise UserError("report_no_mistakes")
    for one in mistakes:
        if one.confidence is None or len(one.image) > MAX_IMAGE_BASE64_CHARS:
            raise _damaged(EVALUATION_FILE)
    return mistakes


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


def _trial(order: int, row: Trial, objective: str) -> TrialView:
    return TrialView(
        order,
        row.trial_id,
        row.status,
        row.score,
        {name: _hashable(value) for name, value in row.with_one_learning_rate().items()},
        row.parameters,
        row.seconds,
        row.reason and row.reason[:MAX_SHOWN_REASON_CHARS],
        tuple((epoch.epoch, epoch.value(objective)) for epoch in row.history or ()),
        _utc(row.started),
        _utc(row.ended),
    )


def _space(rows: list[Parameter]) -> tuple[HyperparameterView, ...]:
    found: dict[str, HyperparameterView] = {}
    for row in rows:
        name = fold_learning_rate(row.name)
        low, high = row.low or 0.0, row.high or 0.0
        choices = tuple(map(_hashable, row.values or ()))
        one = HyperparameterView(name, choices, low, high, row.scale == "log" and low > 0)
        other = found.get(name, one)
        found[name] = HyperparameterView(
            name,
            tuple(dict.fromkeys((*other.choices, *one.choices))),
            min(one.low, other.low),
            max(one.high, other.high),
            one.log and other.log,
        )
    return tuple(found.values())


def _importance(section: Importance | None) -> Importance | None:
    if section is None or not section.values:
        return None
    return section.model_copy(update={"values": sorted(section.values, key=lambda one: -one.importance)})


def _hashable(value: Value) -> Value | tuple:
    return tuple(value) if isinstance(value, list) else value


def _utc(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
