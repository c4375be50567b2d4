"""The order in which an epoch visits the rows: a pure function of (seed, epoch, row-group table, subset).

Shuffling single rows would need one request per row. Instead an epoch is cut into *windows* that fit in memory. A
window is filled from several *runs* (neighboring row groups, read in one request) that lie far apart in the dataset, so
that even a dataset sorted by label mixes; then the rows inside the window are permuted. Nothing in this module reads
data: the whole order is known before the first byte is requested, which makes a resume a seek.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from model.errors import TrazoError
from training.data.subset import AnySubset

MAX_IDS_PER_COUNT = 1 << 16  # row ids that are in memory at a time while rows are counted
ORDERED_RUNS = 4  # runs of a window in file order

Run = tuple[int, int]  # [start, stop) in the row-group table; inside one shard


@dataclass(frozen=True)
class RowGroups:
    """The row-group table of a split: one entry per row group, in file order.

    All arrays are int64 of one length.
    """

    shard: np.ndarray  # index of the file
    group: np.ndarray  # index of the row group in its file
    rows: np.ndarray  # number of rows

    @cached_property
    def first(self) -> np.ndarray:
        """Row id of each group's first row; ids count from 0 over the split, in file order."""
        return np.cumsum(self.rows) - self.rows

    @property
    def total(self) -> int:
        """Number of rows of the split."""
        return int(self.rows.sum())

    def row_ids(self, run: Run) -> np.ndarray:
        """Return the ids of a run's rows, int64 (rows,)."""
        start, last = run[0], run[1] - 1
        return np.arange(self.first[start], self.first[last] + self.rows[last])


@dataclass(frozen=True)
class Window:
    """The part of the order that is in memory at one time."""

    runs: tuple[Run, ...]
    rows: int  # of the subset
    key: tuple[int, ...]  # seeds the permutation; empty for a window in file order

    def row_ids(self, table: RowGroups, subset: AnySubset) -> np.ndarray:
        """Return the window's row ids in the order of its runs, int64 (rows,): the order in which they are read."""
        ids = np.concatenate([np.zeros(0, np.int64), *(table.row_ids(run) for run in self.runs)])
        return ids[subset.mask(ids)]

    def permutation(self) -> np.ndarray:
        """Return the order in which the window's rows are visited, as positions in `row_ids`."""
        return np.random.default_rng(self.key).permutation(self.rows) if self.key else np.arange(self.rows)


def shuffled_windows(
    table: RowGroups, subset: AnySubset, seed: int, epoch: int, window_rows: int, window_runs: int
) -> list[Window]:
    """Return an epoch's windows in the order in which they are visited.

    Args:
        table: the split's row groups.
        subset: the rows to visit.
        seed: of the whole training.
        epoch: from 0.
        window_rows: approximate number of rows per window; a window holds at least one row group of any size.
        window_runs: distant runs that fill a window; more mix better and cost more requests.
    """
    random = np.random.default_rng((seed, epoch))
    runs = _cut_into_runs(table, max(1, window_rows // window_runs), random)
    rows = count_rows(table, subset)
    number = min(len(runs), max(1, -(-table.total // window_rows)))
    runs_of_window: list[list[Run]] = [[] for _ in range(number)]
    # Each stratum, `number` neighboring runs, gives every window one run: a window spans the whole dataset.
    for start in range(0, len(runs), number):
        stratum = runs[start : start + number]
        for run, window in zip(stratum, random.permutation(number), strict=False):
            runs_of_window[window].append(run)
    return [
        Window(tuple(chosen), int(sum(rows[a:b].sum() for a, b in chosen)), (seed, epoch, index))
        for index, chosen in enumerate(runs_of_window)
    ]


def ordered_windows(table: RowGroups, subset: AnySubset, window_rows: int) -> list[Window]:
    """Return windows that visit the rows in file order.

    Nothing has to mix here, so a window holds a quarter of `window_rows`, in runs that are fetched in parallel: the
    first batch comes sooner.
    """
    rows = count_rows(table, subset)
    runs = _cut_into_runs(table, max(1, window_rows // (4 * ORDERED_RUNS)), None)
    windows = [tuple(runs[start : start + ORDERED_RUNS]) for start in range(0, len(runs), ORDERED_RUNS)]
    return [Window(chosen, int(sum(rows[a:b].sum() for a, b in chosen)), ()) for chosen in windows]


def count_rows(table: RowGroups, subset: AnySubset) -> np.ndarray:
    """Return how many rows of each row group belong to the subset, int64 of the table's length."""
    counts = np.empty(len(table.rows), np.int64)
    # In pieces: the ids of all the rows of a large dataset would fill more memory than its windows.
    cuts = np.flatnonzero(np.diff(table.first // MAX_IDS_PER_COUNT, prepend=-1))
    for a, b in pairwise([*cuts.tolist(), len(counts)]):
        mask = subset.mask(table.row_ids((a, b)))
        counts[a:b] = np.add.reduceat(mask, table.first[a:b] - table.first[a], dtype=np.int64)
    return counts


def _cut_into_runs(table: RowGroups, target: int, random: np.random.Generator | None) -> list[Run]:
    """Cut the table into runs of about `target` rows; with `random`, the cuts differ between epochs."""
    runs: list[Run] = []
    start, rows = 0, 0 if random is None else int(random.integers(target))
    for group in range(len(table.rows)):
        new_shard = group > start and table.shard[group] != table.shard[start]
        if group > start and (new_shard or rows + table.rows[group] > target):
            runs.append((start, group))
            start, rows = group, 0
        rows += int(table.rows[group])
    if start < len(table.rows):
        runs.append((start, len(table.rows)))
    return runs


@dataclass(frozen=True)
class WindowSize:
    """How much a window holds; a row group is never cut.

    Attributes:
        rows: approximate number of rows.
        bytes: approximate number of bytes.
        runs: distant runs of row groups that fill a shuffled window.
    """

    rows: int
    bytes: int
    runs: int

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TrazoError: if one is smaller than 1.
        """
        if min(self.rows, self.bytes, self.runs) < 1:
            raise TrazoError("window_rows, window_bytes and window_runs are at least 1")

    def bounded(self, row_bytes: float) -> "WindowSize":
        """Return this size with no more rows than fit into its bytes."""
        return replace(self, rows=max(1, min(self.rows, int(self.bytes / row_bytes))))


@dataclass(frozen=True)
class WindowSpan:
    """A window and its position in an epoch."""

    window: Window
    begin: int  # position of its first row in the epoch's order
    end: int  # position after its last row
    start: int | None  # in the first span of an epoch: the first batch to yield


@dataclass(frozen=True)
class BatchOrder:
    """Which rows each batch of an epoch holds, for one worker.

    Attributes:
        seed: of the whole training.
        batch_size: rows of a global batch.
        rank: this worker, from 0.
        world_size: number of workers; each gets its slice of every global batch.
        window: size of a window.
    """

    seed: int
    batch_size: int
    rank: int
    world_size: int
    window: WindowSize

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TrazoError: if they are not whole numbers or do not fit together.
        """
        numbers = self.seed, self.batch_size, self.rank, self.world_size
        if not all(isinstance(number, (int, np.integer)) for number in numbers) or self.seed < 0:
            raise TrazoError("seed, batch_size, rank and world_size are whole numbers, and the seed is not negative")
        if self.batch_size < 1 or self.world_size < 1 or not 0 <= self.rank < self.world_size:
            raise TrazoError(
                f"batch_size {self.batch_size}, rank {self.rank} of world_size {self.world_size} do not fit together"
            )

    def shuffled_spans(
        self, table: RowGroups, subset: AnySubset, epoch: int, start: int, stop: int
    ) -> Iterator[WindowSpan]:
        """Yield the windows that hold the batches [start, stop) of a shuffled epoch.

        Raises:
            TrazoError: if the epoch is negative.
        """
        if epoch < 0:
            raise TrazoError(f"epochs count from 0, there is none of number {epoch}")
        windows = shuffled_windows(table, subset, self.seed, epoch, self.window.rows, self.window.runs)
        yield from self._spans(windows, start, stop)

    def ordered_spans(self, table: RowGroups, subset: AnySubset, start: int, stop: int) -> Iterator[WindowSpan]:
        """Yield the windows that hold the batches [start, stop) in file order."""
        yield from self._spans(ordered_windows(table, subset, self.window.rows), start, stop)

    def slice(self, batch: int, rows: int) -> tuple[int, int]:
        """Return this worker's positions [low, high) for a global batch, in an epoch of so many rows."""
        low = batch * self.batch_size
        size = min(self.batch_size, rows - low)
        return low + self.rank * size // self.world_size, low + (self.rank + 1) * size // self.world_size

    def _spans(self, windows: list[Window], start: int, stop: int) -> Iterator[WindowSpan]:
        ends = np.cumsum([window.rows for window in windows])
        rows = int(ends[-1])
        first = int(np.searchsorted(ends, start * self.batch_size, side="right"))
        last = int(np.searchsorted(ends, min(stop * self.batch_size, rows), side="left"))
        for index in range(first, min(last + 1, len(windows))):
            window, end = windows[index], int(ends[index])
            yield WindowSpan(window, end - window.rows, end, start if index == first else None)
