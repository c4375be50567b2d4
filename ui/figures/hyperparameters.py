"""The figures of a search over its space: importance, slices, pairs of hyperparameters, parallel coordinates."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from ui.figures.axes import Axis, described
from ui.figures.history import objective, points
from ui.figures.results import ACCENT, EDGE, GOLD, MUTED, SECOND, escaped, plain
from ui.i18n import Language, UserError, display_name, translate
from ui.reports.search import Search, Trial

SCALE = [[0, SECOND], [0.5, "#b9b4b0"], [1, ACCENT]]  # of scores, worst to best
ENOUGH_TO_SMOOTH = 20  # trials from which two ranges get a contour; fewer are put into cells
CELLS = 5  # of a range, each way
GRID = 40  # points of a contour, each way
LINES = 6  # of a contour, as far as colours tell scores apart
NEAR = 0.08  # how far a trial speaks for its surroundings in a contour, as a share of the axis
BAR, FRAME = 26, 110  # pixels that a bar takes, and what is around the bars


def importance(search: Search, language: Language) -> go.Figure:
    """Return a bar for each hyperparameter, the most important on top, with its standard deviation.

    Raises:
        UserError: when the search has not measured it.
    """
    if search.importance is None:
        raise UserError("no_importance")
    names, values, deviations = zip(*search.importance.values, strict=True)
    figure = go.Figure(
        go.Bar(
            orientation="h",
            x=values,
            y=list(range(len(names))),  # places, not names: two names may be written alike
            error_x={"array": deviations, "color": SECOND, "thickness": 1.5, "width": 4},
            marker={"color": ACCENT},
            hovertemplate="%{x:.3f} ± %{error_x.array:.3f}<extra></extra>",
        )
    )
    texts = [escaped(display_name(name, language)) for name in names]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=texts, autorange="reversed", showgrid=False)
    figure.update_xaxes(title=translate("importance", language), rangemode="tozero", nticks=4, tickangle=0)
    return plain(figure, language).update_layout(margin_t=10, height=max(400, FRAME + BAR * len(names)))


def slice_of(search: Search, name: str, language: Language) -> go.Figure:
    """Return the score of each trial over its value of one hyperparameter; with boxes where that is one of a list.

    Raises:
        UserError: when no two scored trials have different values of it.
    """
    axis = _axes(search, [name], language)[0]
    trials = [trial for trial in search.scored if axis.position(trial) is not None]
    marks = points(search, trials, language)
    figure = go.Figure()
    if axis.of.choices:
        look = {"boxpoints": False, "hoverinfo": "skip", "showlegend": False, "fillcolor": "rgba(0, 0, 0, 0)"}
        exact = [axis.position(trial) for trial in trials]
        figure.add_box(x=exact, y=marks["y"], line={"color": MUTED, "width": 1}, **look)
    x = _spread(axis, trials)
    figure.add_scatter(x=x, **marks, marker_color=ACCENT, marker_opacity=0.6)
    if search.best in trials:
        place = trials.index(search.best)
        figure.add_scatter(x=[x[place]], y=[search.best.score], **_star(search.best, language))
    figure.update_xaxes(title=axis.title, range=_with_room(axis), **axis.ticks())
    figure.update_yaxes(title=objective(search, language))
    return plain(figure, language)


def contour(search: Search, across: str, up: str, language: Language) -> go.Figure:
    """Return the mean score over two hyperparameters, the trials on top.

    Two ranges with enough trials get a smooth surface, everything else a cell for each pair of values. There is no
    colour where nothing was tried.

    Raises:
        UserError: when both are the same, or the trials do not differ in one of them.
    """
    if across == up:
        raise UserError("same_hyperparameter")
    axes = x_axis, y_axis = _axes(search, [across, up], language)
    trials = [trial for trial in search.scored if None not in (x_axis.position(trial), y_axis.position(trial))]
    if not trials:
        raise UserError("too_few_trials")
    x, y = (np.array([axis.position(trial) for trial in trials]) for axis in axes)
    scores = np.array([trial.score for trial in trials])
    colors = _colors(search)
    look: dict[str, Any] = {"hoverinfo": "skip", "coloraxis": "coloraxis"}
    if any(axis.of.choices for axis in axes) or len(trials) < ENOUGH_TO_SMOOTH:
        edges = [_edges(axis) for axis in axes]
        totals, _, _ = np.histogram2d(y, x, bins=edges[::-1], weights=scores)
        counts, _, _ = np.histogram2d(y, x, bins=edges[::-1])
        means = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
        surface = go.Heatmap(x=edges[0], y=edges[1], z=_without_nan(means), xgap=2, ygap=2, **look)
    else:
        grids = [np.linspace(*axis.ends, GRID) for axis in axes]
        means = _smoothed(x, y, scores, *grids)
        low, high = colors["cmin"], colors["cmax"]
        lines = {"start": low, "end": high, "size": (high - low) / LINES or 1.0, "coloring": "heatmap"}
        look |= {"contours": lines, "line": {"width": 0.5, "color": MUTED}, "connectgaps": False}
        surface = go.Contour(x=grids[0], y=grids[1], z=_without_nan(means), **look)
    x, y = (_spread(axis, trials, seed) for seed, axis in enumerate(axes))
    figure = go.Figure([surface])
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 6, "color": "#ffffff", "line": {"color": EDGE, "width": 1}},
        hovertext=[described(trial, language) for trial in trials],
        hoverinfo="text",
        showlegend=False,
    )
    if search.best in trials:
        place = trials.index(search.best)
        figure.add_scatter(x=[x[place]], y=[y[place]], **_star(search.best, language), showlegend=False)
    for update, axis in ((figure.update_xaxes, x_axis), (figure.update_yaxes, y_axis)):
        update(title=axis.title, range=_with_room(axis), **axis.ticks())
    # The scale is above the surface, because beside it a phone would have no room left for it, and without a title of
    # its own, which Plotly would write across it.
    above = {"orientation": "h", "x": 0.5, "len": 0.9, "y": 0.85, "yref": "container", "yanchor": "bottom"}
    bar = {"thickness": 10, "outlinewidth": 0, "nticks": 5, **above}
    title = {"text": objective(search, language), "font_size": 13, "x": 0.5, "y": 0.97, "yanchor": "top"}
    figure.update_layout(title=title, coloraxis={**colors, "colorbar": bar})
    return plain(figure, language).update_layout(margin_t=90, height=500)


def parallel(search: Search, names: list[str], language: Language) -> go.Figure:
    """Return a line for each scored trial through its values of some hyperparameters to its score.

    Raises:
        UserError: when no hyperparameter is named, or no two scored trials have different values of one.
    """
    if not names:
        raise UserError("no_axes")
    axes = _axes(search, names, language)
    sign = 1 if search.descending else -1
    trials = sorted(search.scored, key=lambda trial: sign * trial.score)  # the best last, above the others
    scores = [trial.score for trial in trials]
    figure = go.Figure(
        go.Parcoords(
            dimensions=[
                *(_dimension(axis, trials) for axis in axes),
                {"label": translate("score", language), "values": search.in_sight(scores)},
            ],
            line={"color": scores, **_colors(search)},
            labelangle=-20,
            labelside="top",
            labelfont={"size": 12},
            tickfont={"size": 11},
            rangefont={"size": 1, "color": "rgba(0, 0, 0, 0)"},  # the ends are ticks already
        )
    )
    return plain(figure, language).update_layout(margin={"l": 70, "r": 60, "t": 110, "b": 20}, height=460)


def _dimension(axis: Axis, trials: list[Trial]) -> dict[str, Any]:
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


def _axes(search: Search, names: list[str], language: Language) -> list[Axis]:
    known = {hyperparameter.name: Axis(hyperparameter, language) for hyperparameter in search.varied()}
    if not set(names) <= known.keys():
        raise UserError("too_few_trials")
    return [known[name] for name in names]


def _spread(axis: Axis, trials: list[Trial], seed: int = 0) -> np.ndarray:
    """Return where trials lie on an axis, beside one another where they share a choice: they would hide each other."""
    width = 0.25 if axis.of.choices else 0.0
    shifts = np.random.default_rng(seed).uniform(-width, width, len(trials))
    return np.array([axis.position(trial) for trial in trials]) + shifts


def _edges(axis: Axis) -> np.ndarray:
    """Return the borders of an axis's cells: one cell a choice, or a few for a range."""
    return np.linspace(*axis.ends, 1 + (len(axis.of.choices) or CELLS))


def _smoothed(x: np.ndarray, y: np.ndarray, scores: np.ndarray, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the mean of the scores around each point of a grid, nearer trials counting more (Nadaraya-Watson).

    Returns:
        float64 (len(up), len(across)); NaN where no trial is near.
    """
    distances = (
        ((across[None, :, None] - x) / (across[-1] - across[0])) ** 2
        + ((up[:, None, None] - y) / (up[-1] - up[0])) ** 2
    ) / NEAR**2
    weights = np.exp(-distances / 2)
    means = (weights * scores).sum(-1) / np.maximum(weights.sum(-1), 1e-12)
    return np.where(distances.min(-1) < 2**2, means, np.nan)


def _without_nan(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]


def _with_room(axis: Axis) -> list[float]:
    low, high = axis.ends
    room = 0 if axis.of.choices else 0.04 * (high - low)
    return [low - room, high + room]


def _colors(search: Search) -> dict[str, Any]:
    """Return Plotly's settings for a colour by score. The worst quarter shares one: it would take all the others."""
    scores = [trial.score for trial in search.scored]
    worst = float(np.quantile(scores, 0.25 if search.descending else 0.75))
    low, high = (worst, max(scores)) if search.descending else (min(scores), worst)
    return {"colorscale": SCALE, "reversescale": not search.descending, "cmin": low, "cmax": high}


def _star(trial: Trial, language: Language) -> dict[str, Any]:
    return {
        "mode": "markers",
        "marker": {"symbol": "star", "size": 15, "color": GOLD, "line": {"color": EDGE, "width": 1}},
        "hovertext": [described(trial, language)],
        "hoverinfo": "text",
        "name": translate("best", language),
    }
