"""Footers of Parquet files: read in one or two ranged requests, and what they say about rows and bytes."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants

from model.errors import TrazoError
from model.io.atomic import atomic_write
from training.data.folders import kinds
from training.data.parquet.byte_ranges import RemoteFiles, cache_folder, merge_spans

FOOTER_GUESS_BYTES = 1 << 16  # requested at a file's end; most footers fit, a longer one costs a second request


@dataclass(frozen=True)
class Footer:
    """A Parquet file's footer and size.

    pyarrow's parsed footers take about 4 kB per row group, so 49 MB for 1.2 million rows in groups of 100 (pyarrow
    26.0, images of 300 bytes). Keeping the raw bytes and parsing only the row groups to be read would take 11 MB, but
    opening would take 1.1 s instead of 0.2 s, and a parser of Thrift would be needed here.
    """

    metadata: pq.FileMetaData
    size: int  # of the file, in bytes

    @property
    def rows(self) -> list[int]:
        """Number of rows of each row group."""
        return [self.metadata.row_group(group).num_rows for group in range(self.metadata.num_row_groups)]


def read_footer(files: RemoteFiles, path: str) -> Footer:
    """Read a Parquet file's footer, in one or two ranged requests; for a commit on the Hub only once."""
    cached = cache_folder() / "footers" / hashlib.sha256(f"{constants.ENDPOINT} {path}".encode()).hexdigest()
    if files.on_hub:
        with suppress(OSError, TrazoError):  # there is none, or it is damaged
            content = cached.read_bytes()
            return parse_footer(path, content[8:], int.from_bytes(content[:8], "little"))
    size = files.filesystem.size(path)
    tail = files.read(path, max(0, size - FOOTER_GUESS_BYTES), size)
    if size < kinds.MAX_POINTER_BYTES and kinds.is_pointer(tail):
        raise TrazoError(f"{path} is one of the {kinds.POINTERS}")
    if tail[-4:] != b"PAR1":
        raise TrazoError(f"{path} is not a Parquet file, or is cut short")
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if length > size:
        raise TrazoError(f"{path} has a damaged footer: it would be longer than the file")
    if length > len(tail):
        tail = files.read(path, size - length, size - len(tail)) + tail
    footer = parse_footer(path, tail[-length:], size)
    if files.on_hub:
        with suppress(OSError):  # without a cache it is read again the next time
            cached.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(cached, size.to_bytes(8, "little") + tail[-length:])
    return footer


def parse_footer(path: str, content: bytes, size: int) -> Footer:
    """Parse the end of a file, from the footer's first byte on.

    Raises:
        TrazoError: if it is damaged.
    """
    try:
        metadata = pq.read_metadata(pa.BufferReader(content))
        metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise TrazoError(f"{path} has a damaged footer: {error}") from None
    return Footer(metadata, size)


def column_spans(group: pq.RowGroupMetaData, columns: list[str]) -> list[tuple[int, int]]:
    """Return the byte ranges [begin, end) that hold some columns of a row group; neighboring ones are joined."""
    ranges = []
    for index in range(group.num_columns):
        chunk = group.column(index)
        if any(chunk.path_in_schema == c or chunk.path_in_schema.startswith(f"{c}.") for c in columns):
            begin = min(o for o in (chunk.dictionary_page_offset, chunk.data_page_offset) if o is not None)
            ranges.append((begin, begin + chunk.total_compressed_size))
    return merge_spans(ranges)


def is_empty_group(group: pq.RowGroupMetaData, column: str) -> bool:
    """Return whether a row group is known to have no value in a column, such as "label" or "image.bytes"."""
    for index in range(group.num_columns):
        chunk = group.column(index)
        if chunk.path_in_schema == column:
            statistics = chunk.statistics
            return statistics is not None and statistics.has_null_count and statistics.null_count == group.num_rows
    return False
