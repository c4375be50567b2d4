"""Which rows of an epoch's order each batch holds, and which of them each worker gets."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from model.errors import TrazoError
from training.data.order import RowGroups, Window, ordered_windows, shuffled_windows
from training.data.subset import AnySubset
from training.data.worker_rows import Worker, WorkerRows

HINT = "groups of 100 to 1,000 rows suit images"
GROUP_COPIES = 3  # of a row group's bytes while it is read: the file's, the column's and the window's


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

    def find_large_groups(self, table: RowGroups) -> str | None:
        """Return what row groups that fill more than a window cost; None if there are none."""
        largest, most_rows = int(table.bytes.argmax()), int(table.rows.max())
        if table.bytes[largest] > self.bytes:
            size = f"{table.bytes[largest] / 1e6:,.0f} MB, and memory holds about {GROUP_COPIES} times as much"
            return (
                f"an image of {size}"
                if table.rows[largest] == 1
                else f"row groups, read whole, of up to {size}; {HINT}"
            )
        if most_rows > self.rows and len(table.rows) > 1:
            return (
                f"row groups of up to {most_rows:,} rows, more than the {self.rows:,} of a window, which mixes less; "
                f"{HINT}"
            )
        return None


@dataclass(frozen=True)
class WindowSpan:
    """A window and its position in an epoch."""

    window: Window
    end_row: int  # position after its last row in the epoch's order
    first_batch: int | None  # the first batch to yield; None unless this span opens an epoch
    used: WorkerRows  # which of its rows a worker uses


@dataclass(frozen=True)
class BatchOrder:
    """Which rows each batch of an epoch holds, for one worker.

    Attributes:
        seed: of the whole training.
        batch_size: rows of a global batch.
        rank: this worker, from 0.
        world_size: number of workers; each gets its slice of every global batch, see `training.data.worker_rows`.
        window_size: of the windows.
    """

    seed: int
    batch_size: int
    rank: int
    world_size: int
    window_size: WindowSize

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
        size = self.window_size
        windows = shuffled_windows(table, subset, self.seed, epoch, size.rows, size.runs, size.bytes)
        yield from self._spans(windows, table, subset, start, stop)

    def ordered_spans(self, table: RowGroups, subset: AnySubset, start: int, stop: int) -> Iterator[WindowSpan]:
        """Yield the windows that hold the batches [start, stop) in file order."""
        windows = ordered_windows(table, subset, self.window_size.rows, self.window_size.bytes)
        yield from self._spans(windows, table, subset, start, stop)

    def _spans(
        self, windows: list[Window], table: RowGroups, subset: AnySubset, start: int, stop: int
    ) -> Iterator[WindowSpan]:
        worker = Worker(self.rank, self.world_size, self.batch_size)
        ends = np.cumsum([window.rows for window in windows])
        rows = int(ends[-1])
        first = int(np.searchsorted(ends, start * self.batch_size, side="right"))
        end = 1 + int(np.searchsorted(ends, min(stop * self.batch_size, rows), side="left"))
        for index in range(first, min(end, len(windows))):
            window, end_row = windows[index], int(ends[index])
            first_row = end_row - window.rows
            used = worker.find_rows(window, table, subset, first_row, rows)
            yield WindowSpan(window, end_row, start if index == first else None, used)
