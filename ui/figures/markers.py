"""How trials look in the charts of a search: markers, hover texts, colors by score."""

from typing import Any

import numpy as np

from ui.figures.axes import format_value
from ui.figures.style import ACCENT, EDGE, GOLD, SECOND, escape_text
from ui.i18n import Language, display_name, translate
from ui.reports.search import Search, TrialView

SCORE_COLORS = [[0, SECOND], [0.5, "#b9b4b0"], [1, ACCENT]]  # worst to best
MAX_HOVER_LINES = 24  # more would not fit on the page


def trial_markers(search: Search, trials: list[TrialView], language: Language) -> dict[str, Any]:
    """Return the settings of a trace that marks scored trials at their scores; a triangle is a score off the axis."""
    scores = search.clip_far_values([trial.score for trial in trials])
    off_axis = "triangle-down" if search.descending else "triangle-up"
    symbols = ["circle" if score == trial.score else off_axis for score, trial in zip(scores, trials, strict=True)]
    return {
        "y": scores,
        "mode": "markers",
        "name": translate("trial", language),
        "marker": {"symbol": symbols, "size": 9},
        "hovertext": [describe_trial(trial, language) for trial in trials],
        "hoverinfo": "text",
    }


def best_trial_marker(trial: TrialView, language: Language) -> dict[str, Any]:
    """Return the settings of a trace that marks the best trial with a star."""
    return {
        "mode": "markers",
        "marker": {"symbol": "star", "size": 15, "color": GOLD, "line": {"color": EDGE, "width": 1}},
        "hovertext": [describe_trial(trial, language)],
        "hoverinfo": "text",
        "name": translate("best", language),
    }


def describe_trial(trial: TrialView, language: Language) -> str:
    """Return the hover text of a trial: its number, score and hyperparameters, one line each."""
    score = "" if trial.score is None else f" · {format_value(trial.score, language)}"
    lines = [f"<b>{translate('trial', language)} {trial.order}{score}</b>"]
    for name, value in trial.hyperparameters.items():
        if value is not None:
            lines.append(f"{escape_text(display_name(name, language))}: {escape_text(format_value(value, language))}")
    return "<br>".join(lines[:MAX_HOVER_LINES])


def objective_title(search: Search, language: Language) -> str:
    """Return the objective's name for an axis."""
    return escape_text(display_name(search.objective, language))


def score_color_scale(search: Search) -> dict[str, Any]:
    """Return Plotly's color scale for scores.

    The worst quarter shares one color: spread over it, the scale would leave the others alike.
    """
    scores = [trial.score for trial in search.scored]
    worst = float(np.quantile(scores, 0.25 if search.descending else 0.75))
    low, high = (worst, max(scores)) if search.descending else (min(scores), worst)
    return {"colorscale": SCORE_COLORS, "reversescale": not search.descending, "cmin": low, "cmax": high}
