"""Exact byte ranges of a dataset's files, on the Hub or on disk: retried, cached if wanted, and of one version."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import fsspec
import httpx2
from fsspec.core import url_to_fs
from fsspec.utils import merge_offset_ranges
from huggingface_hub import HfFileSystem, constants
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from model.errors import StreamError, TrazoError
from training.config import DataConfig
from training.data.parquet.row_cache import RowCache

CACHE_ERRORS = (OSError, sqlite3.Error)
MAX_GAP_BYTES = 1 << 16  # between two ranges; reading such a gap is cheaper than another request


@dataclass(frozen=True)
class HttpOptions:
    """How long to wait for the Hub, and how much to keep on disk.

    With the defaults, a Hub that never responds to a request for rows is an error after 47 seconds. Opening a dataset
    (listing files, copying what is not Parquet) has its limits in `training.data.parquet.hub_client`.

    Attributes:
        timeout: seconds without a response after which a request is given up.
        retries: of a failed request, after pauses of 1, 2, 4 and then 8 seconds.
        cache_bytes: of downloaded rows that are kept on disk, under HF_HOME; 0 for none.
    """

    timeout: float = DataConfig.timeout
    retries: int = DataConfig.retries
    cache_bytes: int = DataConfig.cache_bytes


@dataclass(frozen=True)
class RemoteFiles:
    """The files of one dataset at one commit, or in one folder.

    Attributes:
        filesystem: of all of them.
        token: for the Hub.
        http: timeouts, retries and cache.
    """

    filesystem: fsspec.AbstractFileSystem
    token: str | None
    http: HttpOptions
    _versions: dict[str, str] = field(default_factory=dict)

    @property
    def on_hub(self) -> bool:
        """Whether the paths name one commit on the Hub, so that their bytes never change."""
        return isinstance(self.filesystem, HfFileSystem)

    def read_spans(self, path: str, spans: Sequence[tuple[int, int]]) -> dict[int, bytes]:
        """Read the byte ranges [begin, end) of a file; neighboring ranges come in one request.

        Returns:
            begin -> bytes; ranges that touch are one entry.

        Raises:
            StreamError: if the file cannot be read, after the retries, or was replaced since the first read.
        """
        cached = {span: self._read_cache(path, *span) for span in spans}
        missing = [span for span in spans if cached[span] is None]
        parts = {begin: data for (begin, _), data in cached.items() if data is not None}
        cache = self._cache
        if missing:
            for a, b in merge_spans(missing):
                parts[a] = data = self.read(path, a, b)
                for begin, end in missing:
                    if cache is not None and a <= begin and end <= b:
                        with suppress(*CACHE_ERRORS):  # without a cache it is read again the next time
                            cache.set(path, begin, end, data[begin - a : end - a])
        joined: dict[int, bytes] = {}
        start = end = -1
        for begin in sorted(parts):
            start = start if begin == end else begin
            joined[start] = joined.get(start, b"") + parts[begin]
            end = begin + len(parts[begin])
        return joined

    def read(self, path: str, begin: int, end: int) -> bytes:
        """Read bytes [begin, end) of a file, in one request.

        Args:
            path: of the file; on the Hub also its address, for which the client looks nothing up.
            begin: of the first byte.
            end: after the last byte.

        Raises:
            StreamError: as for `read_spans`.
        """
        try:
            data, version = (self._request if self.on_hub else self._read_disk)(path, begin, end)
        except FileNotFoundError:
            raise StreamError(f"{path} does not exist any more; was the dataset changed?") from None
        except (OSError, httpx2.TransportError) as error:  # HfHubHTTPError is an OSError
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StreamError(f"{path} cannot be read: {reason}; run the same command again to resume") from None
        if version != self._versions.setdefault(path, version) or len(data) != end - begin:
            raise StreamError(f"{path} was replaced while it was being read; open the dataset again")
        return data

    def _request(self, path: str, begin: int, end: int) -> tuple[bytes, str]:
        # The Hub's client repeats the request after a 5xx, a reset, an incomplete body or a timeout.
        response = http_backoff(
            "GET",
            path if "://" in path else self.filesystem.url(path),
            headers={"range": f"bytes={begin}-{end - 1}", **build_hf_headers(token=self.token)},
            timeout=self.http.timeout,
            max_retries=self.http.retries,
        )
        hf_raise_for_status(response)
        return response.content, response.headers.get("etag", "")

    def _read_disk(self, path: str, begin: int, end: int) -> tuple[bytes, str]:
        info = self.filesystem.info(path)
        return self.filesystem.cat_file(path, begin, end), f"{info['size']} {info.get('mtime')}"

    def _read_cache(self, path: str, begin: int, end: int) -> bytes | None:
        if self._cache is not None:
            with suppress(*CACHE_ERRORS):
                return self._cache.get(path, begin, end)
        return None

    @cached_property
    def _cache(self) -> RowCache | None:
        if not (self.on_hub and self.http.cache_bytes):
            return None
        try:
            return RowCache(cache_folder() / "rows", self.http.cache_bytes)
        except CACHE_ERRORS as error:
            raise TrazoError(
                f"rows cannot be kept in {cache_folder() / 'rows'}: {error}; delete it, or omit --cache-bytes"
            ) from None


def open_files(urls: Sequence[str], token: str | None, http: HttpOptions) -> tuple[RemoteFiles, tuple[str, ...]]:
    """Return the files of some URLs, all on the Hub or all local, and the path of each."""
    options = {"token": token} if urls[0].startswith("hf://") else {}
    filesystem, _ = url_to_fs(urls[0], **options)
    return RemoteFiles(filesystem, token, http), tuple(url_to_fs(url, **options)[1] for url in urls)


def merge_spans(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join byte ranges [begin, end) with gaps of at most `MAX_GAP_BYTES`."""
    begins, ends = map(list, zip(*spans, strict=True))
    _, begins, ends = merge_offset_ranges([""] * len(begins), begins, ends, max_gap=MAX_GAP_BYTES)
    return list(zip(begins, ends, strict=True))


def cache_folder() -> Path:
    """Return the folder for what can be downloaded or computed again."""
    return Path(os.environ.get("TRAZO_CACHE") or Path(constants.HF_HOME) / "trazo")
