"""The figures of a model card: the confusion matrix and the calibration curve of an evaluation.json, as PNG files."""

import io
from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from model.artifacts import CARD_FIGURES
from model.io.atomic import atomic_write
from model.io.reports.evaluation import Calibration, EvaluationReport

CURVE_COLOR = "#3b3b98"
MAX_NUMBERED_LABELS = 30  # with more, the numbers in the cells would not be readable


def write_figures(evaluation: EvaluationReport | None, folder: Path) -> None:
    """Write `CARD_FIGURES` for an evaluation of a classifier; otherwise delete those of an earlier evaluation.

    Args:
        evaluation: or None.
        folder: where to write.
    """
    if evaluation is None or evaluation.calibration is None:  # of a regression
        for name in CARD_FIGURES:
            (folder / name).unlink(missing_ok=True)
        return
    figures = confusion_matrix(evaluation), calibration_curve(evaluation.calibration)
    for name, figure in zip(CARD_FIGURES, figures, strict=True):
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=100)
        atomic_write(folder / name, png.getvalue())


def confusion_matrix(evaluation: EvaluationReport) -> Figure:
    """Draw labels (down) against predictions (across), shaded on a log scale so that single mistakes are visible."""
    matrix, labels = np.array(evaluation.confusion_matrix), evaluation.labels
    side = min(10.0, 2.5 + 0.35 * len(labels))
    figure = Figure((side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.ma.masked_equal(matrix, 0), cmap="Purples", norm=LogNorm(1, max(2, matrix.max())))
    if len(labels) <= MAX_NUMBERED_LABELS:
        axes.set_xticks(range(len(labels)), labels, rotation=0 if max(map(len, labels)) < 3 else 90)
        axes.set_yticks(range(len(labels)), labels)
        dark = matrix.max() ** 0.6
        for row, column in zip(*np.nonzero(matrix), strict=True):
            color = "white" if matrix[row, column] > dark else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=color, fontsize=8)
    axes.set(xlabel="prediction", ylabel="label", title=f"{evaluation.rows:,} rows")
    return figure


def calibration_curve(calibration: Calibration) -> Figure:
    """Draw the accuracy at each confidence, above the number of predictions with that confidence."""
    bins = [one for one in calibration.bins if one.rows]
    confidence, accuracy = [one.confidence for one in bins], [one.accuracy for one in bins]
    figure = Figure((4.8, 4.8), layout="constrained")
    curve, counts = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="confidence = accuracy")
    curve.plot(confidence, accuracy, "o-", color=CURVE_COLOR, label=f"ECE {calibration.ece:.2%}")
    curve.set(xlim=(0, 1.02), ylim=(0, 1.02), ylabel="share of correct predictions")
    curve.legend(loc="upper left")
    lows = [one.low or 0.0 for one in bins]
    widths = [(one.high or 0.0) - low for one, low in zip(bins, lows, strict=True)]
    counts.bar(lows, [one.rows for one in bins], widths, align="edge", color=CURVE_COLOR)
    counts.set(yscale="log", xlabel="confidence", ylabel="predictions")
    return figure
