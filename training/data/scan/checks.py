"""What the scan of a split can refuse before any training."""

import numpy as np

from model.errors import TrazoError
from model.words import counted
from training.data.label_values import scan_column
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
        raise TrazoError(f"{where} has {counted(index.rows, 'row')} and no image in column {stream.image_column!r}")
    if not index.readable.any():
        row, reason = next(iter(index.problems.items()))
        raise TrazoError(f"no image of {where} can be decoded; the first, {stream.row_name(row)}: {reason}")
    if not (index.has_label & index.in_part).any():
        raise TrazoError(
            f"{where} has no labels: {_why_no_label(index, stream)}; choose another split or --label-column, or "
            "--test-split held-out to measure on a share of the training split"
        )
    if not index.usable.any():
        raise TrazoError(f"no row of {where} has both an image that can be decoded and a label")
    content = index.content[index.usable]
    if len(content) > 1 and (content == content[0]).all():
        raise TrazoError(f"all images of {where} are equal")
    if stream.task == "regression":
        return
    labeled = np.bincount(index.labels[index.has_label & index.in_part], minlength=len(stream.labels))
    lost = np.flatnonzero((labeled > 0) & (index.class_counts(len(stream.labels)) == 0))
    if len(lost):
        row = int(np.flatnonzero(index.has_label & index.in_part & np.isin(index.labels, lost))[0])
        raise TrazoError(
            f"no image of class {listed([stream.labels[n] for n in lost])} in {where} can be decoded; the first, "
            f"{stream.row_name(row)}: {index.problems.get(row, 'no image')}"
        )


def _why_no_label(index: SplitIndex, stream: HubStream) -> str:
    """Return why no row has a label, from one more pass over the label column."""
    column = f"column {stream.label_column!r}"
    labeled = stream.sources[0]
    if stream.task == "regression":
        if any(values.null_count < len(values) for values in scan_column(labeled.source, labeled.label_column)):
            return f"{column} has no finite number of at most {np.finfo(np.float32).max:.2g}"
    elif others := labeled.unknown_classes()[1]:
        return f"{column} has other classes ({listed(sorted(others))}) than are learned ({listed(stream.labels)})"
    return f"{column} is empty in all {index.rows:,} rows"


def listed(names: "list[str] | tuple[str, ...]") -> str:
    """Return names separated by commas, the first few of many."""
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return ", ".join(map(str, names[:MAX_NAMED])) + more
