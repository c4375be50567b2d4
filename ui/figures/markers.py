"""How trials look in the charts of a search: markers, hover texts, colors by score."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.figures.axes import MAX_LOG_TICKS, format_setting, format_value, log_ticks
from ui.figures.style import ACCENT, EDGE, GOLD, SECOND, escape_text
from ui.i18n import NUMBERS, Language, display_name, number, translate
from ui.reports.runs import trial_key
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
        **trial_points(trials, language),
    }


def trial_points(trials: Sequence[TrialView], language: Language) -> dict[str, Any]:
    """Return the settings of a trace whose points are trials: what they show when pointed at, what a click selects."""
    return {
        "customdata": [trial_key(trial) for trial in trials],
        "hovertext": [describe_trial(trial, language) for trial in trials],
        "hoverinfo": "text",
    }


def best_trial_marker(trial: TrialView, language: Language) -> dict[str, Any]:
    """Return the settings of a trace that marks the best trial with a star."""
    return {
        "mode": "markers",
        "marker": {"symbol": "star", "size": 15, "color": GOLD, "line": {"color": EDGE, "width": 1}},
        "name": translate("best", language),
        **trial_points([trial], language),
    }


def describe_trial(trial: TrialView, language: Language) -> str:
    """Return the hover text of a trial: its number, score and hyperparameters, one line each."""
    score = "" if trial.score is None else f" · {format_value(trial.score, language)}"
    lines = [f"<b>{translate('trial', language)} {trial.order}{score}</b>"]
    for name, value in trial.hyperparameters.items():
        if value is not None:
            lines.append(
                f"{escape_text(display_name(name, language))}: {escape_text(format_setting(name, value, language))}"
            )
    return "<br>".join(lines[:MAX_HOVER_LINES])


@dataclass(frozen=True)
class ErrorAxis:
    """Scores as errors on a logarithmic scale: that is where good networks differ.

    Attributes:
        settings: Plotly's, of the axis.
        is_log: whether it is logarithmic, as all errors are above zero; else the scores are shown as they are.
        descending: whether a score is turned into an error: 1 minus it.
    """

    settings: dict[str, Any]
    is_log: bool
    descending: bool

    def place(self, score: float) -> float:
        """Return where a score is on the axis."""
        return 1 - score if self.is_log and self.descending else score


def error_axis(measure: str, descending: bool, scores: Sequence[float], language: Language) -> ErrorAxis:
    """Return the axis on which scores of a measure are shown as errors.

    Args:
        measure: its name.
        descending: whether more of it is better.
        scores: all that are shown.
        language: of the title.
    """
    name = escape_text(display_name(measure, language))
    errors = [1 - score if descending else score for score in scores]
    if not errors or min(errors) <= 0:
        return ErrorAxis({"title": name}, False, descending)
    title = translate("error_of", language, measure=name) if descending else name
    return ErrorAxis({"title": title, **log_axis(errors, language, descending)}, True, descending)


def log_axis(
    values: Sequence[float], language: Language, in_percent: bool = False, max_ticks: int = MAX_LOG_TICKS
) -> dict[str, Any]:
    """Return Plotly's settings of a logarithmic axis for values above zero, if there are any."""
    if not values:
        return {"type": "log"}
    ticks = log_ticks(min(values), max(values), max_ticks)
    texts = [
        _percentage(tick, language) if in_percent else number(float(f"{tick:.3g}"), ",.10g", language) for tick in ticks
    ]
    return {"type": "log", "tickvals": ticks, "ticktext": texts}


def _percentage(share: float, language: Language) -> str:
    decimals = max(0, 1 - math.floor(math.log10(100 * share)))
    text = f"{100 * share:.{decimals}f}"
    return NUMBERS[language]["percent"].format(number(float(text), "g", language))


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
