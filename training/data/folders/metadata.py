"""Files metadata.csv and metadata.jsonl: a line per image, with its file name and what is known about it."""

import codecs
import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

import pyarrow as pa

from model.errors import TrazoError
from training.data.folders.listing import File, Folder
from training.data.folders.report import LeftOutCounter
from training.data.folders.split_names import split_of

NAMES = ("metadata.csv", "metadata.tsv", "metadata.jsonl")
FILE_COLUMNS = ("file_name", "filename", "file", "path", "file_path", "filepath", "image_path", "image", "image_name")
DELIMITERS = ",;\t|"
LABEL_COLUMNS = {"label", "labels", "target", "class"}
WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)", re.ASCII)  # not 007, which is a name
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
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


def parse_metadata(file: File, content: bytes, counter: LeftOutCounter) -> MetadataFile:
    """Read a metadata file: UTF-8 with or without BOM, UTF-16, Windows-1252; separated by commas, ;, tabs or |.

    Args:
        file: where it lies.
        content: its bytes.
        counter: counts lines that cannot be read.

    Raises:
        TrazoError: if no column holds file names.
    """
    text = decode_text(content)
    if file.name.lower().endswith(".jsonl"):
        lines, columns, delimiter = _parse_jsonl(file, text, counter), dict[str, None](), ","
        for line in lines:
            columns |= dict.fromkeys(line)
    else:
        lines, columns, delimiter = _parse_csv(file, text, counter)
    known = {str(column).strip().lower(): column for column in reversed(columns)}
    found = next((known[name] for name in FILE_COLUMNS if name in known), None)
    if found is None:
        raise TrazoError(
            f"{file.relative} has no column file_name that names the images; it has {', '.join(columns) or 'none'}"
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


def _parse_csv(file: File, text: str, counter: LeftOutCounter) -> tuple[list[Line], dict[str, None], str]:
    if text[:4].lower() == "sep=":  # as Excel writes
        text = text.partition("\n")[2]
    first = text.partition("\n")[0].strip("\r")
    headers = {one: next(csv.reader([first], delimiter=one), []) for one in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda one: (_names_files(headers[one]), len(headers[one])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines: list[Line] = []
    try:
        columns = [column.strip() for column in next(reader, [])]
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
    return lines, dict.fromkeys(column for column in columns if column), delimiter


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
            lines.append(value)
        else:
            counter.add(f"lines of {file.relative} that are not a JSON object", str(number))
    return lines


# --- Which line belongs to which image ---


def match_lines(table: MetadataFile, images: Sequence[File], counter: LeftOutCounter) -> dict[int, int]:
    """Find the image that each line names: by its path, in any case, else by its name alone if only one has it.

    Args:
        table: the lines.
        images: of the dataset.
        counter: counts lines that name none.

    Returns:
        position of an image -> position of its line.
    """
    depth = len(table.folder)
    paths, endings = dict[str, int](), dict[str, int]()
    for position, image in enumerate(images):
        if image.folder[:depth] == table.folder:
            relative = _normal("/".join((*image.folder[depth:], image.name)))
            paths[relative] = position
            for key in (relative, relative.casefold(), image.name, _normal(image.name).casefold()):
                endings[key] = position if endings.get(key, position) == position else -1
            stem = _normal(image.name).casefold().rpartition(".")[0]
            endings[f"{stem}."] = position if endings.get(f"{stem}.", position) == position else -1
    matched: dict[int, int] = {}
    for number, line in enumerate(table.lines):
        name = _normal(str(line.get(table.file_column) or ""))
        base = name.rpartition("/")[2].casefold()
        keys = (name.casefold(), base, f"{base}.")
        found = paths.get(name)
        if found is None:
            found = next((endings[key] for key in keys if key in endings), None)
        if found is None:
            counter.add(f"lines of {table.name} without a file", name)
        elif found < 0:
            counter.add(f"lines of {table.name} that fit several files", name)
        elif found in matched:
            counter.add(f"further lines of {table.name} about the same file, of which the first is used", name)
        else:
            matched[found] = number
    return matched


def _normal(name: str) -> str:
    parts = [part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    return normalize("NFC", "/".join(parts))


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
            values = [None if value is None else int(value) for value in values]
        elif all(NUMBER.fullmatch(value) and not re.match(r"[+-]?0\d", value) for value in given):
            values = [None if value is None else float(value) for value in values]
        elif has_commas and all(DECIMAL_COMMA.fullmatch(value) for value in given):
            notes.append(f"column {name!r} of the metadata is read as numbers with decimal commas")
            values = [None if value is None else float(value.replace(",", ".")) for value in values]
    given = [value for value in values if value is not None]
    kinds = {type(value) for value in given}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1 or (kinds == {int} and not all(-(2**63) <= value < 2**63 for value in given)):
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

    def splits(self) -> dict[int, str]:
        """Return line -> split, if a column `split` names a split for each line; else empty."""
        column = next((values for name, values in self.columns.items() if name.lower() == "split"), None)
        found = [] if column is None else [split_of(str(value)) for value in column.to_pylist()]
        return {line: split for line, split in enumerate(found) if split} if found and all(found) else {}


def join_metadata(
    tables: Sequence[MetadataFile], images: Sequence[File], counter: LeftOutCounter, notes: list[str]
) -> MetadataTable:
    """Join the lines of several files with the images; a line of the nearest file counts."""
    lines: dict[int, int] = {}
    first_lines = [sum(len(table.lines) for table in tables[:number]) for number in range(len(tables))]
    for first, table in sorted(zip(first_lines, tables, strict=True), key=lambda item: -len(item[1].folder)):
        for position, number in match_lines(table, images, counter).items():
            lines.setdefault(position, first + number)
    return MetadataTable([table.name for table in tables], typed_columns(tables, notes), lines)
