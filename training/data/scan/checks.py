"""What the scan of a split can tell before any training: errors, and the lines that are logged."""

import numpy as np

from model.errors import TrazoError
from model.logs import log_once
from training.data.scan.index import SplitIndex
from training.data.stream import HubStream

MAX_NAMED = 10  # classes, rows or reasons in one line


def check_split(index: SplitIndex, stream: HubStream) -> None:
    """Refuse a split that cannot be learned from or measured.

    Args:
        index: what the scan found.
        stream: the whole split.

    Raises:
        TrazoError: if no row, or no row of a class, is usable, or all images are equal.
    """
    where = f"split {stream.source.split!r} of {stream.source.dataset!r}"
    if not (index.has_image & index.in_part).any():
        raise TrazoError(f"{where} has {index.rows:,} rows and no image in column {stream.image_column!r}")
    if not index.readable.any():
        row, reason = next(iter(index.problems.items()))
        raise TrazoError(f"no image of {where} can be decoded; the first, {stream.row_name(row)}: {reason}")
    if not (index.has_label & index.in_part).any():
        raise TrazoError(
            f"{where} has no labels: column {stream.label_column!r} is empty in all {index.rows:,} rows; choose "
            "another split or --label-column, or --test-split held-out to measure on a share of the training split"
        )
    if not index.usable.any():
        raise TrazoError(f"no row of {where} has both an image that can be decoded and a label")
    if index.rows > 1 and len(np.unique(index.facts["content"][index.usable])) == 1:
        raise TrazoError(f"all images of {where} are equal")
    if stream.task == "regression":
        return
    labeled = np.bincount(index.labels[index.has_label & index.in_part], minlength=len(stream.labels))
    lost = [stream.labels[n] for n in np.flatnonzero((labeled > 0) & (index.class_counts(len(stream.labels)) == 0))]
    if lost:
        raise TrazoError(f"no image of class {listed(lost)} in {where} can be decoded")


def report_split(index: SplitIndex, stream: HubStream) -> None:
    """Log what was found in a split: rows, columns, classes and their counts, and what is left out and why."""
    source = stream.source
    usable = int(index.usable.sum())
    rows = int(index.in_part.sum())
    of = f"{usable:,} of {rows:,}" if usable < rows else f"{usable:,}"
    log_once(f"{source.dataset}, split {source.split}: {of} rows are used; {describe_columns(stream, index)}")
    for line in describe_left_out(index, stream):
        log_once(line)


def describe_columns(stream: HubStream, index: SplitIndex) -> str:
    """Return in words which columns are used, and what the labels are."""
    columns = f"images in column {stream.image_column}, labels in column {stream.label_column}"
    if stream.task == "regression":
        targets = index.labels[index.usable]
        return f"{columns}: numbers from {targets.min():g} to {targets.max():g} (regression; overrule with --task)"
    counts = index.class_counts(len(stream.labels))
    present = counts[counts > 0]
    sizes = f"{present.min():,}" if present.min() == present.max() else f"{present.min():,} to {present.max():,}"
    return f"{columns}: {len(present)} classes of {sizes} images ({listed(stream.labels)})"


def describe_left_out(index: SplitIndex, stream: HubStream) -> list[str]:
    """Return a line for each reason why rows are not used, and for each declared class without a row."""
    lines = []
    for reason, rows in _group_by_reason(index).items():
        lines.append(
            f"{len(rows):,} rows of split {stream.source.split} are not used: {reason}: "
            f"{listed([stream.row_name(row) for row in rows])}"
        )
    if stream.task != "regression":
        empty = [stream.labels[n] for n in np.flatnonzero(index.class_counts(len(stream.labels)) == 0)]
        if empty:
            lines.append(f"split {stream.source.split} has no image of class {listed(empty)}")
    return lines


def listed(names: "list[str] | tuple[str, ...]") -> str:
    """Return names separated by commas, the first few of many."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(map(str, names[:MAX_NAMED])) + more


def _group_by_reason(index: SplitIndex) -> dict[str, list[int]]:
    reasons = {
        "no image": np.flatnonzero(~index.has_image & index.in_part).tolist(),
        "no label": np.flatnonzero(index.readable & ~index.has_label).tolist(),
    }
    for row in filter(index.in_part.__getitem__, index.problems):
        reason = index.problems[row]
        reasons.setdefault(reason, []).append(row)
    return {reason: rows for reason, rows in sorted(reasons.items(), key=lambda item: -len(item[1])) if rows}
