"""The reports' models: the bundled files, what is refused and how, the published schemas, and the documentation."""

import json
import re
import subprocess
import sys

import pytest
from pydantic import BaseModel

from model import __version__
from model.artifacts import REPORT_FILES, TRAINING_FILE, TRIALS_FILE
from model.errors import CorruptFileError
from model.io.atomic import json_text
from model.io.locate import PRETRAINED
from model.io.reports import CLASSES, read_report, report_class, write_report
from model.io.reports import trials as schema
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.trials import TrialsReport
from scripts.make_schemas import schema_path, schema_text
from tests.conftest import ROOT

TRIALS = {
    "schema_version": 2,
    "objective": {"name": "val_accuracy", "direction": "max"},
    "dataset": "someone/digits",
    "trials": [{"trial_id": "0", "status": "COMPLETED", "hyperparameters": {}, "score": 0.5}],
    "best_trial": "0",
}
TRIAL = TRIALS["trials"][0]


def read(tmp_path, report: dict) -> TrialsReport:
    (tmp_path / TRIALS_FILE).write_text(json.dumps(report))
    return TrialsReport.read(tmp_path / TRIALS_FILE)


@pytest.mark.parametrize("name", [name for name in REPORT_FILES if (PRETRAINED / name).is_file()])
def test_bundled_report_is_valid_and_complete(name):
    value = read_report(PRETRAINED / name)
    report = report_class(name).parse(value, name)
    assert report.to_dict().keys() == value.keys()
    assert report_class(name).parse(json.loads(json_text(report.to_dict())), name) == report


def test_missing_report_is_none(tmp_path):
    assert read_report(tmp_path / TRAINING_FILE) is None and TrialsReport.read(tmp_path / TRIALS_FILE) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dataset": None}, "has a wrong value in `dataset` (input should be a valid string)"),
        ({"trials": [TRIAL | {"score": "0.5"}]}, "`trials[0].score` (input should be a valid number)"),
        ({"trials": [TRIAL | {"score": True}]}, "`trials[0].score` (input should be a valid number)"),
        ({"trials": [TRIAL | {"score": float("nan")}]}, "`trials[0].score` (input should be a finite number)"),
        ({"trials": [TRIAL | {"score": 1e200}]}, "`trials[0].score` (input should be less than"),
        ({"trials": [TRIAL | {"parameters": 1.5}]}, "`trials[0].parameters` (input should be a valid integer)"),
        ({"trials": [TRIAL | {"history": [{"epoch": 1, "f1": "x"}]}]}, "`trials[0].history[0].f1`"),
        ({"trials": [TRIAL | {"hyperparameters": {"x": [[1]]}}]}, "`trials[0].hyperparameters.x"),
        ({"trials": [TRIAL | {"hyperparameters": {"x" * 101: 1}}]}, "`trials[0].hyperparameters.xxx"),
        ({"trials": [{"status": "COMPLETED", "hyperparameters": {}}]}, "lacks `trials[0].trial_id`"),
        ({"trials": [[]]}, "`trials[0]` (it should be an object)"),
        ({"best_trial": "1"}, "best_trial is not among the trials"),
        ({"space": [{"name": "blocks", "low": 1}]}, "`space[0]` (value error, there are neither values nor low"),
    ],
)
def test_wrong_value_is_refused_with_file_field_and_reason(tmp_path, change, reason):
    with pytest.raises(CorruptFileError) as caught:
        read(tmp_path, TRIALS | change)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path}/trials.json ") and reason in text and "\n" not in text and len(text) < 500
    assert text.endswith("delete it and run the command that wrote it again")


def test_unknown_field_is_ignored_but_kept_in_the_raw_value(tmp_path):
    assert "new" not in read(tmp_path, TRIALS | {"new": 1}).to_dict()
    assert read_report(tmp_path / TRIALS_FILE)["new"] == 1


def test_build_nan_is_written_as_null_and_read_again(tmp_path):
    report = TrialsReport.build(**TRIALS | {"trials": [TRIAL | {"score": float("nan")}], "schema_version": 0})
    write_report(tmp_path / TRIALS_FILE, report)
    assert TrialsReport.read(tmp_path / TRIALS_FILE) == report
    assert report.trials[0].score is None and report.schema_version == schema.SCHEMA_VERSION
    written = json.loads((tmp_path / TRIALS_FILE).read_text())
    assert written.keys() - TRIALS.keys() == {"trazo"}  # nothing else that was not given
    assert written["trazo"] == __version__


def test_evaluation_needs_a_measure_and_a_square_matrix():
    measures = {"dataset": "a/b", "split": "test", "rows": 2}
    classes = {"accuracy": 0.5, "labels": ["a", "b"], "confusion_matrix": [[1, 0], [1, 0]]}
    assert not EvaluationReport.parse(measures | classes, "").is_regression
    assert EvaluationReport.parse(measures | {"mean_absolute_error": 0.5}, "").is_regression
    for wrong in ({}, {"accuracy": 0.5}, classes | {"confusion_matrix": [[1]]}, classes | {"labels": []}):
        with pytest.raises(CorruptFileError):
            EvaluationReport.parse(measures | wrong, "")


def test_trial_learning_rate_of_its_optimizer_has_one_name():
    rates = {"learning_rate_adam": 0.1, "learning_rate_sgd": 0.2}
    trial = schema.Trial(trial_id="0", status="COMPLETED", hyperparameters={"optimizer": "sgd", **rates})
    assert trial.with_one_learning_rate() == {"optimizer": "sgd", "learning_rate_adam": 0.1, "learning_rate": 0.2}


@pytest.mark.parametrize("name", CLASSES)
def test_published_schema_is_that_of_the_model(name):
    assert schema_path(name).read_text() == schema_text(name), "run `python scripts/make_schemas.py`"


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_has_a_description(name):
    for model in models(report_class(name)):
        assert all(field.description for field in model.model_fields.values()), model


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and all those in its fields."""
    found, queue = {model}, [model]
    while queue:
        for annotation in [field.annotation for field in queue.pop().model_fields.values()]:
            stack = [annotation]
            while stack:
                one = stack.pop()
                stack += getattr(one, "__args__", ())
                if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
                    found.add(one)
                    queue.append(one)
    return found


def test_documentation_of_trials_names_every_field_and_no_other():
    text = (ROOT / "docs" / "trials.md").read_text()
    named = [
        {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])}
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]
    assert named == [set(TrialsReport.model_fields), set(schema.Trial.model_fields)]
    inner = (schema.Objective, schema.Budget, schema.Subject, schema.Parameter, schema.Importance)
    for model in (*inner, schema.ImportanceValue):
        assert all(f"`{name}`" in text for name in model.model_fields), model


def test_importing_the_package_does_not_import_pydantic():
    code = "import sys, model, model.io.reports, model.io.hub, model.card.card; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
