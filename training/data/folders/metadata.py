"""Files metadata.csv, metadata.jsonl and metadata.parquet: a line per image, with what is known about it."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import TrazoError
from training.data.folders.file_names import SEVERAL, FileNames, normal_name
from training.data.folders.listing import File, Folder
from training.data.folders.report import LeftOutCounter, list_some
from training.data.folders.split_names import SPLIT_COLUMNS, split_of
from training.data.parquet.pages import DamagedPageError, bound_file_bytes

NAMES = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")
FILE_COLUMNS = ("file_name", "filename", "file", "path", "file_path", "filepath", "image_path", "image", "image_name")
DELIMITERS = ",;\t|"
LABEL_COLUMNS = {"label", "labels", "target", "class"}
MAX_METADATA_BYTES = 1 << 28
WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)", re.ASCII)  # not 007, which is a name
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MAX_WHOLE_CHARS = 20  # longer ones are names; Python refuses to convert thousands of digits
DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?", re.ASCII)

Line = dict[str, Any]  # column -> value; None where there is none


@dataclass(frozen=True)
class MetadataFile:
    """One metadata file.

    Attributes:
        folder: that it lies in; file names are relative to it.
        name: path of the file in the dataset, for messages.
        file_column: column of the file names.
        lines: values of the other columns, and the file name under its column.
        has_commas: whether its values may have decimal commas, because something else separates them.
    """

    folder: Folder
    name: str
    file_column: str
    lines: list[Line]
    has_commas: bool


def is_metadata(file: File) -> bool:
    """Return whether a file is one of metadata, by its name."""
    return file.name.lower() in NAMES


def parse_metadata(file: File, content: bytes, names: FileNames, counter: LeftOutCounter) -> MetadataFile:
    """Read a metadata file: text in UTF-8 with or without BOM, UTF-16 or Windows-1252, or Parquet.

    Args:
        file: where it lies.
        content: its bytes.
        names: of the dataset's images.
        counter: counts lines that cannot be read.

    Raises:
        TrazoError: if it is damaged, or no column holds file names.
    """
    delimiter = ","
    if file.name.lower().endswith(".parquet"):
        lines = _parse_parquet(file, content)
    elif file.name.lower().endswith(".jsonl"):
        lines = _parse_jsonl(file, decode_text(content), counter)
    else:
        lines, delimiter = _parse_csv(file, decode_text(content), counter)
    columns = dict.fromkeys(column for line in lines for column in line)
    if not columns:
        raise TrazoError(f"{file.relative} has no lines")
    found = _find_file_column(file.folder, columns, lines, names)
    if found is None:
        raise TrazoError(
            f"{file.relative} has no column file_name that names the images; its columns: {list_some(columns)}"
        )
    return MetadataFile(file.folder, file.relative, found, lines, delimiter != ",")


def decode_text(content: bytes) -> str:
    """Return a text's characters; without a BOM it is UTF-8 if it can be, else Windows-1252."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if b"\0" in content[:200]:
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _parse_csv(file: File, text: str, counter: LeftOutCounter) -> tuple[list[Line], str]:
    if text[:4].lower() == "sep=":  # as Excel writes
        text = text.partition("\n")[2]
    first = text.partition("\n")[0].strip("\r")
    if len(first) > csv.field_size_limit():
        raise TrazoError(f"{file.relative} has a first line of {len(first):,} characters, which names no columns")
    headers = {one: next(csv.reader([first], delimiter=one), []) for one in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda one: (_names_files(headers[one]), len(headers[one])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines: list[Line] = []
    try:
        columns = [column.strip() for column in next(reader, [])]
        if twice := [column for column, count in Counter(columns).items() if column and count > 1]:
            raise TrazoError(f"{file.relative} has {list_some(twice)} as the name of several columns: rename them")
        for values in reader:
            if not any(values):
                continue
            if len(values) != len(columns):
                counter.add(f"lines of {file.relative} with more or fewer values than columns", str(reader.line_num))
                continue
            stripped = (value.strip() for value in values)
            lines.append({column: value or None for column, value in zip(columns, stripped, strict=True) if column})
    except csv.Error as error:
        raise TrazoError(f"{file.relative}, line {reader.line_num}: {error}") from None
    return lines, delimiter


def _parse_parquet(file: File, content: bytes) -> list[Line]:
    try:
        opened = pq.ParquetFile(io.BytesIO(content))
        size = bound_file_bytes(opened.metadata, memoryview(content))
        if size > MAX_METADATA_BYTES:
            raise TrazoError(f"{file.relative} would take {size:,} bytes of memory; at most {MAX_METADATA_BYTES:,} do")
        lines = opened.read().to_pylist()
    except (pa.ArrowException, OSError, DamagedPageError) as error:
        raise TrazoError(f"{file.relative} cannot be read as Parquet: {error}") from None
    plain = (str, int, float, bool, list, dict, type(None))
    return [{name: v if isinstance(v, plain) else str(v) for name, v in line.items()} for line in lines]


def _names_files(header: Sequence[str]) -> bool:
    return any(column.strip().lower() in FILE_COLUMNS for column in header)


def _parse_jsonl(file: File, text: str, counter: LeftOutCounter) -> list[Line]:
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            lines.append({_encodable(name): _encodable(one) for name, one in value.items()})
        else:
            counter.add(f"lines of {file.relative} that are not a JSON object", str(number))
    return lines


def _encodable(value: Any) -> Any:
    """Return a value; text without the halves of characters that JSON can hold and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


# --- Which line belongs to which image ---


def _find_file_column(folder: Folder, columns: Iterable[str], lines: Sequence[Line], names: FileNames) -> str | None:
    """Return the column that names images: one that is called so, else one whose values name many different ones."""
    known = {str(column).strip().lower(): column for column in reversed(list(columns))}
    called = [known[name] for name in FILE_COLUMNS if name in known]
    for column in [*called, *(column for column in columns if column not in called)]:
        found = {names.find(folder, normal_name(line.get(column))) for line in lines} - {None}
        if 2 * len(found) > len(lines) and (column in called or len(found) > 1):
            return column
    return next(iter(called), None)


def match_lines(table: MetadataFile, names: FileNames, counter: LeftOutCounter) -> dict[int, int]:
    """Find the image that each line names.

    Args:
        table: the lines.
        names: of the dataset's images.
        counter: counts lines that name none.

    Returns:
        position of an image -> position of its line.
    """
    matched: dict[int, int] = {}
    for number, line in enumerate(table.lines):
        name = normal_name(line.get(table.file_column))
        found = names.find(table.folder, name)
        if found is None:
            counter.add(f"lines of {table.name} without a file", name)
        elif found == SEVERAL:
            counter.add(f"lines of {table.name} that fit several files", name)
        elif found in matched:
            counter.add(f"further lines of {table.name} about the same file, of which the first is used", name)
        else:
            matched[found] = number
    return matched


# --- Columns ---


def typed_columns(tables: Sequence[MetadataFile], notes: list[str]) -> dict[str, pa.Array]:
    """Return the columns of several files, below each other: whole numbers, numbers, booleans or strings.

    Args:
        tables: the files.
        notes: gets a sentence for each column that is not used, or whose numbers have decimal commas.
    """
    names = dict.fromkeys(
        name for table in tables for line in table.lines for name in line if name != table.file_column
    )
    columns = {}
    for name in names:
        values = [line.get(name) for table in tables for line in table.lines]
        column = _typed(values, all(table.has_commas for table in tables), name, notes)
        if column is not None:
            columns[str(name)] = column
    return columns


def _typed(values: list[Any], has_commas: bool, name: str, notes: list[str]) -> pa.Array | None:
    given = [value for value in values if value is not None]
    if not given:
        return None
    if any(isinstance(value, (list, dict)) for value in given):
        notes.append(f"column {name!r} of the metadata holds lists or objects and is not used")
        return None
    if all(isinstance(value, str) for value in given):
        if all(WHOLE.fullmatch(value) for value in given):
            if max(map(len, given)) > MAX_WHOLE_CHARS:
                return pa.array(values)
            values = [None if value is None else int(value) for value in values]
        elif all(NUMBER.fullmatch(value) and not re.match(r"[+-]?0\d", value) for value in given):
            values = [None if value is None else float(value) for value in values]
        elif has_commas and all(DECIMAL_COMMA.fullmatch(value) for value in given):
            notes.append(f"column {name!r} of the metadata is read as numbers with decimal commas")
            values = [None if value is None else float(value.replace(",", ".")) for value in values]
    given = [value for value in values if value is not None]
    kinds = {type(value) for value in given}
    is_large = any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in given)
    if kinds == {int, float} and not is_large:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1 or is_large:
        values = [None if value is None else str(value) for value in values]
    return pa.array(values)


@dataclass(frozen=True)
class MetadataTable:
    """All metadata files of a dataset together.

    Attributes:
        names: of the files.
        columns: name -> values, one for each line of all files.
        lines: position of an image -> position of its line.
    """

    names: list[str]
    columns: dict[str, pa.Array]
    lines: dict[int, int]

    def says_labels(self, images: int) -> bool:
        """Return whether a column is called like one of labels, and most images have a line."""
        return bool(LABEL_COLUMNS & {name.lower() for name in self.columns}) and 2 * len(self.lines) > images

    def splits(self) -> tuple[str | None, dict[int, str]]:
        """Return the column of splits, and line -> split of the lines that name one; None if there is none.

        A column is one if it is called so and a value is a word for a split; other values are names of splits, too.
        """
        for name, column in self.columns.items():
            values = {line: str(value) for line, value in enumerate(column.to_pylist()) if value is not None}
            words = {value: split_of(value) for value in values.values()}
            if name.lower() in SPLIT_COLUMNS and any(words.values()):
                return name, {line: words[value] or value for line, value in values.items()}
        return None, {}


def join_metadata(
    tables: Sequence[MetadataFile], names: FileNames, counter: LeftOutCounter, notes: list[str]
) -> MetadataTable:
    """Join the lines of several files with the images; a line of the nearest file counts, then of the first."""
    matched: dict[str, dict[int, int]] = {}  # name of a file -> image -> its line
    taken: set[int] = set()
    for table in sorted(tables, key=lambda table: -len(table.folder)):
        found = match_lines(table, names, counter)
        for position in found.keys() & taken:
            image = str(table.lines[found.pop(position)].get(table.file_column))
            counter.add(f"lines of {table.name} about a file that another metadata file describes", image)
        matched[table.name] = found
        taken |= found.keys()
    used = [table for table in tables if matched[table.name]] or list(tables)
    lines: dict[int, int] = {}
    first = 0
    for table in used:
        lines |= {position: first + number for position, number in matched[table.name].items()}
        first += len(table.lines)
    return MetadataTable([table.name for table in used], typed_columns(used, notes), lines)
