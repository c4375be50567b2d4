"""The result of a training in a few lines; more of an evaluation's are in tests/unit/model/test_verdict.py."""

import pytest

from model.io.reports.evaluation import EvaluationReport
from training.evaluation.summary import summarize, summarize_validation


def best(accuracy: float) -> dict[str, float]:
    return {"val_accuracy": accuracy, "val_balanced_accuracy": 0.5}


def test_summarize_validation_no_better_than_the_most_common_class_is_said():
    lines = summarize_validation(best(0.9), 100, {"ok": 900, "defect": 100})
    assert lines[0] == "validation: accuracy 0.9000 on 100 rows (95 % interval: 0.8256 to 0.9448)"
    assert "not better than always answering ok, the label of 90.00% of the training rows" in lines[1]


@pytest.mark.parametrize(("accuracy", "rows", "class_rows"), [(0.99, 500, {"a": 5, "b": 5}), (0.1, 500, None)])
def test_summarize_validation_otherwise_has_one_line(accuracy, rows, class_rows):
    assert len(summarize_validation(best(accuracy), rows, class_rows)) == 1
    assert "interval" not in summarize_validation(best(accuracy), 1000, class_rows)[0]


def test_summarize_validation_of_a_regression_compares_with_the_mean():
    assert summarize_validation({"val_r2": 0.5}, 9, None) == ["validation: R² 0.5000 on 9 rows"]
    for r2 in (-0.1, float("nan")):
        assert "not better than always answering the mean" in summarize_validation({"val_r2": r2}, 9, None)[1]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train, 10% held out by content", "test rows of images (10 % of split train, held out by content): accuracy"),
        ("test", "images, test: accuracy"),
    ],
)
def test_summarize_names_the_rows_as_those_of_a_test(split, expected):
    classes = {"labels": ["a"], "confusion_matrix": [[1]]}
    report = EvaluationReport.build(dataset="/home/me/images", split=split, rows=1, accuracy=1.0, **classes)
    line = summarize(report)[0]
    assert line.startswith(f"{expected} 1.0000 on 1 row (")
