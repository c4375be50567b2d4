"""Which rows of a window one worker uses, and what it reads to get them.

The rows of a global batch lie all over their window, so a worker that took them by their position in the batch would
need nearly every row group. Instead the rows of each batch are sorted by where they are stored, and cut into one slice
per worker: as equal in size as possible, and each from its own part of the window. Only the borders of these parts
move from batch to batch, since a batch is a random sample: by about 1/√(batch size) of the window.

What a batch holds, and its order, are not changed. Every worker computes all of this alone, before anything is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from training.data.order import RowGroups, Run, Window
from training.data.parquet.byte_ranges import MAX_GAP_BYTES
from training.data.subset import AnySubset


class Read(NamedTuple):
    """Row groups to read in one go, and which of their rows to keep."""

    run: Run
    mask: np.ndarray  # bool (rows of the run,)


@dataclass(frozen=True, eq=False)
class WorkerRows:
    """The rows of a window that one worker uses.

    Attributes:
        reads: what to read, in file order.
        ids: int64 (n,): the rows, in the order in which they are visited.
        positions: int64 (n,), ascending: their positions in the order of the epoch.
        order: int64 (n,): their positions among the rows that are kept of `reads`; None if they are in file order.
    """

    reads: tuple[Read, ...]
    ids: np.ndarray
    positions: np.ndarray
    order: np.ndarray | None


@dataclass(frozen=True)
class Worker:
    """One of several workers that share every global batch.

    Attributes:
        rank: from 0.
        world_size: number of workers.
        batch_size: rows of a global batch.
    """

    rank: int
    world_size: int
    batch_size: int

    def find_rows(
        self, window: Window, table: RowGroups, subset: AnySubset, first_row: int, epoch_rows: int
    ) -> WorkerRows:
        """Return the rows of a window that this worker uses.

        Args:
            window: of the epoch.
            table: the split's row groups.
            subset: the rows of the epoch.
            first_row: position of the window's first row in the order of the epoch.
            epoch_rows: rows of the epoch.
        """
        ids = window.row_ids(table, subset)
        if window.permutation_seed:
            stored = window.permutation()  # where each row is among `ids`, in the order of visit
            used = self._slices(ids[stored], table.first[[start for start, _ in window.runs]], first_row)
            stored = stored[used]
        else:
            stored = used = self._part(len(ids), first_row, epoch_rows)
        is_used = np.zeros(len(ids), bool)
        is_used[stored] = True
        kept = ids[is_used]
        reads = tuple(read for run in window.runs for read in _cut(table, run, kept))
        order = (np.cumsum(is_used) - 1)[stored] if window.permutation_seed else None
        return WorkerRows(reads, ids[stored], first_row + used, order)

    def _part(self, rows: int, first_row: int, epoch_rows: int) -> np.ndarray:
        """Return the positions in a window in file order: each worker has one part of the whole epoch."""
        low, high = (number * epoch_rows // self.world_size for number in (self.rank, self.rank + 1))
        return np.arange(max(0, low - first_row), max(0, min(rows, high - first_row)))

    def _slices(self, ids: np.ndarray, first_ids: np.ndarray, first_row: int) -> np.ndarray:
        """Return the positions in a shuffled window, int64 (n,), ascending: this worker's slice of every batch.

        Args:
            ids: of all rows, in the order in which they are visited.
            first_ids: of the window's runs, in file order.
            first_row: position of the window's first row in the order of the epoch.
        """
        places = np.arange(len(ids))
        if self.world_size == 1:
            return places
        batches, rows_before = divmod(first_row + places, self.batch_size)
        # The runs are dealt out like cards, so that each worker's part comes from all over the window: large images in
        # one place are not left to one worker.
        turns = np.searchsorted(first_ids, ids, side="right") % self.world_size
        by_storage = np.lexsort((ids, turns, batches))
        starts = np.flatnonzero(np.diff(batches, prepend=-1))  # the first batch may have started in the window before
        ends = np.append(starts[1:], len(ids))[: len(starts)]
        sizes = self._slice_sizes(rows_before[ends - 1] + 1) - self._slice_sizes(rows_before[starts])
        stops = starts + sizes[:, : self.rank + 1].sum(1)
        lows, highs = (np.repeat(bound, ends - starts) for bound in (stops - sizes[:, self.rank], stops))
        return np.sort(by_storage[(lows <= places) & (places < highs)])

    def _slice_sizes(self, rows: np.ndarray) -> np.ndarray:
        """Return how many of the first `rows` rows of a batch each worker gets, int64 (batches, workers)."""
        return (rows[:, None] + np.arange(self.world_size)) // self.world_size


def _cut(table: RowGroups, run: Run, ids: np.ndarray) -> Iterator[Read]:
    """Yield what to read of a run for some rows: not the row groups that hold none of them, unless they are small."""
    firsts = np.append(table.first[slice(*run)], table.first[run[1] - 1] + table.rows[run[1] - 1])
    bounds = np.searchsorted(ids, firsts)
    needed = run[0] + np.flatnonzero(np.diff(bounds))
    gaps = [table.bytes[a + 1 : b].sum() > MAX_GAP_BYTES for a, b in pairwise(needed)]
    for groups in np.split(needed, np.flatnonzero(gaps) + 1) if len(needed) else []:
        start, stop = int(groups[0]), int(groups[-1]) + 1
        first, end = firsts[start - run[0]], firsts[stop - run[0]]
        mask = np.zeros(end - first, bool)
        mask[ids[bounds[start - run[0]] : bounds[stop - run[0]]] - first] = True
        yield Read((start, stop), mask)
