"""The order in which an epoch visits the rows: a pure function of seed, epoch, row-group table, subset and window size.

Shuffling single rows would need one request per row. Instead an epoch is cut into *windows* that fit in memory. A
window is filled from several *runs* (neighboring row groups, read in one request) that lie far apart in the dataset, so
that even a dataset sorted by label mixes; then the rows inside the window are permuted. Nothing in this module reads
data: the whole order is known before the first byte is requested, which makes a resume a seek. `batch_order` cuts this
order into batches, and `worker_rows` shares these among workers.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from training.data.subset import AnySubset

MAX_IDS_PER_COUNT = 1 << 16  # row ids that are in memory at a time while rows are counted
ORDERED_RUNS = 4  # runs of a window in file order
ORDERED_WINDOW_SHARE = 1 / 4  # of the rows of a shuffled window

Run = tuple[int, int]  # [start, stop) in the row-group table; inside one shard


@dataclass(frozen=True)
class RowGroups:
    """The row-group table of a split: one entry per row group, in file order.

    All arrays are int64 of one length.
    """

    shard: np.ndarray  # index of the file
    group: np.ndarray  # index of the row group in its file
    rows: np.ndarray  # number of rows
    bytes: np.ndarray  # of its rows in memory, uncompressed

    @cached_property
    def first(self) -> np.ndarray:
        """Row id of each group's first row; ids count from 0 over the split, in file order."""
        return np.cumsum(self.rows) - self.rows

    @property
    def total(self) -> int:
        """Number of rows of the split."""
        return int(self.rows.sum())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the table: the order of an epoch follows from it."""
        return hashlib.sha256(np.stack([self.shard, self.rows, self.bytes]).data).hexdigest()[:16]

    def row_ids(self, run: Run) -> np.ndarray:
        """Return the ids of a run's rows, int64 (rows,)."""
        start, last = run[0], run[1] - 1
        return np.arange(self.first[start], self.first[last] + self.rows[last])


@dataclass(frozen=True)
class Window:
    """The part of the order that is in memory at one time."""

    runs: tuple[Run, ...]  # in file order
    rows: int  # number of its rows that belong to the subset
    permutation_seed: tuple[int, ...]  # empty for a window in file order

    def row_ids(self, table: RowGroups, subset: AnySubset) -> np.ndarray:
        """Return the window's row ids, int64 (rows,), in file order: the order in which they are read."""
        ids = np.concatenate([np.zeros(0, np.int64), *(table.row_ids(run) for run in self.runs)])
        return ids[subset.mask(ids)]

    def permutation(self) -> np.ndarray:
        """Return the order in which the window's rows are visited, as positions in `row_ids`."""
        seed = self.permutation_seed
        return np.random.default_rng(seed).permutation(self.rows) if seed else np.arange(self.rows)


def shuffled_windows(
    table: RowGroups,
    subset: AnySubset,
    seed: int,
    epoch: int,
    window_rows: int,
    window_runs: int,
    window_bytes: float = math.inf,
) -> list[Window]:
    """Return an epoch's windows in the order in which they are visited.

    Args:
        table: the split's row groups.
        subset: the rows to visit.
        seed: of the whole training.
        epoch: from 0.
        window_rows: approximate number of rows per window; a window holds at least one row group of any size.
        window_runs: distant runs that fill a window; more mix better and cost more requests.
        window_bytes: approximate number of bytes per window, also where the rows are larger than elsewhere. The mean
            row must fit in it `window_rows` times.
    """
    random = np.random.default_rng((seed, epoch))
    runs = _cut_into_runs(table, max(1, window_rows // window_runs), window_bytes / window_runs, random)
    rows = count_rows(table, subset)
    window_count = min(len(runs), max(1, math.ceil(table.total / window_rows)))
    runs_of_window: list[list[Run]] = [[] for _ in range(window_count)]
    # Each stratum, `window_count` neighboring runs, gives every window one run: a window spans the whole dataset.
    for start in range(0, len(runs), window_count):
        stratum = runs[start : start + window_count]
        for run, window in zip(stratum, random.permutation(window_count), strict=False):
            runs_of_window[window].append(run)
    return [
        Window(tuple(chosen), int(sum(rows[a:b].sum() for a, b in chosen)), (seed, epoch, index))
        for index, chosen in enumerate(runs_of_window)
    ]


def ordered_windows(
    table: RowGroups, subset: AnySubset, window_rows: int, window_bytes: float = math.inf
) -> list[Window]:
    """Return windows that visit the rows in file order.

    Nothing has to mix here, so a window holds a quarter of `window_rows`, and of `window_bytes`, in runs that are
    fetched in parallel: the first batch comes sooner.
    """
    rows = count_rows(table, subset)
    target_rows = max(1, int(window_rows * ORDERED_WINDOW_SHARE) // ORDERED_RUNS)
    runs = _cut_into_runs(table, target_rows, window_bytes * ORDERED_WINDOW_SHARE / ORDERED_RUNS, None)
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


def _cut_into_runs(
    table: RowGroups, target_rows: int, max_bytes: float, random: np.random.Generator | None
) -> list[Run]:
    """Cut the table into runs of about `target_rows`, fewer where these have more than `max_bytes`.

    With `random`, the cuts differ between epochs.
    """
    runs: list[Run] = []
    start = size = 0
    # The first run is shorter by a random number of rows, which moves all cuts.
    rows = 0 if random is None else int(random.integers(target_rows))
    for group in range(len(table.rows)):
        new_shard = group > start and table.shard[group] != table.shard[start]
        is_full = rows + table.rows[group] > target_rows or size + table.bytes[group] > max_bytes
        if group > start and (new_shard or is_full):
            runs.append((start, group))
            start, rows, size = group, 0, 0
        rows += int(table.rows[group])
        size += int(table.bytes[group])
    if start < len(table.rows):
        runs.append((start, len(table.rows)))
    return runs
