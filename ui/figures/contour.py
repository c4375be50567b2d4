"""The chart of two hyperparameters and the score: a smooth surface, or cells where there are few trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from ui.figures.axes import Axis, find_axes
from ui.figures.markers import best_trial_marker, objective_title, score_color_scale, trial_points
from ui.figures.style import EDGE, MUTED, apply_style
from ui.i18n import Language, UserError
from ui.reports.search import Search, TrialView

MIN_TRIALS_TO_SMOOTH = 20  # with fewer, two ranges get cells instead of a surface
CELLS = 5  # per range
GRID_POINTS = 40  # of a surface, per axis
LEVELS = 6  # of a surface: more would be hard to tell by their colors
BANDWIDTH = 0.08  # of the smoothing, as a share of the axis


def plot_contour(search: Search, across: str, up: str, language: Language) -> go.Figure:
    """Return the mean score over two hyperparameters, with the trials on top.

    Two ranges with enough trials get a smooth surface, everything else one cell per pair of values. What was not tried
    has no color.

    Raises:
        UserError: if both are the same, or the trials do not differ in one of them.
    """
    if across == up:
        raise UserError("same_hyperparameter")
    axes = x_axis, y_axis = find_axes(search, [across, up], language)
    trials = [trial for trial in search.scored if None not in (x_axis.position(trial), y_axis.position(trial))]
    if not trials:
        raise UserError("too_few_trials")
    colors = score_color_scale(search)
    in_cells = any(axis.hyperparameter.choices for axis in axes) or len(trials) < MIN_TRIALS_TO_SMOOTH
    x, y = (axis.spread_positions(trials, seed) for seed, axis in enumerate(axes))
    points = go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 6, "color": "#ffffff", "line": {"color": EDGE, "width": 1}},
        **trial_points(trials, language),
        showlegend=False,
    )
    traces = [_cells(axes, trials) if in_cells else _surface(axes, trials, colors), points]
    if search.best in trials:
        place = trials.index(search.best)
        star = best_trial_marker(search.best, language)
        traces.append(go.Scatter(x=[x[place]], y=[y[place]], **star, showlegend=False))
    # The color bar is above the surface: next to it, a phone would have no room left. It has no title because Plotly
    # would write it across the bar.
    above = {"orientation": "h", "x": 0.5, "len": 0.9, "y": 0.85, "yref": "container", "yanchor": "bottom"}
    bar = {"thickness": 10, "outlinewidth": 0, "nticks": 5, **above}
    layout = {
        "xaxis": {"title": {"text": x_axis.title}, "range": x_axis.padded_ends, **x_axis.ticks()},
        "yaxis": {"title": {"text": y_axis.title}, "range": y_axis.padded_ends, **y_axis.ticks()},
        "title": {"text": objective_title(search, language), "font_size": 13, "x": 0.5, "y": 0.97, "yanchor": "top"},
        "coloraxis": {**colors, "colorbar": bar},
    }
    return apply_style(go.Figure(traces, layout), language).update_layout(margin_t=90, height=500)


def _cells(axes: list[Axis], trials: list[TrialView]) -> go.Heatmap:
    """Return the mean score of the trials in each cell: one cell per choice, or a few per range."""
    x, y, scores = _points(axes, trials)
    edges = [np.linspace(*axis.ends, 1 + (len(axis.hyperparameter.choices) or CELLS)) for axis in axes]
    totals, _, _ = np.histogram2d(y, x, bins=edges[::-1], weights=scores)
    counts, _, _ = np.histogram2d(y, x, bins=edges[::-1])
    means = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
    style = {"xgap": 2, "ygap": 2, "hoverinfo": "skip", "coloraxis": "coloraxis"}
    return go.Heatmap(x=edges[0], y=edges[1], z=_nan_to_none(means), **style)


def _surface(axes: list[Axis], trials: list[TrialView], colors: dict[str, Any]) -> go.Contour:
    """Return the smoothed scores as a contour plot."""
    x, y, scores = _points(axes, trials)
    grids = [np.linspace(*axis.ends, GRID_POINTS) for axis in axes]
    low, high = colors["cmin"], colors["cmax"]
    levels = {"start": low, "end": high, "size": (high - low) / LEVELS or 1.0, "coloring": "heatmap"}
    style = {
        "line": {"width": 0.5, "color": MUTED},
        "connectgaps": False,
        "hoverinfo": "skip",
        "coloraxis": "coloraxis",
    }
    z = _nan_to_none(_smooth(x, y, scores, *grids))
    return go.Contour(x=grids[0], y=grids[1], z=z, contours=levels, **style)


def _points(axes: list[Axis], trials: list[TrialView]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the positions of trials on both axes, and their scores."""
    x, y = (np.array([axis.position(trial) for trial in trials]) for axis in axes)
    return x, y, np.array([trial.score for trial in trials])


def _smooth(x: np.ndarray, y: np.ndarray, scores: np.ndarray, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return the mean score around each point of a grid, nearer trials counting more (Nadaraya-Watson).

    Returns:
        float64 (len(up), len(across)); NaN where no trial is near.
    """
    distances = (
        ((across[None, :, None] - x) / (across[-1] - across[0])) ** 2
        + ((up[:, None, None] - y) / (up[-1] - up[0])) ** 2
    ) / BANDWIDTH**2
    weights = np.exp(-distances / 2)
    means = (weights * scores).sum(-1) / np.maximum(weights.sum(-1), 1e-12)
    return np.where(distances.min(-1) < 2**2, means, np.nan)


def _nan_to_none(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]
