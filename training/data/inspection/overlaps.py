"""Equal images in two splits of a dataset, or in two parts that a training keeps apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from model.io.reports.inspection import Overlap, RowGroup
from training.data.inspection.repeats import is_among
from training.data.inspection.scanned import ScannedSplit

MAX_PAIRS = 4  # shown per overlap
ORDER = ("train", "training", "validation", "test")  # what is learned from comes first


@dataclass(frozen=True)
class Side:
    """Rows that are compared with others.

    Attributes:
        name: of the split or part.
        members: splits, each with a mask bool (rows of the split,) of its rows; None for all.
    """

    name: str
    members: Sequence[tuple[ScannedSplit, np.ndarray | None]]


def find_overlaps(sides: Sequence[Side]) -> list[Overlap]:
    """Return which of some splits or parts have equal images, every two of them that have any."""
    ordered = sorted(sides, key=lambda side: ORDER.index(side.name) if side.name in ORDER else len(ORDER))
    found = (_compare(first, second) for first, second in combinations(ordered, 2))
    return [overlap for overlap in found if overlap is not None]


def _compare(first: Side, second: Side) -> Overlap | None:
    known = np.concatenate([_contents(split, rows) for split, rows in first.members])
    known.sort()
    total, images, found = 0, np.zeros(0, np.uint64), list[tuple[ScannedSplit, np.ndarray]]()
    for split, rows in second.members:
        assert split.index is not None
        usable, content = np.flatnonzero(split.usable(rows)), split.index.content
        shared = usable[is_among(content[usable], known)]
        total += len(usable)
        images = np.union1d(images, content[shared])
        found.append((split, shared))
    count = sum(len(shared) for _, shared in found)
    if not count:
        return None
    labels = _labels_by_content(first, images)
    conflicts = sum(_other_label(split, row, labels) for split, shared in found for row in shared)
    examples = [_pair(first, split, row) for split, shared in found for row in _of_different_images(split, shared)]
    return Overlap(
        first=first.name,
        second=second.name,
        images=len(images),
        rows=count,
        share=count / total,
        conflicts=conflicts,
        examples=examples[:MAX_PAIRS],
    )


def _contents(split: ScannedSplit, rows: np.ndarray | None) -> np.ndarray:
    assert split.index is not None
    return split.index.content[split.usable(rows)]


def _labels_by_content(side: Side, images: np.ndarray) -> dict[int, set[str]]:
    """Return hash -> labels, of those of some images that a side has; by name, since splits may number them otherwise.

    Args:
        side: where to look.
        images: uint64 (images,) sorted hashes.
    """
    labels: dict[int, set[str]] = {}
    for split, rows in side.members:
        assert split.index is not None
        content = split.index.content
        usable = np.flatnonzero(split.usable(rows))
        for row in usable[is_among(content[usable], images)] if len(images) else ():
            labels.setdefault(int(content[row]), set()).add(split.label_name(int(row)))
    return labels


def _other_label(split: ScannedSplit, row: int, labels: dict[int, set[str]]) -> bool:
    assert split.index is not None
    return split.label_name(row) not in labels[int(split.index.content[row])]


def _of_different_images(split: ScannedSplit, rows: np.ndarray) -> np.ndarray:
    """Return the first of some rows that have different images."""
    assert split.index is not None
    _, first = np.unique(split.index.content[rows], return_index=True)
    return rows[np.sort(first)[:MAX_PAIRS]]


def _pair(first: Side, split: ScannedSplit, row: int) -> RowGroup:
    """Return one row of each side with the same image."""
    assert split.index is not None
    content = split.index.content[row]
    for other, rows in first.members:
        assert other.index is not None
        equal = np.flatnonzero(other.usable(rows) & (other.index.content == content))
        if len(equal):
            several = len(first.members) > 1
            names = [
                f"{f'{Path(one.labeled.source.dataset).name}, ' if several else ''}{one.name} {one.row_name(n)}"
                for one, n in ((other, equal[0]), (split, row))
            ]
            return RowGroup(rows=names, labels=[other.label_name(equal[0]), split.label_name(row)])
    raise AssertionError("the image was found on both sides")
