"""What to look at before a training, in one sentence each, the gravest first; no sentence names a file."""

from collections.abc import Iterable, Iterator

from model.io.reports.inspection import DataReport, DatasetContents, SplitContents
from model.words import counted
from training.data.inspection.words import describe_times, share

MAX_IMBALANCE = 10  # of the largest class to the smallest, before it is reported
MIN_CLASS_ROWS = 20  # of the training part
MAX_NAMED = 5
MIN_LOST_SHARE = 0.001  # of a split's rows, before they are reported once more


def find_warnings(report: DataReport) -> list[str]:
    """Return what a person should look at before a training.

    Args:
        report: without its warnings.
    """
    return [*_about_parts(report), *(one for dataset in report.datasets for one in _about_dataset(dataset))]


def _about_parts(report: DataReport) -> Iterator[str]:
    plan = report.plan
    if not report.scanned:
        yield "the rows were not scanned: equal images may be on both sides, and unreadable ones are found in training"
    for overlap in plan.overlaps or []:
        rows = f"{counted(overlap.rows, f'{overlap.second} row')} ({share(overlap.share, 1)})"
        yield (
            f"{rows} with an image that is in the {overlap.first} rows, too: "
            + ("evaluate leaves them out" if overlap.second == "test" else "results on them look better than they are")
        )
    parts = [part for part in plan.parts if any(one.rows for one in part.classes)]
    missing = [{one.name for one in part.classes if not one.rows} for part in parts]
    nowhere = set.intersection(*missing) if missing else set()
    if nowhere:
        yield f"no row at all is of class {_listed(sorted(nowhere))}"
    for part, names in zip(parts, missing, strict=True):
        if names - nowhere:
            yield f"no {part.name} row is of class {_listed(sorted(names - nowhere))}"
    small = [one for one in plan.parts[0].classes if 0 < one.rows < MIN_CLASS_ROWS]
    if small:
        yield f"few training rows: {_listed(f'{one.name} {one.rows:,}' for one in small)}"
    if plan.imbalance is not None and plan.imbalance >= MAX_IMBALANCE:
        times = describe_times(plan.imbalance)
        yield f"the largest class has {times} the training rows of the smallest: accuracy alone may mislead"


def _about_dataset(dataset: DatasetContents) -> Iterator[str]:
    for split in dataset.splits:
        yield from _about_split(split)
    for column in dataset.columns:
        if column.note and column.note.startswith(("may", "each")):
            yield f"column {column.name}: {column.note}"


def _about_split(split: SplitContents) -> Iterator[str]:
    where = f"split {split.split}"
    if split.problem:
        yield f"{where} cannot be used: {split.problem}"
        return
    if split.other_classes:
        yield f"{where} has classes that are not trained on: {_listed(split.other_classes)}"
    if split.conflicts is not None and split.conflicts.images:
        images = counted(split.conflicts.images, "image")
        yield f"{where}: {images} with different labels, in {split.conflicts.rows:,} rows"
    if split.rows and split.usable is not None and split.rows - split.usable > MIN_LOST_SHARE * split.rows:
        yield f"{where}: {split.rows - split.usable:,} of {split.rows:,} rows cannot be used"
    if split.near_constant is not None and split.near_constant.count:
        yield f"{where}: {counted(split.near_constant.count, 'image')} with nothing to see: all pixels are alike"
    if split.duplicates is not None and split.duplicates.images:
        more = split.duplicates.rows - split.duplicates.images
        images = counted(split.duplicates.images, "image")
        yield f"{where}: {images} more than once, which makes {counted(more, 'row')} too many"


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - MAX_NAMED:,} more" if len(known) > MAX_NAMED else ""
    return ", ".join(known[:MAX_NAMED]) + more
