"""Class names of the values of a label column of any type: one name for 1, 1.0 and a decimal 1.

A name is text in Unicode's composed form (NFC): Macs write an accent as a separate character. Empty text, NaN and
infinity are missing labels.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from unicodedata import normalize

import pyarrow as pa
import pyarrow.compute as pc

from training.data.folders.classes import sort_names
from training.data.order import ordered_windows
from training.data.parquet.schema import plain_type
from training.data.parquet.source import ParquetSplit
from training.data.subset import Subset

SCAN_WINDOW_ROWS = 1 << 15  # where a whole column is read


@dataclass(frozen=True)
class DistinctValues:
    """The different values of a label column.

    Attributes:
        spellings: class name -> how many values have it; more than one differ in their Unicode form.
        rows: number of rows with a label.
        fraction: the first number that is not whole; then the values after it were not read.
    """

    spellings: dict[str, int]
    rows: int
    fraction: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of their ids: as numbers if all are numbers."""
        return sort_names(self.spellings)


def class_name(value: object) -> str | None:
    """Return the name of the class that a label means; None if it is missing.

    >>> class_name(3.0), class_name("e\u0301") == "\u00e9", class_name(True), class_name(float("nan"))
    ('3', True, 'true', None)
    """
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return normalize("NFC", value) if value.strip() else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return str(int(value)) if is_whole(value) else str(value) if math.isfinite(value) else None
    return None if value is None else str(value)


def is_whole(value: float | Decimal) -> bool:
    """Return whether a number is finite and has no fraction."""
    return math.isfinite(value) and value == int(value)


def encode_classes(column: pa.ChunkedArray, ids: Mapping[str, int | None]) -> pa.ChunkedArray:
    """Return the class id of each label, int64; null where it is missing or names no class.

    Args:
        column: labels of any plain type.
        ids: class name -> id.
    """
    chunks = []
    for chunk in plain_column(column).chunks:
        if pa.types.is_null(chunk.type):
            chunks.append(pa.nulls(len(chunk), pa.int64()))
            continue
        values = chunk.dictionary_encode()
        found = [ids.get(class_name(value) or "") for value in values.dictionary.to_pylist()]
        chunks.append(pa.array(found, pa.int64()).take(values.indices))
    return pa.chunked_array(chunks, pa.int64())


def distinct_values(source: ParquetSplit, column: str, stop_at_fraction: bool = False) -> DistinctValues:
    """Return the different labels of a column; one pass over it, and no other column is read.

    Args:
        source: the split.
        column: its name.
        stop_at_fraction: numbers are not classes if one of them is not whole; then no more are needed.
    """
    values: set[object] = set()
    rows, fraction = 0, None
    for part in scan_column(source, column):
        found = pc.unique(part).to_pylist()
        values.update(found)
        given = pc.is_finite(part) if pa.types.is_floating(part.type) else pc.is_valid(part)
        rows += pc.sum(given).as_py() or 0
        if stop_at_fraction:
            fraction = next((float(v) for v in found if isinstance(v, (float, Decimal)) and _has_fraction(v)), None)
            if fraction is not None:
                break
    spellings: dict[str, int] = {}
    for value in values:
        name = class_name(value)
        if name is not None:
            spellings[name] = spellings.get(name, 0) + 1
    return DistinctValues(spellings, rows, fraction)


def _has_fraction(value: float | Decimal) -> bool:
    return math.isfinite(value) and not is_whole(value)


def scan_column(source: ParquetSplit, column: str, max_rows: int | None = None) -> Iterator[pa.ChunkedArray]:
    """Yield the values of one column in file order, of a plain type; no other column is read.

    Args:
        source: the split.
        column: its name.
        max_rows: about how many values; None for all of them.
    """
    rows = 0
    for window in ordered_windows(source.table, Subset(), SCAN_WINDOW_ROWS):
        for run in window.runs:
            values = plain_column(source.read(run, [column])[column])
            yield values
            rows += len(values)
            if max_rows is not None and rows >= max_rows:
                return


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's values without extension types, dictionaries and views."""
    chunks = [chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in column.chunks]
    kind = plain_type(column.type)
    return pa.chunked_array([chunk if chunk.type == kind else chunk.cast(kind) for chunk in chunks], kind)
