"""The pictures of a model card: the confusion matrix and the calibration curve of an evaluation.json, as PNG files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from model.artifacts import CARD_FIGURES
from model.io.atomic import atomic_write

INK = "#3b3b98"
MOST_NUMBERED = 30  # labels; with more the numbers would not be readable


def write_pictures(evaluation: dict[str, Any] | None, folder: Path) -> None:
    """Write `CARD_FIGURES` for an evaluation of a classifier; else delete those that an earlier one left.

    Args:
        evaluation: the value of an evaluation.json, or None.
        folder: where.
    """
    drawn = evaluation if evaluation is not None and "confusion_matrix" in evaluation else None
    pictures = [confusion(drawn), calibration(drawn)] if drawn is not None else [None, None]
    for name, figure in zip(CARD_FIGURES, pictures, strict=True):
        if figure is None:
            (folder / name).unlink(missing_ok=True)
        else:
            atomic_write(folder / name, _png(figure))


def confusion(evaluation: dict[str, Any]) -> Figure:
    """Draw rows by label (down) and answer (across); the shade is logarithmic, for single mistakes among thousands."""
    matrix, labels = np.array(evaluation["confusion_matrix"]), evaluation["labels"]
    side = min(10.0, 2.5 + 0.35 * len(labels))
    figure = Figure((side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.ma.masked_equal(matrix, 0), cmap="Purples", norm=LogNorm(1, max(2, matrix.max())))
    if len(labels) <= MOST_NUMBERED:
        axes.set_xticks(range(len(labels)), labels, rotation=0 if max(map(len, labels)) < 3 else 90)
        axes.set_yticks(range(len(labels)), labels)
        dark = matrix.max() ** 0.6
        for row, column in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if matrix[row, column] > dark else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=colour, fontsize=8)
    axes.set(xlabel="answer", ylabel="label", title=f"{evaluation['rows']:,} rows")
    return figure


def calibration(evaluation: dict[str, Any]) -> Figure:
    """Draw the share of right answers at each confidence, with how many answers there are."""
    bins = [one for one in evaluation["calibration"]["bins"] if one["rows"]]
    confidence, accuracy = [one["confidence"] for one in bins], [one["accuracy"] for one in bins]
    figure = Figure((4.8, 4.8), layout="constrained")
    curve, counts = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="confidence = accuracy")
    curve.plot(confidence, accuracy, "o-", color=INK, label=f"ECE {evaluation['calibration']['ece']:.2%}")
    curve.set(xlim=(0, 1.02), ylim=(0, 1.02), ylabel="share of right answers")
    curve.legend(loc="upper left")
    edges = [one["low"] for one in bins]
    widths = [one["high"] - one["low"] for one in bins]
    counts.bar(edges, [one["rows"] for one in bins], widths, align="edge", color=INK)
    counts.set(yscale="log", xlabel="confidence", ylabel="answers")
    return figure


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100)
    return out.getvalue()
