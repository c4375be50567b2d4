"""Reports that are missing or damaged are reported."""

import copy
import json

import pytest

from tests.support.run_reports import EVALUATION, TRAINING, TRIALS, write
from tests.support.search_report import REPORT
from ui.i18n import UserError
from ui.reports import parse

READERS = {
    "trials.json": parse.read_search,
    "training.json": parse.read_training,
    "evaluation.json": parse.read_evaluation,
}


@pytest.mark.parametrize("name", READERS)
def test_missing_report_is_reported(tmp_path, name):
    with pytest.raises(UserError, match=name) as missing:
        READERS[name](tmp_path)
    assert missing.value.key == "report_missing"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("content", ["", "{", "[]", "null", "3", "{}", '{"trials": 3}', "\x00\xff", '{"history": []}'])
def test_damaged_report_is_reported(tmp_path, name, content):
    with pytest.raises(UserError, match=name):
        READERS[name](write(tmp_path, name, content))


@pytest.mark.parametrize(
    ("name", "report", "field"),
    [("trials.json", TRIALS, field) for field in ("trials", "objective")]
    + [("training.json", TRAINING, "history")]
    + [("evaluation.json", EVALUATION, field) for field in EVALUATION],
)
@pytest.mark.parametrize("value", [None, "x", [3], {"a": 1}, "absent"])
def test_wrong_field_is_reported(tmp_path, name, report, field, value):
    report = copy.deepcopy(report)
    report[field] = value
    if value == "absent":
        del report[field]
    if field in ("dataset", "split") and value == "x":
        return
    with pytest.raises(UserError, match=name):
        READERS[name](write(tmp_path, name, report))


@pytest.mark.parametrize("field", ["score", "seconds", "parameters"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", '"0.9"', "true", "[]"])
def test_read_search_wrong_number_is_damaged(tmp_path, field, value):
    text = json.dumps(REPORT | {"trials": [REPORT["trials"][0] | {field: "HERE"}], "best_trial": None})
    (tmp_path / "trials.json").write_text(text.replace('"HERE"', value))
    with pytest.raises(UserError) as caught:
        parse.read_search(tmp_path)
    assert caught.value.key == "report_damaged"


def test_regression_has_no_confusion_matrix(tmp_path):
    write(
        tmp_path, "evaluation.json", {"dataset": "someone/ages", "split": "test", "rows": 9, "mean_absolute_error": 1.5}
    )
    with pytest.raises(UserError, match="number"):
        parse.read_evaluation(tmp_path)


def evaluation_of(classes: int, **fields: object) -> dict:
    matrix = [[0] * classes for _ in range(classes)]
    matrix[3][7] = matrix[classes - 1][0] = 5
    labels = [f"class {number}" for number in range(classes)]
    return EVALUATION | {"labels": labels, "confusion_matrix": matrix} | fields


def test_read_evaluation_of_many_classes_shows_those_with_the_most_mistakes(tmp_path):
    found = parse.read_evaluation(write(tmp_path, "evaluation.json", evaluation_of(400)))
    assert len(found.labels) == len(found.confusion) == len(found.confusion[0]) == parse.MAX_CLASSES
    assert found.labels[0] == "class 0" and found.labels[-1] == "class 399"
    assert found.confusion[3][7] == found.confusion[-1][0] == 5
    assert sum(map(sum, found.confusion)) == 10
    few = parse.read_evaluation(write(tmp_path, "evaluation.json", evaluation_of(100)))
    assert few.labels[:2] == ("class 0", "class 1") and len(few.labels) == 100


def test_read_evaluation_of_too_many_classes_is_a_sentence(tmp_path):
    report = evaluation_of(1001, confusion_matrix=[])
    with pytest.raises(UserError) as caught:
        parse.read_evaluation(write(tmp_path, "evaluation.json", report))
    assert caught.value.key == "report_many_classes" and "1001" in caught.value.text("en")


def test_read_mistakes_of_large_images_are_bounded_together(tmp_path):
    mistake = {"label": "a", "answer": "b", "confidence": 0.5, "image": "A" * 99_000}
    write(tmp_path, "evaluation.json", EVALUATION | {"mistakes": [mistake] * 100})
    assert len(parse.read_mistakes(tmp_path)) == 40


def test_read_training_of_many_epochs_has_points_for_a_screen(tmp_path):
    epochs = [TRAINING["history"][0] | {"epoch": number} for number in range(50_000)]
    found = parse.read_training(write(tmp_path, "training.json", TRAINING | {"history": epochs}))
    assert len(found.epochs) == 2000 and found.epochs[0] == 0 and found.epochs[-1] > 49_000


def test_read_search_with_too_many_cells_is_damaged(tmp_path):
    trial = TRIALS["trials"][0] | {"hyperparameters": {str(name): 1 for name in range(60)}}
    trials = [trial | {"trial_id": str(number)} for number in range(4500)]
    write(tmp_path, "trials.json", TRIALS | {"trials": trials, "best_trial": None})
    with pytest.raises(UserError) as caught:
        parse.read_search(tmp_path)
    assert caught.value.key == "report_damaged"


def test_report_behind_a_link_is_damaged(tmp_path):
    write(tmp_path, "evaluation.json", EVALUATION)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "evaluation.json").symlink_to(tmp_path / "evaluation.json")
    with pytest.raises(UserError) as caught:
        parse.read_evaluation(tmp_path / "model")
    assert caught.value.key == "report_damaged"
