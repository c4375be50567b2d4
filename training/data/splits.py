"""The splits of a run: which rows are trained on, validated on and tested on."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model.errors import TrazoError
from model.pixel_format import BACKGROUND_NAMES, PixelFormat
from model.preprocess.facts import choose_pixel_format
from training.config import DataConfig
from training.data.folders.report import list_some
from training.data.image_kind import ImageKind, choose_image_kind
from training.data.image_shape import InputShape, choose_image_shape, sample_facts
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.split_info import SplitNotFoundError
from training.data.part import choose_rows
from training.data.scan.checks import check_split
from training.data.scan.hold_out import places_of, stratify
from training.data.scan.index import SplitIndex
from training.data.scan.scanner import KeptIndex, scan_split
from training.data.stream import HubStream

HELD_OUT = "held-out"  # --test-split: a share of the training split, even if there is a split named test
VALIDATION_SPLIT = "validation"


@dataclass(frozen=True)
class DatasetParts:
    """The parts of one dataset; no image, or no group, is in two of those that were held out of one split.

    Attributes:
        train: rows to learn from.
        validation: rows for early stopping and the search.
        test: rows to measure on, if they are held out of the training split; None if there is a separate test split.
        held_out_by: content, row id or the name of the group column.
    """

    train: HubStream
    validation: HubStream
    test: HubStream | None
    held_out_by: str
    _index: KeptIndex | None

    @property
    def index(self) -> SplitIndex | None:
        """What the scan found in the training split; None without a scan. Do not keep it longer than needed."""
        return self._index.read() if self._index else None


@dataclass(frozen=True)
class TrainingData:
    """What is learned from, and how its images become the network's input."""

    train: HubStream
    validation: HubStream
    input_shape: InputShape
    pixel_format: PixelFormat
    image_kind: ImageKind
    parts: tuple[DatasetParts, ...]  # one per dataset

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels that images are resized to."""
        return self.input_shape.shape


def open_stream(data: DataConfig, split: str, **settings: Any) -> HubStream:
    """Open one split of the first dataset, of only the classes that were requested.

    Args:
        data: which rows.
        split: name of the split.
        settings: further arguments of `HubStream`.
    """
    # The task of some of the classes may be another than that of all.
    task = None if data.classes and data.task != "regression" else data.task
    stream = HubStream(
        data.dataset,
        split,
        config=data.config,
        revision=data.revision,
        layout=data.layout,
        image_column=data.image_column,
        label_column=data.label_column,
        task=task,
        sketches=data.dataset in data.sketches,
        on_error=data.on_error,
        window_rows=data.window_rows,
        http=HttpOptions(data.timeout, data.retries, data.cache_bytes),
        **settings,
    )
    if data.classes:
        stream = stream.with_classes(data.classes, settings.get("labels"))
        if data.task and stream.task != data.task:
            raise TrazoError(f"--classes: {len(stream.labels)} classes are {stream.task}, not {data.task}")
    return stream


def open_data(data: DataConfig, seed: int = 0, batch_size: int = 128) -> TrainingData:
    """Open the training split of every dataset, without the rows that `open_test` takes, and hold out validation rows.

    Each dataset is scanned and split separately; then their rows are concatenated.

    Args:
        data: which rows.
        seed: of the order of the rows.
        batch_size: rows per batch.

    Raises:
        TrazoError: if a dataset, a split or a column does not exist, the datasets have different classes, or a class
            has too few images.
    """
    configs = one_config_per_dataset(data)
    streams = [open_stream(one, one.split, seed=seed, batch_size=batch_size) for one in configs]
    columns = dict.fromkeys(column for stream in streams for column in stream.features)
    if data.group_column and data.group_column not in columns:
        raise TrazoError(f"no dataset has a column {data.group_column!r}; there are {list_some(columns)}")
    parts = tuple(_leave_out_unusable(split_dataset(one, stream)) for one, stream in zip(configs, streams, strict=True))
    train = HubStream.concat([part.train for part in parts])
    validation = HubStream.concat([part.validation for part in parts]).cached()
    facts, counts = map(np.concatenate, zip(*map(_distinct_facts, parts), strict=True))
    input_shape = choose_image_shape(facts, data.image_size, data.color, counts)
    pixel_format, image_kind = _pixel_format(data, facts, counts), choose_image_kind(facts, counts)
    return TrainingData(train, validation, input_shape, pixel_format, image_kind, parts)


def split_dataset(data: DataConfig, stream: HubStream) -> DatasetParts:
    """Split the rows of one dataset's training split in up to three parts.

    Args:
        data: with one dataset.
        stream: its whole training split.

    Raises:
        TrazoError: if a part would be empty, or a class would be missing in one.
    """
    cuts = []
    if takes_test_rows(data, stream.source.splits):
        cuts.append(data.test_fraction)
    own_validation = VALIDATION_SPLIT in stream.source.splits and data.split != VALIDATION_SPLIT
    if not own_validation:
        low = sum(cuts)
        cuts.append(low + data.validation_fraction * (1 - low))
    index = scan_split(stream.sources[0]) if not data.no_scan else None
    stream, index = _limit_rows(data, stream, index)
    if index:
        check_split(index, stream)
    kept = KeptIndex(stream.sources[0], index) if index else None
    stream, by = _place_rows(data, stream, index, cuts)
    rest, test = stream.hold_out(data.test_fraction) if takes_test_rows(data, stream.source.splits) else (stream, None)
    if own_validation:
        settings = {"labels": stream.labels, "seed": stream.seed, "batch_size": stream.batch_size}
        task = "regression" if stream.task == "regression" else data.task
        known = replace(data, task=task, image_column=stream.image_column, label_column=stream.label_column)
        return DatasetParts(rest, _open_validation(known, settings), test, by, kept)
    return DatasetParts(*rest.hold_out(data.validation_fraction), test, by, kept)


def open_test(data: DataConfig, labels: tuple[str, ...] | None = None) -> tuple[HubStream, str]:
    """Open the test split. If the dataset has none, open the rows that `open_data` left out.

    Args:
        data: which rows; only the first dataset is opened.
        labels: class names in the order of the ids, if they come from a model.

    Returns:
        (the stream, a name for its rows).

    Raises:
        TrazoError: if a split was requested by a name other than `test` and does not exist.
    """
    if data.test_split != HELD_OUT:
        try:
            return open_split_to_measure(data, data.test_split, labels), data.test_split
        except SplitNotFoundError:
            if data.test_split != "test":
                raise
    parts = split_dataset(data, open_stream(data, data.split, labels=labels))
    assert parts.test is not None
    return parts.test, f"{data.split}, {data.test_fraction:.0%} held out by {parts.held_out_by}"


def leave_out_unusable(stream: HubStream, index: SplitIndex) -> HubStream:
    """Return a stream without the rows that the scan found to be unusable, which are recorded as skipped.

    So no batch of any size is without usable rows, and a number of rows is that of the rows used.

    Args:
        stream: a part of one split.
        index: what the scan found in the split.

    Raises:
        StreamError: with on_error="raise", if there is such a row.
    """
    for row in np.flatnonzero(stream.mask(np.arange(index.rows)) & ~index.usable).tolist():
        stream.skip(row, index.why_unusable(row))
    return stream.select(index.usable)


def _leave_out_unusable(part: DatasetParts) -> DatasetParts:
    """Do the same with the parts of one dataset; only rows of the training and validation part are recorded."""
    index = part.index
    if index is None:
        return part
    is_held_out = part.validation.source.split == part.train.source.split
    return replace(
        part,
        train=leave_out_unusable(part.train, index),
        validation=leave_out_unusable(part.validation, index) if is_held_out else part.validation,
        test=part.test and part.test.select(index.usable),
    )


def open_split_to_measure(data: DataConfig, split: str, labels: tuple[str, ...] | None) -> HubStream:
    """Open a split; of a folder also if it has a single class.

    Args:
        data: which rows; only the first dataset is opened.
        split: its name.
        labels: class names in the order of the ids, if they come from a model.

    Raises:
        TrazoError: if there is no such split, or it has no labels.
    """
    try:
        return open_stream(data, split, labels=labels)
    except SplitNotFoundError:
        raise
    except TrazoError:
        # A folder of a single class shows by its names alone that it is one, if the classes are known.
        if labels is None or data.layout or not os.path.exists(data.dataset):
            raise
        for layout in ("splits", "classes"):
            with suppress(TrazoError):
                stream = open_stream(replace(data, layout=layout), split, labels=labels)
                if not stream.sources[0].unknown_classes()[0].all():
                    return stream
        raise


def takes_test_rows(data: DataConfig, splits: Iterable[str]) -> bool:
    """Return whether the rows to test on are held out of the training split."""
    return data.test_split == HELD_OUT or (data.test_split == "test" and "test" not in splits)


def one_config_per_dataset(data: DataConfig) -> list[DataConfig]:
    """Return a config for each dataset. Config, revision, layout and columns are of the first; others use defaults."""
    others = [name for name in dict.fromkeys((*data.extra_datasets, *data.sketches)) if name != data.dataset]
    plain = replace(
        data, extra_datasets=(), config=None, revision=None, layout=None, image_column=None, label_column=None
    )
    return [replace(data, extra_datasets=()), *(replace(plain, dataset=name) for name in others)]


def _distinct_facts(part: DatasetParts) -> tuple[np.ndarray, np.ndarray]:
    """Return which facts the images of a dataset have, and how many images have each."""
    if index := part.index:
        return index.distinct_facts(index.readable)
    facts = sample_facts(part.train)
    return facts, np.ones(len(facts), np.int64)


def _pixel_format(data: DataConfig, facts: np.ndarray, counts: np.ndarray) -> PixelFormat:
    """Return the pixel format that was given or suits the images."""
    chosen = choose_pixel_format(facts, counts)
    if data.background:
        chosen = replace(chosen, background=BACKGROUND_NAMES[data.background])
    if data.bits:
        chosen = replace(chosen, white_level=2**data.bits - 1)
    return chosen


def _open_validation(data: DataConfig, settings: dict[str, Any]) -> HubStream:
    """Open the split named validation and check that it can be measured."""
    stream = open_stream(data, VALIDATION_SPLIT, **settings)
    if data.no_scan:
        sample_facts(stream)  # at least a sample is checked before the training
        return _limit_rows(data, stream, None)[0]
    stream, index = _limit_rows(data, stream, scan_split(stream.sources[0]))
    assert index is not None  # it was scanned
    check_split(index, stream)
    return leave_out_unusable(stream.with_content(index.fingerprint), index)


def _limit_rows(data: DataConfig, stream: HubStream, index: SplitIndex | None) -> tuple[HubStream, SplitIndex | None]:
    """Return a stream and its index with only as many rows as were requested."""
    if data.max_rows is None:
        return stream, index
    ids = np.arange(stream.source.table.total)
    keys, rows = (index.content, index.usable) if index else (ids, stream.mask(ids))
    keep = choose_rows(keys, rows, data.max_rows)
    return stream.select(keep), index.select(keep) if index else None


def _place_rows(
    data: DataConfig, stream: HubStream, index: SplitIndex | None, cuts: list[float]
) -> tuple[HubStream, str]:
    """Return the stream with the places by which its rows are held out, and what they follow from."""
    groups = data.group_column if data.group_column in stream.features else None
    if index is None:
        return (stream.with_groups(groups), groups) if groups else (stream, "row id")
    keys = stream.sources[0].group_ids(groups) if groups else index.content
    if not index.readable.all():
        keys = np.where(index.readable, keys, np.arange(index.rows, dtype=np.uint64))
    places = places_of(keys)
    if stream.task != "regression" and cuts:
        places = stratify(places, np.where(index.usable, index.labels, -1), cuts, stream.labels)
    return stream.with_content(index.fingerprint).with_places(places), groups or "content"
