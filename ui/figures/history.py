"""The figures of a search over time: best so far, the trials' epochs, and when each trial ran."""

import textwrap
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from ui.figures.axes import described, written
from ui.figures.results import ACCENT, MUTED, SECOND, WRONG, escaped, plain, ticks_apart
from ui.i18n import Language, UserError, display_name, translate
from ui.reports.search import Search, Trial

COLORS = {"COMPLETED": ACCENT, "FAILED": WRONG, "RUNNING": SECOND}
THINNEST = 0.004  # of the time line, or a trial that failed at once would not be seen
LONGEST_LINE = 60  # of a reason


def best_so_far(search: Search, language: Language) -> go.Figure:
    """Return every completed trial's score and, as steps, the best up to it.

    Raises:
        UserError: when no trial has completed.
    """
    if not search.scored:
        raise UserError("no_trial_completed")
    numbers, _, best = zip(*search.best_so_far(), strict=True)
    figure = go.Figure(
        [
            go.Scatter(x=numbers, **points(search, search.scored, language), marker_color=MUTED),
            go.Scatter(
                x=numbers,
                y=best,
                mode="lines",
                name=translate("best_so_far", language),
                line={"color": ACCENT, "width": 3, "shape": "hv"},
                hoverinfo="skip",
            ),
        ]
    )
    figure.update_xaxes(title=translate("trial", language), dtick=ticks_apart(len(search.trials)), tickangle=0)
    figure.update_yaxes(title=objective(search, language))
    return plain(figure, language)


def intermediate(search: Search, language: Language) -> go.Figure:
    """Return the objective after each epoch, a line each trial, the best one above the others.

    Raises:
        UserError: when no trial has any.
    """
    values = [value for trial in search.trials for _, value in trial.history if value is not None]
    if not values:
        raise UserError("no_epochs")
    figure = go.Figure()
    others = [trial for trial in search.trials if trial is not search.best]
    styles = {"others": (MUTED, 0.5, 1.2, 4), "best": (ACCENT, 1, 3, 7)}
    for name, trials in (("others", others), ("best", [search.best] if search.best else [])):
        color, opacity, width, size = styles[name]
        # One trace with gaps: hundreds of traces would be slow.
        rows = [(*row, trial) for trial in trials for row in (*trial.history, (None, None))]
        figure.add_scatter(
            x=[epoch for epoch, _, _ in rows],
            y=[value for _, value, _ in rows],
            hovertext=[f"{_heading(trial, language)}<br>{written(value, language)}" for _, value, trial in rows],
            hoverinfo="text",
            mode="lines+markers",
            name=translate(name, language),
            opacity=opacity,
            line={"color": color, "width": width},
            marker={"size": size},
            connectgaps=False,
        )
    last = max(epoch for trial in search.trials for epoch, _ in trial.history)
    figure.update_xaxes(title=translate("epoch", language), dtick=ticks_apart(last), tickangle=0)
    near = search.in_sight(values)
    room = 0.05 * (max(near) - min(near)) or 0.05  # all may be the same
    figure.update_yaxes(title=objective(search, language), range=[min(near) - room, max(near) + room])
    return plain(figure, language)


def timeline(search: Search, language: Language) -> go.Figure:
    """Return a bar from start to end of each trial, coloured by status; by its training time where no end is noted.

    Raises:
        UserError: when no trial says when it started.
    """
    trials = [trial for trial in search.trials if trial.started is not None]
    if not trials:
        raise UserError("no_times")
    first = min(trial.started for trial in trials)
    spans = {trial.order: _span(trial, first) for trial in trials}
    whole = max(start + length for start, length in spans.values()) or 1.0
    unit, name = next(
        (unit, name)
        for unit, name in ((3600, "hours"), (60, "minutes"), (1, "seconds"))
        if whole > 3 * unit or unit == 1
    )
    figure = go.Figure()
    for status in sorted({trial.status for trial in trials}):
        having = [trial for trial in trials if trial.status == status]
        figure.add_bar(
            orientation="h",
            base=[spans[trial.order][0] / unit for trial in having],
            x=[max(spans[trial.order][1], THINNEST * whole) / unit for trial in having],
            y=[trial.order for trial in having],
            width=0.8,
            name=escaped(display_name(status, language)),
            marker={"color": COLORS.get(status, MUTED), "line": {"width": 0}},
            hovertext=[_told(trial, language) for trial in having],
            hoverinfo="text",
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title=translate(f"elapsed_{name}", language), rangemode="tozero")
    figure.update_yaxes(title=translate("trial", language), autorange="reversed", dtick=ticks_apart(len(search.trials)))
    return plain(figure, language)


def points(search: Search, trials: list[Trial], language: Language) -> dict[str, Any]:
    """Return what a trace needs to mark scored trials at their scores; a triangle is a score below the axis."""
    scores = search.in_sight([trial.score for trial in trials])
    away = "triangle-down" if search.descending else "triangle-up"
    symbols = ["circle" if score == trial.score else away for score, trial in zip(scores, trials, strict=True)]
    return {
        "y": scores,
        "mode": "markers",
        "name": translate("trial", language),
        "marker": {"symbol": symbols, "size": 9},
        "hovertext": [described(trial, language) for trial in trials],
        "hoverinfo": "text",
    }


def objective(search: Search, language: Language) -> str:
    """Return the objective's name for an axis."""
    return escaped(display_name(search.objective, language))


def _span(trial: Trial, first: datetime) -> tuple[float, float]:
    """Return (start, length) in seconds; a clock that was set back gives no negative length."""
    length = (trial.ended - trial.started).total_seconds() if trial.ended else trial.seconds or 0.0
    return (trial.started - first).total_seconds(), max(0.0, length)


def _heading(trial: Trial, language: Language) -> str:
    return f"<b>{translate('trial', language)} {trial.order}</b> · {escaped(display_name(trial.status, language))}"


def _told(trial: Trial, language: Language) -> str:
    lines = [_heading(trial, language), f"{translate('started', language)}: {trial.started:%Y-%m-%d %H:%M:%S} UTC"]
    if trial.seconds is not None:
        lines.append(f"{translate('seconds', language)}: {written(trial.seconds, language)}")
    if trial.score is not None:
        lines.append(f"{translate('score', language)}: {written(trial.score, language)}")
    if trial.reason:
        reason = textwrap.wrap(trial.reason, LONGEST_LINE, max_lines=4, placeholder=" …")
        lines += [f"{translate('reason', language)}:", *(escaped(line, LONGEST_LINE) for line in reason)]
    return "<br>".join(lines)
