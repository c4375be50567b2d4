"""A search for hyperparameters as the page knows it: its trials, what was searched, what mattered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from model.io.reports.trials import Importance
from model.io.trials import LEARNING_RATE, comparable_trials, rank_trials

# Older reports do not describe the search space. There, a hyperparameter is a range from this many different values,
MIN_RANGE_VALUES = 7
MIN_LOG_RATIO = 30  # on a logarithmic scale if the largest value is this many times the smallest.
FAR_IQRS = 3  # distances between the quartiles; a trial that much worse would stretch the axis and hide the others
MAX_CHOICES = 50  # on the axis of a figure


@dataclass(frozen=True)
class TrialView:
    """One trial of a search."""

    order: int  # from 0, in which it was tried, as `python -m training trials` numbers it
    trial_id: str
    status: str  # COMPLETED, STOPPED before its full length, FAILED, or RUNNING, which in a report means interrupted
    score: float | None
    hyperparameters: dict[str, Any]
    parameters: int | None  # of the network
    seconds: float | None  # of training and validation
    reason: str | None  # of a failure, or why it was stopped
    history: tuple[tuple[int, float | None], ...] = ()  # (epoch, value of the objective)
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)  # metric -> value of each epoch
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before its full length."""
        return self.status == "STOPPED"


@dataclass(frozen=True)
class HyperparameterView:
    """A hyperparameter of a search space: a choice of a list, or a number of a range."""

    name: str
    choices: tuple[Any, ...] = ()  # empty for a range
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    default: Any = None


@dataclass(frozen=True)
class Search:
    """A trials.json."""

    objective: str  # name of the metric
    descending: bool  # whether more of it is better
    trials: tuple[TrialView, ...]  # in the order in which they were tried
    best: TrialView | None
    space: tuple[HyperparameterView, ...] = ()  # empty in older reports
    importance: Importance | None = None  # its values are the most important first
    default_rates: Mapping[str, float] = field(default_factory=dict)  # optimizer -> default of its learning rate
    strategy: str | None = None  # how points were chosen
    rows: int | None = None  # images that the scores were measured on
    measured_on: tuple[str, ...] = ()  # datasets and split that these are from

    @property
    def scored(self) -> list[TrialView]:
        """The trials that have a score."""
        return [trial for trial in self.trials if trial.score is not None]

    @property
    def start(self) -> TrialView | None:
        """The first trial, if it is the point that the space has by default: one that was written by hand."""
        first = next(iter(self.trials), None)
        if first is None or not self.space:
            return None
        default = {one.name: one.default for one in self.space if one.name != LEARNING_RATE}
        values = {name: value for name, value in first.hyperparameters.items() if name != LEARNING_RATE}
        if any(name not in default or value != default[name] for name, value in values.items()):
            return None
        usual = self.default_rates.get(str(first.hyperparameters.get("optimizer")))
        return first if first.hyperparameters.get(LEARNING_RATE) in (None, usual) else None

    @property
    def rates_are_relative(self) -> bool:
        """Whether learning rates are compared in units of their optimizers' defaults: these are known and differ."""
        optimizers = {str(trial.hyperparameters.get("optimizer")) for trial in self.trials}
        return len(optimizers) > 1 and all(self.default_rates.get(name, 0) > 0 for name in optimizers)

    def rates(self, trials: Sequence[TrialView]) -> list[float]:
        """Return the learning rates of trials as they are compared; each must have one."""
        if not self.rates_are_relative:
            return [trial.hyperparameters[LEARNING_RATE] for trial in trials]
        usual = [self.default_rates[str(trial.hyperparameters.get("optimizer"))] for trial in trials]
        return [trial.hyperparameters[LEARNING_RATE] / rate for trial, rate in zip(trials, usual, strict=True)]

    def comparable(self) -> "Search":
        """Return the search with the trials that have a score and were trained equally long."""
        return replace(self, trials=tuple(comparable_trials(self.trials, self.strategy)))

    def clip_far_values(self, values: list[float]) -> list[float]:
        """Return values of the objective for an axis, with those far worse than the others moved to the worst of these.

        Otherwise a network that learned nothing would press all the others into a line.
        """
        sign = 1 if self.descending else -1
        goodness = sign * np.array(values)
        low, high = np.quantile(goodness, (0.25, 0.75))
        near = goodness >= low - FAR_IQRS * (high - low)
        return (sign * np.maximum(goodness, goodness[near].min())).tolist()

    def running_best(self) -> list[tuple[int, float, float]]:
        """Return (order of the trial, score, best score up to it) of each trial of full length."""
        better, points = max if self.descending else min, list[tuple[int, float, float]]()
        for trial in self.trials:
            if trial.score is not None and not trial.stopped:
                best = better(trial.score, points[-1][2]) if points else trial.score
                points.append((trial.order, trial.score, best))
        return points

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return the column names and one row per trial, in the order tried; None where a trial has no such value."""
        names = self._names()
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
        return replace(self, trials=tuple(rank_trials(self.trials, "max" if self.descending else "min")))

    def varied(self) -> list[HyperparameterView]:
        """Return the hyperparameters of which the scored trials have several values, most important first.

        Those that the best trial does not have, such as the strength of a penalty, come last: it could not be shown.
        """
        known = {hyperparameter.name: hyperparameter for hyperparameter in self.space}
        found = []
        for name in self._names():
            values = dict.fromkeys(trial.hyperparameters.get(name) for trial in self.scored)
            values.pop(None, None)
            if len(values) > 1:
                found.append(_widened(known.get(name) or _guessed(name, list(values)), list(values)))
        found = [hyperparameter for hyperparameter in found if len(hyperparameter.choices) <= MAX_CHOICES]
        rank = {one.name: place for place, one in enumerate(self.importance.values)} if self.importance else {}
        used = self.best.hyperparameters if self.best else {}
        return sorted(found, key=lambda one: (used.get(one.name) is None, rank.get(one.name, len(rank))))

    def _names(self) -> list[str]:
        return list(dict.fromkeys(name for trial in self.trials for name in trial.hyperparameters))


def is_number(value: Any) -> bool:
    """Return whether a value of a report is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _guessed(name: str, values: list[Any]) -> HyperparameterView:
    """Return a hyperparameter that the report does not describe, guessed from its values."""
    if not all(map(is_number, values)):
        return HyperparameterView(name, tuple(values))
    if len(values) < MIN_RANGE_VALUES:
        return HyperparameterView(name, tuple(sorted(values)))
    low, high = min(values), max(values)
    return HyperparameterView(name, low=low, high=high, log=0 < low * MIN_LOG_RATIO <= high)


def _widened(hyperparameter: HyperparameterView, values: list[Any]) -> HyperparameterView:
    """Return it with room for every value: a resumed search may have had another space before."""
    if hyperparameter.choices or not all(map(is_number, values)):
        return replace(hyperparameter, choices=tuple(dict.fromkeys((*hyperparameter.choices, *values))))
    low, high = min(hyperparameter.low, *values), max(hyperparameter.high, *values)
    return replace(hyperparameter, low=low, high=high, log=hyperparameter.log and low > 0)
