"""What the scan found in one split, as the report says it."""

import re
from collections.abc import Iterable

import numpy as np

from model.io.reports.inspection import (
    ClassRows,
    Counted,
    Images,
    LeftOut,
    Repeats,
    RowGroup,
    Size,
    SplitContents,
    Targets,
)
from model.pixel_format import PixelFormat
from model.preprocess.facts import is_near_constant
from model.preprocess.formats import FORMATS
from training.data.inspection.repeats import EqualRows, find_conflicts, find_repeats
from training.data.inspection.scanned import ScannedSplit
from training.data.scan.index import NO_IMAGE, NO_LABEL, NO_TARGET, SplitIndex

NUMBER = re.compile(r"\d[\d,.]*")  # such as a size, which would make a reason for each image
MAX_NAMED = 5  # rows per reason
MAX_GROUPS = 6  # of equal images
MAX_ROWS_PER_GROUP = 4
MAX_REASONS = 20  # why rows are not used; the rest is put together
MAX_SIZES = 8


def describe_split(split: ScannedSplit, pixel_format: PixelFormat) -> SplitContents:
    """Return what was found in a split.

    Args:
        split: that was opened.
        pixel_format: of the dataset; it decides which images show nothing.
    """
    index = split.index
    if index is None:
        return SplitContents(split=split.name, rows=split.rows, problem=split.problem)
    facts, counts = index.distinct_facts(index.readable)
    repeats = find_repeats(index.content, index.usable)
    return SplitContents(
        split=split.name,
        rows=split.rows,
        usable=int(index.usable.sum()),
        problem=split.problem,
        fingerprint=index.fingerprint,
        left_out=_left_out(split, index),
        classes=[] if split.is_regression else class_rows(split),
        other_classes=list(split.other_classes),
        targets=_targets(index) if split.is_regression else None,
        images=describe_images(facts, counts) if len(facts) else None,
        near_constant=_near_constant(split, index, pixel_format),
        duplicates=_describe_repeats(split, repeats),
        conflicts=_describe_repeats(split, find_conflicts(repeats, index.labels), different_labels=True),
    )


def class_rows(split: ScannedSplit, rows: np.ndarray | None = None) -> list[ClassRows]:
    """Return the number of usable rows of each class, of those in a mask if one is given."""
    assert split.index is not None
    counts = np.bincount(split.index.labels[split.usable(rows)], minlength=len(split.labeled.labels))
    return [ClassRows(name=name, rows=int(n)) for name, n in zip(split.labeled.labels, counts, strict=True)]


def describe_images(facts: np.ndarray, images: np.ndarray) -> Images:
    """Return what images are like.

    Args:
        facts: `FACTS` (n,) of images that can be decoded, at least one.
        images: int64 (n,): how many images have these facts.
    """
    keys = facts["height"].astype(np.int64) << 32 | facts["width"]
    sizes, which = np.unique(keys, return_inverse=True)
    counts = np.zeros(len(sizes), np.int64)
    np.add.at(counts, which, images)
    common = np.argsort(-counts, kind="stable")[:MAX_SIZES]
    return Images(
        count=int(images.sum()),
        sizes=[
            Size(width=int(sizes[n] & 0xFFFFFFFF), height=int(sizes[n] >> 32), images=int(counts[n])) for n in common
        ],
        different_sizes=len(sizes),
        widths=[int(facts["width"].min()), int(facts["width"].max())],
        heights=[int(facts["height"].min()), int(facts["height"].max())],
        colors=_counts(facts["channels"], images, {1: "gray", 3: "color"}),
        formats=_counts(facts["format"], images, dict(enumerate(FORMATS, 1))),
        bits=_counts(facts["bits"], images, {8: "8", 16: "16"}),
        transparent=int(images[facts["alpha"]].sum()),
        flat=int(images[facts["flat"]].sum()),
    )


def _counts(values: np.ndarray, images: np.ndarray, names: dict[int, str]) -> dict[str, int]:
    """Return name -> how often its number is found, the most common first; names that are not found are left out."""
    counts = np.bincount(values, weights=images)
    found = sorted(np.flatnonzero(counts).tolist(), key=lambda value: -counts[value])
    return {names.get(value, str(value)): int(counts[value]) for value in found}


def _targets(index: SplitIndex) -> Targets | None:
    targets = index.labels[index.usable].astype(np.float64)
    if not len(targets):
        return None
    return Targets(low=float(targets.min()), high=float(targets.max()), mean=float(targets.mean()))


def _left_out(split: ScannedSplit, index: SplitIndex) -> list[LeftOut]:
    no_label = NO_TARGET if split.is_regression else NO_LABEL
    no_label += ", or a class that is not trained on" if split.other_classes else ""
    reasons = {
        NO_IMAGE: np.flatnonzero(~index.has_image & index.in_part).tolist(),
        no_label: np.flatnonzero(index.readable & ~index.has_label).tolist(),
    }
    alike: dict[str, str] = {}  # a reason without its numbers -> the first such reason
    for row in filter(index.in_part.__getitem__, sorted(index.problems)):
        reason = index.problems[row]
        reasons.setdefault(alike.setdefault(NUMBER.sub("", reason), reason), []).append(row)
    ordered = sorted(((reason, rows) for reason, rows in reasons.items() if rows), key=lambda one: -len(one[1]))
    if len(ordered) > MAX_REASONS:
        rest = sorted(row for _, rows in ordered[MAX_REASONS - 1 :] for row in rows)
        ordered = [*ordered[: MAX_REASONS - 1], ("cannot be decoded, for other reasons", rest)]
    return [LeftOut(reason=reason, count=len(rows), examples=_names(split, rows)) for reason, rows in ordered]


def _near_constant(split: ScannedSplit, index: SplitIndex, pixel_format: PixelFormat) -> Counted:
    rows = near_constant_rows(index, pixel_format)
    return Counted(count=len(rows), examples=_names(split, rows))


def near_constant_rows(index: SplitIndex, pixel_format: PixelFormat) -> np.ndarray:
    """Return the rows whose images show nothing, int64 (n,)."""
    return np.flatnonzero(is_near_constant(index.kinds, pixel_format)[index.kind] & index.readable)


def _describe_repeats(split: ScannedSplit, repeats: EqualRows, different_labels: bool = False) -> Repeats:
    examples = []
    for number, rows in enumerate(repeats.groups()):
        if number == MAX_GROUPS:
            break
        if different_labels:  # a row of each label, not the first few of one
            assert split.index is not None
            rows = rows[np.sort(np.unique(split.index.labels[rows], return_index=True)[1])]
        shown = rows[:MAX_ROWS_PER_GROUP]
        labels = [split.label_name(row) for row in shown]
        examples.append(RowGroup(rows=[split.row_name(row) for row in shown], labels=labels))
    return Repeats(images=repeats.images, rows=len(repeats.rows), examples=examples)


def _names(split: ScannedSplit, rows: Iterable[int]) -> list[str]:
    return [split.row_name(row) for row, _ in zip(rows, range(MAX_NAMED), strict=False)]
