"""The figures of a trained model, and how every figure looks: colours hold on light and dark, CSS sets the text's."""

import html
import math
import textwrap

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ui.i18n import DEFAULT, NUMBERS, Language, display_name, percent, translate
from ui.reports.parse import Calibration, Evaluation, Training

ACCENT, SECOND, MUTED, WRONG = "#5b6ee1", "#e08a2c", "#8b93a7", "#d64550"
GOLD, EDGE = "#ffd24a", "#1d2330"
GRID = "rgba(139, 147, 167, 0.22)"
MOST_COUNTS = 20  # classes up to which the confusion matrix has room for its numbers


def learning_curve(training: Training, language: Language) -> go.Figure:
    """Return the loss and the metrics over the epochs, one panel each, training beside validation."""
    figure = make_subplots(len(training.curves), 1, shared_xaxes=True, vertical_spacing=0.08)
    for row, (name, (fitted, held_out)) in enumerate(training.curves.items(), 1):
        for part, values, color in (("train", fitted, MUTED), ("validation", held_out, ACCENT)):
            figure.add_scatter(
                x=training.epochs,
                y=values,
                mode="lines+markers",
                name=translate(part, language),
                legendgroup=part,
                showlegend=row == 1,
                line={"color": color, "width": 2.5},
                marker={"size": 5},
                row=row,
                col=1,
            )
        figure.update_yaxes(title=escaped(display_name(name, language)), row=row, col=1)
    if training.best_epoch is not None:
        figure.add_vline(training.best_epoch, line={"color": SECOND, "width": 1.5, "dash": "dot"})
        figure.add_scatter(  # the line's entry in the legend
            x=[None],
            y=[None],
            mode="lines",
            name=translate("best_epoch", language),
            line={"color": SECOND, "dash": "dot"},
        )
    step = ticks_apart(max(training.epochs, default=1))
    figure.update_xaxes(dtick=step).update_xaxes(title=translate("epoch", language), row=len(training.curves), col=1)
    return plain(figure, language)


def ticks_apart(count: int) -> int:
    """Return the round distance of ticks with which there are at most about ten."""
    return next(step * 10**power for power in range(10) for step in (1, 2, 5) if count <= 10 * step * 10**power)


def confusion(evaluation: Evaluation, language: Language) -> go.Figure:
    """Return the confusion matrix; mistakes have a colour of their own, or a few would vanish."""
    labels, matrix = [escaped(label) for label in evaluation.labels], evaluation.confusion
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
                colorscale=[[0, _faded(color, 0.12)], [1, _faded(color, 0.75)]],
                showscale=False,
                xgap=2,
                ygap=2,
                hovertemplate=hover,
                hoverongaps=False,
                texttemplate="%{z}" if len(labels) <= MOST_COUNTS else None,
            )
            for values, color in ((right, ACCENT), (wrong, SECOND))
        ]
    )
    figure.update_xaxes(title=translate("predicted_label", language), type="category", showgrid=False)
    figure.update_yaxes(title=translate("true_label", language), type="category", autorange="reversed", showgrid=False)
    return plain(figure, language).update_layout(margin_t=10)


def calibration(found: Calibration, language: Language) -> go.Figure:
    """Return the share of right answers over the confidence that they were given with."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name=translate("ideal", language),
        line={"color": MUTED, "width": 1.5, "dash": "dot"},
    )
    sizes = [6 + 4 * math.log10(rows) for _, _, rows in found.bins]
    figure.add_scatter(
        x=[confidence for confidence, _, _ in found.bins],
        y=[right for _, right, _ in found.bins],
        customdata=[rows for _, _, rows in found.bins],
        mode="lines+markers",
        name=f"ECE {percent(found.ece, language, 2)}",
        line={"color": ACCENT, "width": 2},
        marker={"size": sizes},
        hovertemplate=f"{translate('confidence', language)}: %{{x:.3f}}<br>"
        f"{translate('share_right', language)}: %{{y:.3f}}<br>"
        f"{translate('images', language)}: %{{customdata}}<extra></extra>",
    )
    figure.update_xaxes(title=translate("confidence", language), range=[0, 1.04])
    figure.update_yaxes(title=translate("share_right", language), range=[-0.04, 1.04])
    return plain(figure, language)


def sentence(text: str) -> go.Figure:
    """Return a figure that only says something, in the place of one that cannot be drawn."""
    lines = "<br>".join(textwrap.wrap(escaped(text, len(text)), 34))  # as many letters as a phone has room for
    figure = go.Figure().add_annotation(text=lines, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    return plain(figure, DEFAULT).update_layout(xaxis_visible=False, yaxis_visible=False)


def escaped(text: str, longest: int = 40) -> str:
    """Return a stranger's text for a figure: short, and as it is written, since Plotly takes some HTML for its own."""
    return html.escape(text if len(text) <= longest else f"{text[: longest - 1]}…", quote=False)


def plain(figure: go.Figure, language: Language) -> go.Figure:
    """Give a figure the page's look and the language's way to write numbers, and return it."""
    figure.update_layout(
        template="none",
        height=400,
        margin={"l": 70, "r": 20, "t": 50, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": MUTED},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        dragmode=False,
        separators=NUMBERS[language]["decimal"] + NUMBERS[language]["thousands"],
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, showline=False, ticks="", title_standoff=8, title_font_size=13)
    figure.update_yaxes(
        gridcolor=GRID, zeroline=False, showline=False, ticks="", title_standoff=8, title_font_size=13, automargin=True
    )
    return figure


def _faded(color: str, alpha: float) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"
