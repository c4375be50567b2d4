"""A published model's notebook, for every task and kind of dataset, is a notebook of Python code."""

import ast

from model.backend import keras
import datasets
import nbformat
import numpy as np
import pytest
from PIL import Image

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


class ByBrightness:
    """A network that answers by the brightness of an image: 0 … 255 -> the unit, or the number."""

    def __init__(self, units: int) -> None:
        self.units = units

    def summary(self) -> None:
        pass

    def predict(self, pixels: np.ndarray, verbose: int) -> np.ndarray:
        level = pixels.mean(axis=(1, 2, 3))
        return np.eye(self.units)[np.int64(level)] if self.units > 1 else level[:, None]


@pytest.mark.parametrize(
    ("feature", "values", "labels", "printed"),
    [
        (datasets.ClassLabel(names=["a", "b"]), [0, 1, 1, -1, None], ("a", "b"), "2 of 3 rows right: 66.67%"),
        (datasets.Value("bool"), [False, True, True, None, None], ("false", "true"), "2 of 3 rows right: 66.67%"),
        (datasets.Value("float64"), [0.0, 1.0, 1.0, float("nan"), None], ("0", "1"), "2 of 3 rows right: 66.67%"),
        (datasets.Value("string"), ["x", "y", "z", None, ""], ("a", "b"), "no row has an image and one of the"),
        (datasets.Value("float64"), [0.0, 1.0, 1.5, None, None], None, "mean absolute error of 3 rows: 0.5"),
        (datasets.Value("float64"), [None] * 5, None, "no row has both"),
    ],
)
def test_notebook_measures_labels_of_every_kind_and_skips_missing_ones(
    monkeypatch, capsys, feature, values, labels, printed
):
    images = [Image.new("L", (4, 4), level) for level in (0, 1, 0, 1)] + [None]
    columns = datasets.Features({"image": datasets.Image(), "label": feature})
    rows = datasets.Dataset.from_dict({"image": images, "label": values}, columns).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    monkeypatch.setattr(keras.saving, "load_model", lambda _: ByBrightness(len(labels or "1")))
    of_numbers = {"task": "regression", "labels": ("year",)}
    config = CnnConfig(image_shape=(4, 4, 1), **({"labels": labels} if labels else of_numbers))
    exec("\n".join(cells("code", config, ON_HUB | (CLASSES if labels else {"mean_absolute_error": 1.5}))), {})
    assert printed in capsys.readouterr().out


def test_notebook_of_rows_without_known_features_takes_their_values(monkeypatch, capsys):
    rows = datasets.IterableDataset.from_generator(lambda: iter([{"image": Image.new("L", (4, 4), 1), "label": "b"}]))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    monkeypatch.setattr(keras.saving, "load_model", lambda _: ByBrightness(2))
    config = CnnConfig(image_shape=(4, 4, 1), labels=("a", "b"))
    exec("\n".join(cells("code", config, ON_HUB | CLASSES)), {})
    assert "1 of 1 rows right: 100.00%" in capsys.readouterr().out
