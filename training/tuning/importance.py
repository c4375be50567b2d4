"""How much each hyperparameter of a search mattered."""

import math
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from model.heads import CROSS_ENTROPIES

LEAST = 10  # completed trials
METHOD = "permutation importance of a random forest"
RATE = "learning_rate"


def importance(report: dict[str, Any]) -> dict[str, Any] | None:
    """Return how much of the score hangs on each hyperparameter, None for fewer than `LEAST` completed trials.

    A random forest learns the score from the hyperparameters; of trials that it has not seen, one hyperparameter's
    values are exchanged at random, and the loss of R² is its importance (Breiman 2001, "Random Forests"). Each trial
    is left out once (5 parts). The R² itself tells what that is worth: near 0, or below, the scores do not follow from
    the hyperparameters, or the trials are too few.

    Args:
        report: the value of trials.json.

    Returns:
        method; trials, their number; r2 on trials that were left out; values, the most important first, each with
        name, importance and std over the parts and exchanges. The learning rate counts relative to its optimiser's
        default, for each optimiser has a range of its own.
    """
    rows = [row for row in report["trials"] if row["score"] is not None]
    if (
        report.get("strategy") == "hyperband"
    ):  # most of its trials are short; scores of different lengths are not compared
        longest = max((len(row["history"]) for row in rows), default=0)
        rows = [row for row in rows if len(row["history"]) == longest]
    if len(rows) < LEAST:
        return None
    names, table = _table([row["hyperparameters"] for row in rows], report["space"])
    scores = np.array([row["score"] for row in rows])
    if np.ptp(scores) == 0:
        return None
    losses, predicted = [], np.empty(len(rows))
    for train, left_out in KFold(5, shuffle=True, random_state=0).split(table):
        forest = RandomForestRegressor(100, random_state=0, n_jobs=1).fit(table[train], scores[train])
        predicted[left_out] = forest.predict(table[left_out])
        found = permutation_importance(
            forest, table[left_out], scores[left_out], n_repeats=20, random_state=0, scoring="neg_mean_squared_error"
        )
        losses.append(found.importances)
    # In units of the scores' variance, so that the parts, some of few trials, are on one scale.
    losses = np.concatenate(losses, axis=1) / scores.var()
    r2 = 1 - float(np.mean((scores - predicted) ** 2) / scores.var())
    order = np.argsort(-losses.mean(axis=1), kind="stable")
    return {
        "method": METHOD,
        "trials": len(rows),
        "r2": round(r2, 4),
        "values": [
            {
                "name": names[i],
                "importance": round(float(losses[i].mean()), 4),
                "std": round(float(losses[i].std()), 4),
            }
            for i in order
        ],
    }


def _table(rows: list[dict[str, Any]], space: list[dict[str, Any]]) -> tuple[list[str], np.ndarray]:
    """Return names and one column each: a choice's place in its list, a range's value, −1 below all for "not there"."""
    columns: dict[str, np.ndarray] = {}
    for parameter in space:
        name = parameter["name"]
        rate = name.startswith(f"{RATE}_")
        values = np.array([_number(row.get(name), parameter, relative=rate) for row in rows])
        if rate:
            before = columns.get(RATE, np.full(len(rows), np.nan))
            columns[RATE] = np.where(np.isnan(before), values, before)
        else:
            columns[name] = values
    columns = {name: values for name, values in columns.items() if len(np.unique(values[~np.isnan(values)])) > 1}
    lowest = {name: np.nanmin(values) - 1 for name, values in columns.items()}
    return list(columns), np.column_stack([np.nan_to_num(v, nan=lowest[name]) for name, v in columns.items()])


def _number(value: Any, parameter: dict[str, Any], relative: bool) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str):
        if parameter["name"] == "loss" and value in CROSS_ENTROPIES:
            value = next(name for name in parameter["values"] if name in CROSS_ENTROPIES)
        return float(parameter["values"].index(value))
    if parameter.get("scale") == "log":
        return math.log10(value / parameter["default"] if relative else value)
    return float(value)
