"""The measured choices as figures and sentences, also from a file that anyone may have made."""

import pytest

from model.io.reports.study import StudyReport
from ui.figures.study import factor_names, plot_factor, plot_factor_curves, study_html
from ui.i18n import LANGUAGES, UserError


def level(value: str, mean: float | None, verdict: str = "indistinguishable", **more) -> dict:
    scores = [] if mean is None else [mean - 0.01, mean + 0.01]
    interval = {} if mean is None else {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}
    curves = {"loss": [1.0, 0.5], "val_loss": [1.1, 0.9]}
    return {"value": value, "scores": scores, "verdict": verdict, "curves": curves, **interval, **more}


def study(*factors: dict) -> StudyReport:
    return StudyReport.build(
        measure={"name": "val_accuracy", "direction": "max"},
        dataset="digits",
        data={"dataset": "digits", "split": "train", "rows": {"train": 2000, "validation": 1000}},
        subject={"labels": ["a", "b"], "task": "binary", "image_shape": [8, 8, 1]},
        base={},
        epochs=2,
        seeds=2,
        runs=8,
        factors=list(factors),
    )


DROPOUT = {
    "name": "dropout",
    "levels": [
        level("0", 0.9, "base", is_base=True),
        level("0.5", 0.95, "better", p=0.01),
        level("0.7", 0.8, "worse", p=0.001),
        level("0.2", 0.91),
        level("0.9", None, "unknown"),
    ],
}


def test_factor_figure_has_the_best_value_first_and_verdicts_in_color():
    (dots,) = plot_factor(study(DROPOUT), "dropout", "es").data
    assert list(dots.x) == [0.95, 0.91, 0.9, 0.8]
    better, same, base, worse = dots.marker.color
    assert len({better, same, worse}) == 3 and base == same
    assert "0,95" in dots.text[0] and "p = 0,01" in dots.text[0]


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
