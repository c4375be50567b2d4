"""The score over two hyperparameters."""

import copy

import pytest

from tests.support.search_report import EVIL, REPORT, read_report
from ui.figures.contour import plot_contour
from ui.i18n import UserError


def test_contour_cells_hold_mean_score_or_none(search):
    surface = plot_contour(search, "optimizer", "blocks", "es").data[0]
    of_a_cell = [t.score for t in search.scored if t.order % 2 == 1 and t.order % 3 == 2]
    assert surface.type == "heatmap" and surface.z[2][1] == pytest.approx(sum(of_a_cell) / len(of_a_cell))
    assert any(None in row for row in plot_contour(search, EVIL, "optimizer", "es").data[0].z)


def test_contour_two_ranges_with_many_trials_is_surface(tmp_path):
    trials = copy.deepcopy(REPORT["trials"])
    for number, trial in enumerate(trials):
        trial["hyperparameters"]["l2"] = 1e-6 * (1 + 7 * number % 30)
    figure = plot_contour(read_report(tmp_path, trials=trials), "learning_rate", "l2", "es")
    values = [value for row in figure.data[0].z for value in row]
    assert figure.data[0].type == "contour" and None in values
    assert 0.1 <= min(v for v in values if v is not None) <= max(v for v in values if v is not None) <= 0.958


def test_contour_same_hyperparameter_is_refused(search):
    with pytest.raises(UserError) as caught:
        plot_contour(search, "blocks", "blocks", "es")
    assert caught.value.key == "same_hyperparameter"
