"""A dataset on the Hub, or a folder in a Hub repo's layout: its schema, its row groups, and reading runs of them.

The files and the schema come from `datasets`, the bytes from `fsspec` (for the Hub: `HfFileSystem`), the decoding of
Parquet from `pyarrow`. What is written here is only what they do not do: asking for exactly the bytes of some row
groups and columns, in as few ranged requests as possible.
"""

import hashlib
import io
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import Features, load_dataset_builder
from datasets.data_files import EmptyDatasetError
from datasets.exceptions import DatasetNotFoundError
from fsspec.core import url_to_fs
from fsspec.utils import merge_offset_ranges
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from model.errors import StreamError, TrazoError
from training.order import RowGroups

FOOTER_GUESS = 1 << 16  # bytes asked for at a file's end; most footers fit, a longer one costs a second request
MAX_GAP = 1 << 16  # unused bytes between two wanted ranges that are cheaper to read than another request

# Counting downloads on the Hub costs a request a run and tells it nothing about a stream.
os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
logging.getLogger("huggingface_hub.utils._http").setLevel(logging.ERROR)  # its retries would break the progress bar


class NoSuchSplit(TrazoError):
    """A split that the dataset does not have; the text names those that it has."""


@dataclass(frozen=True)
class Source:
    """One split of one dataset at one commit.

    Attributes:
        dataset: as it was asked for.
        config: name of the dataset's config.
        split: name of the split.
        splits: names of all splits.
        revision: the commit's hash on the Hub; None for a local folder.
        features: the schema, as `datasets` has it.
        table: the row groups.
        row_bytes: mean size of a row in the files.
        fingerprint: hash of file names, sizes and row groups; differs when the data was replaced.
    """

    dataset: str
    config: str
    split: str
    splits: tuple[str, ...]
    revision: str | None
    features: Features
    table: RowGroups
    row_bytes: float
    fingerprint: str
    _filesystem: fsspec.AbstractFileSystem
    _paths: tuple[str, ...]
    _metadata: tuple[pq.FileMetaData, ...]

    def read(self, run: tuple[int, int], columns: list[str]) -> pa.Table:
        """Read some columns of the row groups [start, stop) of the table, which lie in one file.

        Raises:
            StreamError: when the file cannot be read, after the retries.
        """
        start, stop = run
        shard = int(self.table.shard[start])
        metadata, path = self._metadata[shard], self._paths[shard]
        groups = self.table.group[start:stop].tolist()
        ranges = [span for group in groups for span in _column_ranges(metadata.row_group(group), columns)]
        begins, ends = zip(*ranges, strict=True)
        _, begins, ends = merge_offset_ranges([path] * len(begins), list(begins), list(ends), max_gap=MAX_GAP)
        parts = {a: _fetch(self._filesystem, path, a, b) for a, b in zip(begins, ends, strict=True)}
        try:
            file = pq.ParquetFile(pa.PythonFile(_Parts(parts), mode="r"), metadata=metadata)
            return file.read_row_groups(groups, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise StreamError(f"{path} is damaged in row groups {groups[0]}–{groups[-1]}: {error}") from None


def open_source(
    dataset: str, split: str, config: str | None = None, revision: str | None = None, token: str | None = None
) -> Source:
    """Find a split's Parquet files and read their footers, all at one commit.

    Args:
        dataset: a Hub id `owner/name`, or a local folder in the layout of a Hub dataset repo.
        split: its name, "train" or "test" mostly.
        config: for datasets with several; None for the default.
        revision: branch, tag or commit on the Hub; None for main.
        token: of the Hub; None for the environment's.

    Raises:
        TrazoError: in one line, what was asked and what exists.
    """
    local = os.path.isdir(dataset)
    commit = None if local else _commit(dataset, revision, token)
    builder = _builder(dataset, config, commit, token, local)
    files = builder.config.data_files or {}
    if split not in files:
        raise NoSuchSplit(f"{dataset!r} has no split {split!r}; it has {', '.join(map(str, files)) or 'none'}")
    urls = [str(url) for url in files[split]]
    other = [url for url in urls if not url.endswith(".parquet")]
    if other:
        raise TrazoError(
            f"{dataset!r} is not stored as Parquet ({Path(other[0]).name}); "
            "push it once with `datasets.Dataset.push_to_hub`, which writes Parquet"
        )
    with hub_errors(dataset):
        filesystem, _ = url_to_fs(urls[0], **({} if local else {"token": token}))
        paths = tuple(filesystem._strip_protocol(url) for url in urls)
        with ThreadPoolExecutor(min(8, len(paths))) as pool:
            footers = list(pool.map(lambda path: _footer(filesystem, path), paths))
    metadata = tuple(meta for meta, _ in footers)
    columns = [tuple(meta.schema.to_arrow_schema().names) for meta in metadata]
    for path, names in zip(paths, columns, strict=True):
        if set(names) != set(columns[0]):
            raise TrazoError(f"{path} has the columns {', '.join(names)}, {paths[0]} has {', '.join(columns[0])}")
    counts = [(s, g, m.row_group(g).num_rows) for s, m in enumerate(metadata) for g in range(m.num_row_groups)]
    shard, group, rows = np.array([c for c in counts if c[2]] or np.zeros((0, 3)), np.int64).T
    if not rows.sum():
        raise TrazoError(f"split {split!r} of {dataset!r} has no rows")
    features = builder.info.features or Features.from_arrow_schema(metadata[0].schema.to_arrow_schema())
    names = [(Path(path).name, size) for path, (_, size) in zip(paths, footers, strict=True)]
    fingerprint = hashlib.sha256(repr((names, counts)).encode()).hexdigest()[:16]
    return Source(
        dataset,
        builder.config.name,
        split,
        tuple(map(str, files)),
        commit,
        features,
        RowGroups(shard, group, rows),
        sum(size for _, size in footers) / rows.sum(),
        fingerprint,
        filesystem,
        paths,
        metadata,
    )


@contextmanager
def hub_errors(dataset: str, revision: str | None = None) -> Iterator[None]:
    """Turn the Hub client's errors into one line each.

    Raises:
        TrazoError: in place of what the client raised.
    """
    name = repr(dataset)
    try:
        yield
    except GatedRepoError:
        raise TrazoError(f"dataset {name} is gated: ask for access on its page and set HF_TOKEN") from None
    except (RepositoryNotFoundError, DatasetNotFoundError):
        raise TrazoError(
            f"dataset {name} is neither a folder here nor a dataset on the Hub that you may read; "
            "check the name, or set HF_TOKEN if it is private"
        ) from None
    except RevisionNotFoundError:
        raise TrazoError(f"dataset {name} has no revision {revision!r}") from None
    except HFValidationError:
        raise TrazoError(f"{name} is neither a folder here nor a dataset id (owner/name)") from None
    except (httpx2.TransportError, OfflineModeIsEnabled, ConnectionError):
        raise TrazoError(
            f"the Hub ({constants.ENDPOINT}) cannot be reached for {name}; "
            "without a network, try `--dataset training/sample`"
        ) from None
    except HfHubHTTPError as error:
        raise TrazoError(f"the Hub refused {name}: {str(error).splitlines()[0]}") from None


def _commit(dataset: str, revision: str | None, token: str | None) -> str:
    with hub_errors(dataset, revision):
        return HfApi(token=token).dataset_info(dataset, revision=revision, timeout=20).sha


def _builder(dataset: str, config: str | None, commit: str | None, token: str | None, local: bool):
    with hub_errors(dataset):
        try:
            return load_dataset_builder(dataset, config, revision=commit, token=None if local else token)
        except (EmptyDatasetError, FileNotFoundError) as error:
            raise TrazoError(f"{dataset!r} holds no data files: {str(error).splitlines()[0]}") from None
        # An unknown config, or none given where there are several; a loading script; a README that cannot be read.
        except (ValueError, RuntimeError, yaml.YAMLError) as error:
            raise TrazoError(f"{dataset!r}: {' '.join(str(error).split())}") from None


def _footer(filesystem: fsspec.AbstractFileSystem, path: str) -> tuple[pq.FileMetaData, int]:
    """Return a Parquet file's footer and the file's size, in one or two ranged requests."""
    size = filesystem.size(path)
    tail = _fetch(filesystem, path, max(0, size - FOOTER_GUESS), size)
    if tail[-4:] != b"PAR1":
        raise TrazoError(f"{path} is not a Parquet file, or is cut short")
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if length > len(tail):
        tail = _fetch(filesystem, path, size - length, size - len(tail)) + tail
    try:
        return pq.read_metadata(pa.BufferReader(tail)), size
    except (pa.ArrowException, OSError) as error:
        raise TrazoError(f"{path} has a damaged footer: {error}") from None


def _column_ranges(group: pq.RowGroupMetaData, columns: list[str]) -> list[tuple[int, int]]:
    """Return the byte ranges [begin, end) of some columns of a row group."""
    ranges = []
    for index in range(group.num_columns):
        chunk = group.column(index)
        if any(chunk.path_in_schema == c or chunk.path_in_schema.startswith(f"{c}.") for c in columns):
            begin = min(o for o in (chunk.dictionary_page_offset, chunk.data_page_offset) if o is not None)
            ranges.append((begin, begin + chunk.total_compressed_size))
    return ranges


def _fetch(filesystem: fsspec.AbstractFileSystem, path: str, begin: int, end: int) -> bytes:
    """Read bytes [begin, end) of a file, in one request.

    The Hub's client repeats a request that meets a 5xx, a reset, a cut body or a silence, five times with pauses that
    double; what comes through to here is beyond that.
    """
    try:
        data = filesystem.cat_file(path, begin, end, **_UNBUFFERED.get(type(filesystem).__name__, {}))
    except FileNotFoundError:
        raise StreamError(f"{path} is gone; was the dataset changed meanwhile?") from None
    except (OSError, httpx2.TransportError) as error:  # HfHubHTTPError is an OSError
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StreamError(f"{path} cannot be read: {reason}; the same command goes on from here") from None
    if len(data) != end - begin:
        raise StreamError(f"{path} gave {len(data)} bytes in place of {end - begin}; was it replaced meanwhile?")
    return data


# HfFileSystem reads ahead 5 MiB by default, many times what a run needs.
_UNBUFFERED = {"HfFileSystem": {"cache_type": "none"}}


class _Parts(io.RawIOBase):
    """A file of which only some parts are there, for pyarrow: begin -> bytes."""

    def __init__(self, parts: dict[int, bytes]) -> None:
        self._parts, self._position = parts, 0
        self._size = max(begin + len(data) for begin, data in parts.items())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        for begin, data in self._parts.items():
            if begin <= self._position < begin + len(data):
                piece = data[self._position - begin :][: None if size < 0 else size]
                self._position += len(piece)
                return piece
        return b""
