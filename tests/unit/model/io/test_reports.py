"""The reports' models: the bundled files, what is refused and how, the published schemas, and the documentation."""

import json
import os
import re
import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from model import ModelError, __version__
from model.artifacts import REPORT_FILES, TRAINING_FILE, TRIALS_FILE
from model.errors import CorruptFileError
from model.io.atomic import json_text
from model.io.locate import PRETRAINED
from model.io.reports import (
    CLASSES,
    dataset_name,
    is_on_hub,
    local_path,
    read_report,
    redact_local_paths,
    report_class,
    write_report,
)
from model.io.reports import trials as schema
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
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


def test_local_dataset_with_the_form_of_a_hub_id_stays_local_when_it_is_gone(tmp_path, monkeypatch):
    """A run on `secret/private` is published from another folder, where there is nothing of this name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret" / "private").mkdir(parents=True)
    about = {"dataset": "secret/private", "revision": None, "path": local_path("secret/private", None)}
    reason = f"{tmp_path}/secret/private/train.parquet is damaged; 'secret/private' is refused"
    entry = {**about, "title": "Digits"}
    training = {"data": {**about, "datasets": [entry]}, "class_rows": {"path": 3, "notes": 4}, "reason": reason}
    evaluation = {**about, "extra_datasets": [entry], "rows": 2}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert not is_on_hub(*about.values()) and dataset_name(*about.values()) == "private"
    for report in (training, evaluation, {"datasets": [entry]}):
        text = json.dumps(redact_local_paths(report))
        assert "secret" not in text and str(tmp_path) not in text and '"dataset": "private"' in text
    redacted = redact_local_paths(training)
    assert redacted["class_rows"] == {"path": 3, "notes": 4}  # classes of these names
    assert redacted["reason"] == "private/train.parquet is damaged; 'private' is refused"
    assert redact_local_paths(redacted) == redacted


def test_dataset_of_the_hub_is_on_the_hub_whatever_lies_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert local_path("owner/name", "a" * 40) is None and is_on_hub("owner/name", "a" * 40, None)
    assert not is_on_hub("owner/name", None, None) and is_on_hub("owner/other", None, None)  # older reports


@pytest.mark.parametrize("content", ["[" + "{}," * 3_000_000 + "{}]", '{"labels": [' + '"",' * 3_000_001 + '""]}'])
def test_report_of_very_many_values_is_refused_before_it_is_parsed(tmp_path, content):
    (tmp_path / "training.json").write_text(content)
    with pytest.raises(CorruptFileError, match=r"training.json holds more than 3,000,000 values"):
        TrainingReport.read(tmp_path / "training.json")


@pytest.mark.parametrize("name", ["data.json", "training.json", "trials.json", "evaluation.json", "exports.json"])
def test_report_too_large_is_refused_before_it_is_read(tmp_path, name):
    (tmp_path / name).touch()
    os.truncate(tmp_path / name, 10**12)
    with pytest.raises(ModelError, match=r"has 1,000,000,000,000 bytes; at most"):
        read_report(tmp_path / name)


def test_evaluation_of_many_classes_has_no_confusion_matrix():
    labels = [str(number) for number in range(1001)]
    about = {"dataset": "a", "split": "test", "rows": 9, "accuracy": 0.5, "labels": labels}
    assert EvaluationReport.model_validate(about).confusion_matrix == []
    for matrix in ([[0] * 1001] * 1001, [[1]]):
        with pytest.raises(ValidationError, match="at most 1000 items|no rows, for so many labels"):
            EvaluationReport.model_validate(about | {"confusion_matrix": matrix})
