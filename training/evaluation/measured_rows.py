"""The rows that a model is measured on: those of its classes, each image once, without those that it learned from."""

import logging
from dataclasses import dataclass, replace

import numpy as np

from model.errors import TrazoError
from model.io.reports.comparison import MAX_UNKNOWN_CLASSES, Comparison
from model.logs import log_once
from model.words import counted
from training.config import DataConfig
from training.data.contents import Contents
from training.data.scan.checks import check_split, listed
from training.data.scan.index import SplitIndex
from training.data.scan.scanner import scan_split
from training.data.splits import leave_out_unusable, open_split_to_measure, open_test
from training.data.stream import HubStream

logger = logging.getLogger("trazo")

NO_SCAN = "--no-scan: images were not compared by content"


@dataclass(frozen=True)
class MeasuredRows:
    """What is measured.

    Attributes:
        stream: its rows.
        split: a name for them.
        comparison: what they were compared with, and how many rows were left out.
        fingerprint: hash of the whole split's images and labels; None without a scan.
    """

    stream: HubStream
    split: str
    comparison: Comparison
    fingerprint: str | None


def open_measured_rows(data: DataConfig, labels: tuple[str, ...], task: str, learned: "Contents | str") -> MeasuredRows:
    """Open the rows to measure on, and leave out those that the model learned from or has no class for.

    Args:
        data: which rows; only the first dataset is opened.
        labels: the model's classes.
        task: of the model.
        learned: what it learned from, or why that is not known.

    Raises:
        TrazoError: if no row is left, or none can be used.

    Example:
        >>> rows = open_measured_rows(DataConfig("ylecun/mnist"), cnn.config.labels, cnn.config.task, "no scan")
        >>> rows.comparison.compared, rows.stream.rows
        (False, 10000)
    """
    data = replace(data, task=task)
    stream, split = _open_other_data(data, labels, learned) or open_test(data, labels)
    stream, unknown = _leave_out_unknown_classes(stream)
    if data.no_scan:
        return MeasuredRows(stream, split, Comparison(compared=False, reason=NO_SCAN, unknown_classes=unknown), None)
    index = scan_split(replace(stream.sources[0], content=None))
    if split == stream.source.split:  # rows that are held out were checked when they were split
        check_split(index, stream)
    before = learned.fingerprint_of(stream.source) if isinstance(learned, Contents) else None
    if before not in (None, index.fingerprint):
        log_once(
            f"split {stream.source.split} of {stream.source.dataset} changed since it was learned from (content "
            f"{before[:8]}… then, {index.fingerprint[:8]}… now)"
        )
    stream, comparison = _leave_out_rows(stream, split, index, learned)
    return MeasuredRows(stream, split, comparison.model_copy(update={"unknown_classes": unknown}), index.fingerprint)


def _open_other_data(
    data: DataConfig, labels: tuple[str, ...], learned: "Contents | str"
) -> tuple[HubStream, str] | None:
    """Open the whole training split of a dataset without a test split, if none of its images was learned from.

    To measure only the share that a training on it would hold out would make the result less certain.
    """
    if isinstance(learned, str) or learned.train is None or data.no_scan or data.test_split != "test":
        return None
    try:
        stream = open_split_to_measure(data, data.split, labels)
    except TrazoError:  # it may have a split named test
        return None
    if "test" in stream.source.splits or learned.holds_any(
        scan_split(replace(stream.sources[0], content=None)).content
    ):
        return None
    log_once(
        f"{stream.source.dataset} has no split named test, and none of its images was learned from: all of split "
        f"{data.split} is measured"
    )
    return stream, data.split


def _leave_out_unknown_classes(stream: HubStream) -> tuple[HubStream, dict[str, int]]:
    unknown, counts = stream.sources[0].unknown_classes()
    if not counts:
        return stream, counts
    names = sorted(counts)
    where = f"split {stream.source.split} of {stream.source.dataset}"
    if unknown[stream.mask(np.arange(len(unknown)))].all():
        raise TrazoError(
            f"{where} has none of the model's classes: it has {listed(names)}, the model knows {listed(stream.labels)}"
        )
    log_once(
        f"{where}: {counted(sum(counts.values()), 'row')} left out, of classes that the model does not know: "
        f"{listed(names)}"
    )
    most = sorted(counts.items(), key=lambda item: -item[1])[:MAX_UNKNOWN_CLASSES]
    return stream.select(~unknown), dict(most)


def _leave_out_rows(
    stream: HubStream, split: str, index: SplitIndex, learned: "Contents | str"
) -> tuple[HubStream, Comparison]:
    """Leave out rows that were learned from, and all but the first of equal images with equal labels."""
    content = index.content
    usable = index.usable & stream.mask(np.arange(index.rows))
    if not usable.any():
        raise TrazoError(f"no row of {stream.source.dataset!r}, {split}, has an image that can be decoded and a label")
    again = _repeated_rows(content, index.labels, usable)
    if again.any():
        log_once(
            f"{int(again.sum()):,} of {int(usable.sum()):,} rows of {stream.source.dataset}, {split}, repeat another "
            "image with the same label: each image is measured once"
        )
    if isinstance(learned, Contents) and learned.train is not None and learned.validation is not None:
        trained = usable & np.isin(content, learned.train)
        validated = usable & ~trained & np.isin(content, learned.validation)
        comparison = Comparison(
            compared=True,
            training_images=len(learned.train),
            validation_images=len(learned.validation),
            left_out_training=int(trained.sum()),
            left_out_validation=int(validated.sum()),
            duplicates=int((again & ~trained & ~validated).sum()),
        )
        _report_overlap(stream, split, int(usable.sum()), comparison)
    else:
        trained = validated = np.zeros(index.rows, bool)
        reason = learned if isinstance(learned, str) else "the training was not scanned (--no-scan)"
        log_once(f"{stream.source.dataset}, {split}: not compared with the rows that were learned from: {reason}")
        comparison = Comparison(compared=False, reason=reason, duplicates=int(again.sum()))
    return leave_out_unusable(stream, index).select(~(trained | validated | again)), comparison


def _report_overlap(stream: HubStream, split: str, rows: int, comparison: Comparison) -> None:
    used = comparison.left_out_training + comparison.left_out_validation
    where = f"{used:,} of {rows:,} rows of {stream.source.dataset}, {split}, were used in training"
    if comparison.left_out_validation:
        where += f" ({comparison.left_out_validation:,} of them for validation)"
    if used == rows:
        raise TrazoError(f"{where}: none is left to measure; choose another --split or --dataset")
    if used:
        log_once(f"{where}: left out")


def _repeated_rows(content: np.ndarray, labels: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return which usable rows have the image and label of an earlier one, bool (rows,)."""
    rows = np.flatnonzero(usable)
    order = rows[np.lexsort((rows, labels[rows], content[rows]))]
    repeated = np.zeros(len(content), bool)
    repeated[order[1:]] = (content[order[1:]] == content[order[:-1]]) & (labels[order[1:]] == labels[order[:-1]])
    return repeated
