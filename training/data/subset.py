"""Which rows of a split belong to a stream: training and held-out rows, decided by a hash of each row."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

PLACES = 1 << 53  # number of different places, all of which a float holds exactly


def spread(keys: np.ndarray) -> np.ndarray:
    """Return a place for each key, uint64 of the same shape, 0 … `PLACES` − 1: equal for equal keys, else random."""
    # The finalizer of SplitMix64 (Steele, Lea and Flood 2014) spreads consecutive numbers over 64 bits.
    x = keys.astype(np.uint64)
    # In place: a split's keys may be many.
    x += np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(factor)
    x ^= x >> np.uint64(31)
    x >>= np.uint64(11)
    return x


@dataclass(frozen=True)
class Subset:
    """The rows of a split whose place falls into [low, high).

    Places spread the rows evenly over 0 … 1. Without `places` they are hashes of the row ids. So a subset is the same
    for every seed, worker and epoch, is drawn from all over the files, and needs no list of rows. With `places`, rows
    with an equal place stay together: equal images, or those of one writer.
    """

    low: float = 0.0
    high: float = 1.0
    places: np.ndarray | None = field(default=None, compare=False)  # uint64 below `PLACES`, one per row of the split
    keep: np.ndarray | None = field(default=None, compare=False)  # bool, one per row: rows without it never count

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which of the row ids belong to this subset, bool of the same shape."""
        places = spread(row_ids) if self.places is None else self.places[row_ids]
        mask = (places >= np.uint64(self.low * PLACES)) & (places < np.uint64(self.high * PLACES))
        return mask if self.keep is None else mask & self.keep[row_ids]

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes this subset from others of the same split, as JSON values."""
        return {"low": self.low, "high": self.high, "places": _digest(self.places), "keep": _digest(self.keep)}

    def split(self, fraction: float) -> tuple["Subset", "Subset"]:
        """Split this subset in two: (the rest, the lower `fraction`)."""
        middle = self.low + fraction * (self.high - self.low)
        return replace(self, low=middle), replace(self, high=middle)


def _digest(array: np.ndarray | None) -> str | None:
    return None if array is None else hashlib.sha256(array.data).hexdigest()[:16]


@dataclass(frozen=True)
class ConcatSubset:
    """Subsets of several splits whose rows follow one another; used like a `Subset`."""

    parts: "tuple[Subset | ConcatSubset, ...]"
    first: tuple[int, ...]  # row id of each split's first row

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which of the row ids belong to their split's subset, bool of the same shape."""
        which = np.searchsorted(self.first, row_ids, side="right") - 1
        mask = np.zeros(row_ids.shape, bool)
        for number in np.unique(which).tolist():
            here = which == number
            mask[here] = self.parts[number].mask(row_ids[here] - self.first[number])
        return mask

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes these subsets from others, as JSON values."""
        return {str(number): part.key for number, part in enumerate(self.parts)}

    def split(self, fraction: float) -> tuple["ConcatSubset", "ConcatSubset"]:
        """Split each subset in two: (the rest, the lower `fraction`)."""
        rest, held_out = zip(*(part.split(fraction) for part in self.parts), strict=True)
        return replace(self, parts=rest), replace(self, parts=held_out)


AnySubset = Subset | ConcatSubset
