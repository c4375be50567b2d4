"""A dataset on the Hub, or a folder in a Hub repo's layout: its schema, its row groups, and reading runs of them.

The files and the schema come from `datasets`, the bytes from `fsspec` (for the Hub: `HfFileSystem`), the decoding of
Parquet from `pyarrow`. This module adds only what they lack: requesting exactly the bytes of some row groups and
columns, in as few ranged requests as possible.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DatasetBuilder
from datasets.exceptions import DatasetGenerationError
from huggingface_hub.errors import HfHubHTTPError

from model.errors import StreamError, TrazoError
from model.io.hub_errors import repeat_if_closed, translate_hub_errors
from model.preprocess.cost import limited_memory
from training.data.folders.archives import is_archive_file
from training.data.folders.copies import FolderCopy, list_dataset, open_folder
from training.data.folders.hub import open_repo
from training.data.folders.listing import Listing
from training.data.folders.report import list_some
from training.data.folders.route import is_image_folder
from training.data.order import RowGroups, Run
from training.data.parquet.byte_ranges import HttpOptions, RemoteFiles, open_files
from training.data.parquet.convert import COPIED_SPLIT, kept_copy, parquet_copy
from training.data.parquet.find_files import FoundSplit, SourceOptions, find_known_repo, resolve_split
from training.data.parquet.footers import Footer, column_spans, find_chunks, is_empty_group, read_footers
from training.data.parquet.hub_client import limited_hub_calls
from training.data.parquet.pages import DamagedPageError, bound_decoded_bytes
from training.data.parquet.resolved import load_resolved
from training.data.parquet.schema import join_schemas, unique_schemas
from training.data.parquet.sparse_file import SparseFile
from training.data.parquet.split_info import SplitInfo

MAX_GROWTH = 4  # bytes in memory for each byte in the file; encoded images do not shrink
MIN_CHECKED_BYTES = 1 << 20  # so that small ones, such as columns of labels, may shrink more
MAX_COPY_MB = 2_000  # of memory, while a split in another format is copied to Parquet
MAX_RUN_BYTES = 1 << 27  # that a footer may announce for rows that shrink well


@dataclass(frozen=True)
class ParquetSplit(SplitInfo):
    """One split of one dataset at one commit, and its rows.

    Attributes:
        schema: of all files together, see `training.data.parquet.schema`.
        problems: column -> why it cannot be used, in one sentence; the files may disagree about it.
        version: the commit, or the paths and times of a folder's files; another one may hold other data.
    """

    schema: pa.Schema
    problems: dict[str, str]
    version: str
    _schemas: tuple[pa.Schema, ...]
    _files: RemoteFiles
    _paths: tuple[str, ...]
    _footers: tuple[Footer, ...]
    _is_copy: bool = False  # of Trazo's own making: large images are alone in their row group, and may shrink well
    # (file, row group, columns) -> sizes. Pages are looked at once, not in every epoch.
    _group_sizes: dict[tuple[int, int, str], tuple[int, int, int]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def column_type(self, column: str, run: Run | None = None) -> pa.DataType:
        """Return the type of a column: in the file of a run if one is given, else in all files together.

        Raises:
            TrazoError: if the files have no such column, or do not agree on it.
        """
        if column in self.problems:
            raise TrazoError(f"{self.dataset!r}, split {self.split!r}: {self.problems[column]}")
        if column not in self.schema.names:
            declared = f"declares a column {column!r} that its files do not have"
            missing = f"has no column {column!r}; its columns: {list_some(self.schema.names)}"
            raise TrazoError(f"{self.dataset!r} {declared if column in self.features else missing}")
        schema = self.schema if run is None else self._schemas[int(self.table.shard[run[0]])]
        return schema.field(column).type

    def is_empty(self, column: str) -> bool:
        """Return whether the footers say that no row has a value in a column, such as "label" or "image.bytes"."""
        for footer in self._footers:
            metadata = footer.parse(range(len(footer.rows)))
            for number in range(metadata.num_row_groups):
                if not is_empty_group(metadata.row_group(number), column):
                    return False
        return True

    def read(self, run: Run, columns: list[str]) -> pa.Table:
        """Read some columns of the row groups [start, stop) of the table, which lie in one file.

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        start, stop = run
        shard = int(self.table.shard[start])
        path, groups = self._paths[shard], self.table.group[start:stop].tolist()
        where = f"{path} is damaged in row groups {groups[0]}–{groups[-1]}"
        try:
            metadata = self._footers[shard].parse(groups)  # of these groups alone
            found = [metadata.row_group(position) for position in range(len(groups))]
            spans = [span for group in found for span in column_spans(group, columns, self._footers[shard].size)]
        except (pa.ArrowException, OSError, ValueError, IndexError, RecursionError) as error:
            raise StreamError(f"{where}: {error}") from None
        parts = SparseFile(self._files.read_spans(path, spans))
        try:
            if not self._is_copy:
                self._check_size(run, found, columns, parts)
            file = pq.ParquetFile(pa.PythonFile(parts, mode="r"), metadata=metadata)
            table = file.read_row_groups(list(range(len(groups))), columns=columns, use_threads=False)
        except (pa.ArrowException, OSError, DamagedPageError) as error:
            raise StreamError(f"{where}: {error}") from None
        if len(table) != int(self.table.rows[start:stop].sum()):
            raise StreamError(f"{where}: there are {len(table):,} rows, not as many as the footer says")
        return table

    def _check_size(self, run: Run, groups: list[pq.RowGroupMetaData], columns: list[str], parts: SparseFile) -> None:
        """Refuse rows that take far more memory than their files, before they are decoded."""
        shard, names = int(self.table.shard[run[0]]), self.table.group[slice(*run)].tolist()
        packed = declared = decoded = 0
        for name, group in zip(names, groups, strict=True):
            key = shard, name, ",".join(columns)
            if key not in self._group_sizes:
                self._group_sizes[key] = _measure_group(group, columns, parts)
            sizes = self._group_sizes[key]
            packed, declared, decoded = packed + sizes[0], declared + sizes[1], decoded + sizes[2]
        if decoded > max(MAX_GROWTH * max(packed, MIN_CHECKED_BYTES), min(declared, MAX_RUN_BYTES)):
            raise TrazoError(
                f"{self._paths[shard]} is refused: row groups {names[0]}–{names[-1]} would take {decoded >> 20:,} MB "
                f"of memory, in the file they take {packed / (1 << 20):,.1f} MB; write it with smaller row groups"
            )


def _measure_group(group: pq.RowGroupMetaData, columns: list[str], parts: SparseFile) -> tuple[int, int, int]:
    """Return the bytes of some columns of a row group: in the file, as its footer declares, and decoded."""
    packed = declared = decoded = 0
    for chunk, begin in find_chunks(group, columns):
        packed += chunk.total_compressed_size
        declared += chunk.total_uncompressed_size
        decoded += bound_decoded_bytes(chunk, group.num_rows, begin, parts.view)
    return packed, declared, decoded


def open_source(dataset: str, split: str, options: SourceOptions = SourceOptions()) -> ParquetSplit:
    """Find a split's Parquet files and read their footers, all at one commit.

    Args:
        dataset: a Hub id `owner/name`, or a local folder: of images, or in the layout of a Hub dataset repo.
        split: its name, mostly "train" or "test".
        options: version and access.

    Raises:
        TrazoError: if it does not exist or cannot be read; one line with what was requested and what exists.
    """
    local = os.path.isdir(dataset)
    listing = list_dataset(dataset) if local or is_archive_file(dataset) else None
    if listing is None and os.path.isfile(dataset):
        raise TrazoError(
            f"{dataset!r} is a file, and neither a zip nor a tar archive: give a folder, such as the one it is in"
        )
    if listing and is_image_folder(dataset, listing):
        return _open_folder(dataset, split, options, listing)
    with nullcontext() if local else limited_hub_calls(), translate_hub_errors(dataset, options.revision, "dataset"):
        return repeat_if_closed(lambda: _open_repo(dataset, split, options, listing))


def _open_repo(dataset: str, split: str, options: SourceOptions, listing: Listing | None) -> ParquetSplit:
    """Open a dataset on the Hub, or a folder in the layout of its repo."""
    repo = None if os.path.isdir(dataset) else find_known_repo(dataset, options)
    # What is known to be something else than a repo of images is not looked into again.
    if repo and load_resolved(dataset, options.config, repo.commit) is None:
        copy = open_repo(repo, split, options.layout, options.config, options.http, options.needs_labels)
        if copy:
            return _open_images(dataset, copy, options, repo.commit)
    if options.layout:
        raise TrazoError(f"{dataset!r} is not a folder of images, which alone has a layout ({options.layout!r})")
    found, load_builder = resolve_split(dataset, split, options, repo, listing)
    if not all(url.endswith(".parquet") for url in found.urls):
        return _open_copy(found, load_builder, options.http)
    return _open_parquet(found, options)


def _open_folder(dataset: str, split: str, options: SourceOptions, listing: Listing) -> ParquetSplit:
    # Reports of older versions name the config "default".
    config = None if options.config == "default" else options.config
    for name, value in (("revision", options.revision), ("config", config)):
        if value:
            raise TrazoError(f"{dataset!r} is a folder of images, which has no {name} {value!r}")
    return _open_images(dataset, open_folder(dataset, split, options.layout, listing), options)


def _open_images(dataset: str, copy: FolderCopy, options: SourceOptions, commit: str | None = None) -> ParquetSplit:
    """Open the Parquet copy of a folder of images, or of a repo of them on the Hub."""
    config = "default" if commit else None  # as the Hub names it
    splits = tuple(copy.report.splits)
    found = FoundSplit(dataset, copy.split, commit, config, splits, copy.files, None, copy.report)
    return replace(_open_parquet(found, options), fingerprint=copy.content[:16], _is_copy=True)


def _open_copy(found: FoundSplit, load_builder: Callable[[], DatasetBuilder], http: HttpOptions) -> ParquetSplit:
    """Open a Parquet copy of a split that is stored in another format; the copy is made if there is none."""
    try:
        folder = (
            kept_copy(found.dataset, found.config, found.split, found.commit) if found.commit and found.config else None
        )
        with limited_memory(MAX_COPY_MB):  # the readers of other formats have no limits
            folder = folder or parquet_copy(load_builder(), found.dataset, found.split, found.commit)
    except MemoryError:
        raise TrazoError(
            f"split {found.split!r} of {found.dataset!r} cannot be copied to Parquet: a part of it takes more than "
            f"{MAX_COPY_MB:,} MB of memory; write it in smaller record batches, or as smaller files"
        ) from None
    except (httpx2.TransportError, HfHubHTTPError, ConnectionError):
        raise
    except (OSError, ValueError, TypeError, KeyError, DatasetGenerationError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        hint = "; of many datasets --revision refs/convert/parquet is such a copy" if found.commit else ""
        raise TrazoError(
            f"split {found.split!r} of {found.dataset!r} cannot be copied to Parquet: {reason}{hint}"
        ) from None
    copy = open_source(str(folder), COPIED_SPLIT, SourceOptions(http=http))
    return replace(
        copy,
        dataset=found.dataset,
        config=found.config,
        split=found.split,
        splits=found.splits,
        revision=found.commit,
        folder=found.folder,
        _is_copy=True,
    )


# --- What the files hold ---


def _open_parquet(found: FoundSplit, options: SourceOptions) -> ParquetSplit:
    files, paths = open_files(found.urls, options.token, options.http)
    return _join_files(found, files, paths, read_footers(files, paths))


def _join_files(
    found: FoundSplit, files: RemoteFiles, paths: tuple[str, ...], footers: tuple[Footer, ...]
) -> ParquetSplit:
    rows_per_group = [(s, g, rows) for s, footer in enumerate(footers) for g, rows in enumerate(footer.rows)]
    sizes = [size for footer in footers for size in footer.memory_bytes]
    entries = [(*group, size) for group, size in zip(rows_per_group, sizes, strict=True) if group[2]]
    table = RowGroups(*np.array(entries or np.zeros((0, 4)), np.int64).T)
    if not table.total:
        raise TrazoError(f"split {found.split!r} of {found.dataset!r} has no rows")
    schemas = unique_schemas([footer.schema for footer in footers])
    joined = join_schemas(paths, schemas, found.features, found.problems)
    # A folder's files may be replaced by others of the same size; those of a commit never change.
    version = found.commit or repr([(path, os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns) for path in paths])
    names_and_sizes = [(Path(path).name, footer.size) for path, footer in zip(paths, footers, strict=True)]
    return ParquetSplit(
        dataset=found.dataset,
        config=found.config,
        split=found.split,
        splits=found.splits,
        revision=found.commit,
        features=joined.features,
        table=table,
        fingerprint=hashlib.sha256(repr((names_and_sizes, rows_per_group)).encode()).hexdigest()[:16],
        schema=joined.schema,
        problems=joined.problems,
        version=version,
        folder=found.folder,
        _schemas=schemas,
        _files=files,
        _paths=paths,
        _footers=footers,
    )
