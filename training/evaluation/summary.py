"""The result of an evaluation in a few lines for the console."""

from pathlib import Path

from model.io.reports.evaluation import Measures
from model.verdict import describe_unmeasured, describe_verdict


def summarize(measures: Measures) -> list[str]:
    """Return the lines about one dataset: its measures, those of the trivial answer, and what they leave open."""
    where = f"{Path(measures.dataset).name}, {measures.split}"
    lines = [f"{where}: {line}" for line in (_regression(measures) if measures.is_regression else _classes(measures))]
    if measures.loss is not None:
        lines.append(f"{where}: loss {measures.loss:.4f} on {measures.rows:,} rows")
    return lines + [f"{where}: {note}" for note in (describe_unmeasured(measures), describe_verdict(measures)) if note]


def _classes(measures: Measures) -> list[str]:
    ends = measures.printed_interval
    interval = f" (95 % interval: {ends[0]:.4f} to {ends[1]:.4f})" if ends else ""
    lines = [f"accuracy {measures.accuracy:.4f} on {measures.rows:,} rows{interval}"]
    if measures.balanced_accuracy is not None and measures.macro_f1 is not None:
        lines.append(f"balanced accuracy {measures.balanced_accuracy:.4f}, macro F1 {measures.macro_f1:.4f}")
    if (trivial := measures.baseline) is not None and trivial.accuracy is not None:
        lines.append(f"always answering {trivial.answer}: accuracy {trivial.accuracy:.4f}")
    return lines


def _regression(measures: Measures) -> list[str]:
    r2 = "" if measures.r2 is None else f"R² {measures.r2:.4f}, "
    lines = [f"{r2}mean absolute error {measures.mean_absolute_error:.4g} on {measures.rows:,} rows"]
    if (trivial := measures.baseline) is not None and trivial.mean_absolute_error is not None:
        lines.append(
            f"always answering the mean, {trivial.value:.6g}: mean absolute error {trivial.mean_absolute_error:.4g}"
        )
    return lines
