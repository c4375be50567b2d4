"""The trials of a search by what they cost and what they reach, and those that no other one beats in both."""

from __future__ import annotations

import plotly.graph_objects as go

from ui.figures.markers import best_trial_marker, error_axis, log_axis, trial_points
from ui.figures.style import ACCENT, MUTED, apply_style
from ui.i18n import Language, UserError, display_name, percent, translate
from ui.reports.runs import compare_runs, trial_key, trial_runs
from ui.reports.search import Search, TrialView

COSTS = ("parameters", "seconds")
MAX_COST_TICKS = 4  # as many as a phone has room for


def cost_names(search: Search) -> list[str]:
    """Return which costs the trials have recorded.

    Raises:
        UserError: if no trial with a score has recorded any.
    """
    found = [cost for cost in COSTS if _priced(search, cost)]
    if not found:
        raise UserError("no_trial_completed")
    return found


def pareto_front(trials: list[TrialView], cost: str, descending: bool) -> list[TrialView]:
    """Return the trials of which no other one is both cheaper and better, from the cheapest to the best.

    Args:
        trials: with a score and this cost.
        cost: one of `COSTS`.
        descending: whether a higher score is better.
    """
    sign = -1 if descending else 1
    front: list[TrialView] = []
    for trial in sorted(trials, key=lambda one: (getattr(one, cost), sign * (one.score or 0))):
        if not front or sign * (trial.score or 0) < sign * (front[-1].score or 0):
            front.append(trial)
    return front


def plot_pareto(search: Search, cost: str, language: Language) -> go.Figure:
    """Return the trials by cost and error, both on a logarithmic scale where possible, with the Pareto front as steps.

    Raises:
        UserError: if no trial has a score and this cost.
    """
    trials = _priced(search, cost)
    if not trials:
        raise UserError("no_trial_completed")
    axis = error_axis(search.objective, search.descending, [trial.score or 0 for trial in trials], language)
    front = pareto_front(trials, cost, search.descending)
    others = [trial for trial in trials if trial not in front]
    figure = go.Figure()

    def add(shown: list[TrialView], **settings) -> None:
        x, y = [getattr(trial, cost) for trial in shown], [axis.place(trial.score or 0) for trial in shown]
        figure.add_scatter(x=x, y=y, **trial_points(shown, language) | settings)

    add(others, mode="markers", name=translate("trial", language), marker={"size": 9, "color": MUTED, "opacity": 0.7})
    line = {"color": ACCENT, "width": 2, "shape": "hv"}
    add(front, mode="lines+markers", name=translate("pareto_front", language), marker={"size": 11}, line=line)
    if search.best in trials:
        add([search.best], **best_trial_marker(search.best, language))
    costs = [getattr(trial, cost) for trial in trials]
    figure.update_xaxes(
        title=display_name(cost, language), **log_axis(costs, language, max_ticks=MAX_COST_TICKS), tickangle=0
    )
    figure.update_yaxes(**axis.settings)
    return apply_style(figure, language)


def pareto_sentence(search: Search, cost: str, language: Language) -> str:
    """Return which cheaper trial cannot be distinguished from the best one; empty if its chance is not known."""
    runs = {run.key: run for run in trial_runs(search)}
    front = pareto_front(_priced(search, cost), cost, search.descending)
    best = runs[trial_key(front[-1])] if front else None
    if best is None or compare_runs(best, best).verdict != "same":
        return ""
    found = next(trial for trial in front if compare_runs(runs[trial_key(trial)], best).verdict == "same")
    if found is front[-1]:
        return translate("pareto_none", language, trial=found.order, cost=display_name(cost, language))
    share = percent(getattr(found, cost) / getattr(front[-1], cost), language, 0)
    texts = {"trial": found.order, "best": front[-1].order, "share": share, "cost": display_name(cost, language)}
    return translate("pareto_cheaper", language, **texts)


def _priced(search: Search, cost: str) -> list[TrialView]:
    """Return the trials with a score and a cost, as far as they were trained equally long."""
    return [
        trial for trial in search.comparable().trials if trial.score is not None and (getattr(trial, cost) or 0) > 0
    ]
