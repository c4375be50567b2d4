"""One labeled dataset: which columns hold images and labels, and reading them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Features, Image, Value

from model.errors import TrazoError
from training.data.class_names import match_names
from training.data.order import Run, ordered_windows
from training.data.parquet.source import ParquetSplit
from training.data.part import find_classes
from training.data.subset import Subset

SCAN_WINDOW_ROWS = 1 << 15  # where a whole column is read
LABEL_NAMES = ("label", "labels", "target")
LABEL_DTYPES = ("int", "uint", "bool", "string", "large_string", "float")


@dataclass(frozen=True)
class ColumnOptions:
    """What the user says about a dataset's columns; None leaves it to the schema.

    Attributes:
        image_column: needed if the schema has several image columns.
        label_column: needed if the schema leaves open which column is the label.
        labels: class names that come from elsewhere, for a label column of strings, numbers or booleans.
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
        feature = self.source.features[self.label_column]
        all_labels = self.labels
        if isinstance(feature, ClassLabel):
            all_labels = tuple(feature.names)
        elif labels and feature.dtype != "bool":  # those of a model: this split may have others
            all_labels = _distinct_values(self.source, self.label_column)
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
        chunks = (self._encode_labels(column) for column in _scan_column(self.source, self.label_column))
        return np.concatenate([np.asarray(chunk.fill_null(-1), np.int32) for chunk in chunks])

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
        plain = not pa.types.is_struct(self.source.schema.field(self.image_column).type)
        table = self.source.read(run, [self.image_column if plain else f"{self.image_column}.bytes", self.label_column])
        if not mask.all():
            table = table.filter(pa.array(mask))
        images = table[self.image_column] if plain else pc.struct_field(table[self.image_column], "bytes")
        images = images.cast(pa.large_binary())
        return images.combine_chunks(), self._encode_labels(table[self.label_column]).combine_chunks()

    def row_name(self, row: int) -> str:
        """Return what to call a row in a message: its number, and its file where the dataset names it."""
        path = self.file_name(row)
        return f"row {row} ({path})" if path else f"row {row}"

    def file_name(self, row: int) -> str:
        """Return the name of a row's file; empty where the dataset does not name it."""
        kind = self.source.schema.field(self.image_column).type
        if not (pa.types.is_struct(kind) and kind.get_field_index("path") >= 0):
            return ""
        group = int(np.searchsorted(self.source.table.first, row, side="right")) - 1
        table = self.source.read((group, group + 1), [f"{self.image_column}.path"])
        return table[self.image_column][row - int(self.source.table.first[group])]["path"].as_py() or ""

    def group_ids(self, column: str) -> np.ndarray:
        """Return one number per row, uint64 (rows,), equal for rows with an equal value; one pass over that column.

        Raises:
            TrazoError: if there is no such column, or it holds lists or structs.
        """
        if column not in self.source.schema.names:
            raise TrazoError(
                f"{self.source.dataset!r} has no column {column!r}; its columns: {', '.join(self.source.features)}"
            )
        if pa.types.is_nested(self.source.schema.field(column).type):
            raise TrazoError(f"column {column!r} of {self.source.dataset!r} holds no single values to group rows by")
        known: dict[object, int] = {None: 0}  # rows without a value are one group, too
        groups = []
        for chunk in _scan_column(self.source, column):
            values = chunk.combine_chunks().dictionary_encode("encode")
            distinct = values.dictionary.to_pylist()
            for value in distinct:
                digest = hashlib.blake2b(repr(value).encode(), digest_size=8).digest()
                known.setdefault(value, int.from_bytes(digest, "little"))
            groups.append(np.array([known[value] for value in distinct], np.uint64)[values.indices.to_numpy()])
        return np.concatenate(groups)

    def _encode_labels(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return labels as class ids or targets; null where they are missing, unknown or not finite."""
        feature = self.source.features[self.label_column]
        if isinstance(feature, ClassLabel) and pa.types.is_integer(column.type):
            valid = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(feature.names)))
            column = pc.if_else(valid, column, pa.scalar(None, column.type))  # −1 means "no label" in `datasets`
            if tuple(feature.names) == self.labels:
                return column.cast(pa.int64())
            ids = pa.array(match_names(feature.names, self.labels), pa.int64())
            return pa.chunked_array([ids.take(chunk) for chunk in column.chunks], pa.int64())
        if self.task == "regression":
            column = column.cast(pa.float32(), safe=False)
            return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        return pc.index_in(column.cast(pa.string()), value_set=pa.array(self.labels)).cast(pa.int64())


def label_source(source: ParquetSplit, options: ColumnOptions) -> LabeledSource:
    """Find a source's image and label column, and from the label column its classes and task.

    Raises:
        TrazoError: if a column is missing or ambiguous, or does not suit the task.
    """
    image = choose_image_column(source, options.image_column)
    label = _choose_label_column(source.dataset, source.features, options.label_column)
    for column in (image, label):
        if column not in source.schema.names:
            raise TrazoError(f"{source.dataset!r} declares a column {column!r} that its files do not have")
    if not _can_hold_images(source.schema.field(image).type):
        raise TrazoError(f"column {image!r} of {source.dataset!r} holds {source.schema.field(image).type}, no images")
    labels, task = _find_labels_and_task(source, label, options.labels, options.task)
    if options.label_column is None and len(labels) == source.table.total > 9:
        raise TrazoError(
            f"column {label!r} of {source.dataset!r} has another value in each row, so it names no classes; "
            f"choose with --label-column; columns: {', '.join(source.features)}"
        )
    return LabeledSource(source, image, label, labels, task, options.sketches)


def _find_labels_and_task(
    source: ParquetSplit, column: str, labels: tuple[str, ...] | None, task: str | None
) -> tuple[tuple[str, ...], str]:
    feature = source.features[column]
    is_number = not isinstance(feature, ClassLabel) and feature.dtype.startswith(("float", "int", "uint"))
    is_float = is_number and feature.dtype.startswith("float")
    if (task == "regression" and not is_number) or (task in ("binary", "multiclass") and is_float):
        kind = "class names" if isinstance(feature, ClassLabel) else feature.dtype
        suits = "regression" if is_float else "binary or multiclass"
        raise TrazoError(f"label column {column!r} holds {kind}: {suits}, not {task}")
    if is_float or task == "regression":
        return (column,), "regression"
    if isinstance(feature, ClassLabel):
        names = tuple(feature.names)
    elif feature.dtype == "bool":
        names = labels or ("false", "true")
        if set(names) != {"false", "true"}:
            raise TrazoError(f"label column {column!r} holds booleans: its classes are false and true, not {names}")
    else:
        names = labels or _distinct_values(source, column)
    if len(names) < 2:
        raise TrazoError(f"label column {column!r} has {len(names)} class; at least two are needed")
    found = "binary" if len(names) == 2 else "multiclass"
    if task and task != found:
        raise TrazoError(f"label column {column!r} has {len(names)} classes: {found}, not {task}")
    return names, found


def _distinct_values(source: ParquetSplit, column: str) -> tuple[str, ...]:
    found: set = set()
    for chunk in _scan_column(source, column):
        found.update(pc.unique(chunk).to_pylist())
    return tuple(str(value) for value in sorted(found - {None}))


def _scan_column(source: ParquetSplit, column: str) -> Iterator[pa.ChunkedArray]:
    """Yield the values of one column in file order; no other column is read."""
    for window in ordered_windows(source.table, Subset(), SCAN_WINDOW_ROWS):
        for run in window.runs:
            yield source.read(run, [column])[column]


def _can_hold_images(kind: pa.DataType) -> bool:
    """Return whether a Parquet column may hold encoded images: binary, or a struct with binary `bytes`."""
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def choose_image_column(source: ParquetSplit, name: str | None = None) -> str:
    """Return the name of a source's image column.

    Args:
        source: a split.
        name: the requested one; None for the only one.

    Raises:
        TrazoError: if it is missing or ambiguous.
    """
    # First the columns that the schema calls images, then those that are stored like images.
    images = [column for column, feature in source.features.items() if isinstance(feature, Image)]
    stored = [field.name for field in source.schema if _can_hold_images(field.type)]
    images = images or [column for column in stored if pa.types.is_struct(source.schema.field(column).type)]
    if name is None:
        if len(images) != 1:
            found = f"has {len(images)} image columns ({', '.join(images)})" if images else "has no image column"
            raise TrazoError(
                f"{source.dataset!r} {found}; its columns: {', '.join(source.features)}; choose with --image-column"
            )
        return images[0]
    if name not in (*images, *stored):
        known = ", ".join(dict.fromkeys((*images, *stored))) or "none"
        raise TrazoError(f"{source.dataset!r} has no image column {name!r}; it has {known}")
    return name


def _choose_label_column(dataset: str, features: Features, name: str | None) -> str:
    def can_be_label(feature: object) -> bool:
        return isinstance(feature, ClassLabel) or (
            isinstance(feature, Value) and feature.dtype.startswith(LABEL_DTYPES)
        )

    possible = [column for column, feature in features.items() if can_be_label(feature)]
    if name is not None:
        if name not in possible:
            raise TrazoError(f"{dataset!r} has no label column {name!r}; possible: {', '.join(possible) or 'none'}")
        return name
    classes = [column for column in possible if isinstance(features[column], ClassLabel)]
    named = [column for column in possible if column in LABEL_NAMES]
    for candidates in (classes, named, possible):
        if len(candidates) == 1:
            return candidates[0]
    raise TrazoError(
        f"{dataset!r} leaves open which column is the label; possible: {', '.join(possible) or 'none'}; "
        "choose with --label-column"
    )
