"""Footers of Parquet files: read in one or two ranged requests, and what they say about rows and bytes."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants

from model.errors import TrazoError
from model.io.atomic import atomic_write
from training.data.folders import kinds
from training.data.parquet.byte_ranges import RemoteFiles, cache_folder, merge_spans
from training.data.parquet.pages import first_page
from training.data.parquet.thrift import cut_list, find_elements

FOOTER_GUESS_BYTES = 1 << 16  # requested at a file's end; most footers fit, a longer one costs a second request
MAGIC = b"PAR1"
TAIL_BYTES = 8  # at a file's end: the footer's length, and `MAGIC`
MAX_FOOTER_BYTES = 1 << 27  # a million rows in groups of 100 need less than a tenth
MAX_COLUMN_NAME_CHARS = 1_000
MIN_CHECKED_ROWS = 1_000_000  # a file with more has at least a byte for each
ROW_GROUPS_FIELD = 4  # of Parquet's struct `FileMetaData`


@dataclass(frozen=True, eq=False)
class Footer:
    """A Parquet file's footer and size.

    pyarrow's parsed footers take about 4 kB per row group, so 49 MB for 1.2 million rows in groups of 100 (pyarrow
    26.0, images of 300 bytes); the bytes take 9 MB. So these are kept, and only what is to be read is parsed again.

    Attributes:
        content: from the footer's first byte to the end of the file.
        size: of the file, in bytes.
        rows: number of rows of each row group.
        memory_bytes: of the rows of each row group, uncompressed.
        schema: of the file.
    """

    content: bytes
    size: int
    rows: list[int]
    memory_bytes: list[int]
    schema: pa.Schema

    def parse(self, groups: Sequence[int]) -> pq.FileMetaData:
        """Return the metadata of some row groups, as if the file had no others."""
        start, ends = self._groups
        footer = cut_list(memoryview(self.content)[:-TAIL_BYTES], start, ends, groups)
        tail = len(footer).to_bytes(4, "little") + MAGIC
        return pq.read_metadata(pa.BufferReader(footer + tail))

    @cached_property
    def _groups(self) -> tuple[int, np.ndarray]:
        """Where the list of row groups begins, and where each of them does; found when the file is read first."""
        start, ends = find_elements(self.content, ROW_GROUPS_FIELD)
        return start, np.array(ends)


def read_footers(files: RemoteFiles, paths: Sequence[str]) -> tuple[Footer, ...]:
    """Read the footers of Parquet files, each in one or two ranged requests; for a commit on the Hub only once.

    Raises:
        TrazoError: if one cannot be read or is damaged.
    """
    with ThreadPoolExecutor(min(8, len(paths))) as pool:
        return tuple(pool.map(lambda path: _read_footer(files, path), paths))


def _read_footer(files: RemoteFiles, path: str) -> Footer:
    if files.on_hub:
        with suppress(OSError, TrazoError):  # there is none, or it is damaged
            content = _cache_path(path).read_bytes()
            return parse_footer(path, content[8:], int.from_bytes(content[:8], "little"))
    content, size = _read_file(files, path)
    footer = parse_footer(path, content, size)
    if files.on_hub:
        with suppress(OSError):  # without a cache it is read again the next time
            cached = _cache_path(path)
            cached.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(cached, size.to_bytes(8, "little") + content)
    return footer


def _cache_path(path: str) -> Path:
    return cache_folder() / "footers" / hashlib.sha256(f"{constants.ENDPOINT} {path}".encode()).hexdigest()


def _read_file(files: RemoteFiles, path: str) -> tuple[bytes, int]:
    """Return a file's end, from the footer's first byte on, and the file's size."""
    size = files.filesystem.size(path)
    tail = files.read(path, max(0, size - FOOTER_GUESS_BYTES), size)
    if size < kinds.MAX_POINTER_BYTES and kinds.is_pointer(tail):
        raise TrazoError(f"{path} is one of the {kinds.POINTERS}")
    if tail[-4:] != MAGIC:
        raise TrazoError(f"{path} is not a Parquet file, or is cut short")
    length = int.from_bytes(tail[-8:-4], "little") + TAIL_BYTES
    if length > MAX_FOOTER_BYTES:
        raise TrazoError(f"{path} has a footer of {length:,} bytes; at most {MAX_FOOTER_BYTES:,} are read")
    if length > size:
        raise TrazoError(f"{path} has a damaged footer: it would be longer than the file")
    if length > len(tail):
        tail = files.read(path, size - length, size - len(tail)) + tail
    return tail[-length:], size


def parse_footer(path: str, content: bytes, size: int) -> Footer:
    """Parse the end of a file, from the footer's first byte on.

    Raises:
        TrazoError: if it is damaged.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        # Not by `metadata.schema`: the two would hold each other until the next garbage collection.
        metadata, schema = file.metadata, file.schema_arrow
        length = max(map(len, schema.names), default=0)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TrazoError(f"{path} has a damaged footer: {error}") from None
    if length > MAX_COLUMN_NAME_CHARS:
        raise TrazoError(f"{path} has a column whose name has {length:,} characters; at most {MAX_COLUMN_NAME_CHARS}")
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    rows, memory_bytes = [one.num_rows for one in groups], [one.total_byte_size for one in groups]
    if min(rows, default=0) < 0 or sum(rows) > max(MIN_CHECKED_ROWS, size):
        raise TrazoError(f"{path} has a damaged footer: it names {sum(rows):,} rows in {size:,} bytes")
    if 2 * sum(memory_bytes) < size:  # not every writer says it
        memory_bytes = [size * count // max(1, sum(rows)) for count in rows]
    return Footer(content, size, rows, memory_bytes, schema)


def find_chunks(group: pq.RowGroupMetaData, columns: list[str]) -> Iterator[tuple[pq.ColumnChunkMetaData, int]]:
    """Yield the chunks of some columns of a row group, each with the position of its first page."""
    beginnings = tuple(f"{column}." for column in columns)
    for index in range(group.num_columns):
        chunk = group.column(index)
        if f"{chunk.path_in_schema}.".startswith(beginnings):
            yield chunk, first_page(chunk)


def column_spans(group: pq.RowGroupMetaData, columns: list[str], size: int) -> list[tuple[int, int]]:
    """Return the byte ranges [begin, end) that hold some columns of a row group; neighboring ones are joined.

    Args:
        group: of a footer.
        columns: names.
        size: of the file, in bytes.

    Raises:
        ValueError: if a range does not lie in the file.
    """
    ranges = [(begin, begin + chunk.total_compressed_size) for chunk, begin in find_chunks(group, columns)]
    if not all(0 <= begin <= end <= size for begin, end in ranges):
        raise ValueError("its footer names bytes that the file does not have")
    return merge_spans(ranges)


def is_empty_group(group: pq.RowGroupMetaData, column: str) -> bool:
    """Return whether a row group is known to have no value in a column, such as "label" or "image.bytes"."""
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema == column:
            statistics = chunk.statistics
            return statistics is not None and statistics.has_null_count and statistics.null_count == group.num_rows
    return False
