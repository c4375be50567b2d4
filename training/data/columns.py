"""One dataset of a stream: its rows, and what its columns say."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Features, Image, Value

from model.errors import TrazoError
from training.data.order import Subset, ordered_windows
from training.data.parquet.source import ParquetSplit

READ_AT_ONCE = 1 << 15  # rows, where a whole column is read


@dataclass(frozen=True)
class LabeledSource:
    """One split of one dataset, with its image and label column.

    Attributes:
        source: where the rows come from.
        image_column: its name.
        label_column: its name.
        labels: class names in the order of the ids that `read` gives; for regression the target column's name.
        task: binary, multiclass or regression.
        sketches: whether the pictures are free drawings, to be prepared as `CnnModel.predict_sketch` does.
    """

    source: ParquetSplit
    image_column: str
    label_column: str
    labels: tuple[str, ...]
    task: str
    sketches: bool = False

    @staticmethod
    def of(
        source: ParquetSplit,
        image_column: str | None,
        label_column: str | None,
        labels: tuple[str, ...] | None,
        task: str | None,
        sketches: bool,
    ) -> "LabeledSource":
        """Find a source's columns and read off its label column which task it poses.

        Args:
            source: of the rows.
            image_column: where the schema has several image columns.
            label_column: where the schema leaves open which column is the label.
            labels: class names that come from elsewhere, for a label column of strings, numbers or booleans.
            task: binary, multiclass or regression; None: as the column says.
            sketches: see the attribute.

        Raises:
            TrazoError: when a column is missing or left open, or does not suit the task.
        """
        image = _image_column(source, image_column)
        label = _label_column(source.dataset, source.features, label_column)
        for column in (image, label):
            if column not in source.schema.names:
                raise TrazoError(f"{source.dataset!r} declares a column {column!r} that its files do not have")
        if not _holds_files(source.schema.field(image).type):
            raise TrazoError(
                f"column {image!r} of {source.dataset!r} holds {source.schema.field(image).type}, no images"
            )
        names, found = _labels_and_task(source, label, labels, task)
        if label_column is None and len(names) == source.table.total > 9:
            raise TrazoError(
                f"column {label!r} of {source.dataset!r} has another value in each row, so it names no classes; "
                f"choose with --label-column; columns: {', '.join(source.features)}"
            )
        return LabeledSource(source, image, label, names, found, sketches)

    @property
    def key(self) -> dict[str, Any]:
        """What tells this member's pictures and labels from others'; it fits into JSON."""
        return {
            "fingerprint": self.source.fingerprint,
            "image_column": self.image_column,
            "label_column": self.label_column,
            "labels": list(self.labels),
            "sketches": self.sketches,
        }

    def read(self, run: tuple[int, int], mask: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Read those rows of a run that a mask chooses.

        Args:
            run: [start, stop) in the source's row-group table.
            mask: bool, one a row of the run.

        Returns:
            images (large_binary) and labels (int64 class ids, or float32 targets); null where they are missing.
        """
        plain = not pa.types.is_struct(self.source.schema.field(self.image_column).type)
        table = self.source.read(run, [self.image_column if plain else f"{self.image_column}.bytes", self.label_column])
        if not mask.all():
            table = table.filter(pa.array(mask))
        images = table[self.image_column] if plain else pc.struct_field(table[self.image_column], "bytes")
        images = images.cast(pa.large_binary())
        return images.combine_chunks(), self._ids_of(table[self.label_column]).combine_chunks()

    def groups(self, column: str) -> np.ndarray:
        """Return one number a row, uint64 (rows,), equal for rows with an equal value; one pass over that column.

        Raises:
            TrazoError: when there is no such column.
        """
        if column not in self.source.schema.names:
            raise TrazoError(
                f"{self.source.dataset!r} has no column {column!r}; its columns: {', '.join(self.source.features)}"
            )
        if pa.types.is_nested(self.source.schema.field(column).type):
            raise TrazoError(f"column {column!r} of {self.source.dataset!r} holds no single values to keep together by")
        known: dict[object, int] = {None: 0}  # rows without a value are one unit, too
        groups = []
        for window in ordered_windows(self.source.table, Subset(), READ_AT_ONCE):
            for run in window.runs:
                values = self.source.read(run, [column])[column].combine_chunks().dictionary_encode("encode")
                distinct = values.dictionary.to_pylist()
                for value in distinct:
                    digest = hashlib.blake2b(repr(value).encode(), digest_size=8).digest()
                    known.setdefault(value, int.from_bytes(digest, "little"))
                groups.append(np.array([known[value] for value in distinct], np.uint64)[values.indices.to_numpy()])
        return np.concatenate(groups)

    def _ids_of(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return labels as class ids or targets; null where they are missing, unknown or not finite."""
        feature = self.source.features[self.label_column]
        if isinstance(feature, ClassLabel) and pa.types.is_integer(column.type):
            valid = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(feature.names)))
            column = pc.if_else(valid, column, pa.scalar(None, column.type))  # −1 stands for "no label" in `datasets`
            if tuple(feature.names) == self.labels:
                return column.cast(pa.int64())
            places = pa.array([self.labels.index(name) for name in feature.names], pa.int64())
            return pa.chunked_array([places.take(chunk) for chunk in column.chunks], pa.int64())
        if self.task == "regression":
            column = column.cast(pa.float32(), safe=False)
            return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
        return pc.index_in(column.cast(pa.string()), value_set=pa.array(self.labels)).cast(pa.int64())


def _labels_and_task(
    source: ParquetSplit, column: str, given: tuple[str, ...] | None, task: str | None
) -> tuple[tuple[str, ...], str]:
    feature = source.features[column]
    number = not isinstance(feature, ClassLabel) and feature.dtype.startswith(("float", "int", "uint"))
    real = number and feature.dtype.startswith("float")
    if (task == "regression" and not number) or (task in ("binary", "multiclass") and real):
        kind = "class names" if isinstance(feature, ClassLabel) else feature.dtype
        suits = "regression" if real else "binary or multiclass"
        raise TrazoError(f"label column {column!r} holds {kind}: {suits}, not {task}")
    if real or task == "regression":
        return (column,), "regression"
    if isinstance(feature, ClassLabel):
        names = tuple(feature.names)
    elif feature.dtype == "bool":
        names = given or ("false", "true")
        if set(names) != {"false", "true"}:
            raise TrazoError(f"label column {column!r} holds booleans: its classes are false and true, not {names}")
    else:
        names = given or _distinct(source, column)
    if len(names) < 2:
        raise TrazoError(f"label column {column!r} has {len(names)} class; two or more can be told apart")
    found = "binary" if len(names) == 2 else "multiclass"
    if task and task != found:
        raise TrazoError(f"label column {column!r} has {len(names)} classes: {found}, not {task}")
    return names, found


def _distinct(source: ParquetSplit, column: str) -> tuple[str, ...]:
    """Return the distinct values of a column, sorted; one pass over that column alone."""
    found: set = set()
    for window in ordered_windows(source.table, Subset(), READ_AT_ONCE):
        for run in window.runs:
            found.update(pc.unique(source.read(run, [column])[column]).to_pylist())
    return tuple(str(value) for value in sorted(found - {None}))


def _holds_files(kind: pa.DataType) -> bool:
    """Return whether a Parquet column may hold encoded images: binary, or a struct with binary `bytes`."""
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _image_column(source: ParquetSplit, name: str | None) -> str:
    # What the schema calls an image; without that, what is stored as one.
    images = [column for column, feature in source.features.items() if isinstance(feature, Image)]
    stored = [field.name for field in source.schema if _holds_files(field.type)]
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


def _label_column(dataset: str, features: Features, name: str | None) -> str:
    def scalar(feature: object) -> bool:
        kinds = ("int", "uint", "bool", "string", "large_string", "float")
        return isinstance(feature, ClassLabel) or (isinstance(feature, Value) and feature.dtype.startswith(kinds))

    possible = [column for column, feature in features.items() if scalar(feature)]
    if name is not None:
        if name not in possible:
            raise TrazoError(f"{dataset!r} has no label column {name!r}; possible: {', '.join(possible) or 'none'}")
        return name
    classes = [column for column in possible if isinstance(features[column], ClassLabel)]
    named = [column for column in possible if column in ("label", "labels", "target")]
    for choice in (classes, named, possible):
        if len(choice) == 1:
            return choice[0]
    raise TrazoError(
        f"{dataset!r} leaves open which column is the label; possible: {', '.join(possible) or 'none'}; "
        "choose with --label-column"
    )
