"""The rows of a dataset that an export is checked and calibrated on."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from model import CnnConfig
from model.artifacts import EVALUATION_FILE
from model.errors import TrazoError
from model.io.reports import dataset_name, read_report
from model.io.reports.exports import CheckedOn
from training.data.batches import Batch
from training.data.decode import decoded_batches
from training.data.splits import open_stream, open_test, split_dataset
from training.data.stream import HubStream
from training.evaluation.learned import inherit_options, read_training

MAX_CHECKED_ROWS = 1_000  # of the test split, by a format in float32: its answers are those of Keras, or they are not
MAX_MEASURED_ROWS = 10_000  # by a format in int8, whose loss of accuracy may be a few rows in a thousand
MAX_CALIBRATION_ROWS = 500  # of the training split: with more, the ranges of maps hardly grow
MAX_ROWS_BYTES = 1 << 28  # of their images, which are held in memory
NAMING_IMAGES = ("dataset", "revision", "config", "image_column", "label_column")  # fields of evaluation.json
SAMPLE = Path(__file__).parents[1] / "sample"
SAMPLE_SHAPE = (28, 28, 1)

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class Rows:
    """Decoded rows: `pixels` uint8 (n, h, w, c), `labels` (n,) class ids or numbers, and what to call them."""

    pixels: np.ndarray
    labels: np.ndarray
    source: CheckedOn

    def first(self, count: int) -> "Rows":
        """Return at most so many of them."""
        rows = min(count, len(self.pixels))
        return Rows(self.pixels[:rows], self.labels[:rows], self.source.model_copy(update={"rows": rows}))


def rows_to_check(config: CnnConfig, run: Path, dataset: str | None, limit: int) -> Rows:
    """Return rows of a test split.

    Args:
        config: of the network.
        run: the model's folder.
        dataset: Hub id or folder; None for the dataset in evaluation.json. If that cannot be read and the images have
            the shape of the bundled sample, the sample is used.
        limit: how many rows at most.

    Raises:
        TrazoError: if there are none.
    """

    def open_rows() -> Rows:
        evaluation = read_report(run / EVALUATION_FILE) or {}
        source = {"dataset": dataset} if dataset else evaluation
        if source.get("dataset") is None:
            raise TrazoError(f"{run} has no {EVALUATION_FILE} that names images to check with")
        given = {key: source[key] for key in NAMING_IMAGES if source.get(key)}
        data = replace(inherit_options(given, read_training(run)), task=config.task)
        stream, split = open_test(data, config.labels)
        name = dataset_name(source["dataset"], source.get("revision"), source.get("path"))
        return _read(stream, stream.ordered(in_parts=True), config, limit, name, split)

    return _or_sample(open_rows, config, dataset, "check", "test", limit)


def rows_to_calibrate(config: CnnConfig, run: Path, dataset: str | None) -> Rows:
    """Return rows of the training split, from all over it, without those held out of it.

    Args:
        config: of the network.
        run: the model's folder.
        dataset: as for `rows_to_check`; None for the first one in training.json.

    Raises:
        TrazoError: if there are none.
    """

    def open_rows() -> Rows:
        training = read_training(run)
        data = inherit_options({"dataset": dataset} if dataset else {}, training)
        data = replace(data, task=config.task, extra_datasets=())
        stream = split_dataset(data, open_stream(data, data.split, labels=config.labels)).train
        path = training.data.sources[0].path if training and not dataset else None
        name = dataset_name(data.dataset, data.revision, path)
        return _read(stream, stream.epoch(0), config, MAX_CALIBRATION_ROWS, name, data.split)

    return _or_sample(open_rows, config, dataset, "calibrate", "train", MAX_CALIBRATION_ROWS)


def _or_sample(
    open_rows: Callable[[], Rows], config: CnnConfig, dataset: str | None, verb: str, split: str, limit: int
) -> Rows:
    """Return rows, or those of the bundled sample if they cannot be read, none were requested and the sample fits."""
    try:
        return open_rows()
    except TrazoError as error:
        if dataset or config.image_shape != SAMPLE_SHAPE:
            raise TrazoError(f"no images to {verb} with: {error}; give --dataset") from None
        logger.info("%s with the bundled sample: %s", {"check": "checked", "calibrate": "calibrated"}[verb], error)
    stream = HubStream(str(SAMPLE), split)
    return _read(stream, stream.ordered(in_parts=True), config, limit, dataset_name(str(SAMPLE), None), split)


def _read(stream: HubStream, batches: Iterable[Batch], config: CnnConfig, limit: int, name: str, split: str) -> Rows:
    limit = max(1, min(limit, MAX_ROWS_BYTES // prod(config.image_shape)))
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for some, ids, _ in decoded_batches(stream, batches, config.image_shape, config.pixel_format):
        images.append(some)
        labels.append(ids)
        if sum(map(len, images)) >= limit:
            break
    if not images:
        raise TrazoError(f"{stream.source.dataset} has no image that can be read")
    pixels = np.concatenate(images)[:limit]
    source = CheckedOn(dataset=name, split=split, rows=len(pixels))
    return Rows(pixels, np.concatenate(labels)[:limit], source)
