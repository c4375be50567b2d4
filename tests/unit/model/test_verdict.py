"""Whether a result is better than the trivial answer, in words."""

import numpy as np
import pytest

from model import CnnConfig
from model.card.sentences import remarks_sentence
from model.io.reports.evaluation import EvaluationReport
from model.target_scaling import TargetScaling
from model.verdict import describe_unmeasured, describe_verdict, describe_views
from training.evaluation.baseline import class_baseline, mean_baseline
from training.evaluation.metrics import _classification_metrics, _regression_metrics
from training.evaluation.summary import summarize

LABELS = ("ok", "defect", "dirt")


def measure(true: list[int], answers: list[int], class_rows: dict[str, float] | None = None) -> EvaluationReport:
    true = np.array(true)
    probabilities = np.eye(len(LABELS), dtype=np.float32)[answers]
    measures = _classification_metrics(probabilities, true, LABELS)
    baseline = class_baseline(LABELS, true, np.array(answers), class_rows)
    return EvaluationReport.build(dataset="d/e", split="test", rows=len(true), **measures, baseline=baseline)


def measure_numbers(true: np.ndarray, answers: np.ndarray, mean: float = 0.0) -> EvaluationReport:
    config = CnnConfig(labels=("y",), task="regression", target_scaling=TargetScaling(mean, 1.0))
    measures = _regression_metrics(answers, true)
    return EvaluationReport.build(
        dataset="d/e", split="test", rows=len(true), **measures, baseline=mean_baseline(config, true, answers)
    )


def test_verdict_always_the_most_common_class_is_no_better():
    report = measure([0] * 90 + [1] * 10, [0] * 100, {"ok": 900, "defect": 100, "dirt": 5})
    assert report.balanced_accuracy == 0.5 and report.baseline.accuracy == report.accuracy == 0.9
    assert (
        "not better than that of always answering ok, the most common class of the training rows"
        in describe_verdict(report)
    )
    assert "but averaged" not in describe_verdict(report)


def test_verdict_better_than_the_baseline_by_chance_alone_is_no_better():
    assert describe_verdict(measure([0] * 20 + [1] * 10, [0] * 20 + [1] * 2 + [0] * 8))
    assert not describe_verdict(measure([0] * 200 + [1] * 100, [0] * 200 + [1] * 90 + [0] * 10))


def test_verdict_rare_classes_found_at_the_cost_of_accuracy_is_said():
    report = measure([0] * 190 + [1] * 10, [0] * 170 + [1] * 20 + [1] * 10)
    assert not report.baseline.is_beaten and "but averaged over the classes it finds 95%" in describe_verdict(report)


def test_verdict_most_common_class_is_that_of_the_training_rows():
    rows = [0] * 3 + [1] * 7
    assert measure(rows, rows, {"ok": 9, "defect": 1, "dirt": 0}).baseline.answer == "ok"
    unknown = measure(rows, rows, {"other": 1}).baseline
    assert (unknown.answer, unknown.taken_from) == ("defect", "measured rows")


def test_verdict_always_one_answer_is_no_better_where_that_class_is_common_in_the_measured_rows_alone():
    report = measure([0] * 10 + [1] * 190, [1] * 200, {"ok": 600, "defect": 400, "dirt": 5})
    assert "always answering defect, the most common class of the measured rows" in describe_verdict(report)
    one_class = measure([1] * 200, [1] * 200, {"ok": 600, "defect": 400, "dirt": 5})
    assert not describe_verdict(one_class), "new rows of a single class, all recognized"


def test_verdict_of_a_regression_always_one_answer_is_no_better_whatever_the_training_mean_was():
    true = np.random.default_rng(0).normal(5, 1, 200)
    assert "the mean of the measured rows" in describe_verdict(measure_numbers(true, np.full(200, 4.9)))


def test_classes_without_rows_have_no_figures_and_are_named():
    report = measure([0, 0, 1, 1], [0, 0, 1, 2])
    assert report.to_dict()["per_class"][2] == {
        "label": "dirt", "rows": 0, "precision": None, "recall": None, "f1": None
    }  # fmt: skip
    assert "no row of class dirt was measured" in describe_unmeasured(report)
    assert any("no row of class dirt" in line for line in summarize(report))
    assert describe_unmeasured(measure([0, 1, 2], [0, 1, 2])) == ""


def test_summary_few_rows_have_an_interval():
    few, many = measure([0, 1] * 50, [0, 1] * 50), measure([0, 1] * 500, [0, 1] * 500)
    assert "e, test: accuracy 1.0000 on 100 rows (95 % interval: 0.9630 to 1.0000)" in summarize(few)
    assert "e, test: accuracy 1.0000 on 1,000 rows" in summarize(many)
    assert "e, test: balanced accuracy 1.0000, macro F1 1.0000" in summarize(few)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_verdict_of_a_regression_compares_with_the_mean_in_any_unit(scale):
    true = np.random.default_rng(0).normal(size=100) * scale
    useless = measure_numbers(true, np.zeros(100))
    assert "not better than always answering the mean of the training rows" in describe_verdict(useless)
    assert describe_verdict(measure_numbers(true, np.roll(true, 1)))
    good = measure_numbers(true, true * 0.9)
    assert not describe_verdict(good) and good.r2 == pytest.approx(0.99, abs=0.001)
    assert any("always answering the mean, 0: mean absolute error" in line for line in summarize(good))


def test_averaged_views_are_said_on_console_and_card():
    report = measure([0, 1, 2] * 9, [0, 1, 2] * 9)
    assert describe_views(report) == ""
    report.average_views = "mirror"
    assert describe_views(report).startswith(
        "each answer is the mean of those to the image and its mirror image (test-time"
    )
    assert any("its mirror image" in line for line in summarize(report))
    assert "**Each answer is the mean of those to the image and its mirror image" in remarks_sentence(report)
    report.average_views = "<b>"  # of a report that another version wrote
    assert "&lt;b" in remarks_sentence(report) or "<b>" not in remarks_sentence(report)
