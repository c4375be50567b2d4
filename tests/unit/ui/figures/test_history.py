"""A search over time: its scores, the learning curves of its trials, and when each ran."""

import copy

import pytest

from tests.support.search_report import REPORT, read_report
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline


def test_optimization_history_shows_trials_and_running_best(search):
    trials, best = plot_optimization_history(search, "es").data
    completed = [trial for trial in search.trials if trial.score is not None]
    assert list(trials.x) == list(best.x) == [trial.order for trial in completed]
    assert list(best.y)[:3] == [0.9, 0.902, 0.904] and best.y[-1] == max(best.y)


def test_optimization_history_far_trial_is_triangle_at_border(search):
    trials = plot_optimization_history(search, "es").data[0]
    place = list(trials.x).index(7)
    assert trials.marker.symbol[place] == "triangle-down" and set(trials.marker.symbol) == {"circle", "triangle-down"}
    assert trials.y[place] == min(trials.y) == 0.9
    assert "0,1" in trials.hovertext[place]


def test_optimization_history_minimized_objective_puts_worst_above(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for trial in trials:
        trial["score"] = trial["score"] and 1 - trial["score"]
    search = read_report(tmp_path, trials=trials, objective={"name": "val_loss", "direction": "min"})
    assert plot_optimization_history(search, "es").data[0].marker.symbol[6] == "triangle-up"


def test_intermediate_values_one_line_per_trial_and_best_separate(search):
    others, best = plot_intermediate_values(search, "es").data
    assert list(best.x) == [1, 2, None] and list(best.y)[:2] == pytest.approx([0.948, 0.958])
    assert list(others.x).count(None) == 29
    assert plot_intermediate_values(search, "es").layout.yaxis.range[0] > 0.5


def test_timeline_shows_start_length_and_failure_reason(search):
    figure = plot_timeline(search, "en")
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars) == ["completed", "failed", "unfinished"]
    assert figure.layout.xaxis.title.text == "minutes since the start"
    assert bars["failed"].base == (5.0,) and bars["failed"].x == (0.5,) and bars["failed"].y == (5,)
    assert "out of memory" in bars["failed"].hovertext[0]
    assert bars["unfinished"].x == (25 / 60,)  # no end is noted
