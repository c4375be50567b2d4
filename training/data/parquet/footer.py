"""A Parquet file's footer, kept as the bytes it is and parsed by the row group.

pyarrow holds about 3.5 kB for each row group of a parsed footer, image columns' smallest and largest picture
included: more than the windows of a large dataset take. The bytes themselves are a quarter of that. So a footer is cut
here at its row groups, and a small footer of just those that are to be read is put together for pyarrow.

A footer is the struct `FileMetaData` of https://github.com/apache/parquet-format in Thrift's compact protocol,
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import TrazoError

END = 8  # bytes behind the footer: its length and "PAR1"
AT_ONCE = 64  # row groups that are parsed together when a footer is opened
ROW_GROUPS = 4  # number of that field in FileMetaData
# The protocol's types.
STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _, STRUCT = range(13)


@dataclass(frozen=True)
class Footer:
    """The footer of one file.

    Attributes:
        schema: of the file.
        rows: number of rows of each row group, int64.
    """

    schema: pa.Schema
    rows: np.ndarray
    _content: bytes
    _list: int  # where the list of row groups begins
    _groups: np.ndarray  # where each row group begins, and where the last one ends

    @staticmethod
    def parse(path: str, content: bytes) -> "Footer":
        """Cut a footer at its row groups.

        Args:
            path: of the file, for the error.
            content: the end of the file, from the footer's first byte on.

        Raises:
            TrazoError: when it is damaged.
        """
        try:
            begin, groups = _row_groups(content)
            rows = np.zeros(len(groups) - 1, np.int64)
            footer = Footer(None, rows, content, begin, np.array(groups, np.int64))
            for first in range(0, len(rows), AT_ONCE):
                some = footer.of(range(first, min(first + AT_ONCE, len(rows))))
                rows[first : first + AT_ONCE] = [some.row_group(group).num_rows for group in range(some.num_row_groups)]
            return replace(footer, schema=footer.of([]).schema.to_arrow_schema())
        except (pa.ArrowException, OSError, IndexError, ValueError) as error:
            raise TrazoError(f"{path} has a damaged footer: {error}") from None

    def of(self, groups: Sequence[int]) -> pq.FileMetaData:
        """Return the footer that the file would have with these row groups alone, in this order."""
        ends = self._groups
        pieces = [self._content[ends[group] : ends[group + 1]] for group in groups]
        head = bytes([len(pieces) << 4 | STRUCT]) if len(pieces) < 15 else bytes([0xF0 | STRUCT]) + _varint(len(pieces))
        footer = b"".join([self._content[: self._list], head, *pieces, self._content[ends[-1] : -END]])
        return pq.read_metadata(pa.BufferReader(footer + len(footer).to_bytes(4, "little") + b"PAR1"))


def _row_groups(content: bytes) -> tuple[int, list[int]]:
    """Return where the list of row groups begins, and where each of them begins, and the last one ends."""
    at, field = 0, 0
    while content[at] != STOP:
        field += content[at] >> 4  # the fields of FileMetaData are few: each header holds the step from the last one
        if field == ROW_GROUPS:
            begin = at + 1
            size, at = _list_size(content, begin)
            ends = [at]
            for _ in range(size):
                ends.append(_skip(content, ends[-1], STRUCT))
            return begin, ends
        at = _skip(content, at + 1, content[at] & 15)
    raise ValueError("it lists no row groups")


def _skip(content: bytes, at: int, kind: int) -> int:
    """Return where a value that begins at `at` ends."""
    if kind == STRUCT:
        while header := content[at]:
            at += 1
            if header < 16:  # a long step: the field's number follows
                at = _skip(content, at, I16)
            kind = header & 15
            # The commonest kinds are passed over here: a large dataset's footers hold a million values.
            if kind in (I16, I32, I64):
                while content[at] > 127:
                    at += 1
                at += 1
            elif kind > FALSE:  # a field's header holds its truth value
                at = _skip(content, at, kind)
        return at + 1
    if kind in (I16, I32, I64):
        while content[at] > 127:
            at += 1
        return at + 1
    if kind == BINARY:
        size, at = _number(content, at)
        return at + size
    if kind in (LIST, SET):
        element = content[at] & 15
        size, at = _list_size(content, at)
        for _ in range(size):
            at = _skip(content, at, element)
        return at
    if kind in (TRUE, FALSE, BYTE):
        return at + 1
    if kind == DOUBLE:
        return at + 8
    raise ValueError(f"it has a value of unknown type {kind}")


def _list_size(content: bytes, at: int) -> tuple[int, int]:
    """Return a list's length and where its first element begins."""
    size = content[at] >> 4
    return (size, at + 1) if size < 15 else _number(content, at + 1)


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned varint; returns it and where it ends."""
    value = shift = 0
    while content[at] > 127:
        value |= (content[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | content[at] << shift, at + 1


def _varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
