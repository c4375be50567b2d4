"""How much each hyperparameter of a search mattered."""

import math
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from model.heads import CROSS_ENTROPIES
from model.io.reports.schema import Values
from model.io.reports.trials import Importance, ImportanceValue, Parameter, TrialsReport
from model.io.trials import comparable_trials, fold_learning_rate

MIN_TRIALS_TO_FIT = 10
METHOD = "permutation importance of a random forest"


def hyperparameter_importance(report: TrialsReport, trees: int = 100) -> Importance | None:
    """Return how much the score depends on each hyperparameter.

    A random forest learns the score from the hyperparameters. Among trials that it has not seen, the values of one
    hyperparameter are permuted; its importance is the loss of R² (Breiman 2001, "Random Forests"). With 5-fold
    cross-validation, each trial is unseen once. R² on unseen trials shows how far to trust the result: near 0 or below,
    the scores do not follow from the hyperparameters, or there are too few trials.

    Args:
        report: the search.
        trees: in the forest.

    Returns:
        The most important first. The learning rate counts relative to the default of its optimizer, because each
        optimizer has a separate range. None for fewer than `MIN_TRIALS_TO_FIT` completed
        trials, or if all scores are equal.
    """
    trials = comparable_trials(report.trials, report.strategy)
    if len(trials) < MIN_TRIALS_TO_FIT:
        return None
    names, table = _feature_table([trial.hyperparameters for trial in trials], report.space or [])
    scores = np.array([trial.score for trial in trials])
    if np.ptp(scores) == 0:
        return None
    losses, predicted = [], np.empty(len(trials))
    for train, unseen in KFold(5, shuffle=True, random_state=0).split(table):
        forest = RandomForestRegressor(trees, random_state=0, n_jobs=1).fit(table[train], scores[train])
        predicted[unseen] = forest.predict(table[unseen])
        found = permutation_importance(
            forest, table[unseen], scores[unseen], n_repeats=20, random_state=0, scoring="neg_mean_squared_error"
        )
        losses.append(found.importances)
    # In units of the variance of all scores, because the variance within a small fold differs from fold to fold.
    losses = np.concatenate(losses, axis=1) / scores.var()
    r2 = 1 - float(np.mean((scores - predicted) ** 2) / scores.var())
    order = np.argsort(-losses.mean(axis=1), kind="stable")
    values = [
        ImportanceValue(
            name=names[i],
            importance=round(float(losses[i].mean()), 4),
            std=round(float(losses[i].std()), 4),
        )
        for i in order
    ]
    return Importance(method=METHOD, trials=len(trials), r2=round(r2, 4), values=values)


def _feature_table(points: list[Values], space: list[Parameter]) -> tuple[list[str], np.ndarray]:
    """Return the names of the hyperparameters that vary and a table with one column for each.

    A choice is its place in the list of values, a range its value; a hyperparameter that a trial does not have is 1
    below the lowest.
    """
    columns: dict[str, np.ndarray] = {}
    for parameter in space:
        name = fold_learning_rate(parameter.name)
        is_rate = name != parameter.name
        values = np.array([_to_number(point.get(parameter.name), parameter, relative=is_rate) for point in points])
        columns[name] = np.where(np.isnan(columns[name]), values, columns[name]) if name in columns else values
    columns = {name: values for name, values in columns.items() if len(np.unique(values[~np.isnan(values)])) > 1}
    lowest = {name: np.nanmin(values) - 1 for name, values in columns.items()}
    return list(columns), np.column_stack([np.nan_to_num(v, nan=lowest[name]) for name, v in columns.items()])


def _to_number(value: Any, parameter: Parameter, relative: bool) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str):
        choices = parameter.values or []
        if parameter.name == "loss" and value in CROSS_ENTROPIES:
            value = next(name for name in choices if name in CROSS_ENTROPIES)
        return float(choices.index(value))
    if parameter.scale == "log":
        return math.log10(value / parameter.default if relative else value)
    return float(value)
