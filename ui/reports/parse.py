"""The reports that training leaves beside the weights, read and checked: anyone may have made them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from model.artifacts import EVALUATION_FILE, TRAINING_FILE, TRIALS_FILE
from model.io.atomic import read_json
from ui.i18n import UserError
from ui.reports.search import Hyperparameter, Importance, Search, Trial, is_number

# More than anybody has: past them a page would no longer be one. Each figure is as large as what it shows.
MOST_BYTES = 50_000_000
MOST_TRIALS = 5_000
MOST_EPOCHS = 100_000  # of all trials together
MOST_CURVES = 4
MAX_MISTAKES = 500
MOST_OF_A_PICTURE = 100_000  # letters of base64
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
MOST_NAMES = 100  # hyperparameters, and letters of a name
MOST_LETTERS = 2_000
LARGEST = 1e100  # number; the sum or the quotient of two is still one


@dataclass(frozen=True)
class Training:
    """A training.json, as far as the page shows it."""

    epochs: tuple[int, ...]
    curves: dict[str, tuple[list[float | None], list[float | None]]]  # metric -> (training, validation), an epoch each
    best_epoch: int | None


@dataclass(frozen=True)
class Evaluation:
    """The confusion matrix of an evaluation.json."""

    labels: tuple[str, ...]
    confusion: list[list[int]]  # row: true class, column: the network's answer
    accuracy: float
    rows: int
    split: str


@dataclass(frozen=True)
class Mistake:
    """A wrong answer of an evaluation.json."""

    label: str
    answer: str
    confidence: float
    image: str  # the network's input as PNG, in base64


@dataclass(frozen=True)
class Calibration:
    """How far the confidence of an evaluation.json can be believed."""

    bins: tuple[tuple[float, float, int], ...]  # (mean confidence, share of right answers, answers)
    ece: float  # expected calibration error, 0 … 1


def read_search(folder: Path) -> Search:
    """Read trials.json.

    Raises:
        UserError: when it is missing or damaged.
    """
    report = _read(folder, TRIALS_FILE)
    with _checked(TRIALS_FILE):
        objective = _text(report["objective"]["name"])
        trials = tuple(_trial(order, row, objective) for order, row in enumerate(_list(report["trials"])))
        names = {name for trial in trials for name in trial.hyperparameters}
        if len(names) > MOST_NAMES or sum(len(trial.history) for trial in trials) > MOST_EPOCHS:
            raise ValueError("more than a page can show")
        best = report.get("best_trial")
        return Search(
            objective,
            {"max": True, "min": False}[report["objective"]["direction"]],
            trials,
            None if best is None else {trial.trial_id: trial for trial in trials}[best],
            _space(_list(report.get("space") or [], MOST_NAMES)),
            _importance(report.get("importance")),
            _usual_rates(report.get("space") or []),
            (report.get("overrides") or {}).get("schedule"),
            report.get("strategy"),
        )


def read_training(folder: Path) -> Training:
    """Read the history of training.json: the loss and every metric that has a validation value too.

    Raises:
        UserError: when it is missing, damaged or without a history.
    """
    report = _read(folder, TRAINING_FILE)
    with _checked(TRAINING_FILE):
        history = _list(report["history"], MOST_EPOCHS)
        names = [_text(name) for name in history[0] if f"val_{name}" in history[0]]
        curves = {
            name: ([_number(row[name]) for row in history], [_number(row[f"val_{name}"]) for row in history])
            for name in sorted(names, key=lambda name: name != "loss")[:MOST_CURVES]
        }
        if not curves:
            raise KeyError("val_loss")
        return Training(tuple(_epoch(row["epoch"]) for row in history), curves, _number(report.get("best_epoch")))


@cache
def names_drawings(folder: Path) -> bool:
    """Return whether training.json names drawings (`sketches`) among its data; one that cannot be read names none."""
    try:
        report = _read(folder, TRAINING_FILE)
        with _checked(TRAINING_FILE):
            return any(one["sketches"] is True for one in report["data"]["datasets"])
    except UserError:
        return False


def read_evaluation(folder: Path) -> Evaluation:
    """Read the confusion matrix of evaluation.json.

    Raises:
        UserError: when it is missing or damaged, or the model predicts a number.
    """
    report = _read(folder, EVALUATION_FILE)
    if "mean_absolute_error" in report:
        raise UserError("report_no_classes")
    with _checked(EVALUATION_FILE):
        labels = tuple(str(label) for label in report["labels"])
        confusion = [[_finite(count) for count in row] for row in report["confusion_matrix"]]
        if not labels or [len(row) for row in confusion] != [len(labels)] * len(labels):
            raise ValueError("the matrix must have one row and one column a label")
        return Evaluation(
            labels, confusion, _finite(report["accuracy"]), _finite(report["rows"]), _text(report["split"])
        )


def read_calibration(folder: Path) -> Calibration:
    """Read the bins of the calibration in evaluation.json, those that any answer fell into.

    Raises:
        UserError: when it is missing or damaged, or the evaluation has none.
    """
    report = _read(folder, EVALUATION_FILE)
    with _checked(EVALUATION_FILE):
        if report.get("calibration") is None:
            raise UserError("report_no_calibration")
        rows = _list(report["calibration"]["bins"], MOST_NAMES)
        bins = [tuple(_finite(row[name]) for name in ("confidence", "accuracy", "rows")) for row in rows if row["rows"]]
        return Calibration(tuple(bins), _finite(report["calibration"]["ece"]))


def read_mistakes(folder: Path) -> list[Mistake]:
    """Read the mistakes that evaluation.json keeps with their pictures.

    Raises:
        UserError: when it is missing or damaged, or the evaluation keeps none.
    """
    report = _read(folder, EVALUATION_FILE)
    with _checked(EVALUATION_FILE):
        if not report.get("mistakes"):
            raise UserError("report_no_mistakes")
        rows = _list(report["mistakes"], MAX_MISTAKES)
        return [
            Mistake(_text(one["label"]), _text(one["answer"]), _finite(one["confidence"]), _base64(one["image"]))
            for one in rows
        ]


def _trial(order: int, row: dict[str, Any], objective: str) -> Trial:
    hyperparameters = {_text(name, MOST_NAMES): _value(value) for name, value in row["hyperparameters"].items()}
    # The search gives each optimiser a learning rate of its own; to a reader they are one.
    optimizer = hyperparameters.get("optimizer")
    for name in [name for name in hyperparameters if name.startswith("learning_rate_")]:
        if optimizer is None or name == f"learning_rate_{optimizer}":
            hyperparameters["learning_rate"] = hyperparameters.pop(name)
    history = [(_epoch(epoch["epoch"]), _number(epoch.get(objective))) for epoch in row.get("history") or []]
    return Trial(
        order,
        _text(row["trial_id"]),
        _text(row["status"]),
        _number(row.get("score")),
        hyperparameters,
        _number(row.get("parameters")),
        _number(row.get("seconds")),
        None if row.get("reason") is None else str(row["reason"])[:MOST_LETTERS],
        tuple(history),
        _time(row.get("started")),
        _time(row.get("ended")),
    )


def _space(rows: list[Any]) -> tuple[Hyperparameter, ...]:
    found: dict[str, Hyperparameter] = {}
    for row in rows:
        name = _text(row["name"])
        name = "learning_rate" if name.startswith("learning_rate_") else name
        if "values" in row:
            one = Hyperparameter(name, tuple(map(_value, _list(row["values"]))))
        else:
            low, high = _finite(row["low"]), _finite(row["high"])
            one = Hyperparameter(name, low=low, high=high, log=row["scale"] == "log" and low > 0)
        other = found.get(name, one)
        found[name] = Hyperparameter(
            name,
            tuple(dict.fromkeys((*other.choices, *one.choices))),
            min(one.low, other.low),
            max(one.high, other.high),
            one.log and other.log,
        )
    return tuple(found.values())


def _usual_rates(rows: list[Any]) -> dict[str, float]:
    """Return the default learning rate of each optimiser that has a range of its own."""
    rates = {
        row["name"].removeprefix("learning_rate_"): row for row in rows if row["name"].startswith("learning_rate_")
    }
    return {optimizer: _finite(row["default"]) for optimizer, row in rates.items() if row.get("default")}


def _importance(section: dict[str, Any] | None) -> Importance | None:
    if section is None or not section["values"]:
        return None
    rows = _list(section["values"], MOST_NAMES)
    values = [(_text(row["name"]), _finite(row["importance"]), _finite(row["std"])) for row in rows]
    return Importance(
        tuple(sorted(values, key=lambda value: -value[1])), _number(section["r2"]), _finite(section["trials"])
    )


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        if (folder / name).exists() and (folder / name).stat().st_size > MOST_BYTES:
            raise ValueError("larger than any report")
        report = read_json(folder / name)
    except (OSError, ValueError):
        raise UserError("report_damaged", file=name) from None
    if report is None:
        raise UserError("report_missing", file=name)
    if not isinstance(report, dict):
        raise UserError("report_damaged", file=name)
    return report


@contextmanager
def _checked(name: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise UserError("report_damaged", file=name) from None


def _number(value: Any) -> Any:
    """Return a number that may be missing."""
    return None if value is None else _finite(value)


def _finite(value: Any) -> Any:
    if not is_number(value) or not abs(value) < LARGEST:  # NaN is not less than anything
        raise TypeError("not a finite number")
    return value


def _epoch(value: Any) -> int:
    if not 0 <= _finite(value) <= MOST_EPOCHS:
        raise ValueError("not the number of an epoch")
    return int(value)


def _text(value: Any, most: int = MOST_LETTERS) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise TypeError("not a text, or one without an end")
    return value


def _base64(value: Any) -> str:
    if not BASE64.fullmatch(_text(value, MOST_OF_A_PICTURE)):
        raise ValueError("not base64")
    return value


def _list(value: Any, most: int = MOST_TRIALS) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError("not a list, or one without an end")
    return value


def _value(value: Any) -> Any:
    """Return a hyperparameter's value: a text, a number, true or false, none, or several of these."""
    return tuple(map(_single, _list(value, MOST_NAMES))) if isinstance(value, list) else _single(value)


def _single(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return _text(value) if isinstance(value, str) else _finite(value)


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    time = datetime.fromisoformat(_text(value))
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
