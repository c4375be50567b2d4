"""The measured choices as figures and sentences, also from a file that anyone may have made."""

import pytest

from tests.support.studies import DROPOUT, level, study
from ui.figures.study import (
    factor_html,
    factor_names,
    factor_title,
    plot_factor,
    plot_factor_curves,
    study_html,
    value_name,
)
from ui.figures.style import ACCENT, MUTED, SECOND
from ui.i18n import LANGUAGES, UserError


def test_factor_figure_has_the_best_value_first_and_verdicts_in_color():
    (dots,) = plot_factor(study(DROPOUT), "dropout", "es").data
    assert list(dots.x) == [0.95, 0.91, 0.9, 0.8]
    better, same, base, worse = dots.marker.color
    assert len({better, same, worse}) == 3 and base == same
    assert "0,95" in dots.text[0] and "p = 0,01" in dots.text[0]
    assert list(dots.customdata) == ["study:dropout:1", "study:dropout:3", "study:dropout:0", "study:dropout:2"]


def test_factor_curves_are_not_in_the_colors_of_better_and_worse():
    lines = plot_factor_curves(study(DROPOUT), "dropout", "es").data
    assert not {line.line.color for line in lines} & {ACCENT, SECOND}
    assert {line.line.color for line in lines if line.name == "0"} == {MUTED}  # the base


def test_factor_curves_without_a_base_have_colors_enough():
    levels = [level(str(n), 0.9, "worse") for n in range(6)]
    assert len(plot_factor_curves(study({"name": "loss", "levels": levels}), "loss", "en").data) == 12


def test_factor_html_has_why_intervals_verdicts_and_costs():
    html = factor_html(study(DROPOUT), "dropout", "en")
    assert "switches off a share" in html
    row = '<tr class="better"><th scope="row">0.5</th><td>0.9500 (0.9300 – 0.9700)</td><td>0.01</td><td>better</td>'
    assert f"{row}<td>1,234</td><td>2.5</td>" in html
    assert html.index(">0.5<") < html.index(">0.7<") and '<th scope="row">0.9<' not in html
    evil = {"name": "loss", "levels": [level("<img src=x>", 0.9, "base", is_base=True)]}
    assert "<img" not in factor_html(study(evil), "loss", "en")


def test_factor_title_is_that_of_the_study():
    """Its dropout is that after the dense layer, a search's that after each block."""
    assert factor_title("dropout", "en") == "dropout" and factor_title("learning_rate", "en") == "learning rate"


def test_value_name_is_in_the_language():
    assert value_name("adam, 0.001", "es") == "Adam, 0,001"
    assert value_name("relu, batch normalization", "en") == "ReLU, with batch normalization"
    assert value_name("elastic net 1e-5, 1e-4", "es") == "red elástica 0,00001, 0,0001"
    assert value_name("1e-05", "en") == "0.00001"
    assert value_name("none", "es") == "no"  # of a scaling, a penalty or an early stopping alike


def test_factor_curves_show_training_and_validation_of_each_value():
    lines = plot_factor_curves(study(DROPOUT), "dropout", "en").data
    assert len(lines) == 8 and {line.line.dash for line in lines} == {"dash", "solid"}


def test_factor_curves_of_many_values_keep_first_last_and_base():
    levels = [level(str(n), 0.9 - n / 100, "base" if n == 7 else "worse", is_base=n == 7) for n in range(20)]
    lines = plot_factor_curves(study({"name": "loss", "levels": levels}), "loss", "en").data
    names = {line.name for line in lines}
    assert len(names) == 6 and {"0", "7", "19"} <= names


def test_factor_curves_early_stopping_has_none_and_says_so():
    stopping = {"name": "early_stopping", "levels": [level("none", 0.9, "base", is_base=True, curves={})]}
    with pytest.raises(UserError, match="base network"):
        plot_factor_curves(study(stopping), "early_stopping", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_study_html_names_what_is_clear_and_what_is_not(language):
    html = study_html(study(DROPOUT), language)
    better, worse, same = ("0,5 (0,9500)", "0,7 (0,8000)", "0,2 (0,9100)")
    if language == "en":
        better, worse, same = (text.replace(",", ".") for text in (better, worse, same))
    assert html.index(better) < html.index(worse) < html.index(same)


def test_study_html_hostile_names_are_left_out_or_escaped():
    evil = {"name": "<script>", "levels": [level("<b>", 0.9, "base", is_base=True)]}
    with pytest.raises(UserError):
        study_html(study(evil), "en")
    known = {"name": "loss", "levels": [level("<img src=x>", 0.9, "base", is_base=True)]}
    assert "<img" not in study_html(study(known), "en") + str(plot_factor(study(known), "loss", "en").to_json())


def test_factor_names_without_results_are_an_error():
    with pytest.raises(UserError):
        factor_names(study({"name": "loss", "levels": [level("hinge", None, "unknown")]}))
