"""Which rows of a split belong to a stream: training and held-out rows, decided by row id or by group."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Subset:
    """The rows of a split whose hash falls into [low, high).

    A hash spreads the row ids evenly over 0 … 1. So a subset is the same for every seed, worker and epoch, is drawn
    from all over the files, and needs no list of rows. With `groups` the group of a row is hashed instead of its id, so
    that the rows of one group (the images of one writer) stay together.
    """

    low: float = 0.0
    high: float = 1.0
    groups: np.ndarray | None = field(default=None, compare=False)  # uint64, one per row of the split

    def mask(self, row_ids: np.ndarray) -> np.ndarray:
        """Return which of the row ids belong to this subset, bool of the same shape."""
        # The finalizer of SplitMix64 (Steele, Lea and Flood 2014) spreads consecutive ids over 64 bits.
        x = (row_ids if self.groups is None else self.groups[row_ids]).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        place = (x ^ (x >> np.uint64(31))) >> np.uint64(11)  # the upper 53 bits, which a float holds exactly
        return (place >= np.uint64(self.low * 2**53)) & (place < np.uint64(self.high * 2**53))

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes this subset from others of the same split, as JSON values."""
        groups = None if self.groups is None else hashlib.sha256(self.groups.tobytes()).hexdigest()[:16]
        return {"low": self.low, "high": self.high, "groups": groups}

    def split(self, fraction: float) -> tuple["Subset", "Subset"]:
        """Split this subset in two: (the rest, the lower `fraction`)."""
        middle = self.low + fraction * (self.high - self.low)
        return replace(self, low=middle), replace(self, high=middle)


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
