"""The figures of a model card: the confusion matrix and the calibration curve of an evaluation.json, as PNG files."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font

from model.artifacts import CARD_FIGURES
from model.console import JOINERS, one_line
from model.io.atomic import atomic_write
from model.io.reports.evaluation import Calibration, EvaluationReport
from model.words import counted

CURVE_COLOR = "#3b3b98"
MAX_NAME_CHARS = 30
# The first ones that are installed draw what DejaVu Sans, which comes with Matplotlib, does not have.
FALLBACK_FONTS = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Emoji",
    "Microsoft YaHei",
    "Segoe UI Symbol",
    "Hiragino Sans",
    "Arial Unicode MS",
    "WenQuanYi Zen Hei",
)
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
    with _plain_text():
        matrix = confusion_matrix(evaluation) if evaluation.confusion_matrix else None
        for name, figure in zip(CARD_FIGURES, (matrix, calibration_curve(evaluation.calibration)), strict=True):
            if figure is None:  # of too many classes
                (folder / name).unlink(missing_ok=True)
                continue
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=100)
            atomic_write(folder / name, png.getvalue())


@contextmanager
def _plain_text() -> Iterator[None]:
    """Draw texts with Matplotlib's own settings, not a file's of this machine, and with fonts for other scripts."""
    installed = {font.name for font in fontManager.ttflist}
    families = ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in installed)]
    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams["font.family"] = families
        yield


def _drawn_names(labels: list[str]) -> list[str]:
    """Return the names of classes for an axis; of one in a script that no font has, its number in the card's table."""
    fonts = [get_font(findfont(family)) for family in matplotlib.rcParams["font.family"]]
    names = [one_line(label) for label in labels]
    names = [name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…" for name in names]
    return [
        name if all(any(font.get_char_index(ord(c)) for font in fonts) for c in name if c not in JOINERS) else f"#{n}"
        for n, name in enumerate(names, 1)
    ]


def confusion_matrix(evaluation: EvaluationReport) -> Figure:
    """Draw labels (down) against predictions (across), shaded on a log scale so that single mistakes are visible."""
    matrix, labels = np.array(evaluation.confusion_matrix), evaluation.labels
    side = min(10.0, 2.5 + 0.35 * len(labels))
    figure = Figure((side, side), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.ma.masked_equal(matrix, 0), cmap="Purples", norm=LogNorm(1, max(2, matrix.max())))
    if len(labels) <= MAX_NUMBERED_LABELS:
        names = _drawn_names(labels)
        # Without `parse_math` a dollar sign would begin a formula.
        axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 90, parse_math=False)
        axes.set_yticks(range(len(names)), names, parse_math=False)
        dark = matrix.max() ** 0.6
        for row, column in zip(*np.nonzero(matrix), strict=True):
            color = "white" if matrix[row, column] > dark else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=color, fontsize=8)
    axes.set(xlabel="prediction", ylabel="label", title=counted(evaluation.rows, "row"))
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
