"""The JSON reports of a run: what each holds, and how it is read and written.

Every report is declared once, as a pydantic model: `inspection.DataReport`, `training.TrainingReport`,
`trials.TrialsReport`, `study.StudyReport`, `evaluation.EvaluationReport` and `exports.ExportsReport`. Writers build the
model; readers get it checked, because anyone may have made the file. Importing this package does not import pydantic;
its modules do.

How to add a field: add one line to its model, in the place where the file should show it, with a type, a description
and, because older files lack it, a default:

    ema_momentum: Number | None = Field(None, description="weight of the past in the averaged weights, 0 to 1")

then give it to the model where the report is written (for evaluation.json `training/evaluation/metrics.py` for each
dataset, `training/commands` for the whole report), and run `python -m scripts.make_schemas`, which updates
`docs/schemas/`. For trials.json also add it to the table of `docs/trials.md`. A change that older readers would
misunderstand needs a new `SCHEMA_VERSION` of that report.
"""

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.artifacts import DATA_FILE, EVALUATION_FILE, EXPORTS_FILE, STUDY_FILE, TRAINING_FILE, TRIALS_FILE
from model.io.atomic import read_json, write_json
from model.io.reports.datasets import (
    dataset_name,
    is_on_hub,
    local_path,
    redact_local_paths,
)

if TYPE_CHECKING:
    from model.io.reports.schema import Report

__all__ = [
    "dataset_name",
    "is_on_hub",
    "local_path",
    "read_report",
    "redact_local_paths",
    "report_class",
    "write_report",
]

CLASSES = {  # file -> module and class
    DATA_FILE: ("inspection", "DataReport"),
    TRAINING_FILE: ("training", "TrainingReport"),
    TRIALS_FILE: ("trials", "TrialsReport"),
    EVALUATION_FILE: ("evaluation", "EvaluationReport"),
    EXPORTS_FILE: ("exports", "ExportsReport"),
    STUDY_FILE: ("study", "StudyReport"),
}


def report_class(name: str) -> "type[Report]":
    """Return the model of a report by the name of its file."""
    module, attribute = CLASSES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)


def read_report(path: str | PathLike) -> dict[str, Any] | None:
    """Return the value of a report, checked against its model, or None if there is no such file.

    Fields that the model does not know are kept. For typed access use the model: `TrainingReport.read(path)`.

    Raises:
        CorruptFileError: if it is not JSON or does not fit its model; the text names the file and the field.
    """
    value = read_json(path)
    if value is not None:
        report_class(Path(path).name).parse(value, path)
    return value


def write_report(path: str | PathLike, report: "Report") -> None:
    """Write a report atomically: the fields that were given to the model, in the order in which it declares them."""
    write_json(path, report.to_dict())
