"""A published model's notebook, for every task and kind of dataset, is a notebook of Python code."""

import ast

import nbformat
import pytest

from model.card.notebook import make_notebook
from model.config import CnnConfig
from model.io.reports.evaluation import EvaluationReport

HOSTILE = ("a'b", '"c"', "d\\", "{e}", "%f", "日本")
CLASSES = {"labels": ["a", "b"], "confusion_matrix": [[1, 0], [0, 1]], "accuracy": 0.5}
ON_HUB = {"dataset": "x/y", "revision": "0" * 40, "config": "big", "split": "test", "rows": 2}


def cells(kind: str, config: CnnConfig, evaluation: dict | None) -> list[str]:
    report = evaluation and EvaluationReport.build(**evaluation)
    notebook = nbformat.reads(make_notebook(config, report, "owner/name"), as_version=4)
    nbformat.validate(notebook)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


@pytest.mark.parametrize(
    ("config", "evaluation"),
    [
        (CnnConfig(labels=HOSTILE, title="# <b> {y}"), ON_HUB | CLASSES),
        (
            CnnConfig(task="binary", labels=("no", "yes")),
            ON_HUB | CLASSES | {"image_column": "it's", "label_column": '"'},
        ),
        (CnnConfig(task="regression", labels=("year",)), ON_HUB | {"mean_absolute_error": 1.5}),
        (CnnConfig(), {"dataset": "images", "path": "/x/images", "split": "train, 10% held out", "rows": 2} | CLASSES),
        (CnnConfig(), ON_HUB | CLASSES | {"sketches": True}),
        (CnnConfig(), None),
    ],
    ids=["hostile", "binary", "regression", "folder", "sketches", "not measured"],
)
def test_make_notebook_of_any_model_has_code_that_compiles(config, evaluation):
    code = cells("code", config, evaluation)
    module = ast.parse("\n".join(code))
    labels = next(one.value for one in module.body if isinstance(one, ast.Assign) and one.targets[0].id == "LABELS")
    assert ast.literal_eval(labels) == list(config.labels)
    assert (len(code) > 1) is bool(evaluation and not evaluation.get("sketches"))


def test_make_notebook_reads_the_measured_rows_at_their_commit():
    code = "\n".join(cells("code", CnnConfig(), ON_HUB | CLASSES))
    assert f"load_dataset('x/y', 'big', revision='{'0' * 40}', split='test', streaming=True)" in code


def test_make_notebook_says_when_rows_were_learned_from():
    held_out = ON_HUB | CLASSES | {"split": "train, 10% held out by content"}
    assert "split='train'" in "\n".join(cells("code", CnnConfig(), held_out))
    assert "too good" in "\n".join(cells("markdown", CnnConfig(), held_out))
    assert "too good" not in "\n".join(cells("markdown", CnnConfig(), ON_HUB | CLASSES))
