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
