"""A dataset on the Hub, or a folder in a Hub repo's layout: its schema, its row groups, and reading runs of them.

The files and the schema come from `datasets`, the bytes from `fsspec` (for the Hub: `HfFileSystem`), the decoding of
Parquet from `pyarrow`. What is written here is only what they do not do: asking for exactly the bytes of some row
groups and columns, in as few ranged requests as possible.
"""

import hashlib
import io
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import DatasetBuilder, Features, load_dataset_builder
from datasets import config as datasets_config
from datasets.data_files import EmptyDatasetError
from datasets.exceptions import DatasetGenerationError
from huggingface_hub import HfApi, constants, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import default_client_factory

from model.errors import StreamError, TrazoError
from model.io.atomic import atomic_write
from model.io.hub_errors import translate_hub_errors
from training.data.order import RowGroups
from training.data.parquet.byte_ranges import HttpOptions, RemoteFiles, cache_folder, merge_spans
from training.data.parquet.convert import COPIED_SPLIT, parquet_copy
from training.data.parquet.footer import Footer

FOOTER_GUESS = 1 << 16  # bytes asked for at a file's end; most footers fit, a longer one costs a second request

# Arrow's default allocator keeps what it once took: streaming MNIST peaked at 320 MB with it, at 190 MB with malloc.
pa.set_memory_pool(pa.system_memory_pool())

# Counting downloads on the Hub costs a request a run and tells it nothing about a stream.
os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
# The Hub's client waits for ever unless told otherwise, and `datasets` repeats what it has repeated already.
DEFAULT_TIMEOUT_S = 10.0  # seconds, for requests that set no time-out of their own: listing files, reading a card
datasets_config.STREAMING_READ_MAX_RETRIES = 1
datasets_config.STREAMING_READ_RETRY_INTERVAL = datasets_config.STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL = 1
MAX_SILENCE_S = 45.0  # seconds without any answer after which opening a dataset is given up, whatever is being repeated
_last_response = [0.0]  # when the Hub last answered


def _client() -> httpx2.Client:
    client = default_client_factory()
    client.timeout = DEFAULT_TIMEOUT_S
    hooks = client.event_hooks
    hooks["response"] = [*hooks["response"], lambda answer: _last_response.__setitem__(0, time.monotonic())]
    client.event_hooks = hooks
    return client


set_client_factory(_client)
logging.getLogger("huggingface_hub.utils._http").setLevel(logging.ERROR)  # its retries would break the progress bar


class SplitNotFoundError(TrazoError):
    """A split that the dataset does not have; the text names those that it has."""


@dataclass(frozen=True)
class SplitInfo:
    """What is known of rows before they are read.

    Attributes:
        dataset: as it was asked for; several are joined by " + ".
        config: name of the dataset's config.
        split: name of the split.
        splits: names of all splits.
        revision: the commit's hash on the Hub; None for a local folder, and for several datasets.
        features: the schema, as `datasets` has it; of several datasets the first one's.
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


def concat_splits(origins: Sequence[SplitInfo]) -> SplitInfo:
    """Return what several datasets are together, the rows of each after those of the one before."""
    first = origins[0]
    if len(origins) == 1:
        return first
    shards, rows, tables = 0, 0, []
    for origin in origins:
        tables.append((origin.table.shard + shards, origin.table.group, origin.table.rows))
        shards += int(origin.table.shard.max()) + 1
        rows += origin.table.total
    return SplitInfo(
        " + ".join(origin.dataset for origin in origins),
        first.config,
        first.split,
        first.splits,
        None,
        first.features,
        RowGroups(*map(np.concatenate, zip(*tables, strict=True))),
        sum(origin.row_bytes * origin.table.total for origin in origins) / rows,
        hashlib.sha256(" ".join(origin.fingerprint for origin in origins).encode()).hexdigest()[:16],
    )


@dataclass(frozen=True)
class ParquetSplit(SplitInfo):
    """One split of one dataset at one commit, and its rows.

    Attributes:
        schema: of the files.
    """

    schema: pa.Schema
    _files: RemoteFiles
    _paths: tuple[str, ...]
    _footers: tuple[Footer, ...]

    def read(self, run: tuple[int, int], columns: list[str]) -> pa.Table:
        """Read some columns of the row groups [start, stop) of the table, which lie in one file.

        Raises:
            StreamError: when the file cannot be read, after the retries.
        """
        start, stop = run
        shard = int(self.table.shard[start])
        path, groups = self._paths[shard], self.table.group[start:stop].tolist()
        footer = self._footers[shard].of(groups)
        spans = [span for group in range(len(groups)) for span in _spans(footer.row_group(group), columns)]
        parts = self._files.read_spans(path, spans)
        try:
            file = pq.ParquetFile(pa.PythonFile(_SparseFile(parts), mode="r"), metadata=footer)
            return file.read_row_groups(range(len(groups)), columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise StreamError(f"{path} is damaged in row groups {groups[0]}–{groups[-1]}: {error}") from None


def open_source(
    dataset: str,
    split: str,
    config: str | None = None,
    revision: str | None = None,
    token: str | None = None,
    http: HttpOptions = HttpOptions(),
) -> ParquetSplit:
    """Find a split's Parquet files and read their footers, all at one commit.

    Args:
        dataset: a Hub id `owner/name`, or a local folder in the layout of a Hub dataset repo.
        split: its name, "train" or "test" mostly.
        config: for datasets with several; None for the default.
        revision: branch, tag or commit on the Hub; None for main.
        token: of the Hub; None for the environment's.
        http: timeouts, retries and cache.

    Raises:
        TrazoError: in one line, what was asked and what exists.
    """
    local = os.path.isdir(dataset)
    if local and revision:
        raise TrazoError(f"{dataset!r} is a folder, which has no revision {revision!r}")
    commit = None if local else _commit(dataset, revision, token)
    builder = _builder(dataset, config, commit, token, local)
    files = builder.config.data_files or {}
    if split not in files:
        raise SplitNotFoundError(f"{dataset!r} has no split {split!r}; it has {', '.join(map(str, files)) or 'none'}")
    urls = [str(url) for url in files[split]]
    splits = tuple(map(str, files))
    if not all(url.endswith(".parquet") for url in urls):
        folder = _copy(builder, dataset, split, commit)
        copied = open_source(str(folder), COPIED_SPLIT, http=http)
        return replace(copied, dataset=dataset, config=builder.config.name, split=split, splits=splits, revision=commit)
    with translate_hub_errors(dataset, repo_type="dataset"):
        opened, paths = RemoteFiles.of(urls, token, http)
        with ThreadPoolExecutor(min(8, len(paths))) as pool:
            footers, sizes = zip(*pool.map(lambda path: _footer(opened, path), paths), strict=True)
    schema = footers[0].schema
    for path, footer in zip(paths, footers, strict=True):
        columns = footer.schema.names
        if set(columns) != set(schema.names):
            raise TrazoError(f"{path} has the columns {', '.join(columns)}, {paths[0]} has {', '.join(schema.names)}")
    counts = [(s, g, rows) for s, footer in enumerate(footers) for g, rows in enumerate(footer.rows.tolist())]
    shard, group, rows = np.array([c for c in counts if c[2]] or np.zeros((0, 3)), np.int64).T
    if not rows.sum():
        raise TrazoError(f"split {split!r} of {dataset!r} has no rows")
    features = builder.info.features or Features.from_arrow_schema(schema)
    names = [(Path(path).name, size) for path, size in zip(paths, sizes, strict=True)]
    fingerprint = hashlib.sha256(repr((names, counts)).encode()).hexdigest()[:16]
    return ParquetSplit(
        dataset,
        builder.config.name,
        split,
        splits,
        commit,
        features,
        RowGroups(shard, group, rows),
        sum(sizes) / rows.sum(),
        fingerprint,
        schema,
        opened,
        paths,
        footers,
    )


def _commit(dataset: str, revision: str | None, token: str | None) -> str:
    with translate_hub_errors(dataset, revision, "dataset"):
        commit = HfApi(token=token).dataset_info(dataset, revision=revision, timeout=20).sha
    if commit is None:
        raise TrazoError(f"{constants.ENDPOINT} is not a Hub: it names no commit of {dataset!r}")
    return commit


def _builder(dataset: str, config: str | None, commit: str | None, token: str | None, local: bool):
    with translate_hub_errors(dataset, repo_type="dataset"):
        try:
            if local:
                return load_dataset_builder(dataset, config)
            return _with_silence_timeout(lambda: load_dataset_builder(dataset, config, revision=commit, token=token))
        except (EmptyDatasetError, FileNotFoundError) as error:
            pattern = " (its name is taken as a pattern: rename it without []*?)" if set("[]*?") & set(dataset) else ""
            raise TrazoError(f"{dataset!r} holds no data files{pattern}: {str(error).splitlines()[0]}") from None
        # An unknown config, or none given where there are several; a loading script; a README that cannot be read.
        except (ValueError, RuntimeError, yaml.YAMLError) as error:
            raise TrazoError(f"{dataset!r}: {' '.join(str(error).split())}") from None


def _with_silence_timeout(call: Callable[[], DatasetBuilder]) -> DatasetBuilder:
    """Return what a call returns, or give up when nothing is heard of the Hub for too long.

    Raises:
        ConnectionError: after `MAX_SILENCE_S`; the call is left to itself.
    """
    future: Future = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="trazo-open", daemon=True).start()
    _last_response[0] = time.monotonic()
    while not future.done():
        wait([future], timeout=1)
        if not future.done() and time.monotonic() - _last_response[0] > MAX_SILENCE_S:
            raise ConnectionError("the Hub stays silent")
    return future.result()


def _copy(builder: DatasetBuilder, dataset: str, split: str, commit: str | None) -> Path:
    with translate_hub_errors(dataset, repo_type="dataset"):
        try:
            return parquet_copy(builder, dataset, split, commit)
        except TrazoError:
            raise
        except (httpx2.TransportError, HfHubHTTPError, ConnectionError):
            raise
        except (OSError, ValueError, TypeError, KeyError, DatasetGenerationError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            hint = "; of many datasets --revision refs/convert/parquet is such a copy" if commit else ""
            raise TrazoError(f"split {split!r} of {dataset!r} cannot be copied to Parquet: {reason}{hint}") from None


def _footer(files: RemoteFiles, path: str) -> tuple[Footer, int]:
    """Return a Parquet file's footer and the file's size, in one or two ranged requests; of a commit, only once."""
    kept = cache_folder() / "footers" / hashlib.sha256(f"{constants.ENDPOINT} {path}".encode()).hexdigest()
    with suppress(OSError, TrazoError):  # there is none, or it is damaged
        if files.on_hub:
            content = kept.read_bytes()
            return Footer.parse(path, content[8:]), int.from_bytes(content[:8], "little")
    size = files.filesystem.size(path)
    tail = files.read(path, max(0, size - FOOTER_GUESS), size)
    if tail[-4:] != b"PAR1":
        raise TrazoError(f"{path} is not a Parquet file, or is cut short")
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if length > size:
        raise TrazoError(f"{path} has a damaged footer: it would be longer than the file")
    if length > len(tail):
        tail = files.read(path, size - length, size - len(tail)) + tail
    footer = Footer.parse(path, tail[-length:])
    if files.on_hub:
        with suppress(OSError):  # a cache that cannot be written is none
            kept.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(kept, size.to_bytes(8, "little") + tail[-length:])
    return footer, size


def _spans(group: pq.RowGroupMetaData, columns: list[str]) -> list[tuple[int, int]]:
    """Return the byte ranges [begin, end) that hold some columns of a row group; near ones are one."""
    ranges = []
    for index in range(group.num_columns):
        chunk = group.column(index)
        if any(chunk.path_in_schema == c or chunk.path_in_schema.startswith(f"{c}.") for c in columns):
            begin = min(o for o in (chunk.dictionary_page_offset, chunk.data_page_offset) if o is not None)
            ranges.append((begin, begin + chunk.total_compressed_size))
    return merge_spans(ranges)


class _SparseFile(io.RawIOBase):
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
