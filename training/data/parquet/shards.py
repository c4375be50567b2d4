"""Write rows to Parquet files whose row groups are bounded in rows and in bytes."""

import errno
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 100  # as `datasets` writes image datasets on the Hub
GROUP_BYTES = 8 << 20  # approximate: a row group has at least one row
SHARD_BYTES = 1 << 28  # approximate size of each file


class ParquetShards:
    """Writes row groups to files `train-00000.parquet`, … of bounded size in a folder; a context manager."""

    def __init__(self, folder: Path, schema: pa.Schema, name: str = "train") -> None:
        """Open nothing yet.

        Args:
            folder: exists.
            schema: of the files.
            name: what the names of the files begin with.
        """
        self._folder, self._schema, self._name = folder, schema, name
        self._number = 0
        self._path = folder
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> "ParquetShards":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the last file."""
        self._close()

    def write_group(self, table: pa.Table) -> None:
        """Write a table as one row group."""
        if self._writer is None:
            self._path = self._folder / f"{self._name}-{self._number:05}.parquet"
            # Encoded images have nothing in common that a dictionary could use, and for statistics the writer keeps
            # several copies of the smallest and the largest one.
            plain = [field.name for field in self._schema if not pa.types.is_nested(field.type)]
            self._writer = pq.ParquetWriter(self._path, self._schema, use_dictionary=plain, write_statistics=plain)
            self._number += 1
        self._writer.write_table(table, row_group_size=max(1, len(table)))
        if self._path.stat().st_size >= SHARD_BYTES:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()


def bounded_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of some tables in tables of at most `ROWS_PER_GROUP` rows and about `GROUP_BYTES`."""
    pending: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        # A table within the bounds is one piece; of a larger one each row is.
        whole = table.nbytes <= GROUP_BYTES and len(table) <= ROWS_PER_GROUP
        for piece in [table] if whole else [table.slice(row, 1) for row in range(len(table))]:
            if pending and (rows + len(piece) > ROWS_PER_GROUP or size + piece.nbytes > GROUP_BYTES):
                yield pa.concat_tables(pending)
                pending, rows, size = [], 0, 0
            pending.append(piece)
            rows, size = rows + len(piece), size + piece.nbytes
        del table
    if pending:
        yield pa.concat_tables(pending)


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that the disk is full, or that a quota is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
