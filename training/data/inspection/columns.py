"""The columns of a dataset: what they hold, and which of them are remarkable, judged by a sample of rows."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import ClassLabel, Image

from model.io.reports.inspection import Column
from training.data.folders.report import list_some
from training.data.folders.split_names import SPLIT_COLUMNS, split_of
from training.data.inspection.scanned import ScannedSplit
from training.data.label_column import LABEL_NAMES
from training.data.label_values import plain_column, scan_column
from training.data.order import shuffled_windows
from training.data.subset import Subset

SAMPLED_ROWS = 8192
SAMPLED_RUNS = 16  # places in the files that the sample comes from; on the Hub each costs a request
MIN_ROWS = 10  # with fewer, nothing about a column is remarkable
MAX_CLASSES = 1000  # of a column that may be the label
# Columns of these names say which rows were made together.
GROUP_NAMES = re.compile(
    r"(writer|patient|subject|user|person|speaker|author|artist|camera|device|session|video|scene|site|hospital|group)"
    r"(_?(id|name|no|number|nr))?",
    re.IGNORECASE,
)


def describe_columns(split: ScannedSplit) -> list[Column]:
    """Return every column of a split, with a note where its values are remarkable; a sample of rows is read."""
    labeled = split.labeled
    sample = _read_sample(split)
    columns = []
    for field in labeled.source.schema:
        name, feature, note = field.name, labeled.source.features.get(field.name), None
        if name in sample and name != labeled.label_column and len(sample[name]) >= MIN_ROWS:
            may_be_label = isinstance(feature, ClassLabel) or name.lower() in LABEL_NAMES
            is_measured = pa.types.is_floating(field.type)
            note = _note(name, sample[name], sample[labeled.label_column], may_be_label, is_measured)
            if splits := _named_splits(split, name):
                note = f"may name splits ({list_some(splits, 5)}), but all rows of split {split.name} are used alike"
        columns.append(Column(name=name, type=_type_name(feature, field.type), note=note))
    return columns


def _named_splits(split: ScannedSplit, column: str) -> list[str]:
    """Return the first values of a column that is called like one of splits, if several are words for them."""
    if column.lower() not in SPLIT_COLUMNS:
        return []
    parts = scan_column(split.labeled.source, column, SAMPLED_ROWS)
    values = sorted({str(value) for part in parts for value in pc.unique(part.drop_null()).to_pylist()})
    return values if len({split_of(value) for value in values} - {None}) > 1 else []


def _read_sample(split: ScannedSplit) -> dict[str, np.ndarray]:
    """Return numbers of the values of some rows, per column: equal for equal values, −1 for none.

    Columns of images, of bytes, lists and structs are left out.
    """
    labeled = split.labeled
    source = labeled.source
    usable = [field for field in source.schema if field.name not in source.problems]
    names = [field.name for field in usable if _has_single_values(field.type)]
    others = [name for name in names if name != labeled.label_column]
    if not others or labeled.label_column not in names:
        return {}
    window, *_ = shuffled_windows(source.table, Subset(), 0, 0, SAMPLED_ROWS, SAMPLED_RUNS)
    tables = [source.read(run, [*others, labeled.label_column]) for run in window.runs]
    types = {name: source.schema.field(name).type for name in tables[0].column_names}
    # Files may store the same values in different types.
    joined = [pa.table({n: plain_column(table[n]).cast(t, safe=False) for n, t in types.items()}) for table in tables]
    table = pa.concat_tables(joined).slice(0, 2 * SAMPLED_ROWS)
    return {name: _numbers(table[name].combine_chunks()) for name in table.column_names}


def _numbers(values: pa.Array) -> np.ndarray:
    return values.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)


def _has_single_values(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)) and not (
        pa.types.is_fixed_size_binary(kind) or isinstance(kind, pa.BaseExtensionType)
    )


def _note(name: str, values: np.ndarray, labels: np.ndarray, may_be_label: bool, is_measured: bool) -> str | None:
    """Return what is remarkable about a column, in words; None if nothing is.

    Args:
        name: of the column.
        values: numbers of its values (rows,); −1 for none.
        labels: of the label column, likewise.
        may_be_label: whether its name or type is that of labels.
        is_measured: whether it holds floats, which mostly differ from row to row.
    """
    rows, distinct = len(values), len(np.unique(values))
    if distinct == 1:
        return "empty" if values[0] == -1 else "the same value in each row"
    if distinct == rows and not is_measured:
        return "another value in each row"
    known = (values >= 0) & (labels >= 0)
    values, labels = values[known], labels[known]
    pairs = len(np.unique(np.stack([values, labels], axis=1), axis=0))
    distinct, classes = len(np.unique(values)), len(np.unique(labels))
    if pairs == distinct == classes > 1:
        return "says the same as the label column"
    if may_be_label and 2 <= distinct <= MAX_CLASSES:
        return f"may be the label, too: {distinct:,} different values; choose with --label-column {name}"
    if is_measured:
        return None
    if GROUP_NAMES.fullmatch(name) and 2 <= distinct <= rows / 2:
        return f"may say which rows belong together: hold them out together with --group-column {name}"
    if classes > 1 and pairs == distinct <= rows / 2:
        return (
            f"each of its {distinct:,} values belongs to one class only: if it says which rows were made together, use "
            f"--group-column {name}"
        )
    return None


def _type_name(feature: object, kind: pa.DataType) -> str:
    if isinstance(feature, ClassLabel):
        return f"{len(feature.names)} classes"
    return "images" if isinstance(feature, Image) else str(kind)
