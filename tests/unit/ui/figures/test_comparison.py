"""Two runs next to each other: settings that differ, intervals, a verdict from a test, curves over each other."""

from dataclasses import replace

import pytest

from tests.support.run_reports import TRAINING, write
from tests.support.search_report import EVIL, REPORT, read_report
from tests.support.studies import DROPOUT, write_study
from ui.figures.comparison import comparison_html, plot_comparison, run_title
from ui.i18n import LANGUAGES, UserError
from ui.reports.folder import ReportFolder
from ui.reports.runs import Run, list_runs

CURVES = {"loss": (0.5, 0.2), "val_loss": (0.6, 0.3), "accuracy": (0.8, 0.9), "val_accuracy": (0.85, 0.95)}
SETTINGS = {"activation": "relu", "blocks": 2, "optimizer": "sgd"}
ONE = Run("trial:1", "1", SETTINGS, "val_accuracy", True, (0.95,), 1000, ("digits",), CURVES, 1234, 12.5)
OTHER = replace(ONE, key="trial:7", name="7", settings=SETTINGS | {"blocks": 3, "l1": 0.001}, scores=(0.90,))


def test_comparison_lists_only_settings_that_differ():
    html = comparison_html(ONE, OTHER, "en")
    assert '<th scope="row">number of blocks</th><td>2</td><td>3</td>' in html
    assert '<th scope="row">L1 coefficient</th><td>–</td><td>0.001</td>' in html
    assert "ReLU" not in html and "1,234" in html and "12.5" in html
    assert "No setting differs" in comparison_html(ONE, replace(OTHER, settings=SETTINGS), "en")


def test_comparison_difference_beyond_chance_names_the_better_one():
    for pair in ((ONE, OTHER), (OTHER, ONE)):
        html = comparison_html(*pair, "en")
        assert "Better: trial 1." in html and "p &lt; 0.001" in html and "1,000 images" in html
    assert "0.9500 (0.9347 – 0.9619)" in comparison_html(ONE, OTHER, "en")
    assert "Mejor: ensayo 1." in comparison_html(ONE, OTHER, "es")


def test_comparison_difference_within_chance_names_no_better_one():
    html = comparison_html(ONE, replace(OTHER, scores=(0.945,)), "en")
    assert "Not distinguishable" in html and "Better" not in html and "another seed" in html


def test_comparison_winner_of_many_is_called_lucky():
    winner = replace(ONE, chosen_of=60)
    assert "best of 60 trials was chosen" in comparison_html(winner, OTHER, "en")
    assert "was chosen" not in comparison_html(winner, replace(OTHER, scores=(0.99,)), "en")


@pytest.mark.parametrize("change", [{"rows": None}, {"measured_on": ("letters",)}, {"scores": ()}])
def test_comparison_without_a_test_has_no_verdict(change):
    html = comparison_html(ONE, replace(OTHER, **change), "en")
    assert "Better" not in html and "p =" not in html and "p &lt;" not in html


def test_comparison_seeds_show_their_spread_and_welch():
    many = replace(ONE, scores=(0.94, 0.95, 0.96))
    html = comparison_html(many, replace(OTHER, scores=(0.80, 0.81, 0.82)), "en")
    assert "Welch" in html and "3 seeds each" in html and "0.9500 (mean of 3: 0.9400 – 0.9600)" in html


def test_comparison_with_itself_says_so():
    assert "choose two different" in comparison_html(ONE, ONE, "en")


def test_comparison_curves_lie_over_each_other_with_dashed_training():
    figure = plot_comparison(ONE, OTHER, "en")
    assert len(figure.data) == 8 and {line.line.dash for line in figure.data} == {"dash", "solid"}
    assert len({line.line.color for line in figure.data}) == 2
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["loss", "error: 1 − accuracy"]
    assert list(figure.data[5].y) == pytest.approx([0.15, 0.05])  # an error on a logarithmic scale


def test_comparison_curves_of_one_run_are_enough():
    assert plot_comparison(ONE, replace(OTHER, curves={}), "en").data
    with pytest.raises(UserError, match="did not record"):
        plot_comparison(replace(ONE, curves={}), replace(OTHER, curves={}), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_comparison_of_any_two_runs_can_be_made(tmp_path, language):
    read_report(tmp_path)
    write(tmp_path, "training.json", TRAINING)
    runs = list_runs(ReportFolder(write_study(tmp_path, DROPOUT)))
    first = runs["trial:29"]
    for run in runs.values():
        html = comparison_html(first, run, language)
        assert "<img" not in html and run_title(run, language)
        plot_comparison(first, run, language)


def test_comparison_hostile_names_are_escaped(tmp_path):
    read_report(tmp_path)
    runs = list_runs(ReportFolder(tmp_path))
    html = comparison_html(runs["trial:1"], runs["trial:2"], "en")
    assert "<img" not in html and "&lt;img" in html and EVIL not in html
    evil = DROPOUT | {"levels": [*DROPOUT["levels"][:2], DROPOUT["levels"][2] | {"value": EVIL}]}
    runs = list_runs(ReportFolder(write_study(tmp_path, evil)))
    pair = runs["study:dropout:0"], runs["study:dropout:2"]
    assert "<img" not in comparison_html(*pair, "en") + plot_comparison(*pair, "en").to_json()


def test_comparison_long_names_break_after_underscores():
    other = replace(OTHER, settings={"loss": "my_own_loss"})
    assert "my_<wbr>own_<wbr>loss" in comparison_html(ONE, other, "en")
    assert REPORT["trials"]
