"""Which column of a dataset holds the labels, and from its values the classes and the task.

A column is taken without being asked for only if its type is a class label, or its name says that it holds labels.
"""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel

from model.errors import TrazoError
from training.data.folders.classes import similar_names
from training.data.folders.report import list_some
from training.data.label_values import DistinctValues, distinct_values, scan_column
from training.data.parquet.schema import describe_type, plain_type
from training.data.parquet.source import ParquetSplit

LABEL_NAMES = ("label", "labels", "target", "targets", "class", "classes", "category", "fine_label", "cls", "y")
MISSING_NAMES = ("nan", "none", "null", "n/a", "na", "unknown", "?", "-1")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?", re.ASCII)
MAX_SURE_CLASSES = 100  # more different whole numbers may be ages, years or ids
MAX_FEW_CLASSES, MIN_ROWS_PER_CLASS = 20, 10  # and so may more than a few of which most are rare
MAX_COUNTED, MAX_COUNTED_ROWS = 12, 1 << 15  # columns and rows that a message counts values of


def choose_label_column(source: ParquetSplit, name: str | None, image_column: str) -> str:
    """Return the column of labels.

    Args:
        source: the split.
        name: of the column, if the user says it.
        image_column: the column of images.

    Raises:
        TrazoError: if it does not exist, its type suits no label, or it is not certain which one it is.
    """
    others = [column for column in source.schema.names if column != image_column]
    if name is None:
        name = _find_label_column(source, others)
    elif name == image_column or (name not in others and name not in source.features):
        possible = list_some(column for column in others if _unsuitable(source, column) is None)
        raise TrazoError(f"{source.dataset!r} has no label column {name!r}; possible: {possible or 'none'}")
    source.column_type(name)
    if reason := _unsuitable(source, name):
        raise TrazoError(f"label column {name!r} of {source.dataset!r} {reason}; choose another with --label-column")
    return name


def _find_label_column(source: ParquetSplit, columns: Sequence[str]) -> str:
    classes = [c for c, feature in source.features.items() if isinstance(feature, ClassLabel)]
    named = [c for c in columns if _is_label_name(c, columns)]
    if len(classes) == 1 and (classes[0] in named or not named):
        return classes[0]
    if not classes and len(named) == 1:
        return named[0]
    possible = [c for c in dict.fromkeys([*classes, *named, *columns]) if _unsuitable(source, c) is None]
    if not possible:
        reasons = "".join(f"; {source.problems[column]}" for column in columns if column in source.problems)
        raise TrazoError(
            f"{source.dataset!r}, split {source.split!r}, has no column that can hold labels; its columns: "
            f"{list_some(source.schema.names)}{reasons}"
            + ("; --test-split held-out measures a share of the training split" if source.split == "test" else "")
        )
    counted = [_count_values(source, column) for column in possible[:MAX_COUNTED]]
    one_hot = _one_hot_columns(source, possible)
    hint = f"; {list_some(one_hot)} look like one class each (one-hot): write their names in one column"
    raise TrazoError(
        f"{source.dataset!r} leaves open which column is the label; choose with --label-column; possible: "
        f"{', '.join(counted)}{' …' if len(possible) > MAX_COUNTED else ''}{hint if one_hot else ''}"
    )


def _is_label_name(column: str, columns: Sequence[str]) -> bool:
    name = column.strip().lower()
    # Next to x, y is a coordinate.
    return name in LABEL_NAMES and not (name == "y" and any(c.strip().lower() == "x" for c in columns))


def _unsuitable(source: ParquetSplit, column: str) -> str | None:
    """Return why a column's type suits no label, and what to do; None if it does."""
    if column in source.problems:
        return source.problems[column]
    if column not in source.schema.names:
        return "is declared, but its files do not have it"
    kind = plain_type(source.schema.field(column).type)
    found = f"holds {describe_type(kind)}"
    if pa.types.is_nested(kind):
        values = kind.value_type if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) else None
        if values is not None and (pa.types.is_string(plain_type(values)) or pa.types.is_binary(plain_type(values))):
            return f"{found}, several labels per image (multi-label), which is not supported: keep one per row"
        if values is not None:
            return f"{found}: write the class's number or name instead of a list (one-hot or multi-label)"
        return f"{found}: write one number or text per row"
    if pa.types.is_temporal(kind):
        return f"{found}, a time: write classes as text, or numbers such as the year"
    return None


def _count_values(source: ParquetSplit, column: str) -> str:
    """Return a column's name with its type and how many different values it has."""
    feature = source.features.get(column)
    if isinstance(feature, ClassLabel):
        return f"{column} ({len(feature.names):,} classes)"
    kind = describe_type(source.schema.field(column).type)
    values: set[object] = set()
    rows = 0
    for part in scan_column(source, column, MAX_COUNTED_ROWS):
        values.update(pc.unique(part.drop_null()).to_pylist())
        rows += len(part)
    where = f" in {rows:,} rows" if rows < source.table.total else ""
    return f"{column} ({kind}, {len(values):,} different values{where})"


def _one_hot_columns(source: ParquetSplit, columns: Sequence[str]) -> list[str]:
    """Return the columns that hold only 0 and 1, if in each row exactly one of them is 1."""
    sums: list[int] | None = None
    found = []
    for column in columns:
        kind = plain_type(source.schema.field(column).type)
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            continue
        values = [v for part in scan_column(source, column, MAX_COUNTED_ROWS) for v in part.to_pylist()]
        if set(values) <= {0, 1} and 1 in values:
            found.append(column)
            sums = [a + b for a, b in zip(sums, values, strict=True)] if sums else values
    return found if len(found) > 1 and sums and set(sums) == {1} else []


# --- Classes and task ---


def find_labels_and_task(
    source: ParquetSplit, column: str, labels: tuple[str, ...] | None, task: str | None, notes: list[str]
) -> tuple[tuple[str, ...], str]:
    """Return (the class names, the task) of a label column; for a regression (the column's name,).

    Args:
        source: the split.
        column: its label column.
        labels: class names that come from elsewhere; then the column is not read.
        task: binary, multiclass or regression, if it is known.
        notes: gets a sentence for each thing that is not certain about the classes.

    Raises:
        TrazoError: if the column does not suit the task, names no classes, or leaves the task open.
    """
    feature = source.features.get(column)
    kind = plain_type(source.schema.field(column).type)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if task == "regression":
        if isinstance(feature, ClassLabel) or not (is_number or pa.types.is_null(kind)):
            held = "class names" if isinstance(feature, ClassLabel) else describe_type(kind)
            raise TrazoError(f"label column {column!r} holds {held}: binary or multiclass, not regression")
        return labels or (column,), "regression"
    if isinstance(feature, ClassLabel):
        names = labels or tuple(feature.names)
    elif pa.types.is_boolean(kind):
        names = labels or ("false", "true")
        if set(names) != {"false", "true"}:
            raise TrazoError(f"label column {column!r} holds booleans: its classes are false and true, not {names}")
    elif labels and (task or labels != (column,)):
        names = labels
    else:
        values = distinct_values(source, column, stop_at_fraction=is_number)
        if values.fraction is not None:
            if task:
                raise TrazoError(
                    f"label column {column!r} holds numbers that are not whole, such as {values.fraction:g}: "
                    f"regression, not {task}"
                )
            return (column,), "regression"
        names = _check_classes(source, column, values, kind if is_number else None, task, notes)
    if labels and names == labels:  # this split may have others, or only some of them
        return labels, task or ("binary" if len(labels) == 2 else "multiclass")
    if len(names) < 2:
        raise TrazoError(f"label column {column!r} has {len(names)} class; at least two are needed")
    found = "binary" if len(names) == 2 else "multiclass"
    if task and task != found:
        raise TrazoError(f"label column {column!r} has {len(names)} classes: {found}, not {task}")
    return names, found


def _check_classes(
    source: ParquetSplit,
    column: str,
    values: DistinctValues,
    number: pa.DataType | None,
    task: str | None,
    notes: list[str],
) -> tuple[str, ...]:
    """Return the class names of a column's values, and note what is not certain about them."""
    where = f"label column {column!r} of {source.dataset!r}"
    names, count = values.names, len(values.spellings)
    if not count:
        raise TrazoError(
            f"{where} is empty in all {source.table.total:,} rows of split {source.split!r}; choose another with "
            "--label-column"
        )
    if any("\ufffd" in name for name in names):
        raise TrazoError(f"{where} holds bytes that are no UTF-8 text: write class names or numbers")
    rare = count > MAX_FEW_CLASSES and values.rows < MIN_ROWS_PER_CLASS * count
    if number is not None and not task and (count > MAX_SURE_CLASSES or rare):
        raise TrazoError(
            f"{where} holds {count:,} different whole numbers in {values.rows:,} rows: say --task regression to learn "
            "them as numbers, --task multiclass to learn them as classes, or choose another with --label-column"
        )
    if count == values.rows > 9:
        raise TrazoError(
            f"{where} has another value in each row, so it names no classes; choose with --label-column; columns: "
            f"{list_some(source.schema.names)}"
        )
    if number is not None and not task:
        stored = "" if pa.types.is_integer(number) else f" (stored as {describe_type(number)})"
        notes.append(
            f"{where} holds {count:,} different whole numbers{stored}: they are taken as classes; "
            "--task regression learns them as numbers"
        )
    if number is None:
        spelled = sorted(name for name, spellings in values.spellings.items() if spellings > 1)
        notes += [f"{where}: {name!r} is spelled in several ways in Unicode: one class" for name in spelled]
        notes += [f"{where}: {note}" for note in similar_names(names)]
        if any("." in name for name in names) and all(map(NUMBER.fullmatch, names)):
            notes.append(f"{where} holds numbers as text: they are taken as classes; store numbers for a regression")
    if unclear := [name for name in names if name.strip().lower() in MISSING_NAMES]:
        notes.append(f"{where}: {list_some(map(repr, unclear))} is a class; leave the value empty if it means no label")
    return names
