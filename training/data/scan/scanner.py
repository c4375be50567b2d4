"""Read every row of a split once and keep what is known about it; a pass that was interrupted continues."""

import hashlib
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from huggingface_hub import constants
from tqdm import tqdm

from training.data.batch_order import BatchOrder, WindowSize
from training.data.batches import Batch, Rows, cut_ordered
from training.data.class_names import match_names
from training.data.columns import LabeledSource
from training.data.dataset import RowDataset
from training.data.decode import image_facts_batches
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.used import note_use
from training.data.prefetch import WindowReader
from training.data.scan.index import SplitIndex
from training.data.subset import Subset

VERSION = 3  # of the index and of what is in it; another one is not read
BATCH_ROWS = 1024  # at most
BATCH_BYTES = 1 << 24  # about, of encoded images
MIN_PART_S = 10.0  # between two parts on disk: what an interrupted pass loses at most
WINDOW = WindowSize(rows=1 << 17, bytes=1 << 27, runs=1)
NO_IMAGES = pa.array([], pa.large_binary())


def scan_split(labeled: LabeledSource) -> SplitIndex:
    """Return the index of a split: from disk if this version of the data was scanned before, else from one pass.

    Args:
        labeled: the split, with its image and label column. If only some classes count, all rows are scanned, and
            those of other classes are no part of the index.

    Raises:
        StreamError: if a file cannot be read, after the retries.
        TrazoError: if the index cannot be written.
    """
    if labeled.all_labels:
        whole = scan_split(labeled.whole)
        numbers = match_names(labeled.all_labels, labeled.labels)
        ids = np.array([*(-1 if number is None else number for number in numbers), -1], np.int32)
        return replace(whole, labels=ids[whole.labels]).select(labeled.in_classes(whole.labels))
    folder = scan_folder(labeled)
    folder.mkdir(parents=True, exist_ok=True)
    note_use(folder, labeled.source.dataset)
    if (index := SplitIndex.load(folder / "index.npz")) is not None and index.rows == labeled.source.table.total:
        return index
    index = SplitIndex.join(_parts(labeled, folder), labeled.source.table.total)
    index.save(folder / "index.npz")
    note_use(folder, labeled.source.dataset)  # again: the cache may have been cleared meanwhile
    for part in folder.glob("part-*.npz"):
        part.unlink(missing_ok=True)
    return index


class KeptIndex:
    """The index of a split, which is not kept in memory while nobody uses it: it is read from disk again.

    A training of hours needs it only at its start.
    """

    def __init__(self, labeled: LabeledSource, index: SplitIndex) -> None:
        """Keep an index that `scan_split` returned, or a selection of its rows."""
        self._labeled, self._part, self._in_use = labeled, index.part, weakref.ref(index)

    def read(self) -> SplitIndex:
        """Return the index.

        Raises:
            TrazoError: as `scan_split`.
        """
        index = self._in_use()
        if index is None:
            index = replace(scan_split(self._labeled), part=self._part)
            self._in_use = weakref.ref(index)
        return index


def scan_folder(labeled: LabeledSource) -> Path:
    """Return where the index of a split is kept: another folder for each version of the data and its columns."""
    source = labeled.source
    key = repr((VERSION, constants.ENDPOINT if source.revision else None, labeled.key))
    return cache_folder() / "scan" / hashlib.sha256(key.encode()).hexdigest()[:32]


def _parts(labeled: LabeledSource, folder: Path) -> Iterator[SplitIndex]:
    """Yield the parts of the index: first those that an interrupted pass left, then new ones."""
    row, total = 0, labeled.source.table.total
    while (part := SplitIndex.load(folder / f"part-{row}.npz")) is not None:
        yield part
        row += part.rows
    with tqdm(total=total, initial=row, desc=f"scanning {labeled.source.split}", unit="image", disable=None) as bar:
        collected, since = [], time.monotonic()
        for found in _scan(labeled, row):
            collected.append(found)
            bar.update(found.rows)
            if time.monotonic() - since > MIN_PART_S:
                part = SplitIndex.join(collected, sum(one.rows for one in collected))
                part.save(folder / f"part-{row}.npz")
                yield part
                row, collected, since = row + part.rows, [], time.monotonic()
        if collected:
            yield SplitIndex.join(collected, sum(one.rows for one in collected))


def _batch_rows(labeled: LabeledSource) -> int:
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / labeled.source.row_bytes)))


def _scan(labeled: LabeledSource, start: int) -> Iterator[SplitIndex]:
    """Yield the index of the rows from `start` on: a part per batch, several where images are larger than the mean."""
    dataset = RowDataset((labeled,), Subset())
    batch_rows = _batch_rows(labeled)
    order = BatchOrder(0, batch_rows, 0, 1, WINDOW.bounded(labeled.source.row_bytes))
    batches = -(-dataset.rows // batch_rows)
    waiting: list[Rows] = []

    def with_image(reader: WindowReader) -> Iterator[Batch]:
        spans = order.ordered_spans(dataset.table, dataset.subset, start // batch_rows, batches)
        for number, rows in cut_ordered(reader.read(spans), order, dataset.rows, start):
            waiting.append(replace(rows, images=NO_IMAGES))  # an empty slice would keep the window
            labels, ids, positions = (one[rows.has_image] for one in (rows.labels, rows.ids, rows.positions))
            yield Batch(rows.images.drop_null(), labels, ids, positions - number * batch_rows, number)
            del rows

    with WindowReader(dataset.read_run, dataset.assemble) as reader:
        for facts, _, _, errors in image_facts_batches(with_image(reader)):
            yield _part(waiting.pop(0), facts, errors, labeled.task)


def _part(rows: Rows, facts: np.ndarray, errors: dict[int, str], task: str) -> SplitIndex:
    """Return the index of some rows; `facts` and `errors` are about those that have an image."""
    all_facts = np.zeros(len(rows.ids), facts.dtype)
    all_facts[rows.has_image] = facts
    missing, dtype = (np.nan, np.float32) if task == "regression" else (-1, np.int32)
    labels = np.where(rows.has_label, rows.labels, missing).astype(dtype)
    ids = rows.ids[rows.has_image]
    problems = {int(ids[position]): reason for position, reason in errors.items()}
    return SplitIndex.of(all_facts, labels, rows.has_image, problems)
