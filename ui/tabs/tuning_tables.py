"""The tables and sentences of the tuning tab."""

from pathlib import Path
from typing import Any

from model.io.reports.evaluation import EvaluationReport
from model.verdict import MAX_NAMED, finds_rare_classes
from ui.figures.axes import display_value, format_setting
from ui.i18n import Language, UserError, display_name, number, percent, translate
from ui.reports.parse import MAX_CLASSES, read_measures, read_search
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
    texts = [[format_setting(name, value, language) for name, value in zip(headers, row, strict=True)] for row in rows]
    return {
        "headers": [names.get(name) or display_name(name, language) for name in headers],
        # With an empty text among its numbers, a column would be sorted as text.
        "data": [[None if value is None else display_value(value, language) for value in row] for row in rows],
        "metadata": {"display_value": texts},
    }


def best_hyperparameters_table(search: Search, language: Language) -> dict[str, list]:
    """Return the best trial's hyperparameters as a table of names and values.

    Raises:
        UserError: if no trial has completed.
    """
    if search.best is None:
        raise UserError("no_trial_completed")
    rows = [
        [display_name(name, language), format_setting(name, value, language)]
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
    """Return the measures, the split they were measured on, and those of the trivial answer; empty without a report."""
    try:
        measures = read_measures(folder)
    except UserError:
        return ""
    sentences = _regression(measures, language) if measures.is_regression else _accuracies(measures, language)
    compared = measures.comparison is not None and measures.comparison.compared
    sentences.insert(1, translate("tested_compared" if compared else "tested_not_compared", language))
    if measures.average_views:
        sentences.append(translate("tested_views", language))
    if measures.baseline and not measures.baseline.is_beaten:
        key = "tested_rare_classes" if finds_rare_classes(measures) else "tested_no_better"
        sentences.append(translate(key, language))
    if names := measures.unmeasured:
        more = [translate("tested_more_classes", language, count=len(names) - MAX_NAMED)] if names[MAX_NAMED:] else []
        sentences.append(translate("tested_unmeasured", language, labels=", ".join([*names[:MAX_NAMED], *more])))
    if len(measures.confusion_matrix) > MAX_CLASSES:
        total = number(len(measures.labels), ",", language)
        sentences.append(translate("tested_some_classes", language, count=MAX_CLASSES, total=total))
    return " ".join(sentences)


def _accuracies(measures: EvaluationReport, language: Language) -> list[str]:
    def share(value: float | None, decimals: int = 2) -> str:
        return "–" if value is None else percent(value, language, decimals)

    rows, trivial = number(measures.rows, ",", language), measures.baseline
    sentences = [translate("tested", language, accuracy=share(measures.accuracy), rows=rows, split=measures.split)]
    if ends := measures.printed_interval:
        low, high = (share(end, 1) for end in ends)
        sentences.append(translate("tested_interval", language, low=low, high=high))
    if measures.balanced_accuracy is not None and measures.macro_f1 is not None:
        f1 = number(measures.macro_f1, ".4f", language)
        sentences.append(translate("tested_balanced", language, balanced=share(measures.balanced_accuracy), f1=f1))
    if trivial:
        sentences.append(translate("tested_trivial", language, answer=trivial.answer, accuracy=share(trivial.accuracy)))
    return sentences


def _regression(measures: EvaluationReport, language: Language) -> list[str]:
    def value(found: float | None, form: str = ".4g") -> str:
        return "–" if found is None else number(found, form, language)

    rows, trivial = number(measures.rows, ",", language), measures.baseline
    texts = {"error": value(measures.mean_absolute_error), "r2": value(measures.r2, ".4f")}
    sentences = [translate("tested_number", language, rows=rows, split=measures.split, **texts)]
    if trivial:
        mean, error = value(trivial.value, ".6g"), value(trivial.mean_absolute_error)
        sentences.append(translate("tested_trivial_number", language, mean=mean, error=error))
    return sentences


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
