"""The figures of a search's hyperparameters: importance, slices and parallel coordinates."""

import copy

import pytest

from tests.support.search_report import REPORT, read_report
from ui.figures.hyperparameters import directions, plot_parallel_coordinate, plot_param_importances, plot_slice
from ui.i18n import UserError


def test_importance_is_sorted_as_in_file(search):
    bars = plot_param_importances(search, "es").data[0]
    assert list(bars.x) == [0.5, 0.31, 0.01] and list(bars.error_x.array) == [0.1, 0.04, 0.1]
    assert [hyperparameter.name for hyperparameter in search.varied()][:2] == ["blocks", "learning_rate"]
    assert bars.marker.color[0] == bars.marker.color[1] != bars.marker.color[2]  # shorter than its deviation


def test_importance_arrow_is_the_direction_of_a_correlation_beyond_chance(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for number, trial in enumerate(trials):
        trial["hyperparameters"] |= {"rising": number, "falling": -number, "word": "ab"[number % 2]}
        trial["hyperparameters"] |= {"random": number * 7 % 11}
    names = ("rising", "falling", "random", "word", "nothing")
    importance = REPORT["importance"] | {"values": [{"name": n, "importance": 0.1, "std": 0.2} for n in names]}
    search = read_report(tmp_path, trials=trials, importance=importance)
    assert directions(search, names) == [1, -1, 0, 0, 0]
    texts = plot_param_importances(search, "en").layout.yaxis.ticktext
    assert list(texts) == ["rising ↑", "falling ↓", "random", "word", "nothing"]
    less = read_report(tmp_path, trials=trials, objective={"name": "val_loss", "direction": "min"})
    assert directions(less, ["rising"]) == [-1]


def test_slice_choices_are_boxes_and_rates_logarithmic(search):
    boxes, trials, best = plot_slice(search, "blocks", "es").data
    assert boxes.type == "box" and set(boxes.x) == {0, 1, 2} and len(trials.y) == 28
    assert all(abs(x - place) <= 0.25 for x, place in zip(trials.x, boxes.x, strict=True))
    assert list(best.y) == pytest.approx([0.958])
    rates = plot_slice(search, "learning_rate", "es")
    assert rates.data[0].type == "scatter" and rates.data[0].x[0] == pytest.approx(-4)
    assert "0,01" in rates.layout.xaxis.ticktext and len(rates.data[0].x) == 28


def test_slice_skips_trials_without_the_hyperparameter(search):
    assert len(plot_slice(search, "l2", "es").data[0].x) == 13


def test_parallel_unused_hyperparameter_is_lowest(search):
    blocks, penalty, score = plot_parallel_coordinate(search, ["blocks", "l2"], "en").data[0].dimensions
    assert [blocks.label, penalty.label, score.label] == ["number of blocks", "L2 coefficient", "score"]
    assert penalty.ticktext[0] == "–" and list(penalty.values).count(penalty.tickvals[0]) == 15
    assert list(score.values) == sorted(score.values)  # the best are drawn last


@pytest.mark.parametrize(("names", "key"), [([], "no_axes"), (["nothing"], "too_few_trials")])
def test_parallel_impossible_axes_are_refused(search, names, key):
    with pytest.raises(UserError) as caught:
        plot_parallel_coordinate(search, names, "es")
    assert caught.value.key == key
