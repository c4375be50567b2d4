"""One labeled dataset: which columns hold images and labels, and reading them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel

from model.errors import TrazoError
from model.logs import log_once
from model.names import check_names
from training.data.class_names import match_names
from training.data.folders.report import list_some
from training.data.image_column import bytes_column, choose_image_column, image_bytes
from training.data.label_column import choose_label_column, find_labels_and_task
from training.data.label_values import class_name, distinct_values, encode_classes, plain_column, scan_column
from training.data.order import Run
from training.data.parquet.source import ParquetSplit
from training.data.part import find_classes


@dataclass(frozen=True)
class ColumnOptions:
    """What the user says about a dataset's columns; None leaves it to the schema.

    Attributes:
        image_column: needed if the schema has several image columns.
        label_column: needed if the schema leaves open which column is the label.
        labels: class names that come from elsewhere; rows of other classes then count as rows without a label.
        task: binary, multiclass or regression.
        sketches: the images are free drawings, to be prepared as `CnnModel.predict_sketch` does.
    """

    image_column: str | None = None
    label_column: str | None = None
    labels: tuple[str, ...] | None = None
    task: str | None = None
    sketches: bool = False


@dataclass(frozen=True)
class LabeledSource:
    """One split of one dataset, with its image and label column.

    Attributes:
        source: where the rows come from.
        image_column: its name.
        label_column: its name.
        labels: class names in the order of the ids that `read` gives; for regression the target column's name.
        task: binary, multiclass or regression.
        sketches: whether the images are free drawings.
        content: hash of every image and label, if they were scanned; it takes the place of the files' fingerprint.
        classes: names of the classes whose rows count, if they are not all.
        all_labels: class names of the whole dataset, if only some classes count.
        notes: what is not certain about the labels, a sentence each.
    """

    source: ParquetSplit
    image_column: str
    label_column: str
    labels: tuple[str, ...]
    task: str
    sketches: bool = False
    content: str | None = None
    classes: tuple[str, ...] | None = None
    all_labels: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> dict[str, Any]:
        """What distinguishes this dataset's images and labels from others', as JSON values."""
        data = {"content": self.content, "row_groups": self.source.table.fingerprint} if self.content else {}
        return {
            **(data or {"fingerprint": self.source.fingerprint, "version": self.source.version}),
            "image_column": self.image_column,
            "label_column": self.label_column,
            "labels": list(self.labels),
            "sketches": self.sketches,
        }

    @property
    def whole(self) -> "LabeledSource":
        """The same dataset with all of its classes."""
        return replace(self, labels=self.all_labels, classes=None, all_labels=None) if self.all_labels else self

    def with_classes(self, wanted: Sequence[str], labels: tuple[str, ...] | None = None) -> "LabeledSource":
        """Return this dataset with only some of its classes; rows of the others have no label then.

        Args:
            wanted: names of the classes.
            labels: class names in the order of the ids; None for those of `wanted`.

        Raises:
            TrazoError: if there is no such class, or the task is a regression.
        """
        if self.task == "regression":
            raise TrazoError(f"--classes: the labels of {self.source.dataset!r} are numbers, which are no classes")
        feature = self.source.features.get(self.label_column)
        all_labels = self.labels
        if isinstance(feature, ClassLabel):
            all_labels = tuple(feature.names)
        elif labels and not pa.types.is_boolean(self.source.column_type(self.label_column)):
            all_labels = distinct_values(self.source, self.label_column).names  # a model may have others
        classes = find_classes(wanted, labels or all_labels, self.source.dataset)
        labels = labels or classes
        task = "binary" if len(labels) == 2 else "multiclass"
        return replace(self, labels=labels, task=task, classes=classes, all_labels=all_labels)

    def in_classes(self, ids: np.ndarray) -> np.ndarray:
        """Return which rows belong to the part, bool (rows,): all but those of other classes.

        Args:
            ids: class ids of the whole dataset, −1 for rows without a label.
        """
        if self.classes is None or self.all_labels is None:
            return np.ones(len(ids), bool)
        wanted = match_names(self.all_labels, self.classes)
        return np.array([*(number is not None for number in wanted), True])[ids]

    def class_ids(self) -> np.ndarray:
        """Return the class id of each row, int32 (rows,), −1 where there is none; one pass over the label column.

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        chunks = (self._encode_labels(column) for column in scan_column(self.source, self.label_column))
        return np.concatenate([np.asarray(chunk.fill_null(-1), np.int32) for chunk in chunks])

    @property
    def fingerprint(self) -> str:
        """Hash of the content if it was scanned, else of the files' names and sizes; 16 hexadecimal digits."""
        return self.content or self.source.fingerprint

    def read(self, run: Run, mask: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Read the rows of a run that a mask selects.

        Args:
            run: [start, stop) in the source's row-group table.
            mask: bool, one per row of the run.

        Returns:
            images (large_binary) and labels (int64 class ids, or float32 targets); null where they are missing.

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        table = self.source.read(run, [bytes_column(self.source, self.image_column, run), self.label_column])
        if not mask.all():
            table = table.filter(pa.array(mask))
        images = image_bytes(table[self.image_column])
        return images.combine_chunks(), self._encode_labels(table[self.label_column]).combine_chunks()

    def unknown_classes(self) -> tuple[np.ndarray, dict[str, int]]:
        """Find the rows of classes that are not among `labels`; one pass over the label column.

        Returns:
            (bool (rows,), name of the class -> number of its rows).

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        masks, counts = [], dict[str, int]()
        if self.task == "regression" or self.classes:  # rows that were not requested are no part of the data
            return np.zeros(self.source.table.total, bool), counts
        for column in scan_column(self.source, self.label_column):
            if pa.types.is_null(column.type):
                masks.append(np.zeros(len(column), bool))
                continue
            values = column.combine_chunks().dictionary_encode()
            names = [self._class_of(value) for value in values.dictionary.to_pylist()]
            unknown = [match_names([name or self.labels[0]], self.labels) == [None] for name in names]
            codes = np.asarray(values.indices.fill_null(len(names)))
            masks.append(np.array([*unknown, False])[codes])
            for name, is_unknown, rows in zip(names, unknown, np.bincount(codes, minlength=len(names)), strict=False):
                if is_unknown and name is not None:
                    counts[name] = counts.get(name, 0) + int(rows)
        return np.concatenate(masks), counts

    def _class_of(self, value: object) -> str | None:
        """Return the class that a value of the label column means in this dataset; None if it is missing."""
        name, feature = class_name(value), self.source.features.get(self.label_column)
        if name is None or not isinstance(feature, ClassLabel) or isinstance(value, str):
            return name
        names = feature.names
        return names[int(name)] if name.isdecimal() and len(name) < 20 and int(name) < len(names) else None

    def row_name(self, row: int) -> str:
        """Return what to call a row in a message: its number, and its file where the dataset names it."""
        path = self.file_name(row)
        return f"row {row} ({path})" if path else f"row {row}"

    def file_name(self, row: int) -> str:
        """Return the name of a row's file; empty where the dataset does not name it."""
        group = int(np.searchsorted(self.source.table.first, row, side="right")) - 1
        kind = self.source.column_type(self.image_column, (group, group + 1))
        if not (pa.types.is_struct(kind) and kind.get_field_index("path") >= 0):
            return ""
        table = self.source.read((group, group + 1), [f"{self.image_column}.path"])
        return table[self.image_column][row - int(self.source.table.first[group])]["path"].as_py() or ""

    def group_ids(self, column: str) -> np.ndarray:
        """Return one number per row, uint64 (rows,), equal for rows with an equal value; one pass over that column.

        Raises:
            TrazoError: if there is no such column, or it holds lists or structs.
        """
        if pa.types.is_nested(self.source.column_type(column)):
            raise TrazoError(f"column {column!r} of {self.source.dataset!r} holds no single values to group rows by")
        known: dict[object, int] = {None: 0}  # rows without a value are one group, too
        groups = []
        for chunk in scan_column(self.source, column):
            values = chunk.combine_chunks().dictionary_encode("encode")
            distinct = values.dictionary.to_pylist()
            for value in distinct:
                digest = hashlib.blake2b(repr(value).encode(), digest_size=8).digest()
                known.setdefault(value, int.from_bytes(digest, "little"))
            groups.append(np.array([known[value] for value in distinct], np.uint64)[values.indices.to_numpy()])
        return np.concatenate(groups)

    def _encode_labels(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return labels as class ids or targets; null where they are missing, unknown or not finite."""
        feature = self.source.features.get(self.label_column)
        column = plain_column(column)
        if self.task == "regression":
            column = column.cast(pa.float32(), safe=False)
            return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        if not isinstance(feature, ClassLabel) or pa.types.is_string(column.type):
            return encode_classes(column, self._ids)
        if not pa.types.is_integer(column.type):  # ids that became floats
            numbers = match_names(feature.names, self.labels)
            return encode_classes(column, {str(id_): number for id_, number in enumerate(numbers)})
        if (pc.max(column).as_py() or 0) >= len(feature.names):
            raise TrazoError(
                f"label column {self.label_column!r} of {self.source.dataset!r} holds the number "
                f"{pc.max(column).as_py():,}, but only {len(feature.names):,} classes are declared for it "
                f"({list_some(feature.names, 5)}), numbered from 0: correct the names in the README or the files"
            )
        valid = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(feature.names)))
        column = pc.if_else(valid, column, pa.scalar(None, column.type))  # −1 means "no label" in `datasets`
        if tuple(feature.names) == self.labels:
            return column.cast(pa.int64())
        ids = pa.array(match_names(feature.names, self.labels), pa.int64())
        return pa.chunked_array([ids.take(chunk) for chunk in column.chunks], pa.int64())

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {class_name(name) or name: id_ for id_, name in enumerate(self.labels)}


def label_source(source: ParquetSplit, options: ColumnOptions) -> LabeledSource:
    """Find a source's image and label column, and from the label column its classes and task.

    Raises:
        TrazoError: if a column is missing, not certain or differs between files, or does not suit the task.
    """
    image = choose_image_column(source, options.image_column)
    label = choose_label_column(source, options.label_column, image)
    notes: list[str] = []
    labels, task = find_labels_and_task(source, label, options.labels, options.task, notes)
    try:
        check_names("a label", labels)
    except TrazoError as error:
        raise TrazoError(f"column {label!r} of {source.dataset!r}: {error}; change it in the dataset") from None
    for note in notes:
        log_once(note)
    return LabeledSource(source, image, label, labels, task, options.sketches, notes=tuple(notes))
