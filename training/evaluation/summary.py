"""The result of an evaluation in a few lines for the console."""

import re
from collections.abc import Mapping
from pathlib import Path

from model.io.reports.evaluation import Measures
from model.scores import MAX_ROWS_WITH_INTERVAL, wilson_interval
from model.verdict import describe_unmeasured, describe_verdict, describe_views
from model.words import counted

HELD_OUT = re.compile(r"(.+), (\d+)% held out by (.+)")  # as `training.data.splits.open_test` names rows


def summarize(measures: Measures) -> list[str]:
    """Return the lines about one dataset: its measures, those of the trivial answer, and what they leave open."""
    where = _describe_rows(measures)
    lines = [f"{where}: {line}" for line in (_regression(measures) if measures.is_regression else _classes(measures))]
    if measures.loss is not None:
        lines.append(f"{where}: loss {measures.loss:.4f} on {counted(measures.rows, 'row')}")
    notes = (describe_views(measures), describe_unmeasured(measures), describe_verdict(measures))
    return lines + [f"{where}: {note}" for note in notes if note]


def summarize_validation(best: Mapping[str, float], rows: int, class_rows: Mapping[str, int] | None) -> list[str]:
    """Return what the best epoch reached on validation, and whether that is better than the trivial answer.

    Args:
        best: its row of the history.
        rows: number of validation rows.
        class_rows: class -> training rows; None if they were not counted, or of a regression.
    """
    if "val_r2" in best:
        lines = [f"validation: R² {best['val_r2']:.4f} on {counted(rows, 'row')}"]
        return lines if best["val_r2"] > 0 else [*lines, "validation: not better than always answering the mean"]
    accuracy = best["val_accuracy"]
    lines = [f"validation: accuracy {accuracy:.4f} on {counted(rows, 'row')}{format_interval(accuracy, rows)}"]
    if class_rows and sum(class_rows.values()):
        common = max(class_rows, key=lambda label: class_rows[label])
        share = class_rows[common] / sum(class_rows.values())
        if wilson_interval(accuracy, rows)[0] <= share:
            lines.append(
                f"validation: that is not better than always answering {common}, the label of {share:.2%} of the "
                f"training rows; balanced accuracy {best['val_balanced_accuracy']:.4f}"
            )
    return lines


def format_interval(accuracy: float, rows: int) -> str:
    """Return the interval in which an accuracy on few rows lies, in brackets; empty for many rows or none."""
    if not 0 < rows <= MAX_ROWS_WITH_INTERVAL:
        return ""
    low, high = wilson_interval(accuracy, rows)
    return f" (95 % interval: {low:.4f} to {high:.4f})"


def _describe_rows(measures: Measures) -> str:
    """Return which rows were measured: those of a split, or those held out of the split that was learned from."""
    name = Path(measures.dataset).name
    if held_out := HELD_OUT.fullmatch(measures.split):
        split, percent, by = held_out.groups()
        return f"test rows of {name} ({percent} % of split {split}, held out by {by})"
    return f"{name}, {measures.split}"


def _classes(measures: Measures) -> list[str]:
    assert measures.accuracy is not None  # a report of classes has one
    interval = format_interval(measures.accuracy, measures.rows)
    lines = [f"accuracy {measures.accuracy:.4f} on {counted(measures.rows, 'row')}{interval}"]
    if measures.balanced_accuracy is not None and measures.macro_f1 is not None:
        lines.append(f"balanced accuracy {measures.balanced_accuracy:.4f}, macro F1 {measures.macro_f1:.4f}")
    if (trivial := measures.baseline) is not None and trivial.accuracy is not None:
        lines.append(f"always answering {trivial.answer}: accuracy {trivial.accuracy:.4f}")
    return lines


def _regression(measures: Measures) -> list[str]:
    r2 = "" if measures.r2 is None else f"R² {measures.r2:.4f}, "
    lines = [f"{r2}mean absolute error {measures.mean_absolute_error:.4g} on {counted(measures.rows, 'row')}"]
    if (trivial := measures.baseline) is not None and trivial.mean_absolute_error is not None:
        lines.append(
            f"always answering the mean, {trivial.value:.6g}: mean absolute error {trivial.mean_absolute_error:.4g}"
        )
    return lines
