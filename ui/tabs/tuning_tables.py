"""The tables and sentences of the tuning tab."""

from pathlib import Path
from typing import Any

from ui.figures.axes import display_value, format_value
from ui.i18n import Language, UserError, display_name, number, percent, translate
from ui.reports.parse import read_evaluation, read_search
from ui.reports.search import Search

MIN_RELIABLE_R2 = 0.3  # with a lower one, the importance of hyperparameters says little


def trials_table(folder: Path) -> dict[str, list]:
    """Return the trials as a table, headers and data, in the order tried, with the names of trials.json.

    Raises:
        UserError: if trials.json is missing or damaged.
    """
    headers, data = read_search(folder).table()
    return {"headers": headers, "data": [[_cell(value) for value in row] for row in data]}


def ranked_trials_table(search: Search, language: Language) -> dict[str, Any]:
    """Return the trials as the page shows them: best first, in the visitor's language."""
    ranked = search.ranked()
    headers, data = ranked.table()
    names = {"trial_id": translate("trial", language), "score": display_name(search.objective, language)}
    rows = [
        [trial.order, display_name(trial.status, language), *row[2:]]
        for trial, row in zip(ranked.trials, data, strict=True)
    ]
    return {
        "headers": [names.get(name) or display_name(name, language) for name in headers],
        # With an empty text among its numbers, a column would be sorted as text.
        "data": [[None if value is None else display_value(value, language) for value in row] for row in rows],
        "metadata": {"display_value": [[format_value(value, language) for value in row] for row in rows]},
    }


def best_hyperparameters_table(search: Search, language: Language) -> dict[str, list]:
    """Return the best trial's hyperparameters as a table of names and values.

    Raises:
        UserError: if no trial has completed.
    """
    if search.best is None:
        raise UserError("no_trial_completed")
    rows = [
        [display_name(name, language), format_value(value, language)]
        for name, value in search.best.hyperparameters.items()
    ]
    return {"headers": [translate("hyperparameter", language), translate("value", language)], "data": rows}


def importance_sentence(search: Search, language: Language) -> str:
    """Return how far the measured importance can be trusted; empty if there is none."""
    importance = search.importance
    if importance is None or importance.r2 is None:
        return ""
    key = "importance_explained" if importance.r2 >= MIN_RELIABLE_R2 else "importance_doubtful"
    r2, share = number(importance.r2, ".2f", language), percent(importance.r2, language, 0)
    return translate(key, language, r2=r2, trials=importance.trials, share=share)


def evaluation_sentence(folder: Path, language: Language) -> str:
    """Return the accuracy and the split it was measured on; empty without a confusion matrix."""
    try:
        evaluation = read_evaluation(folder)
    except UserError:
        return ""
    rows, accuracy = number(evaluation.rows, ",", language), percent(evaluation.accuracy, language, 2)
    return translate("tested", language, accuracy=accuracy, rows=rows, split=evaluation.split)


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
