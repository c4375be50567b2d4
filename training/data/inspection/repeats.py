"""Equal images: within a split, with different labels, and in two splits; found by the hashes of the scan."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK_ROWS = 1 << 16  # looked up at once


@dataclass(frozen=True)
class EqualRows:
    """Rows whose images are found more than once.

    Attributes:
        rows: int64 (n,) positions, those of one image next to each other, each group in file order.
        starts: int64 (images,) where the rows of each image begin.
    """

    rows: np.ndarray
    starts: np.ndarray

    @property
    def images(self) -> int:
        """Number of different images."""
        return len(self.starts)

    def groups(self) -> Iterator[np.ndarray]:
        """Yield the rows of each image."""
        for number, start in enumerate(self.starts):
            stop = self.starts[number + 1] if number + 1 < self.images else len(self.rows)
            yield self.rows[start:stop]

    def select(self, keep: np.ndarray) -> "EqualRows":
        """Return only some of the images; `keep` is bool (images,)."""
        sizes = np.diff(self.starts, append=len(self.rows))
        return EqualRows(self.rows[np.repeat(keep, sizes)], np.cumsum(np.append(0, sizes[keep]))[:-1])


def find_repeats(content: np.ndarray, mask: np.ndarray) -> EqualRows:
    """Return the rows whose image is in another row, too; the images in the order of their first rows.

    Args:
        content: uint64 (rows,) hashes of the images.
        mask: bool (rows,) rows that count.

    Example:
        >>> find_repeats(np.array([7, 8, 7, 9], np.uint64), np.ones(4, bool)).rows
        array([0, 2])
    """
    ordered = content[mask]
    ordered.sort()  # in place: a million rows have 8 MB
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    rows = np.flatnonzero(is_among(content, repeated) & mask)
    _, first, number = np.unique(content[rows], return_index=True, return_inverse=True)
    rows = rows[np.lexsort((rows, first[number]))]  # by the position of the image's first row
    return EqualRows(rows, np.flatnonzero(np.diff(content[rows], prepend=0) != 0) if len(rows) else np.zeros(0, int))


def find_conflicts(repeats: EqualRows, labels: np.ndarray) -> EqualRows:
    """Return those of the repeated images whose rows have different labels.

    Args:
        repeats: of rows with a label.
        labels: class ids or targets (rows,).
    """
    if not repeats.images:
        return repeats
    found = labels[repeats.rows]
    return repeats.select(
        np.minimum.reduceat(found, repeats.starts) != np.maximum.reduceat(found, repeats.starts)  # of each image
    )


def is_among(content: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which hashes are among sorted ones, bool (rows,); little memory is needed, however many there are."""
    found = np.zeros(len(content), bool)
    if len(values):
        for start in range(0, len(content), CHUNK_ROWS):
            chunk = content[start : start + CHUNK_ROWS]
            places = np.minimum(np.searchsorted(values, chunk), len(values) - 1)
            found[start : start + CHUNK_ROWS] = values[places] == chunk
    return found
