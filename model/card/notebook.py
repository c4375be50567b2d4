"""notebook.ipynb of a published model: load it with Keras, look at answers, measure it. It needs nothing of Trazo."""

import json
from typing import TYPE_CHECKING, Any

from model.card.markdown import code, plain
from model.card.usage import PACKAGES, input_sentence, keras_source
from model.config import CnnConfig
from model.io.reports import is_on_hub

if TYPE_CHECKING:
    from model.io.reports.evaluation import EvaluationReport

MEASURED_ROWS = 2_000  # of a split, unless the reader asks for more: some seconds
LOAD = """\
import keras
import numpy as np

model = keras.saving.load_model({source!r})
LABELS = {labels!r}
HEIGHT, WIDTH, CHANNELS = {shape!r}
model.summary()"""
ROWS = """\
from datasets import load_dataset

rows = load_dataset({dataset}, split={split!r}, streaming=True)
IMAGE, LABEL = {image!r}, {label!r}
rows.features"""
PREPARE = """\
from PIL import Image, ImageOps


def to_pixels(image):
    image = image.convert("L" if CHANNELS == 1 else "RGB")
    if image.size != (WIDTH, HEIGHT):
        image = ImageOps.pad(image, (WIDTH, HEIGHT), method=Image.Resampling.BOX)
    return np.asarray(image, np.float32).reshape(HEIGHT, WIDTH, CHANNELS)


def answer(images):
    return model.predict(np.stack([to_pixels(image) for image in images]), verbose=0)


{functions}"""
OF_CLASSES = """\
def to_names(answers):
    {answer}


def label_name(value):
    feature = (rows.features or {{}}).get(LABEL)
    if hasattr(feature, "int2str"):
        return feature.int2str(value) if value is not None and value >= 0 else None  # -1: withheld
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)"""
MULTICLASS = "return [LABELS[number] for number in answers.argmax(axis=1)]"
BINARY = "return [LABELS[int(probability >= 0.5)] for probability in answers[:, 0]]"
LOOK_AT_CLASSES = """\
some = [row for row in rows.take(8) if row[IMAGE] is not None]
for row, name in zip(some, to_names(answer([row[IMAGE] for row in some])) if some else []):
    print(f"{label_name(row[LABEL])!s:>20} -> {name}")"""
LOOK_AT_NUMBERS = """\
some = [row for row in rows.take(8) if row[IMAGE] is not None and row[LABEL] is not None]
for row, (number,) in zip(some, answer([row[IMAGE] for row in some]) if some else []):
    print(f"{row[LABEL]:>20} -> {number:.6g}")"""
MEASURE_CLASSES = """\
measured = right = 0
for batch in (rows if ROWS is None else rows.take(ROWS)).iter(batch_size=256):
    pairs = zip(batch[IMAGE], map(label_name, batch[LABEL]))
    # The model may know a part of the dataset's classes, and rows may lack an image or a label.
    known = [(image, name) for image, name in pairs if image is not None and name in LABELS]
    if known:
        images, names = zip(*known)
        right += sum(a == b for a, b in zip(to_names(answer(images)), names))
        measured += len(known)

if measured:
    # The 95 % interval of Wilson 1927: between these the accuracy on many such rows lies.
    accuracy, z2 = right / measured, 1.959964**2 / measured
    center = (accuracy + z2 / 2) / (1 + z2)
    half = (z2 * (accuracy * (1 - accuracy) + z2 / 4)) ** 0.5 / (1 + z2)
    print(f"{right:,} of {measured:,} rows right: {accuracy:.2%} ({center - half:.2%} to {center + half:.2%})")
else:
    print("no row has an image and one of the model's labels")"""
MEASURE_NUMBERS = """\
errors = []
for batch in (rows if ROWS is None else rows.take(ROWS)).iter(batch_size=256):
    known = [(image, label) for image, label in zip(batch[IMAGE], batch[LABEL]) if None not in (image, label)]
    if known:
        images, labels = zip(*known)
        errors.extend(abs(answer(images)[:, 0] - np.array(labels, np.float64)))
print(f"mean absolute error of {len(errors):,} rows: {np.mean(errors):.6g}" if errors else "no row has both")"""


def make_notebook(config: CnnConfig, evaluation: "EvaluationReport | None", repo_id: str) -> str:
    """Return a notebook as JSON, not executed.

    Args:
        config: of the model.
        evaluation: as it is published; without one, or of free drawings, which Keras alone cannot prepare, nothing is
            measured.
        repo_id: what is loaded.
    """
    labels, shape = list(config.labels), tuple(config.image_shape)
    cells = [
        _text(f"# {plain(config.title or repo_id)}\n\nIt needs `{PACKAGES} datasets pillow`, and nothing of Trazo."),
        _code(LOAD.format(source=keras_source(repo_id), labels=labels, shape=shape)),
        _text(input_sentence(config)),
    ]
    if evaluation is None or evaluation.sketches:
        measured = code(f"python -m training evaluate --model {repo_id} --dataset DATASET")
        cells.append(_text(f"How good it is on a dataset, {measured} reports; free drawings need `--sketches`."))
    else:
        cells += _measuring_cells(config, evaluation)
    numbered = [{"id": f"cell-{number:02}"} | cell for number, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _measuring_cells(config: CnnConfig, evaluation: "EvaluationReport") -> list[dict[str, Any]]:
    numbers = evaluation.is_regression
    functions = "" if numbers else OF_CLASSES.format(answer=BINARY if config.task == "binary" else MULTICLASS)
    rows = ROWS.format(
        dataset=_dataset_arguments(evaluation),
        split=evaluation.split.split(",")[0],  # what follows describes rows that were held out
        image=evaluation.image_column or "image",
        label=evaluation.label_column or "label",
    )
    return [
        _text(f"## The rows\n\n{_rows_sentence(evaluation)}"),
        _code(rows),
        _text(
            "## Answers\n\nAn image of another size is fitted into the network's input with its aspect kept. Trazo "
            "does the same, and more for\n16-bit and transparent images: its figures may differ in the last digits."
        ),
        _code(PREPARE.format(functions=functions).rstrip()),
        _code(LOOK_AT_NUMBERS if numbers else LOOK_AT_CLASSES),
        _text(f"## Measure\n\n{_result_sentence(evaluation)}"),
        _code(f"ROWS = {MEASURED_ROWS:_}  # the first ones; None: all"),
        _code(MEASURE_NUMBERS if numbers else MEASURE_CLASSES),
    ]


def _dataset_arguments(evaluation: "EvaluationReport") -> str:
    if not is_on_hub(evaluation.dataset, evaluation.revision, evaluation.path):
        return '"imagefolder", data_dir="images"'
    config = [repr(evaluation.config)] if evaluation.config else []
    revision = [f"revision={evaluation.revision!r}"] if evaluation.revision else []
    return ", ".join([repr(evaluation.dataset), *config, *revision])


def _rows_sentence(evaluation: "EvaluationReport") -> str:
    sentences = []
    if not is_on_hub(evaluation.dataset, evaluation.revision, evaluation.path):
        sentences.append(
            f"The model was measured on a local folder, {code(evaluation.dataset)}: give yours as `data_dir`, with a "
            "folder of images per class."
        )
    if "," in evaluation.split:
        sentences.append(
            f"The card's figures are of rows that were held out ({plain(evaluation.split)}). Most of the rows below "
            "were learned from:\nwhat is measured on them is too good, and shows only that the model works."
        )
    return "\n".join(sentences) or "The split that the card's figures are of."


def _result_sentence(evaluation: "EvaluationReport") -> str:
    views = ", with the answers to several views averaged" if evaluation.average_views else ""
    what = (
        f"a mean absolute error of {evaluation.mean_absolute_error:.6g}"
        if evaluation.is_regression
        else f"an accuracy of {evaluation.accuracy:.2%}"
    )
    return f"`evaluation.json` has {what} on {evaluation.rows:,} rows{views}."


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
