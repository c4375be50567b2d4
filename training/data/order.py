"""The order in which an epoch visits the rows: a pure function of (seed, epoch, row-group table).

A shuffle of single rows would need a request a row. Here an epoch is cut into *windows* that fit in memory; a window
is filled from several *runs* (neighbouring row groups, read in one request) that lie far apart in the dataset, so
that even a dataset sorted by label mixes; and rows are permuted inside the window. Nothing in this module reads
data: the whole order is known before the first byte is asked for, which makes a resume a seek.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

COUNTED_AT_ONCE = 1 << 16  # rows
ORDERED_RUNS = 4  # of a window in file order


@dataclass(frozen=True)
class RowGroups:
    """The row-group table of a split: one entry a row group, in file order.

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


@dataclass(frozen=True)
class Subset:
    """Which rows of a split a stream visits, decided by their row ids alone.

    A hash spreads the row ids evenly over 0 … 1; the part has those that fall into [low, high). So a part is the same
    for every seed, worker and epoch, is drawn from all over the files, and needs no list of rows. With `groups` the
    hash is of a row's unit, so that rows of one unit (the pictures of one writer) stay together.
    """

    low: float = 0.0
    high: float = 1.0
    groups: np.ndarray | None = field(default=None, compare=False)  # uint64, one a row of the split

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which of the row ids belong to this part, bool of the same shape."""
        # The finaliser of SplitMix64 (Steele, Lea and Flood 2014) spreads consecutive ids over 64 bits.
        x = (row_ids if self.groups is None else self.groups[row_ids]).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        place = (x ^ (x >> np.uint64(31))) >> np.uint64(11)  # the upper 53 bits, which a float holds exactly
        return (place >= np.uint64(self.low * 2**53)) & (place < np.uint64(self.high * 2**53))

    @property
    def key(self) -> dict[str, Any]:
        """What tells this part from another of the same split; it fits into JSON."""
        groups = None if self.groups is None else hashlib.sha256(self.groups.tobytes()).hexdigest()[:16]
        return {"low": self.low, "high": self.high, "groups": groups}

    def split(self, fraction: float) -> tuple["Subset", "Subset"]:
        """Cut this part in two: (the rest, the lower `fraction`)."""
        middle = self.low + fraction * (self.high - self.low)
        return replace(self, low=middle), replace(self, high=middle)


@dataclass(frozen=True)
class ConcatSubset:
    """The parts of several splits whose rows follow one another; it does what a `Subset` does."""

    parts: "tuple[Subset | ConcatSubset, ...]"
    first: tuple[int, ...]  # row id of each split's first row

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which of the row ids belong to their split's part, bool of the same shape."""
        which = np.searchsorted(self.first, row_ids, side="right") - 1
        chosen = np.zeros(row_ids.shape, bool)
        for number in np.unique(which).tolist():
            here = which == number
            chosen[here] = self.parts[number].mask(row_ids[here] - self.first[number])
        return chosen

    @property
    def key(self) -> dict[str, Any]:
        """What tells these parts from others; it fits into JSON."""
        return {str(number): part.key for number, part in enumerate(self.parts)}

    def split(self, fraction: float) -> tuple["ConcatSubset", "ConcatSubset"]:
        """Cut each part in two: (the rest, the lower `fraction`)."""
        rest, held_out = zip(*(part.split(fraction) for part in self.parts), strict=True)
        return replace(self, parts=rest), replace(self, parts=held_out)


@dataclass(frozen=True)
class Window:
    """A stretch of the order that is held in memory at once."""

    runs: tuple[tuple[int, int], ...]  # [start, stop) in the row-group table; each inside one shard
    rows: int  # of the part
    key: tuple[int, ...]  # seeds the permutation inside the window

    def row_ids(self, table: RowGroups, part: Subset | ConcatSubset) -> np.ndarray:
        """Return the window's row ids in the order of its runs, int64 (rows,): the order in which they are read."""
        spans = [np.arange(table.first[a], table.first[b - 1] + table.rows[b - 1]) for a, b in self.runs]
        ids = np.concatenate(spans) if spans else np.zeros(0, np.int64)
        return ids[part.mask(ids)]

    def permutation(self) -> np.ndarray:
        """Return the order in which the window's rows are visited, as positions in `row_ids`."""
        return np.random.default_rng(self.key).permutation(self.rows)


def shuffled_windows(
    table: RowGroups, part: Subset | ConcatSubset, seed: int, epoch: int, window_rows: int, window_runs: int
) -> list[Window]:
    """Return an epoch's windows in the order of their visit.

    Args:
        table: the split's row groups.
        part: which rows count.
        seed: of the whole training.
        epoch: from 0.
        window_rows: rows that a window holds, about; at least one row group whatever its size.
        window_runs: distant runs that fill a window; more mix better and cost more requests.
    """
    random = np.random.default_rng((seed, epoch))
    runs = _cut_into_runs(table, max(1, window_rows // window_runs), random)
    kept = kept_rows(table, part)
    number = min(len(runs), max(1, -(-table.total // window_rows)))
    members: list[list[tuple[int, int]]] = [[] for _ in range(number)]
    # Each stratum, `number` neighbouring runs, gives every window one run: a window spans the whole dataset.
    for start in range(0, len(runs), number):
        stratum = runs[start : start + number]
        for run, window in zip(stratum, random.permutation(number), strict=False):
            members[window].append(run)
    return [
        Window(tuple(m), int(sum(kept[a:b].sum() for a, b in m)), (seed, epoch, index))
        for index, m in enumerate(members)
    ]


def ordered_windows(table: RowGroups, part: Subset | ConcatSubset, window_rows: int) -> list[Window]:
    """Return windows that visit the rows in file order; their permutation is not to be used.

    Nothing has to mix here, so a window holds a quarter of `window_rows`, in runs that are fetched side by side: the
    first batch comes the sooner.
    """
    kept = kept_rows(table, part)
    runs = _cut_into_runs(table, max(1, window_rows // (4 * ORDERED_RUNS)), None)
    windows = [tuple(runs[start : start + ORDERED_RUNS]) for start in range(0, len(runs), ORDERED_RUNS)]
    return [Window(runs, int(sum(kept[a:b].sum() for a, b in runs)), ()) for runs in windows]


def kept_rows(table: RowGroups, part: Subset | ConcatSubset) -> np.ndarray:
    """Return how many rows of each row group belong to the part, int64 of the table's length."""
    kept = np.empty(len(table.rows), np.int64)
    # Some thousand rows at a time: the ids of all the rows of a large dataset would fill more memory than its windows.
    cuts = np.flatnonzero(np.diff(table.first // COUNTED_AT_ONCE, prepend=-1))
    for a, b in pairwise([*cuts.tolist(), len(kept)]):
        ids = np.arange(table.first[a], table.first[b - 1] + table.rows[b - 1])
        kept[a:b] = np.add.reduceat(part.mask(ids), table.first[a:b] - table.first[a], dtype=np.int64)
    return kept


def _cut_into_runs(table: RowGroups, target: int, random: np.random.Generator | None) -> list[tuple[int, int]]:
    """Cut the table into runs of about `target` rows; with `random`, the cuts fall elsewhere every epoch."""
    runs: list[tuple[int, int]] = []
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
