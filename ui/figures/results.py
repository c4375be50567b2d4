"""Charts of a trained model: learning curve, confusion matrix, calibration."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from model.scores import wilson_interval
from ui.figures.markers import error_axis
from ui.figures.style import ACCENT, MUTED, SECOND, apply_style, category, escape_text, tick_step, with_alpha
from ui.i18n import Language, percent, translate
from ui.reports.parse import CalibrationView, EvaluationView, TrainingView

SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "r2")  # measures of which 1 is the best
MAX_NUMBERED_CLASSES = 20  # a confusion matrix with more has no room for its counts


def plot_learning_curve(training: TrainingView, language: Language) -> go.Figure:
    """Return the loss and the errors over the epochs, one panel each, for training and validation.

    On a linear scale all but the first epochs would be one flat line.
    """
    figure = go.Figure().set_subplots(len(training.curves), 1, shared_xaxes=True, vertical_spacing=0.08)
    for row, (name, (fitted, held_out)) in enumerate(training.curves.items(), 1):
        shown = [value for value in (*fitted, *held_out) if value is not None]
        axis = error_axis(name, name in SHARES, shown, language)
        for part, values, color in (("train", fitted, MUTED), ("validation", held_out, ACCENT)):
            figure.add_scatter(
                x=training.epochs,
                y=[None if value is None else axis.place(value) for value in values],
                mode="lines+markers",
                name=translate(part, language),
                legendgroup=part,
                showlegend=row == 1,
                line={"color": color, "width": 2.5},
                marker={"size": 5},
                row=row,
                col=1,
            )
        figure.update_yaxes(**axis.settings, row=row, col=1)
    if training.best_epoch is not None:
        figure.add_vline(training.best_epoch, line={"color": SECOND, "width": 1.5, "dash": "dot"})
        legend_entry = {"x": [None], "y": [None], "mode": "lines", "line": {"color": SECOND, "dash": "dot"}}
        figure.add_scatter(name=translate("best_epoch", language), **legend_entry)
    figure.update_xaxes(dtick=tick_step(max(training.epochs, default=1)))
    figure.update_xaxes(title=translate("epoch", language), row=len(training.curves), col=1)
    return apply_style(figure, language)


def plot_confusion_matrix(evaluation: EvaluationView, language: Language) -> go.Figure:
    """Return the confusion matrix; mistakes have a separate color scale, or a few would be invisible."""
    labels, matrix = [category(label) for label in evaluation.labels], evaluation.confusion
    size = range(len(labels))
    right = [[matrix[i][j] if i == j else None for j in size] for i in size]
    wrong = [[matrix[i][j] or None if i != j else None for j in size] for i in size]
    hover = (
        f"{translate('true_label', language)}: %{{y}}<br>{translate('predicted_label', language)}: %{{x}}<br>"
        f"{translate('images', language)}: %{{z}}<extra></extra>"
    )
    figure = go.Figure(
        [
            go.Heatmap(
                x=labels,
                y=labels,
                z=values,
                zmin=0,
                colorscale=[[0, with_alpha(color, 0.12)], [1, with_alpha(color, 0.75)]],
                showscale=False,
                xgap=2,
                ygap=2,
                hovertemplate=hover,
                hoverongaps=False,
                texttemplate="%{z}" if len(labels) <= MAX_NUMBERED_CLASSES else None,
            )
            for values, color in ((right, ACCENT), (wrong, SECOND))
        ]
    )
    shortened = {category(label): escape_text(label) for label in evaluation.labels}
    axis = {"type": "category", "showgrid": False, "labelalias": shortened}
    figure.update_xaxes(title=translate("predicted_label", language), **axis)
    figure.update_yaxes(title=translate("true_label", language), autorange="reversed", **axis)
    return apply_style(figure, language).update_layout(margin_t=10)


def plot_calibration(found: CalibrationView, language: Language) -> go.Figure:
    """Return a reliability diagram: the share of right answers over their confidence, with 95 % intervals (Wilson)."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name=translate("ideal", language),
        line={"color": MUTED, "width": 1.5, "dash": "dot"},
    )
    ends = [wilson_interval(right, rows) for _, right, rows in found.bins]
    shares = [right for _, right, _ in found.bins]
    figure.add_scatter(
        x=[confidence for confidence, _, _ in found.bins],
        y=shares,
        customdata=[(rows, *interval) for (_, _, rows), interval in zip(found.bins, ends, strict=True)],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - share for (_, high), share in zip(ends, shares, strict=True)],
            "arrayminus": [share - low for (low, _), share in zip(ends, shares, strict=True)],
            "color": ACCENT,
            "thickness": 1.5,
        },
        mode="markers",
        name=f"ECE {percent(found.ece, language, 2)}",
        marker={"size": [6 + 4 * math.log10(rows) for _, _, rows in found.bins], "color": ACCENT},
        hovertemplate=f"{translate('confidence', language)}: %{{x:.3f}}<br>"
        f"{translate('share_right', language)}: %{{y:.3f}} (%{{customdata[1]:.3f}} – %{{customdata[2]:.3f}})<br>"
        f"{translate('images', language)}: %{{customdata[0]}}<extra></extra>",
    )
    figure.update_xaxes(title=translate("confidence", language), range=[0, 1.04])
    figure.update_yaxes(title=translate("share_right", language), range=[-0.04, 1.04])
    return apply_style(figure, language)


def calibration_sentence(found: CalibrationView, language: Language) -> str:
    """Return in how many bins the confidence lies outside of the interval of the right answers, and what that means."""
    outside = [
        (confidence, right)
        for confidence, right, rows in found.bins
        if not (interval := wilson_interval(right, rows))[0] <= confidence <= interval[1]
    ]
    texts = {"outside": len(outside), "bins": len(found.bins)}
    if not outside:
        return translate("calibration_fits", language, **texts)
    too_sure = sum(confidence > right for confidence, right in outside)
    key = "calibration_too_sure" if 2 * too_sure > len(outside) else "calibration_too_modest"
    return translate(key, language, **texts)
