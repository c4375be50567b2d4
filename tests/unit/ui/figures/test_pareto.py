"""Trials by cost and result: which ones no other beats in both."""

import copy

import pytest

from tests.support.search_report import REPORT, read_report
from ui.figures.pareto import cost_names, pareto_front, pareto_sentence, plot_pareto
from ui.i18n import UserError
from ui.reports.search import Search

ROWS = {"dataset": "someone/digits", "split": "train", "rows": {"train": 9000, "validation": 1000}}


def search_of(tmp_path, scores_of_parameters, **changes) -> Search:
    trials = copy.deepcopy(REPORT["trials"][: len(scores_of_parameters)])
    for trial, (parameters, score) in zip(trials, scores_of_parameters, strict=True):
        trial |= {"parameters": parameters, "score": score, "status": "COMPLETED"}
    best = max((trial for trial in trials if trial["score"]), key=lambda trial: trial["score"], default=None)
    return read_report(tmp_path, trials=trials, best_trial=best and best["trial_id"], **changes)


POINTS = [(100, 0.90), (200, 0.89), (300, 0.95), (300, 0.94), (900, 0.99), (950, 0.99), (None, 0.995), (50, None)]


def test_pareto_front_has_no_trial_that_another_beats_in_both(tmp_path):
    search = search_of(tmp_path, POINTS)
    trials = [trial for trial in search.scored if trial.parameters]
    assert [trial.order for trial in pareto_front(trials, "parameters", True)] == [0, 2, 4]
    assert [trial.order for trial in pareto_front(trials, "parameters", False)] == [0, 1]


def test_pareto_figure_marks_front_best_and_keys_of_trials(tmp_path):
    figure = plot_pareto(search_of(tmp_path, POINTS[:6]), "parameters", "es")
    others, front, best = figure.data
    assert list(front.customdata) == ["trial:0", "trial:2", "trial:4"] and front.line.shape == "hv"
    assert list(others.customdata) == ["trial:1", "trial:3", "trial:5"] and list(best.customdata) == ["trial:4"]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert list(front.y) == pytest.approx([0.1, 0.05, 0.01])


def test_pareto_perfect_score_has_a_linear_axis(tmp_path):
    figure = plot_pareto(search_of(tmp_path, [(100, 0.9), (200, 1.0)]), "parameters", "en")
    assert figure.layout.yaxis.type is None and list(figure.data[1].y) == [0.9, 1.0]


def test_pareto_without_costs_says_why(tmp_path):
    search = search_of(tmp_path, [(None, 0.9), (50, None)])
    assert cost_names(search) == ["seconds"]
    with pytest.raises(UserError):
        plot_pareto(search, "parameters", "en")
    with pytest.raises(UserError):
        cost_names(read_report(tmp_path, trials=[], best_trial=None))


def test_pareto_sentence_names_a_cheaper_trial_only_if_chance_explains_the_difference(tmp_path):
    near = [(100, 0.90), (300, 0.985), (900, 0.99)]
    assert "Trial 1 takes 33% of the cost" in pareto_sentence(search_of(tmp_path, near, data=ROWS), "parameters", "en")
    far = [(100, 0.90), (900, 0.99)]
    assert "none is as good as trial 1" in pareto_sentence(search_of(tmp_path, far, data=ROWS), "parameters", "en")
    assert pareto_sentence(search_of(tmp_path, near), "parameters", "en") == ""  # on how many rows is not known
