"""From a report of trials to a search as the page knows it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from model.io.reports.data import DataSection
from model.io.reports.schema import Value
from model.io.reports.training import Epoch
from model.io.reports.trials import Importance, Parameter, Trial, TrialsReport
from model.io.trials import fold_learning_rate, get_optimizer
from ui.reports.search import HyperparameterView, Search, TrialView

MAX_SHOWN_REASON_CHARS = 2_000
MAX_VALUE_CHARS = 200


def make_search(report: TrialsReport) -> Search:
    """Return the search of a trials.json.

    Raises:
        ValueError: if a time in it is not one.
    """
    trials = tuple(_trial(order, row, report.objective.name) for order, row in enumerate(report.trials))
    rates = {optimizer: row.default for row in report.space or () if (optimizer := get_optimizer(row.name)) is not None}
    return Search(
        report.objective.name,
        report.objective.direction == "max",
        trials,
        next((trial for trial in trials if trial.trial_id == report.best_trial), None),
        _space(report.space or []),
        _importance(report.importance),
        {optimizer: rate for optimizer, rate in rates.items() if isinstance(rate, (int, float))},
        report.strategy,
        (report.data.rows.validation or None) if report.data else None,
        measured_data(report.data) if report.data else (report.dataset,),
    )


def measured_data(data: DataSection) -> tuple[str, ...]:
    """Return what the data of two reports must have in common for their scores to be compared: datasets and split."""
    return (*sorted(source.dataset for source in data.sources), data.split)


def _trial(order: int, row: Trial, objective: str) -> TrialView:
    return TrialView(
        order,
        row.trial_id,
        "STOPPED" if row.stopped else row.status,
        row.score,
        {name: _hashable(value) for name, value in row.with_one_learning_rate().items()},
        row.parameters,
        row.seconds,
        (row.stopped or row.reason or "")[:MAX_SHOWN_REASON_CHARS] or None,
        tuple((epoch.epoch, epoch.value(objective)) for epoch in row.history or ()),
        epoch_curves(row.history or (), objective),
        _utc(row.started),
        _utc(row.ended),
    )


def epoch_curves(history: Sequence[Epoch], objective: str) -> dict[str, tuple[float | None, ...]]:
    """Return the loss and the objective after each epoch, of training (without `val_`) and validation rows."""
    names = dict.fromkeys(("loss", "val_loss", objective.removeprefix("val_"), objective))
    curves = {name: tuple(epoch.value(name) for epoch in history) for name in names}
    return {name: values for name, values in curves.items() if any(value is not None for value in values)}


def _space(rows: list[Parameter]) -> tuple[HyperparameterView, ...]:
    found: dict[str, HyperparameterView] = {}
    for row in rows:
        name = fold_learning_rate(row.name)
        low, high = row.low or 0.0, row.high or 0.0
        choices = tuple(map(_hashable, row.values or ()))
        one = HyperparameterView(name, choices, low, high, row.scale == "log" and low > 0, _hashable(row.default))
        other = found.get(name, one)
        found[name] = HyperparameterView(
            name,
            tuple(dict.fromkeys((*other.choices, *one.choices))),
            min(one.low, other.low),
            max(one.high, other.high),
            one.log and other.log,
            one.default,
        )
    return tuple(found.values())


def _importance(section: Importance | None) -> Importance | None:
    if section is None or not section.values:
        return None
    return section.model_copy(update={"values": sorted(section.values, key=lambda one: -one.importance)})


def _hashable(value: Value) -> Value | tuple:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return value[:MAX_VALUE_CHARS] if isinstance(value, str) else value


def _utc(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
