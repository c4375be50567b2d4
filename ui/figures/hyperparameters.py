"""Charts of the search space: importances, one hyperparameter and the score, parallel coordinates."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from model.io.trials import LEARNING_RATE
from model.significance import holm, rank_correlation
from ui.figures.axes import Axis, find_axes
from ui.figures.markers import best_trial_marker, objective_title, score_color_scale, trial_markers
from ui.figures.style import ACCENT, MUTED, apply_style, escape_text
from ui.i18n import Language, UserError, display_name, translate
from ui.reports.runs import MAX_P
from ui.reports.search import Search, TrialView, is_number

BAR_PX, FRAME_PX = 30, 110  # height of a bar, and of what surrounds the bars
MAX_NAME_CHARS = 24  # in a line: on a phone, a longer one would be cut off
MIN_HEIGHT_PX = 400
ARROWS = {1: " ↑", -1: " ↓"}


def plot_param_importances(search: Search, language: Language) -> go.Figure:
    """Return a bar per hyperparameter with its standard deviation, the most important on top.

    Bars that are shorter than their deviation are gray. An arrow shows the direction in which the result gets better,
    where the correlation of ranks is more than chance.

    Raises:
        UserError: if the search has not measured the importances.
    """
    if search.importance is None:
        raise UserError("no_importance")
    measured = search.importance.values
    places = list(range(len(measured)))  # not the names: two of them may read alike
    arrows = [ARROWS.get(sign, "") for sign in directions(search, [one.name for one in measured])]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            x=[one.importance for one in measured],
            y=places,
            error_x={"array": [one.std for one in measured], "color": MUTED, "thickness": 1.5, "width": 4},
            marker={"color": [ACCENT if one.importance > one.std else MUTED for one in measured]},
            hovertemplate="%{x:.3f} ± %{error_x.array:.3f}<extra></extra>",
        )
    )
    names = [textwrap.wrap(escape_text(display_name(one.name, language)), MAX_NAME_CHARS) for one in measured]
    texts = ["<br>".join(lines) + arrow for lines, arrow in zip(names, arrows, strict=True)]
    figure.update_yaxes(tickvals=places, ticktext=texts, autorange="reversed", showgrid=False)
    figure.update_xaxes(title=translate("importance", language), rangemode="tozero", nticks=4, tickangle=0)
    height = max(MIN_HEIGHT_PX, FRAME_PX + BAR_PX * len(measured))
    return apply_style(figure, language).update_layout(margin_t=10, height=height)


def directions(search: Search, names: Sequence[str]) -> list[int]:
    """Return for each hyperparameter 1 if more of it goes with better results, -1 if less of it does, 0 for neither.

    It is neither unless the correlation of ranks is more than chance, by Holm's method for all of them.
    """
    found: dict[str, tuple[float, float]] = {}
    for name in names:
        trials = [trial for trial in search.comparable().scored if is_number(trial.hyperparameters.get(name))]
        of_rates = name == LEARNING_RATE
        values = search.rates(trials) if of_rates else [trial.hyperparameters[name] for trial in trials]
        scores = [(trial.score or 0.0) * (1 if search.descending else -1) for trial in trials]
        if len(set(values)) > 1 and len(set(scores)) > 1:
            found[name] = rank_correlation(values, scores)
    p_values = dict(zip(found, holm([p for _, p in found.values()]), strict=True))
    return [(1 if found[name][0] > 0 else -1) if p_values.get(name, 1.0) < MAX_P else 0 for name in names]


def plot_slice(search: Search, name: str, language: Language) -> go.Figure:
    """Return the score of each trial over its value of one hyperparameter, with boxes if it is one of a list.

    Raises:
        UserError: if the scored trials do not differ in it.
    """
    axis = find_axes(search, [name], language)[0]
    trials = [trial for trial in search.scored if axis.position(trial) is not None]
    markers = trial_markers(search, trials, language)
    figure = go.Figure()
    if axis.hyperparameter.choices:
        style = {"boxpoints": False, "hoverinfo": "skip", "showlegend": False, "fillcolor": "rgba(0, 0, 0, 0)"}
        positions = [axis.position(trial) for trial in trials]
        figure.add_box(x=positions, y=markers["y"], line={"color": MUTED, "width": 1}, **style)
    x = axis.spread_positions(trials)
    figure.add_scatter(x=x, **markers, marker_color=ACCENT, marker_opacity=0.6)
    if search.best in trials:
        place = trials.index(search.best)
        figure.add_scatter(x=[x[place]], y=[search.best.score], **best_trial_marker(search.best, language))
    figure.update_xaxes(title=axis.title, range=axis.padded_ends, **axis.ticks())
    figure.update_yaxes(title=objective_title(search, language))
    return apply_style(figure, language)


def plot_parallel_coordinate(search: Search, names: list[str], language: Language) -> go.Figure:
    """Return a line per scored trial through its values of some hyperparameters to its score.

    Raises:
        UserError: if `names` is empty, or the scored trials do not differ in one of the hyperparameters.
    """
    if not names:
        raise UserError("no_axes")
    axes = find_axes(search, names, language)
    sign = 1 if search.descending else -1
    trials = sorted(search.scored, key=lambda trial: sign * trial.score)  # the best last, above the others
    scores = [trial.score for trial in trials]
    figure = go.Figure(
        go.Parcoords(
            dimensions=[
                *(_dimension(axis, trials) for axis in axes),
                {"label": translate("score", language), "values": search.clip_far_values(scores)},
            ],
            line={"color": scores, **score_color_scale(search)},
            labelangle=-20,
            labelside="top",
            labelfont={"size": 12},
            tickfont={"size": 11},
            rangefont={"size": 1, "color": "rgba(0, 0, 0, 0)"},  # hidden: the ends have ticks already
        )
    )
    return apply_style(figure, language).update_layout(margin={"l": 70, "r": 60, "t": 110, "b": 20}, height=460)


def _dimension(axis: Axis, trials: list[TrialView]) -> dict[str, Any]:
    """Return an axis of the parallel coordinates; trials that do not use the hyperparameter meet below its values."""
    low, high = axis.ends
    values = [axis.position(trial) for trial in trials]
    ticks = axis.ticks()
    if None in values:
        unused = low - 0.15 * (high - low)
        values = [unused if value is None else value for value in values]
        ticks = {"tickvals": [unused, *ticks["tickvals"]], "ticktext": ["–", *ticks["ticktext"]]}
        low = unused
    return {"label": axis.title, "values": values, "range": [low, high], **ticks}
