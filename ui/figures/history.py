"""Charts of a search over time: best score so far, epochs of each trial, timeline."""

from __future__ import annotations

import textwrap
from datetime import datetime

import plotly.graph_objects as go

from ui.figures.axes import format_value
from ui.figures.markers import error_axis, trial_points
from ui.figures.style import ACCENT, EDGE, GOLD, MUTED, SECOND, WRONG, apply_style, escape_text, tick_step
from ui.i18n import Language, UserError, display_name, translate
from ui.reports.runs import trial_key
from ui.reports.search import Search, TrialView

STATUS_COLORS = {"COMPLETED": ACCENT, "FAILED": WRONG, "RUNNING": SECOND}
MIN_BAR_SHARE = 0.004  # of the timeline: a trial that failed immediately would be invisible
MAX_HOVER_LINE_CHARS, MAX_HOVER_LINES = 60, 4
UNITS_S = {"hours": 3600, "minutes": 60, "seconds": 1}


def plot_optimization_history(search: Search, language: Language) -> go.Figure:
    """Return every completed trial and, as steps, the best so far, as errors; the point written by hand is named.

    Raises:
        UserError: if no trial has completed.
    """
    if not search.scored:
        raise UserError("no_trial_completed")
    numbers, scores, best = zip(*search.running_best(), strict=True)
    axis = error_axis(search.objective, search.descending, scores, language)
    figure = go.Figure()
    figure.add_scatter(
        x=numbers,
        y=[axis.place(score) for score in scores],
        mode="markers",
        name=translate("trial", language),
        marker={"size": 9, "color": MUTED},
        **trial_points(search.scored, language),
    )
    figure.add_scatter(
        x=numbers,
        y=[axis.place(score) for score in best],
        mode="lines",
        name=translate("running_best", language),
        line={"color": ACCENT, "width": 3, "shape": "hv"},
        hoverinfo="skip",
    )
    if search.start and search.start.score is not None:
        figure.add_scatter(
            x=[search.start.order],
            y=[axis.place(search.start.score)],
            mode="markers",
            name=translate("start_point", language),
            marker={"size": 13, "symbol": "diamond", "color": GOLD, "line": {"color": EDGE, "width": 1}},
            **trial_points([search.start], language),
        )
    figure.update_xaxes(title=translate("trial", language), dtick=tick_step(len(search.trials)), tickangle=0)
    figure.update_yaxes(**axis.settings)
    return apply_style(figure, language)


def plot_intermediate_values(search: Search, language: Language) -> go.Figure:
    """Return the objective after each epoch, one line per trial, the best one above the others.

    Raises:
        UserError: if no trial has recorded its epochs.
    """
    values = [value for trial in search.trials for _, value in trial.history if value is not None]
    if not values:
        raise UserError("no_epochs")
    axis = error_axis(search.objective, search.descending, values, language)
    figure = go.Figure()
    others = [trial for trial in search.trials if trial is not search.best]
    best = [search.best] if search.best else []
    for name, trials, style in (
        ("others", others, {"opacity": 0.5, "line": {"color": MUTED, "width": 1.2}, "marker": {"size": 5}}),
        ("best", best, {"opacity": 1, "line": {"color": ACCENT, "width": 3}, "marker": {"size": 7}}),
    ):
        # One trace with gaps between the trials: hundreds of traces would be slow.
        rows = [(*row, trial) for trial in trials for row in (*trial.history, (None, None))]
        figure.add_scatter(
            x=[epoch for epoch, _, _ in rows],
            y=[None if value is None else axis.place(value) for _, value, _ in rows],
            mode="lines+markers",
            name=translate(name, language),
            customdata=[trial_key(trial) for _, _, trial in rows],
            hovertext=[f"{_heading(trial, language)}<br>{format_value(value, language)}" for _, value, trial in rows],
            hoverinfo="text",
            connectgaps=False,
            **style,
        )
    last = max(epoch for trial in search.trials for epoch, _ in trial.history)
    figure.update_xaxes(title=translate("epoch", language), dtick=tick_step(last), tickangle=0)
    figure.update_yaxes(**axis.settings)
    return apply_style(figure, language)


def plot_timeline(search: Search, language: Language) -> go.Figure:
    """Return a bar from start to end of each trial, colored by status; without a recorded end, by its training time.

    Raises:
        UserError: if no trial has recorded its start.
    """
    trials = [trial for trial in search.trials if trial.started is not None]
    if not trials:
        raise UserError("no_times")
    first = min(trial.started for trial in trials)
    spans = {trial.order: _span(trial, first) for trial in trials}
    whole = max(start + length for start, length in spans.values()) or 1.0
    unit = next((unit for unit, seconds in UNITS_S.items() if whole > 3 * seconds), "seconds")
    seconds = UNITS_S[unit]
    figure = go.Figure()
    for status in sorted({trial.status for trial in trials}):
        having = [trial for trial in trials if trial.status == status]
        figure.add_bar(
            orientation="h",
            base=[spans[trial.order][0] / seconds for trial in having],
            x=[max(spans[trial.order][1], MIN_BAR_SHARE * whole) / seconds for trial in having],
            y=[trial.order for trial in having],
            width=0.8,
            name=escape_text(display_name(status, language)),
            marker={"color": STATUS_COLORS.get(status, MUTED), "line": {"width": 0}},
            **trial_points(having, language) | {"hovertext": [_describe_run(trial, language) for trial in having]},
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title=translate(f"elapsed_{unit}", language), rangemode="tozero")
    ticks = tick_step(len(search.trials))
    figure.update_yaxes(title=translate("trial", language), autorange="reversed", dtick=ticks)
    return apply_style(figure, language)


def _span(trial: TrialView, first: datetime) -> tuple[float, float]:
    """Return (start, length) in seconds; a clock that was set back gives no negative length."""
    length = (trial.ended - trial.started).total_seconds() if trial.ended else trial.seconds or 0.0
    return (trial.started - first).total_seconds(), max(0.0, length)


def _heading(trial: TrialView, language: Language) -> str:
    return f"<b>{translate('trial', language)} {trial.order}</b> · {escape_text(display_name(trial.status, language))}"


def _describe_run(trial: TrialView, language: Language) -> str:
    """Return the hover text of a bar: status, start, duration, score and the reason of a failure."""
    lines = [_heading(trial, language), f"{translate('started', language)}: {trial.started:%Y-%m-%d %H:%M:%S} UTC"]
    if trial.seconds is not None:
        lines.append(f"{translate('seconds', language)}: {format_value(trial.seconds, language)}")
    if trial.score is not None:
        lines.append(f"{translate('score', language)}: {format_value(trial.score, language)}")
    if trial.reason:
        reason = textwrap.wrap(trial.reason, MAX_HOVER_LINE_CHARS, max_lines=MAX_HOVER_LINES, placeholder=" …")
        lines += [f"{translate('reason', language)}:", *(escape_text(line, MAX_HOVER_LINE_CHARS) for line in reason)]
    return "<br>".join(lines)
