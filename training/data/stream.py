"""`HubStream`: a Hub dataset -> exactly resumable, shuffled, sharded batches of encoded images."""

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Features

from model.errors import StreamError, TrazoError
from training.data.columns import LabeledSource
from training.data.order import ConcatSubset, Subset, Window, kept_rows, ordered_windows, shuffled_windows
from training.data.parquet.byte_ranges import HttpOptions
from training.data.parquet.source import SplitInfo, concat_splits, open_source

FETCHES = 4  # runs that are fetched at once; more contend for the interpreter
MAX_CACHED_BYTES = 1 << 26  # a held-out part below this many encoded bytes is kept in memory after its first pass


@dataclass(frozen=True)
class Batch:
    """One batch, or a worker's slice of it."""

    encoded: pa.LargeBinaryArray  # (n,): the images as they are stored, side by side in one buffer
    labels: np.ndarray  # (n,): int64 class ids, or float32 targets
    index: np.ndarray  # (n,) int64: row ids, 0 … rows−1 over the split, in file order
    number: int  # of the batch in its epoch, from 0

    @cached_property
    def images(self) -> list[bytes]:
        """The encoded images, one by one."""
        return self.encoded.to_pylist()

    def packed(self) -> tuple[np.ndarray, list[int]]:
        """Return the encoded images side by side, uint8 (bytes,), and where each begins and the last one ends."""
        _, offsets, data = self.encoded.buffers()
        if data is None:
            return np.zeros(0, np.uint8), [0]
        first, n = self.encoded.offset, len(self.encoded)
        ends = np.frombuffer(offsets, np.int64)[first : first + n + 1]
        return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], (ends - ends[0]).tolist()


@dataclass(frozen=True)
class _Rows:
    """Rows that were read: some of a window, in the order of their visit."""

    ids: np.ndarray  # (n,) int64
    images: pa.LargeBinaryArray  # (n,)
    labels: np.ndarray  # (n,)
    has_image: np.ndarray  # (n,) bool
    has_label: np.ndarray  # (n,) bool

    def __getitem__(self, which: slice) -> "_Rows":
        images = self.images.slice(which.start, which.stop - which.start)
        return _Rows(self.ids[which], images, self.labels[which], self.has_image[which], self.has_label[which])

    def copy(self) -> "_Rows":
        """Return the same rows without hold on the window that they were cut from."""
        everything = pa.array(np.arange(len(self.ids)))
        return replace(self, images=self.images.take(everything))

    @staticmethod
    def join(parts: list["_Rows"]) -> "_Rows":
        columns = [[getattr(part, field.name) for part in parts] for field in fields(_Rows)]
        join = [pa.concat_arrays if field.name == "images" else np.concatenate for field in fields(_Rows)]
        return _Rows(*(f(column) for f, column in zip(join, columns, strict=True)))


class HubStream:
    """Shuffled batches of a Hub dataset's split, in an order that anybody can compute again.

    The order is a pure function of the seed, the epoch and the row-group table (see `training.data.order`). So
    `epoch(e, start=b)` is a seek, not a replay, batch b holds the same rows for one worker and for many, and every row
    comes exactly once an epoch. Memory holds two windows: the one in use and the one being fetched.

    Attributes:
        members: the datasets, one or several.
        rows: number of rows of this part of the split.
        skipped: row id -> reason, of rows that had no usable image or label, as far as they were met.
        failure: what broke the stream off while TensorFlow was reading it; None so far.
        source: what is known of the rows of all members together.
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
        image_column: str | None = None,
        label_column: str | None = None,
        labels: tuple[str, ...] | None = None,
        task: str | None = None,
        sketches: bool = False,
        on_error: str = "skip",
        window_rows: int = 32768,
        window_bytes: int = 1 << 27,
        window_runs: int = 32,
        http: HttpOptions = HttpOptions(),
        token: str | None = None,
    ) -> None:
        """Open a dataset; nothing but its schema and the footers of its files is read.

        Args:
            dataset: a Hub id `owner/name`, or a local folder in the layout of a Hub dataset repo.
            split: name of the split.
            seed: of the order.
            batch_size: rows of a global batch; worker `rank` gets its slice.
            rank: this worker, from 0.
            world_size: number of workers.
            config: of a dataset with several configs.
            revision: branch, tag or commit on the Hub.
            image_column: where the schema has several image columns.
            label_column: where the schema leaves open which column is the label.
            labels: class names in the order of the ids, for a label column of strings, numbers or booleans whose
                names come from elsewhere (from the training split, when this is the test split).
            task: binary, multiclass or regression; None: a column of floats is regression, any other are classes.
            sketches: the pictures are free drawings of any size and polarity; they are prepared as
                `CnnModel.predict_sketch` prepares them.
            on_error: "skip" reports unusable rows in `skipped`, "raise" stops at the first.
            window_rows: rows in a window, about; more mix better. Memory holds two windows of encoded images. A row
                group is never cut: one with more rows than that is a window of its own, and is told.
            window_bytes: bytes in a window, about: photographs make windows of fewer rows.
            window_runs: distant runs of row groups that fill a window.
            http: timeouts, retries and the disk cache; see `training.data.parquet.byte_ranges.HttpOptions`.
            token: of the Hub; None for the environment's.

        Raises:
            TrazoError: in one line, what was asked and what exists.
        """
        whole = all(isinstance(number, (int, np.integer)) for number in (seed, batch_size, rank, world_size))
        if not whole or seed < 0:
            raise TrazoError("seed, batch_size, rank and world_size are whole numbers, and the seed is not negative")
        if batch_size < 1 or world_size < 1 or not 0 <= rank < world_size:
            raise TrazoError(f"batch_size {batch_size}, rank {rank} of world_size {world_size} do not fit together")
        if on_error not in ("skip", "raise"):
            raise TrazoError(f"on_error is skip or raise, not {on_error!r}")
        if min(window_rows, window_bytes, window_runs) < 1:
            raise TrazoError("window_rows, window_bytes and window_runs are at least 1")
        source = open_source(dataset, split, config, revision, token, http)
        self.members: tuple[LabeledSource, ...] = (
            LabeledSource.of(source, image_column, label_column, labels, task, sketches),
        )
        self.source: SplitInfo = source
        self.seed, self.batch_size, self.rank, self.world_size = seed, batch_size, rank, world_size
        self.on_error, self.window_runs = on_error, window_runs
        self.window_rows = max(1, min(window_rows, int(window_bytes / source.row_bytes)))
        largest = int(source.table.rows.max())
        if largest > self.window_rows and len(source.table.rows) > 1:
            print(
                f"{dataset!r} has row groups of up to {largest:,} rows: each fills a window alone, which mixes less "
                f"and holds more than {self.window_rows:,} rows; groups of 100 to 1,000 rows suit images",
                flush=True,
            )
        self.skipped: dict[int, str] = {}
        self._reported: set[int] = set()
        self.failure: Exception | None = None
        self._cached: list[Batch] | None = None
        self._choose(Subset())

    @staticmethod
    def concat(streams: Sequence["HubStream"]) -> "HubStream":
        """Return one stream over the rows of several, in their exact order as if their files were one dataset's.

        Row ids count on from one to the next. Settings other than the datasets' own are the first one's.

        Raises:
            TrazoError: when they do not tell the same classes apart.
        """
        first, *others = streams
        for other in others:
            same_classes = first.task == "regression" or sorted(other.labels) == sorted(first.labels)
            if other.task != first.task or not same_classes:
                raise TrazoError(
                    f"{other.source.dataset!r} asks {other.task} {', '.join(other.labels)}; "
                    f"{first.source.dataset!r} asks {first.task} {', '.join(first.labels)}"
                )
        if not others:
            return first
        whole = first._with(Subset())
        whole.members = tuple(replace(member, labels=first.labels) for stream in streams for member in stream.members)
        whole.source = concat_splits([member.source for member in whole.members])
        whole.window_rows = min(stream.window_rows for stream in streams)
        whole.skipped, whole._reported = {}, set()
        totals = [member.source.table.total for member in whole.members]
        whole._choose(
            ConcatSubset(tuple(stream._subset for stream in streams), tuple(np.cumsum([0, *totals[:-1]]).tolist()))
        )
        return whole

    @property
    def features(self) -> Features:
        """The dataset's own schema."""
        return self.source.features

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the ids; for regression the target column's name."""
        return self.members[0].labels

    @property
    def image_column(self) -> str:
        """Name of the column of images; of several datasets the first one's."""
        return self.members[0].image_column

    @property
    def label_column(self) -> str:
        """Name of the label column; of several datasets the first one's."""
        return self.members[0].label_column

    @property
    def task(self) -> str:
        """What the label column asks: binary, multiclass or regression."""
        return self.members[0].task

    @property
    def key(self) -> dict[str, Any]:
        """What tells this stream's rows, pictures and labels from another's; it fits into JSON."""
        datasets = {str(number): member.key for number, member in enumerate(self.members)}
        return {"datasets": datasets, "part": self._subset.key, "rows": self.rows}

    def sketches(self, row_ids: np.ndarray) -> np.ndarray | None:
        """Return which rows are free drawings, bool of the ids' shape; None where there are none in any dataset."""
        if not any(member.sketches for member in self.members):
            return None
        return np.array([member.sketches for member in self.members])[self._member_of(row_ids)]

    def __len__(self) -> int:
        """Return the number of global batches of an epoch, the last and partial one included."""
        return -(-self.rows // self.batch_size)

    def with_groups(self, column: str) -> "HubStream":
        """Return this stream with rows that `hold_out` keeps together: those of an equal value, such as one writer's.

        The column is read as a whole; 8 bytes a row stay in memory.

        Raises:
            TrazoError: when there is no such column, or the stream is of several datasets or already cut.
        """
        if len(self.members) > 1 or self.rows < self.source.table.total:
            raise TrazoError("rows are kept together by a column before a stream is cut or joined with others")
        return self._with(Subset(groups=self.members[0].groups(column)))

    def hold_out(self, fraction: float) -> tuple["HubStream", "HubStream"]:
        """Split the rows of this stream in two by their ids: (the rest, the rows held out).

        Args:
            fraction: share of the rows to hold out, above 0 and below 1; met on average, not to the row.

        Raises:
            TrazoError: when a part would be empty.
        """
        if not 0 < fraction < 1:
            raise TrazoError(f"the share to hold out must lie between 0 and 1, not {fraction}")
        rest, held_out = (self._with(part) for part in self._subset.split(fraction))
        held_out._cache_in_memory = True
        streams = rest, held_out
        if not all(stream.rows for stream in streams):
            raise TrazoError(f"holding out {fraction} of {self.rows} rows leaves one part empty")
        return streams

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yield an epoch's batches in its shuffled order.

        Args:
            number: the epoch, from 0; each has an order of its own.
            start: first batch to yield; only the windows from that batch on are read.

        Yields:
            `Batch`, with the images still encoded. Rows without image or label are left out of their batch and
            reported in `skipped`; the last batch may be smaller.
        """
        return self.epochs(range(number, number + 1), start)

    def epochs(self, numbers: Iterable[int], start: int = 0, steps: int | None = None) -> Iterator[Batch]:
        """Yield the batches of several epochs; the next one's first window is fetched while the last one ends.

        Args:
            numbers: the epochs.
            start: first batch of the first epoch.
            steps: batches after which each epoch ends; None for all of them.

        Yields:
            as `epoch`.
        """
        if start < 0:
            raise TrazoError(f"start must not be negative: {start}")
        stop = min(len(self) if steps is None else steps, len(self))

        def spans() -> Iterator[_WindowSpan]:
            first = start
            for number in numbers:
                if number < 0:
                    raise TrazoError(f"epochs count from 0, there is none of number {number}")
                windows = shuffled_windows(
                    self.source.table, self._subset, self.seed, number, self.window_rows, self.window_runs
                )
                yield from self._spans(windows, first, stop)
                first = 0

        return self._batches(spans(), stop, shuffled=True)

    def ordered(self, start: int = 0) -> Iterator[Batch]:
        """Yield all rows once, in file order, for evaluation; the last batch may be smaller.

        A held-out part of at most `MAX_CACHED_BYTES` is kept after its first pass, so that validating every epoch does
        not read it again.
        """
        if start < 0:
            raise TrazoError(f"start must not be negative: {start}")
        if self._cached is not None:
            yield from self._cached[start:]
            return
        remembers = self._cache_in_memory and start == 0
        kept, size = [], 0
        windows = ordered_windows(self.source.table, self._subset, self.window_rows)
        for batch in self._batches(self._spans(windows, start, len(self)), len(self), shuffled=False):
            size += batch.encoded.nbytes
            if remembers and size <= MAX_CACHED_BYTES:
                kept.append(batch)
            else:
                remembers = False
                kept.clear()
            yield batch
        if remembers:
            self._cached = kept

    def skip(self, row_id: int, reason: str) -> None:
        """Report an unusable row, or raise where `on_error` says so.

        Raises:
            StreamError: with on_error="raise".
        """
        if self.on_error == "raise":
            raise StreamError(f"row {row_id} of {self.source.dataset!r}, split {self.source.split!r}: {reason}")
        self.skipped[int(row_id)] = reason

    def take_skip_summary(self) -> str:
        """Return one line on the rows that were skipped since the last call; empty when there are none."""
        new = {row: reason for row, reason in sorted(self.skipped.items()) if row not in self._reported}
        self._reported.update(new)
        if not new:
            return ""
        shown = ", ".join(f"{row} ({reason})" for row, reason in list(new.items())[:10])
        return f"skipped {len(new)} rows of {self.source.split}: {shown}" + (" …" if len(new) > 10 else "")

    # --- Batches from windows ---

    def _spans(self, windows: list[Window], start: int, stop: int) -> Iterator["_WindowSpan"]:
        """Yield the windows that hold the batches [start, stop) of an epoch."""
        ends = np.cumsum([window.rows for window in windows])
        first = int(np.searchsorted(ends, start * self.batch_size, side="right"))
        last = int(np.searchsorted(ends, min(stop * self.batch_size, self.rows), side="left"))
        for index in range(first, min(last + 1, len(windows))):
            window, end = windows[index], int(ends[index])
            yield _WindowSpan(window, end - window.rows, end, start if index == first else None)

    def _batches(self, spans: Iterator["_WindowSpan"], stop: int, shuffled: bool) -> Iterator[Batch]:
        number = stop
        pending: list[_Rows] = []
        with _Reader(self, spans, shuffled) as reader:
            for span, rows in reader:
                if span.start is not None:
                    number, pending = span.start, []
                while number < stop:
                    low, high = self._slice(number)
                    a, b = max(low, span.begin) - span.begin, min(high, span.end) - span.begin
                    if a < b:
                        pending.append(rows[a:b])
                    if high > span.end:
                        break  # the rest of this batch is in the next window
                    yield self._batch(number, pending)
                    number, pending = number + 1, []
                pending = [part.copy() for part in pending]
                del rows

    def _slice(self, number: int) -> tuple[int, int]:
        """Return this worker's positions [low, high) in the epoch's order for a global batch."""
        low = number * self.batch_size
        size = min(self.batch_size, self.rows - low)
        return low + self.rank * size // self.world_size, low + (self.rank + 1) * size // self.world_size

    def _batch(self, number: int, parts: list[_Rows]) -> Batch:
        if not parts:  # more workers than rows in the last batch
            return Batch(pa.array([], pa.large_binary()), np.zeros(0, self._label_dtype), np.zeros(0, np.int64), number)
        rows = parts[0] if len(parts) == 1 else _Rows.join(parts)
        usable = rows.has_image & rows.has_label
        if usable.all():
            return Batch(rows.images, rows.labels, rows.ids, number)
        for position in np.flatnonzero(~usable):
            self.skip(rows.ids[position], "no label" if rows.has_image[position] else "no image")
        return Batch(rows.images.filter(pa.array(usable)), rows.labels[usable], rows.ids[usable], number)

    def _read_run(self, run: tuple[int, int]) -> tuple[pa.Array, pa.Array]:
        """Read a run's rows of this part: images (large_binary, null where missing) and labels (null likewise)."""
        table = self.source.table
        ids = np.arange(table.first[run[0]], table.first[run[1] - 1] + table.rows[run[1] - 1])
        member = int(self._member_of(ids[:1])[0])
        start = self._first_group[member]
        return self.members[member].read((run[0] - start, run[1] - start), self._subset.mask(ids))

    def _member_of(self, row_ids: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._first_row, row_ids, side="right") - 1

    def _rows(self, window: Window, runs: list[tuple[pa.Array, pa.Array]], shuffled: bool) -> _Rows:
        """Put a window's runs together, in the order of their visit."""
        ids = window.row_ids(self.source.table, self._subset)
        images, labels = (pa.concat_arrays(column) for column in zip(*runs, strict=True))
        if shuffled:
            order = window.permutation()
            ids, images, labels = ids[order], images.take(pa.array(order)), labels.take(pa.array(order))
        has_image, has_label = (~np.asarray(column.is_null()) for column in (images, labels))
        return _Rows(ids, images, np.asarray(labels.fill_null(0), self._label_dtype), has_image, has_label)

    @property
    def _label_dtype(self) -> type:
        return np.float32 if self.task == "regression" else np.int64

    # --- ConcatSubset ---

    def rebatch(self, batch_size: int) -> "HubStream":
        """Return the same rows in the same order, in batches of another size."""
        other = self._with(self._subset)
        other.batch_size = batch_size
        return other

    def _with(self, part: Subset | ConcatSubset) -> "HubStream":
        other = object.__new__(HubStream)
        other.__dict__.update(self.__dict__)
        other._choose(part)
        return other

    def _choose(self, part: Subset | ConcatSubset) -> None:
        self._subset = part
        tables = [member.source.table for member in self.members]
        self._first_row = np.cumsum([0, *(table.total for table in tables[:-1])])
        self._first_group = np.cumsum([0, *(len(table.rows) for table in tables[:-1])]).tolist()
        self.rows = int(kept_rows(self.source.table, part).sum())
        self._cache_in_memory, self._cached = False, None


@dataclass(frozen=True)
class _WindowSpan:
    """A window and its place in an epoch's order."""

    window: Window
    begin: int  # position of its first row
    end: int  # position after its last row
    start: int | None  # with the first window of an epoch: the first batch that is wanted of it


class _Reader:
    """Windows' rows in the order of their visit, the next window fetched while one is in use."""

    def __init__(self, stream: HubStream, spans: Iterator[_WindowSpan], shuffled: bool) -> None:
        self._stream, self._spans, self._shuffled = stream, spans, shuffled
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._closed = False

    def __enter__(self) -> "_Reader":
        # Daemons, unlike those of an executor: a process that is told to end does not wait for a silent Hub first.
        for number in range(FETCHES):
            threading.Thread(target=self._work, name=f"trazo-fetch-{number}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        for _fetcher in range(FETCHES):
            self._tasks.put(None)

    def __iter__(self) -> Iterator[tuple[_WindowSpan, _Rows]]:
        ahead = self._fetch()
        while ahead:
            span, tasks = ahead
            runs = [task.result() for task in tasks]
            del tasks
            ahead = self._fetch()
            rows = self._stream._rows(span.window, runs, self._shuffled)
            del runs  # memory holds no window longer than it is needed
            yield span, rows
            del rows

    def _fetch(self) -> tuple[_WindowSpan, list[Future]] | None:
        span = next(self._spans, None)
        if span is None:
            return None
        futures: list[Future] = []
        for run in span.window.runs:
            futures.append(Future())
            self._tasks.put((futures[-1], run))
        return span, futures

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, run = task
            if not self._closed:
                try:
                    future.set_result(self._stream._read_run(run))
                except BaseException as error:
                    future.set_exception(error)
            del task, future  # the rows are the reader's alone
