"""What a model learned from, and with which options, as far as its folder and its reports tell."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from model.artifacts import TRAINING_FILE
from model.errors import TrazoError
from model.io.reports.training import TrainingReport
from model.logs import log_once
from training.config import DataConfig
from training.data.contents import CONTENTS_FILE, HOLD_OUT_OPTIONS, Contents
from training.data.parquet.source import SourceOptions, open_source
from training.data.splits import open_data

VERSION_OPTIONS = ("config", "layout")  # of one dataset
COLUMN_OPTIONS = ("image_column", "label_column")


def inherit_options(given: Mapping[str, Any], training: TrainingReport | None) -> DataConfig:
    """Return the data to measure on: what the user gave, and otherwise the options of the training.

    Args:
        given: fields of DataConfig; without `dataset` the training's datasets are used.
        training: training.json; None if there is none.

    Raises:
        TrazoError: if no dataset is given and the training's is not known, or an option is out of range.
    """
    given = dict(given)
    if "dataset" not in given:
        given |= _training_datasets(training)
    known = {declared.name for declared in fields(DataConfig)}
    options = training.options.data if training and training.options else {}
    chosen = {name: options[name] for name in HOLD_OUT_OPTIONS if name in options and name in known}
    if training and is_training_dataset(given["dataset"], training):
        chosen |= {name: options[name] for name in (*VERSION_OPTIONS, *COLUMN_OPTIONS) if name in options}
    elif columns := {name: options[name] for name in COLUMN_OPTIONS if name in options and name not in given}:
        chosen.pop("max_rows", None)
        chosen |= {name: column for name, column in columns.items() if column in _columns(given)}
    return DataConfig(**chosen | given)


def find_learned(folder: Path, data: DataConfig, training: TrainingReport | None) -> Contents | str:
    """Return what a model learned from, or why that is not known.

    It is read from the file that the training left. Without it, as for a model from the Hub, the training data is
    scanned again if it is the dataset that is measured now.

    Args:
        folder: of the model.
        data: what is measured.
        training: the model's training.json; None if there is none.

    Raises:
        TrazoError: if the data cannot be read.
    """
    contents = Contents.load(folder / CONTENTS_FILE)
    if contents and (training is None or _fingerprints(contents) == [one.fingerprint for one in training.data.sources]):
        return contents
    if training is None:
        return "the model does not say what it was trained on"
    if data.no_scan:
        return "--no-scan"
    source, *others = training.data.sources
    if others:
        return "the model was trained on several datasets, whose contents are not kept here"
    if not is_training_dataset(data.dataset, training):
        return f"the model was trained on {source.dataset}, whose content is not kept here"
    options = training.options.data if training.options else {}
    if options.get("no_scan"):
        return "the training was not scanned (--no-scan)"
    try:
        sketches = (data.dataset,) if source.sketches else ()
        again = inherit_options({"dataset": data.dataset, "revision": source.revision, "sketches": sketches}, training)
        contents = Contents.of(again, open_data(again))
    except TrazoError as error:
        return f"the training data cannot be read again: {error}"
    if _fingerprints(contents) != [source.fingerprint]:
        return "the training data changed since the training"
    return contents


def is_training_dataset(dataset: str, training: TrainingReport) -> bool:
    """Return whether a dataset has the name of one that a model was trained on.

    A published report has only the name of a local folder. Whether the content is the same is compared later.
    """
    names = {one.dataset for one in training.data.sources}
    paths = {os.path.realpath(name) for name in names}
    return dataset in names or (
        os.path.exists(dataset)
        and (os.path.realpath(dataset) in paths or os.path.basename(os.path.realpath(dataset)) in names)
    )


def read_training(folder: Path) -> TrainingReport | None:
    """Return a model's training.json; None if it has none.

    Raises:
        CorruptFileError: if it is damaged.
    """
    return TrainingReport.read(folder / TRAINING_FILE)


def report_unlearned_views(folder: Path, average_views: str | None) -> None:
    """Log that a model did not learn from mirrored images, if answers to them are to be averaged.

    Args:
        folder: of the model.
        average_views: a key of `model.views.VIEWS`, or None.
    """
    training = read_training(folder) if average_views and "mirror" in average_views else None
    if training and not training.hyperparameters.get("mirror"):
        log_once("the model did not learn from mirrored images: its answers to them may make the mean worse")


def _fingerprints(contents: Contents) -> list[str]:
    return [one["fingerprint"] for one in contents.about["datasets"]]


def _training_datasets(training: TrainingReport | None) -> dict[str, Any]:
    if training is None:
        raise TrazoError("a dataset is needed: give --dataset, or --sketches for a dataset of free drawings")
    first, *others = training.data.sources
    if first.revision is None and not os.path.exists(first.dataset):
        raise TrazoError(
            f"the training's dataset {first.dataset!r} is not there any more: give --dataset with the place where it is"
        )
    sketches = tuple(one.dataset for one in training.data.sources if one.sketches)
    extra = tuple(one.dataset for one in others if not one.sketches)
    return {"dataset": first.dataset, "extra_datasets": extra, "sketches": sketches, "revision": first.revision}


def _columns(given: Mapping[str, Any]) -> list[str]:
    """Return the columns of a dataset other than the training's."""
    options = SourceOptions(given.get("config"), given.get("revision"), layout=given.get("layout"))
    for split in dict.fromkeys((given.get("test_split") or "test", "train")):
        try:
            return list(open_source(given["dataset"], split, options).features)
        except TrazoError:  # it is reported where the split is opened
            continue
    return []
