"""Batches of encoded images, and the rows of a window that they are cut from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from training.data.batch_order import BatchOrder, WindowSpan

MAX_CACHED_BYTES = 1 << 26  # encoded bytes that a `BatchCache` keeps
MIN_PART_BYTES = 1 << 23  # encoded; smaller parts of a batch wait for the rest of it


@dataclass(frozen=True)
class Batch:
    """One batch, or a worker's slice of it."""

    encoded: pa.LargeBinaryArray  # (n,): the images as they are stored, contiguous in one buffer
    labels: np.ndarray  # (n,): int64 class ids, or float32 targets
    index: np.ndarray  # (n,) int64: row ids, 0 … rows−1 over the split, in file order
    positions: np.ndarray  # (n,) int64, ascending: of the rows in the global batch, 0 … its rows−1
    number: int  # of the batch in its epoch, from 0
    is_complete: bool = True  # false for a part of a batch, if the last part follows

    @cached_property
    def images(self) -> list[bytes]:
        """The encoded images, one by one."""
        return self.encoded.to_pylist()

    def __getitem__(self, which: slice) -> "Batch":
        """Return the rows [start, stop), without copying them."""
        encoded = self.encoded.slice(which.start, which.stop - which.start)
        return Batch(encoded, self.labels[which], self.index[which], self.positions[which], self.number)

    def packed(self) -> tuple[np.ndarray, list[int]]:
        """Return the encoded images in one array, uint8 (bytes,), and the n + 1 positions of their boundaries."""
        _, offsets, data = self.encoded.buffers()
        if data is None:
            return np.zeros(0, np.uint8), [0]
        first, n = self.encoded.offset, len(self.encoded)
        ends = np.frombuffer(offsets, np.int64)[first : first + n + 1]
        return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], (ends - ends[0]).tolist()


@dataclass(frozen=True)
class Rows:
    """Rows of a window, in the order in which they are visited."""

    ids: np.ndarray  # (n,) int64
    positions: np.ndarray  # (n,) int64, ascending: in the order of the epoch
    images: pa.LargeBinaryArray  # (n,), null where missing
    labels: np.ndarray  # (n,)
    has_image: np.ndarray  # (n,) bool
    has_label: np.ndarray  # (n,) bool

    def __getitem__(self, which: slice) -> "Rows":
        """Return the rows [start, stop), without copying them."""
        images = self.images.slice(which.start, which.stop - which.start)
        ids, positions, labels = self.ids[which], self.positions[which], self.labels[which]
        return Rows(ids, positions, images, labels, self.has_image[which], self.has_label[which])

    def copy(self) -> "Rows":
        """Return the same rows without a reference to the buffers of their window."""
        return replace(self, images=self.images.take(pa.array(np.arange(len(self.ids)))))

    @staticmethod
    def concat(parts: Sequence["Rows"]) -> "Rows":
        """Return the rows of several parts in one; a single part is not copied."""
        if len(parts) == 1:
            return parts[0]
        return Rows(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.positions for part in parts]),
            pa.concat_arrays([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.has_image for part in parts]),
            np.concatenate([part.has_label for part in parts]),
        )


def cut_batches(
    windows: Iterable[tuple[WindowSpan, Rows]], order: BatchOrder, epoch_rows: int, stop: int, in_parts: bool = False
) -> Iterator[tuple[int, Rows, bool]]:
    """Cut windows into the global batches, or into a worker's slices of them if the windows hold its rows alone.

    Args:
        windows: of one or several epochs, in order.
        order: size of a batch.
        epoch_rows: rows per epoch.
        stop: batches per epoch.
        in_parts: a batch over several windows comes in parts, each with the rows of a window or more, if these have at
            least `MIN_PART_BYTES`: so no window of photographs is copied or outlived by its rows.

    Yields:
        (number of the batch in its epoch, its rows, whether they complete it); no rows if none is this worker's.
    """
    number = stop
    parts: list[Rows] = []  # of the batch that the next window completes
    for span, rows in windows:
        if span.first_batch is not None:
            number, parts = span.first_batch, []
        while number < stop:
            first, end = number * order.batch_size, min((number + 1) * order.batch_size, epoch_rows)
            a, b = np.searchsorted(rows.positions, (first, end)).tolist()
            if a < b:
                parts.append(rows[a:b])
            if end > span.end_row:
                break
            yield number, Rows.concat(parts or [rows[0:0]]), True
            number, parts = number + 1, []
        if in_parts and sum(part.images.nbytes for part in parts) >= MIN_PART_BYTES:
            yield number, Rows.concat(parts), False
            parts = []
        parts = [part.copy() for part in parts]
        del rows


def cut_ordered(
    windows: Iterable[tuple[WindowSpan, Rows]], order: BatchOrder, rows: int, start: int
) -> Iterator[tuple[int, Rows]]:
    """Cut windows in file order into batches, or parts of batches, of the rows from `start` on.

    Args:
        windows: the first one holds the batch of row `start`.
        order: of a single worker.
        rows: of all windows of an epoch.
        start: id of the first row to yield.

    Yields:
        (number of the batch, its rows or some of them).
    """
    for number, batch, _ in cut_batches(windows, order, rows, -(-rows // order.batch_size), in_parts=True):
        first = int(np.searchsorted(batch.ids, start))
        if first < len(batch.ids):
            yield number, batch[first : len(batch.ids)]
        del batch


class BatchCache:
    """The batches of one pass, kept in memory as long as they are at most `MAX_CACHED_BYTES`."""

    def __init__(self) -> None:
        """Start without any batch."""
        self.batches: list[Batch] | None = None  # of a complete pass

    def record(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batches of a pass and keep them if they fit."""
        kept: list[Batch] | None = []
        size = 0
        for batch in batches:
            size += batch.encoded.nbytes
            if kept is not None and size <= MAX_CACHED_BYTES and batch.is_complete:
                kept.append(batch)
            else:
                kept = None
            yield batch
        self.batches = kept
