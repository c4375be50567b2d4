"""The reports that training leaves beside the weights, read and checked: anyone may have made them."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import files
from ui.text import Message


@dataclass(frozen=True)
class Trial:
    """One trial of a search."""

    order: int  # from 1, in which it was tried
    trial_id: str
    status: str  # COMPLETED, FAILED or RUNNING
    score: float | None
    hyperparameters: dict[str, Any]
    parameters: int | None  # of the network
    seconds: float | None
    reason: str | None  # of a failure


@dataclass(frozen=True)
class Search:
    """A trials.json."""

    objective: str  # name of the metric
    descending: bool  # whether more of it is better
    trials: tuple[Trial, ...]  # in the order in which they were tried
    best: Trial | None

    def best_so_far(self) -> list[tuple[int, float, float]]:
        """Return (order of the trial, score, best score up to it) of each completed trial."""
        better, points = max if self.descending else min, []
        for trial in self.trials:
            if trial.score is not None:
                best = better(trial.score, points[-1][2]) if points else trial.score
                points.append((trial.order, trial.score, best))
        return points

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return the column names and one row a trial, in the order tried; None where a trial has no such value."""
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.hyperparameters))
        failed = any(trial.reason for trial in self.trials)
        columns = ["trial_id", "status", "score", *names, "parameters", "seconds", *(["reason"] if failed else [])]
        rows = [
            [
                trial.trial_id,
                trial.status,
                trial.score,
                *(trial.hyperparameters.get(name) for name in names),
                trial.parameters,
                trial.seconds,
                *([trial.reason] if failed else []),
            ]
            for trial in self.trials
        ]
        return columns, rows

    def ranked(self) -> "Search":
        """Return the same search with its trials from best to worst, those without a score last."""
        sign = -1 if self.descending else 1
        order = sorted(self.trials, key=lambda t: (t.score is None, sign * (t.score or 0)))
        return Search(self.objective, self.descending, tuple(order), self.best)


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


def read_search(folder: Path) -> Search:
    """Read trials.json.

    Raises:
        Message: when it is missing or damaged.
    """
    report = _read(folder, files.TRIALS)
    with _checked(files.TRIALS):
        trials = tuple(_trial(order, row) for order, row in enumerate(report["trials"], 1))
        best = next((trial for trial in trials if trial.trial_id == report.get("best_trial")), None)
        objective = report["objective"]
        return Search(str(objective["name"]), objective["direction"] == "max", trials, best)


def read_training(folder: Path) -> Training:
    """Read the history of training.json: the loss and every metric that has a validation value too.

    Raises:
        Message: when it is missing, damaged or without a history.
    """
    report = _read(folder, files.TRAINING)
    with _checked(files.TRAINING):
        history = report["history"]
        names = [name for name in history[0] if f"val_{name}" in history[0]]
        curves = {
            name: ([_number(row[name]) for row in history], [_number(row[f"val_{name}"]) for row in history])
            for name in sorted(names, key=lambda name: name != "loss")
        }
        if not curves:
            raise KeyError("val_loss")
        return Training(tuple(int(row["epoch"]) for row in history), curves, report.get("best_epoch"))


def read_evaluation(folder: Path) -> Evaluation:
    """Read the confusion matrix of evaluation.json.

    Raises:
        Message: when it is missing or damaged, or the model predicts a number.
    """
    report = _read(folder, files.EVALUATION)
    if "mean_absolute_error" in report:
        raise Message("report_no_classes")
    with _checked(files.EVALUATION):
        labels = tuple(str(label) for label in report["labels"])
        confusion = [[int(count) for count in row] for row in report["confusion_matrix"]]
        if not labels or [len(row) for row in confusion] != [len(labels)] * len(labels):
            raise ValueError("the matrix must have one row and one column a label")
        return Evaluation(labels, confusion, float(report["accuracy"]), int(report["rows"]), str(report["split"]))


def _trial(order: int, row: dict[str, Any]) -> Trial:
    optimizer = row["hyperparameters"].get("optimizer")
    return Trial(
        order,
        str(row["trial_id"]),
        str(row["status"]),
        _number(row.get("score")),
        # The search gives each optimiser a learning rate of its own; in a table one column says the same.
        {
            "learning_rate" if name == f"learning_rate_{optimizer}" else name: value
            for name, value in row["hyperparameters"].items()
        },
        row.get("parameters"),
        _number(row.get("seconds")),
        row.get("reason"),
    )


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        report = files.read_json(folder / name)
    except (OSError, ValueError):
        raise Message("report_damaged", file=name) from None
    if report is None:
        raise Message("report_missing", file=name)
    if not isinstance(report, dict):
        raise Message("report_damaged", file=name)
    return report


@contextmanager
def _checked(name: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise Message("report_damaged", file=name) from None


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
