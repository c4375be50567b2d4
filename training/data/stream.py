"""`HubStream`: a Hub dataset -> exactly resumable, shuffled, sharded batches of encoded images."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Features

from model.errors import TrazoError
from model.logs import log_once
from training.config import DataConfig
from training.data.batch_order import BatchOrder, WindowSize, WindowSpan
from training.data.batches import Batch, BatchCache, Rows, cut_batches
from training.data.columns import ColumnOptions, LabeledSource, label_source
from training.data.dataset import RowDataset
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.source import SourceOptions, open_source
from training.data.parquet.split_info import SplitInfo
from training.data.prefetch import WindowReader
from training.data.scan.index import NO_IMAGE, NO_LABEL, NO_TARGET
from training.data.skip_log import SkipLog
from training.data.subset import Subset


class HubStream:
    """Shuffled batches of a Hub dataset's split, in an order that anyone can compute again.

    The order is a pure function of the seed, the epoch and the row-group table (see `training.data.order`). So
    `epoch(e, start=b)` is a seek, not a replay; batch b holds the same rows for one worker and for many; and every row
    comes exactly once per epoch. Memory holds two windows: the one in use and the one being fetched.

    A stream is made of a `RowDataset` (which rows), a `BatchOrder` (in what order) and a `SkipLog` (rows that could not
    be used). `hold_out`, `with_groups`, `concat` and `rebatch` return streams with another dataset or order.

    Example:
        >>> from training.stream import HubStream
        >>> stream = HubStream("training/sample", split="train", seed=0, batch_size=128)
        >>> stream.labels
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
        >>> len(stream)  # batches per epoch
        28
        >>> for batch in stream.epoch(3, start=20):  # continue epoch 3 at batch 20
        ...     images, labels = batch.images, batch.labels  # 128 encoded files, 128 class ids
    """

    def __init__(
        self,
        dataset: str,
        split: str = "train",
        *,
        seed: int = 0,
        batch_size: int = 128,
        rank: int = 0,
        world_size: int = 1,
        config: str | None = None,
        revision: str | None = None,
        layout: str | None = None,
        image_column: str | None = None,
        label_column: str | None = None,
        labels: tuple[str, ...] | None = None,
        task: str | None = None,
        sketches: bool = False,
        on_error: str = "skip",
        window_rows: int = DataConfig.window_rows,
        window_bytes: int = 3 << 25,
        window_runs: int = 32,
        http: HttpOptions = HttpOptions(),
        token: str | None = None,
    ) -> None:
        """Open a dataset; only its schema and the footers of its files are read.

        Args:
            dataset: a Hub id `owner/name`, a folder of images, or a folder in the layout of a Hub dataset repo.
            split: name of the split.
            seed: of the order.
            batch_size: rows of a global batch; worker `rank` gets its slice.
            rank: this worker, from 0.
            world_size: number of workers.
            config: for a dataset with several configs.
            revision: branch, tag or commit on the Hub.
            layout: of a folder of images: splits, classes or outer; see `training.data.folders.layout.find_layout`.
            image_column: needed if the schema has several image columns.
            label_column: needed unless one column is of class labels, or is called like one (label, class, target, …).
            labels: class names in the order of the ids, for a label column of strings, numbers or booleans whose
                names come from elsewhere (from the training split, when this is the test split).
            task: binary, multiclass or regression; None: numbers with fractions are a regression, others are classes.
            sketches: the images are free drawings of any size and polarity; they are prepared like those of
                `CnnModel.predict_sketch`.
            on_error: "skip" records unusable rows in `skipped`, "raise" stops at the first.
            window_rows: approximate rows per window; more mix better. Memory holds two windows of encoded images. A row
                group is never cut: one with more rows or bytes is a window by itself, with a warning.
            window_bytes: approximate bytes per window in memory, uncompressed: windows of photographs have fewer rows,
                also where they are next to small images.
            window_runs: distant runs of row groups that fill a window.
            http: timeouts, retries and the disk cache; see `training.data.parquet.byte_ranges.HttpOptions`.
            token: for the Hub; None for the one of the environment.

        Raises:
            TrazoError: if something does not exist or does not fit; one line with what was requested and what exists.
        """
        order = BatchOrder(seed, batch_size, rank, world_size, WindowSize(window_rows, window_bytes, window_runs))
        skip_log = SkipLog(on_error)
        source = open_source(dataset, split, SourceOptions(config, revision, token, http, layout))
        labeled = label_source(source, ColumnOptions(image_column, label_column, labels, task, sketches))
        order = replace(order, window_size=order.window_size.bounded(source.row_bytes))  # bytes per row are known now
        if problem := order.window_size.find_large_groups(source.table):
            log_once(f"{dataset!r} has {problem}", logging.WARNING)
        self._set_parts(RowDataset((labeled,), Subset()), order, skip_log)

    def _set_parts(
        self, dataset: RowDataset, order: BatchOrder, skip_log: SkipLog, cache: BatchCache | None = None
    ) -> None:
        self._dataset, self._order, self._skip_log, self._cache = dataset, order, skip_log, cache

    # --- What it streams ---

    @property
    def features(self) -> Features:
        """The dataset's schema."""
        return self.source.features

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the ids; for regression the target column's name."""
        return self.sources[0].labels

    @property
    def image_column(self) -> str:
        """Name of the image column; with several datasets that of the first."""
        return self.sources[0].image_column

    @property
    def label_column(self) -> str:
        """Name of the label column; with several datasets that of the first."""
        return self.sources[0].label_column

    @property
    def task(self) -> str:
        """What is to be predicted: binary, multiclass or regression."""
        return self.sources[0].task

    @property
    def sources(self) -> tuple[LabeledSource, ...]:
        """The datasets, one or several."""
        return self._dataset.sources

    @property
    def source(self) -> SplitInfo:
        """What is known about the rows of all datasets together."""
        return self._dataset.info

    @property
    def rows(self) -> int:
        """Number of rows of this stream; fewer than the split's after `hold_out`."""
        return self._dataset.rows

    @property
    def usable_rows(self) -> int:
        """Number of rows of this stream, without those that were found to be unusable so far."""
        return self.rows - int(self.mask(np.fromiter(self.skipped, np.int64)).sum())

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes this stream's rows, images and labels from others', as JSON values."""
        return self._dataset.key

    @property
    def fingerprint(self) -> str:
        """Hash of the datasets' images and labels if they were scanned, else of their files' names and sizes."""
        return self._dataset.fingerprint

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which row ids of the split belong to this stream, bool of the same shape."""
        return self._dataset.subset.mask(row_ids)

    @property
    def seed(self) -> int:
        """Seed of the order."""
        return self._order.seed

    @property
    def batch_size(self) -> int:
        """Rows of a global batch."""
        return self._order.batch_size

    @property
    def rank(self) -> int:
        """This worker, from 0."""
        return self._order.rank

    @property
    def world_size(self) -> int:
        """Number of workers."""
        return self._order.world_size

    @property
    def window_rows(self) -> int:
        """Approximate rows per window, after the limit in bytes."""
        return self._order.window_size.rows

    @property
    def skipped(self) -> dict[int, str]:
        """Row id -> reason, for the rows found so far that have no usable image or label.

        Streams that were split from one share this.
        """
        return self._skip_log.rows

    def sketches(self, row_ids: np.ndarray) -> np.ndarray | None:
        """Return which rows are free drawings, bool of the ids' shape; None if there are none in any dataset."""
        return self._dataset.sketch_mask(row_ids)

    def contains(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which rows of the split, or of several one after another, are in this stream: bool of that shape.

        Args:
            row_ids: int64, 0 … rows of the split − 1.
        """
        return self._dataset.subset.mask(row_ids)

    def __len__(self) -> int:
        """Return the number of global batches per epoch, including the last and partial one."""
        return -(-self.rows // self.batch_size)

    # --- Batches ---

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yield an epoch's batches in its shuffled order.

        Args:
            number: the epoch, from 0; each has a different order.
            start: first batch to yield; only the windows from that batch on are read.

        Yields:
            `Batch`, with the images still encoded. Rows without image or label are left out of their batch and
            recorded in `skipped`; the last batch may be smaller. With several workers it holds this worker's rows of
            the batch, as many as those of the others but for one row at most.

        Raises:
            TrazoError: if an argument is negative, or a row cannot be read.
        """
        return self.epochs(range(number, number + 1), start)

    def epochs(
        self, numbers: Iterable[int], start: int = 0, steps: int | None = None, in_parts: bool = False
    ) -> Iterator[Batch]:
        """Yield the batches of several epochs; the first window of each is fetched before the previous epoch ends.

        Args:
            numbers: the epochs.
            start: first batch of the first epoch.
            steps: batches after which each epoch ends; None for all of them.
            in_parts: large batches come in parts, which saves memory with photographs; see `Batch.is_complete`.

        Yields:
            `Batch`, as `epoch` does.

        Raises:
            TrazoError: as for `epoch`.
        """
        _check_start(start)
        stop = min(len(self) if steps is None else steps, len(self))

        def spans() -> Iterator[WindowSpan]:
            first = start
            for number in numbers:
                yield from self._order.shuffled_spans(self._dataset.table, self._dataset.subset, number, first, stop)
                first = 0

        return self._batches(spans(), stop, in_parts)

    def ordered(self, start: int = 0, in_parts: bool = False) -> Iterator[Batch]:
        """Yield all rows once, in file order, for evaluation; the last batch may be smaller.

        With several workers each has one part of the whole pass: most of its batches have no rows, and the others all.

        The batches of a small held-out part are kept in memory after the first pass (see `BatchCache`), so that
        validating every epoch does not read it again.

        Args:
            start: first batch.
            in_parts: see `epochs`.

        Raises:
            TrazoError: as for `epoch`.
        """
        _check_start(start)
        if self._cache and self._cache.batches is not None:
            yield from self._cache.batches[start:]
            return
        spans = self._order.ordered_spans(self._dataset.table, self._dataset.subset, start, len(self))
        batches = self._batches(spans, len(self), in_parts)
        yield from self._cache.record(batches) if self._cache and start == 0 else batches

    # --- Rows that cannot be used ---

    def skip(self, row_id: int, reason: str) -> None:
        """Record an unusable row, or raise if `on_error` requires it.

        Raises:
            StreamError: with on_error="raise".
        """
        self._skip_log.add(row_id, reason, self.source.dataset, self.source.split)

    def row_name(self, row_id: int) -> str:
        """Return what to call a row in a message: its number, and its file where the dataset names it."""
        return self._dataset.row_name(row_id)

    def take_skip_summary(self) -> str:
        """Return one line about the rows that were skipped since the last call; empty if there are none."""
        return self._skip_log.take_summary(self.source.split, self._dataset.file_name)

    # --- Streams of other rows ---

    def with_groups(self, column: str) -> "HubStream":
        """Return this stream with groups of rows that `hold_out` keeps together, such as one writer's.

        The whole column is read; 8 bytes per row stay in memory.

        Args:
            column: rows with an equal value in it are one group.

        Raises:
            TrazoError: if there is no such column, or the stream has several datasets or is already split.
        """
        return self._derive(self._dataset.with_groups(column))

    def with_places(self, places: np.ndarray) -> "HubStream":
        """Return this stream with a place for each row, by which `hold_out` splits it.

        Args:
            places: uint64 (rows of the split,), below 2**53; rows with an equal place stay together.

        Raises:
            TrazoError: if the stream has several datasets or is already split.
        """
        return self._derive(self._dataset.with_places(places))

    def with_content(self, fingerprint: str) -> "HubStream":
        """Return this stream known by the hash of its content, which its `key` then holds; see `SplitIndex`."""
        return self._derive(self._dataset.with_content(fingerprint))

    def with_classes(self, wanted: Sequence[str], labels: tuple[str, ...] | None = None) -> "HubStream":
        """Return a stream of only the rows of some classes; the label column is read once.

        Args:
            wanted: names of the classes.
            labels: class names in the order of the ids, such as a model's; None for those of `wanted`.

        Raises:
            TrazoError: if there is no such class or no row of them, or the stream is already split.
        """
        return self._derive(self._dataset.with_classes(wanted, labels))

    def select(self, keep: np.ndarray) -> "HubStream":
        """Return a stream of only some of this stream's rows.

        Args:
            keep: bool (rows of the split,).

        Raises:
            TrazoError: if the stream has several datasets, or no row is left.
        """
        return self._derive(self._dataset.select(keep))

    def cached(self) -> "HubStream":
        """Return this stream, which keeps the batches of `ordered` in memory if they are small (see `BatchCache`)."""
        return self._derive(self._dataset, BatchCache())

    def hold_out(self, fraction: float) -> tuple["HubStream", "HubStream"]:
        """Split the rows of this stream in two by their ids: (the rest, the rows held out).

        Args:
            fraction: share of the rows to hold out, above 0 and below 1; met on average, not to the row.

        Raises:
            TrazoError: if a part would be empty.
        """
        rest, held_out = self._dataset.hold_out(fraction)
        return self._derive(rest), self._derive(held_out, BatchCache())

    def rebatch(self, batch_size: int, seed: int | None = None) -> "HubStream":
        """Return the same rows in batches of another size; in the same order unless there is another seed."""
        order = replace(self._order, batch_size=batch_size, seed=self.seed if seed is None else seed)
        return _DerivedStream(self._dataset, order, self._skip_log)

    def for_worker(self, rank: int, world_size: int) -> "HubStream":
        """Return this stream with the slices of one worker.

        Args:
            rank: the worker, from 0.
            world_size: number of workers.

        Raises:
            TrazoError: if they do not fit together.
        """
        if (rank, world_size) == (self.rank, self.world_size):
            return self
        order = replace(self._order, rank=rank, world_size=world_size)
        return _DerivedStream(self._dataset, order, self._skip_log, BatchCache() if self._cache else None)

    @staticmethod
    def concat(streams: Sequence["HubStream"]) -> "HubStream":
        """Return one stream over the rows of several, in an exact order as if their files were one dataset's.

        Row ids continue from one to the next. The settings that do not belong to a dataset are those of the first.

        Raises:
            TrazoError: if they do not have the same task and classes.
        """
        first = streams[0]
        if len(streams) == 1:
            return first
        dataset = RowDataset.concat([stream._dataset for stream in streams])
        window_size = replace(first._order.window_size, rows=min(stream.window_rows for stream in streams))
        skip_log, first_row = SkipLog(first._skip_log.on_error), 0
        for stream in streams:
            skip_log.rows |= {first_row + row: reason for row, reason in stream.skipped.items()}
            first_row += stream.source.table.total
        return _DerivedStream(dataset, replace(first._order, window_size=window_size), skip_log)

    def _derive(self, dataset: RowDataset, cache: BatchCache | None = None) -> "HubStream":
        return _DerivedStream(dataset, self._order, self._skip_log, cache)

    # --- Batches from windows ---

    def _batches(self, spans: Iterator[WindowSpan], stop: int, in_parts: bool = False) -> Iterator[Batch]:
        with WindowReader(self._dataset.read_run, self._dataset.assemble) as reader:
            for number, rows, is_complete in cut_batches(reader.read(spans), self._order, self.rows, stop, in_parts):
                yield self._batch(number, rows, is_complete)
                del rows

    def _batch(self, number: int, rows: Rows, is_complete: bool) -> Batch:
        """Return the usable rows as a batch and record the others."""
        usable = rows.has_image & rows.has_label
        positions = rows.positions - number * self.batch_size
        if usable.all():
            return Batch(rows.images, rows.labels, rows.ids, positions, number, is_complete)
        for position in np.flatnonzero(~usable):
            no_label = NO_TARGET if self.task == "regression" else NO_LABEL
            self.skip(rows.ids[position], no_label if rows.has_image[position] else NO_IMAGE)
        images = rows.images.filter(pa.array(usable))
        return Batch(images, rows.labels[usable], rows.ids[usable], positions[usable], number, is_complete)


class _DerivedStream(HubStream):
    """A stream made from the parts of another one; nothing is opened."""

    def __init__(
        self, dataset: RowDataset, order: BatchOrder, skip_log: SkipLog, cache: BatchCache | None = None
    ) -> None:
        self._set_parts(dataset, order, skip_log, cache)


def _check_start(start: int) -> None:
    if start < 0:
        raise TrazoError(f"start must not be negative: {start}")
