"""The rows that a stream visits: one or several datasets, and which of their rows."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from model.errors import TrazoError
from training.data.batches import Rows
from training.data.columns import LabeledSource
from training.data.order import RowGroups, count_rows
from training.data.parquet.split_info import SplitInfo, concat_splits
from training.data.prefetch import RunColumns
from training.data.subset import AnySubset, ConcatSubset, Subset, spread
from training.data.worker_rows import Read, WorkerRows


@dataclass(frozen=True, eq=False)
class RowDataset:
    """Rows of one or several labeled sources; the rows of each source follow those of the one before.

    Attributes:
        sources: the datasets; at least one. All have the labels of the first.
        subset: which rows count.
    """

    sources: tuple[LabeledSource, ...]
    subset: AnySubset

    @cached_property
    def info(self) -> SplitInfo:
        """What is known about the rows of all sources together."""
        return concat_splits([labeled.source for labeled in self.sources])

    @property
    def table(self) -> RowGroups:
        """The row groups of all sources together."""
        return self.info.table

    @cached_property
    def rows(self) -> int:
        """Number of rows of the subset."""
        return int(count_rows(self.table, self.subset).sum())

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes these rows, images and labels from others, as JSON values."""
        datasets = {str(number): labeled.key for number, labeled in enumerate(self.sources)}
        return {"datasets": datasets, "subset": self.subset.key, "rows": self.rows}

    @property
    def fingerprint(self) -> str:
        """Hash of the data of all sources together; see `LabeledSource.fingerprint`."""
        parts = [labeled.fingerprint for labeled in self.sources]
        return parts[0] if len(parts) == 1 else hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]

    # --- Other rows ---

    @staticmethod
    def concat(datasets: Sequence["RowDataset"]) -> "RowDataset":
        """Return the rows of several datasets, in their order; row ids continue from one to the next.

        Raises:
            TrazoError: if they do not have the same task and classes.
        """
        first, *others = datasets
        labels, task = first.sources[0].labels, first.sources[0].task
        for other in others:
            their_labels, their_task = other.sources[0].labels, other.sources[0].task
            if their_task != task or (task != "regression" and sorted(their_labels) != sorted(labels)):
                raise TrazoError(
                    f"{other.info.dataset!r} asks {their_task} {', '.join(their_labels)}; "
                    f"{first.info.dataset!r} asks {task} {', '.join(labels)}"
                )
        sources = tuple(replace(labeled, labels=labels) for dataset in datasets for labeled in dataset.sources)
        totals = [labeled.source.table.total for labeled in sources]
        first_rows = tuple(np.cumsum([0, *totals[:-1]]).tolist())
        return RowDataset(sources, ConcatSubset(tuple(dataset.subset for dataset in datasets), first_rows))

    def with_groups(self, column: str) -> "RowDataset":
        """Return these rows with the groups that `hold_out` keeps together: rows of an equal value.

        Raises:
            TrazoError: if there is no such column, or this is a part of a dataset or several datasets.
        """
        return self.with_places(spread(self.sources[0].group_ids(column)))

    def with_places(self, places: np.ndarray) -> "RowDataset":
        """Return these rows with a place for each, by which `hold_out` splits them.

        Args:
            places: uint64 (rows of the split,); see `training.data.scan.hold_out`.

        Raises:
            TrazoError: if this is a part of a dataset or several datasets.
        """
        return replace(self, subset=replace(self._whole_subset(), places=places))

    def select(self, keep: np.ndarray) -> "RowDataset":
        """Return only some of these rows.

        Args:
            keep: bool (rows of the split,).

        Raises:
            TrazoError: if this is several datasets, or no row is left.
        """
        if not isinstance(self.subset, Subset):
            raise TrazoError("rows are selected before a stream is joined with others")
        if keep.all():
            return self
        kept = keep if self.subset.keep is None else keep & self.subset.keep
        selected = replace(self, subset=replace(self.subset, keep=kept))
        if not selected.rows:
            raise TrazoError(f"none of the {self.rows:,} rows of {self.info.dataset!r} is left")
        return selected

    def with_content(self, fingerprint: str) -> "RowDataset":
        """Return these rows known by the hash of their content instead of their files' names and sizes."""
        self._whole_subset()
        return replace(self, sources=(replace(self.sources[0], content=fingerprint),))

    def with_classes(self, wanted: Sequence[str], labels: tuple[str, ...] | None = None) -> "RowDataset":
        """Return only the rows of some classes, and those without a label.

        Raises:
            TrazoError: if there is no such class or no row of them, or this is a part of a dataset or several.
        """
        self._whole_subset()
        part = self.sources[0].with_classes(wanted, labels)
        return replace(self, sources=(part,)).select(part.in_classes(part.whole.class_ids()))

    def _whole_subset(self) -> Subset:
        """Return the subset of a dataset that is neither split nor joined with others; refuse any other."""
        if not isinstance(self.subset, Subset) or (self.subset.low, self.subset.high) != (0, 1):
            raise TrazoError("rows get their places before a stream is split or joined with others")
        return self.subset

    def hold_out(self, fraction: float) -> tuple["RowDataset", "RowDataset"]:
        """Split the rows in two by their ids: (the rest, the rows held out).

        Raises:
            TrazoError: if the fraction is not between 0 and 1, or a part would be empty.
        """
        if not 0 < fraction < 1:
            raise TrazoError(f"the share to hold out must lie between 0 and 1, not {fraction}")
        rest, held_out = (replace(self, subset=subset) for subset in self.subset.split(fraction))
        if not (rest.rows and held_out.rows):
            raise TrazoError(f"holding out {fraction} of {self.rows} rows leaves one part empty")
        return rest, held_out

    # --- Reading ---

    def read_run(self, read: Read) -> RunColumns:
        """Read some rows of a run; a `prefetch.WindowReader` calls this.

        Returns:
            images (large_binary) and labels (int64 or float32); null where they are missing.

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        (start, stop), mask = read
        number = int(self._source_numbers(self.table.first[start : start + 1])[0])
        first = self._first_group[number]
        return self.sources[number].read((start - first, stop - first), mask)

    def assemble(self, used: WorkerRows, runs: list[RunColumns]) -> Rows:
        """Put what was read of a window together, in the order in which the rows are visited; `runs` is emptied."""
        dtype = np.float32 if self.sources[0].task == "regression" else np.int64
        runs = runs or [(pa.array([], pa.large_binary()), pa.array([], pa.from_numpy_dtype(dtype)))]
        images, labels = (pa.concat_arrays(column) for column in zip(*runs, strict=True))
        runs.clear()  # before the rows are copied once more
        if used.order is not None:
            images, labels = (column.take(pa.array(used.order)) for column in (images, labels))
        has_image, has_label = (~np.asarray(column.is_null()) for column in (images, labels))
        labels = np.asarray(labels.fill_null(0), dtype)
        return Rows(used.ids, used.positions, images, labels, has_image, has_label)

    def row_name(self, row_id: int) -> str:
        """Return what to call a row in a message: its number, and its file where the dataset names it."""
        source, row = self._source_of(row_id)
        return source.row_name(row)

    def file_name(self, row_id: int) -> str:
        """Return the path of a row's file, if it comes from a folder of images; else nothing, and nothing is read."""
        source, row = self._source_of(row_id)
        return source.file_name(row) if source.source.folder else ""

    def _source_of(self, row_id: int) -> tuple[LabeledSource, int]:
        number = int(self._source_numbers(np.array([row_id]))[0])
        return self.sources[number], row_id - int(self._first_row[number])

    def sketch_mask(self, row_ids: np.ndarray) -> np.ndarray | None:
        """Return which rows are free drawings, bool of the ids' shape; None if no source has any."""
        if not any(labeled.sketches for labeled in self.sources):
            return None
        return np.array([labeled.sketches for labeled in self.sources])[self._source_numbers(row_ids)]

    def _source_numbers(self, row_ids: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._first_row, row_ids, side="right") - 1

    @cached_property
    def _first_row(self) -> np.ndarray:
        return np.cumsum([0, *(labeled.source.table.total for labeled in self.sources[:-1])])

    @cached_property
    def _first_group(self) -> list[int]:
        return np.cumsum([0, *(len(labeled.source.table.rows) for labeled in self.sources[:-1])]).tolist()
