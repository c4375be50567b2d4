"""A dataset on the Hub, or a folder in a Hub repo's layout: its schema, its row groups, and reading runs of them.

The files and the schema come from `datasets`, the bytes from `fsspec` (for the Hub: `HfFileSystem`), the decoding of
Parquet from `pyarrow`. This module adds only what they lack: requesting exactly the bytes of some row groups and
columns, in as few ranged requests as possible.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import DatasetBuilder, Features, load_dataset_builder
from datasets.exceptions import DatasetGenerationError
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from model.errors import StreamError, TrazoError
from model.io.atomic import atomic_write
from model.io.hub_errors import translate_hub_errors
from training.data.folders import kinds
from training.data.folders.archives import is_archive_file
from training.data.folders.copies import list_dataset, open_folder
from training.data.folders.listing import File, Listing
from training.data.folders.report import FolderReport, log_once
from training.data.folders.route import is_image_folder
from training.data.folders.unused import report_unused
from training.data.order import RowGroups, Run
from training.data.parquet.byte_ranges import HttpOptions, RemoteFiles, cache_folder, merge_spans, open_files
from training.data.parquet.convert import COPIED_SPLIT, parquet_copy
from training.data.parquet.datasets_compat import EmptyDatasetError
from training.data.parquet.hub_client import call_with_silence_timeout, limited_hub_calls
from training.data.parquet.sparse_file import SparseFile
from training.data.parquet.split_info import SplitInfo, SplitNotFoundError

FOOTER_GUESS_BYTES = 1 << 16  # requested at a file's end; most footers fit, a longer one costs a second request
COMMIT_TIMEOUT_S = 20


@dataclass(frozen=True)
class SourceOptions:
    """Which version of a dataset, and how to reach it.

    Attributes:
        config: for datasets with several; None for the default.
        revision: branch, tag or commit on the Hub; None for main.
        token: for the Hub; None for the one of the environment.
        http: timeouts, retries and cache.
        layout: of a folder of images, see `training.data.folders.layout.find_layout`; None decides by its folders.
    """

    config: str | None = None
    revision: str | None = None
    token: str | None = None
    http: HttpOptions = HttpOptions()
    layout: str | None = None


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


@dataclass(frozen=True)
class ParquetSplit(SplitInfo):
    """One split of one dataset at one commit, and its rows.

    Attributes:
        schema: of the files.
        version: the commit, or the paths and times of a folder's files; another one may hold other data.
    """

    schema: pa.Schema
    version: str
    _files: RemoteFiles
    _paths: tuple[str, ...]
    _footers: tuple[Footer, ...]

    def read(self, run: Run, columns: list[str]) -> pa.Table:
        """Read some columns of the row groups [start, stop) of the table, which lie in one file.

        Raises:
            StreamError: if the file cannot be read, after the retries.
        """
        start, stop = run
        shard = int(self.table.shard[start])
        path, groups = self._paths[shard], self.table.group[start:stop].tolist()
        metadata = self._footers[shard].metadata
        spans = [span for group in groups for span in _column_spans(metadata.row_group(group), columns)]
        parts = self._files.read_spans(path, spans)
        try:
            file = pq.ParquetFile(pa.PythonFile(SparseFile(parts), mode="r"), metadata=metadata)
            return file.read_row_groups(groups, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise StreamError(f"{path} is damaged in row groups {groups[0]}–{groups[-1]}: {error}") from None


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
    if listing and is_image_folder(dataset, listing):
        return _open_images(dataset, split, options, listing)
    if options.layout:
        raise TrazoError(f"{dataset!r} is not a folder of images, which alone has a layout ({options.layout!r})")
    with nullcontext() if local else limited_hub_calls(), translate_hub_errors(dataset, options.revision, "dataset"):
        found, builder = _resolve_split(dataset, split, options, listing)
        if not all(url.endswith(".parquet") for url in found.urls):
            return _open_copy(found, builder, options.http)
        return _open_parquet(found, options)


def _open_images(dataset: str, split: str, options: SourceOptions, listing: Listing) -> ParquetSplit:
    """Open the Parquet copy of a folder of images."""
    for name, value in (("revision", options.revision), ("config", options.config)):
        if value:
            raise TrazoError(f"{dataset!r} is a folder of images, which has no {name} {value!r}")
    copy = open_folder(dataset, split, options.layout, listing)
    found = _FoundSplit(dataset, copy.split, None, "default", tuple(copy.report.splits), copy.files, None, copy.report)
    return replace(_open_parquet(found, options), fingerprint=copy.content[:16])


# --- Which files ---


@dataclass(frozen=True)
class _FoundSplit:
    """A split's files, before any of them is read."""

    dataset: str
    split: str
    commit: str | None
    config: str
    splits: tuple[str, ...]
    urls: tuple[str, ...]
    features: Features | None  # None: as the files say
    folder: FolderReport | None = None


def _resolve_split(
    dataset: str, split: str, options: SourceOptions, listing: Listing | None
) -> tuple[_FoundSplit, DatasetBuilder]:
    local = os.path.isdir(dataset)
    if local and options.revision:
        raise TrazoError(f"{dataset!r} is a folder, which has no revision {options.revision!r}")
    commit = None
    if not local:
        commit, listing = _resolve_commit(dataset, options)
    try:
        if local:
            builder = load_dataset_builder(dataset, options.config)
        else:
            builder = call_with_silence_timeout(
                lambda: load_dataset_builder(dataset, options.config, revision=commit, token=options.token)
            )
    except (EmptyDatasetError, FileNotFoundError) as error:
        pattern = " (its name is taken as a pattern: rename it without []*?)" if set("[]*?") & set(dataset) else ""
        raise TrazoError(f"{dataset!r} holds no data files{pattern}: {str(error).splitlines()[0]}") from None
    # An unknown config, or none given where there are several; a loading script; a README that cannot be read.
    except (ValueError, RuntimeError, yaml.YAMLError) as error:
        raise TrazoError(f"{dataset!r}: {' '.join(str(error).split())}") from None
    splits = tuple(map(str, builder.config.data_files or {}))
    if split not in splits:
        raise SplitNotFoundError(f"{dataset!r} has no split {split!r}; it has {', '.join(splits) or 'none'}")
    urls = tuple(map(str, builder.config.data_files[split]))
    folder = _report_unused(dataset, builder, listing) if listing else None
    found = _FoundSplit(dataset, split, commit, builder.config.name, splits, urls, builder.info.features, folder)
    return found, builder


def _report_unused(dataset: str, builder: DatasetBuilder, listing: Listing) -> FolderReport | None:
    configs = [builder.config, *builder.builder_configs.values()]
    used = [str(url) for config in configs for urls in (config.data_files or {}).values() for url in urls]
    report = report_unused(used, {os.path.splitext(url)[1] for url in used}, listing)
    for line in report.lines() if report else []:
        log_once(f"{dataset}: {line}")
    return report


def _resolve_commit(dataset: str, options: SourceOptions) -> tuple[str, Listing]:
    """Return the commit's hash, and its files."""
    api = HfApi(token=options.token)
    info = api.dataset_info(dataset, revision=options.revision, timeout=COMMIT_TIMEOUT_S)
    if info.sha is None:
        raise TrazoError(f"{constants.ENDPOINT} is not a Hub: it names no commit of {dataset!r}")
    names = [sibling.rfilename for sibling in info.siblings or ()]
    root = f"hf://datasets/{dataset}@{info.sha}"
    files = [File(tuple(name.split("/")[:-1]), name.rpartition("/")[2], 0, f"{root}/{name}") for name in names]
    return info.sha, Listing(files)


def _open_copy(found: _FoundSplit, builder: DatasetBuilder, http: HttpOptions) -> ParquetSplit:
    """Open a Parquet copy of a split that is stored in another format; the copy is made if there is none."""
    try:
        folder = parquet_copy(builder, found.dataset, found.split, found.commit)
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
    )


# --- What the files hold ---


def _open_parquet(found: _FoundSplit, options: SourceOptions) -> ParquetSplit:
    files, paths = open_files(found.urls, options.token, options.http)
    with ThreadPoolExecutor(min(8, len(paths))) as pool:
        footers = tuple(pool.map(lambda path: _read_footer(files, path), paths))
    return _join_files(found, files, paths, footers)


def _join_files(
    found: _FoundSplit, files: RemoteFiles, paths: tuple[str, ...], footers: tuple[Footer, ...]
) -> ParquetSplit:
    rows_per_group = [(s, g, rows) for s, footer in enumerate(footers) for g, rows in enumerate(footer.rows)]
    table = RowGroups(*np.array([entry for entry in rows_per_group if entry[2]] or np.zeros((0, 3)), np.int64).T)
    if not table.total:
        raise TrazoError(f"split {found.split!r} of {found.dataset!r} has no rows")
    schema = _common_schema(paths, footers)
    # A folder's files may be replaced by others of the same size; those of a commit never change.
    version = found.commit or repr([(path, os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns) for path in paths])
    names_and_sizes = [(Path(path).name, footer.size) for path, footer in zip(paths, footers, strict=True)]
    return ParquetSplit(
        dataset=found.dataset,
        config=found.config,
        split=found.split,
        splits=found.splits,
        revision=found.commit,
        features=found.features or Features.from_arrow_schema(schema),
        table=table,
        row_bytes=sum(footer.size for footer in footers) / table.total,
        fingerprint=hashlib.sha256(repr((names_and_sizes, rows_per_group)).encode()).hexdigest()[:16],
        schema=schema,
        version=version,
        folder=found.folder,
        _files=files,
        _paths=paths,
        _footers=footers,
    )


def _common_schema(paths: Sequence[str], footers: Sequence[Footer]) -> pa.Schema:
    """Return the first file's schema.

    Raises:
        TrazoError: if another file has other columns.
    """
    schemas = [footer.metadata.schema.to_arrow_schema() for footer in footers]
    expected = schemas[0].names
    for path, schema in zip(paths, schemas, strict=True):
        if set(schema.names) != set(expected):
            raise TrazoError(f"{path} has the columns {', '.join(schema.names)}, {paths[0]} has {', '.join(expected)}")
    return schemas[0]


def _read_footer(files: RemoteFiles, path: str) -> Footer:
    """Read a Parquet file's footer, in one or two ranged requests; for a commit on the Hub only once."""
    cached = cache_folder() / "footers" / hashlib.sha256(f"{constants.ENDPOINT} {path}".encode()).hexdigest()
    if files.on_hub:
        with suppress(OSError, TrazoError):  # there is none, or it is damaged
            content = cached.read_bytes()
            return _parse_footer(path, content[8:], int.from_bytes(content[:8], "little"))
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
    footer = _parse_footer(path, tail[-length:], size)
    if files.on_hub:
        with suppress(OSError):  # without a cache it is read again the next time
            cached.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(cached, size.to_bytes(8, "little") + tail[-length:])
    return footer


def _parse_footer(path: str, content: bytes, size: int) -> Footer:
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


def _column_spans(group: pq.RowGroupMetaData, columns: list[str]) -> list[tuple[int, int]]:
    """Return the byte ranges [begin, end) that hold some columns of a row group; neighboring ones are joined."""
    ranges = []
    for index in range(group.num_columns):
        chunk = group.column(index)
        if any(chunk.path_in_schema == c or chunk.path_in_schema.startswith(f"{c}.") for c in columns):
            begin = min(o for o in (chunk.dictionary_page_offset, chunk.data_page_offset) if o is not None)
            ranges.append((begin, begin + chunk.total_compressed_size))
    return merge_spans(ranges)
