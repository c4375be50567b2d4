"""A search over time: its scores, the learning curves of its trials, and when each ran."""

import copy

import pytest

from model.io.locate import PRETRAINED
from tests.support.search_report import REPORT, read_report
from ui.figures.history import plot_intermediate_values, plot_optimization_history, plot_timeline
from ui.reports import parse


def test_optimization_history_shows_trials_and_running_best_as_errors(search):
    figure = plot_optimization_history(search, "es")
    trials, best = figure.data
    completed = [trial for trial in search.trials if trial.score is not None]
    assert list(trials.x) == list(best.x) == [trial.order for trial in completed]
    assert list(best.y)[:3] == pytest.approx([0.1, 0.098, 0.096]) and best.y[-1] == min(best.y)
    assert figure.layout.yaxis.type == "log" and figure.layout.yaxis.title.text.startswith("error: 1 − exactitud")
    assert trials.customdata[0] == "trial:0" and "0,9" in trials.hovertext[0]


def test_optimization_history_perfect_score_is_shown_as_it_is(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    trials[3]["score"] = 1.0
    figure = plot_optimization_history(read_report(tmp_path, trials=trials), "en")
    assert figure.layout.yaxis.type is None and max(figure.data[1].y) == 1.0


def test_optimization_history_minimized_objective_is_not_turned(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for trial in trials:
        trial["score"] = trial["score"] and 1 - trial["score"]
    search = read_report(tmp_path, trials=trials, objective={"name": "val_loss", "direction": "min"})
    figure = plot_optimization_history(search, "es")
    assert list(figure.data[1].y)[:2] == pytest.approx([0.1, 0.098]) and figure.layout.yaxis.type == "log"


def test_optimization_history_names_the_start_only_if_it_was_written_by_hand(search):
    assert len(plot_optimization_history(search, "en").data) == 2
    start = plot_optimization_history(parse.read_search(PRETRAINED), "en").data[2]
    assert start.name == "starting point, written by hand" and list(start.customdata) == ["trial:0"]
    assert list(start.y) == pytest.approx([1 - 0.9903573])


def test_intermediate_values_one_line_per_trial_and_best_separate(search):
    others, best = plot_intermediate_values(search, "es").data
    assert list(best.x) == [1, 2, None] and list(best.y)[:2] == pytest.approx([0.052, 0.042])
    assert set(best.customdata) == {"trial:29"}
    assert list(others.x).count(None) == 29
    assert plot_intermediate_values(search, "es").layout.yaxis.type == "log"


def test_timeline_shows_start_length_and_failure_reason(search):
    figure = plot_timeline(search, "en")
    bars = {bar.name: bar for bar in figure.data}
    assert list(bars) == ["completed", "failed", "unfinished"]
    assert figure.layout.xaxis.title.text == "minutes since the start"
    assert bars["failed"].base == (5.0,) and bars["failed"].x == (0.5,) and bars["failed"].y == (5,)
    assert "out of memory" in bars["failed"].hovertext[0] and bars["failed"].customdata == ("trial:5",)
    assert bars["unfinished"].x == (25 / 60,)  # no end is noted
