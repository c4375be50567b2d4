"""Exact bytes of a dataset's files, on the Hub or on disk: retried, cached if asked, never of two versions."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import fsspec
import httpx2
from diskcache import Cache, Timeout
from fsspec.core import url_to_fs
from fsspec.utils import merge_offset_ranges
from huggingface_hub import HfFileSystem, constants
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from model.errors import StreamError, TrazoError

CACHE_ERRORS = (OSError, sqlite3.Error, Timeout)
MAX_GAP = 1 << 16  # unused bytes between two wanted ranges that are cheaper to read than another request


@dataclass(frozen=True)
class HttpOptions:
    """How long the Hub is waited for, and what is kept of its answers.

    With the defaults a Hub that never answers a request for rows is an error after 47 seconds. What `datasets` asks, to
    list files and to copy what is not Parquet, has its limits in `training.data.parquet.source`.
    """

    timeout: float = 10.0  # seconds of silence after which a request is given up
    retries: int = 3  # of a failed request, after pauses of 1, 2, 4 and then 8 seconds
    cache_bytes: int = 0  # of downloaded rows that are kept on disk, under HF_HOME; 0 for none


@dataclass(frozen=True)
class RemoteFiles:
    """The files of one dataset at one commit, or in one folder.

    Attributes:
        filesystem: of all of them.
        token: of the Hub.
        http: timeouts, retries and cache.
    """

    filesystem: fsspec.AbstractFileSystem
    token: str | None
    http: HttpOptions
    _versions: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(urls: Sequence[str], token: str | None, http: HttpOptions) -> tuple["RemoteFiles", tuple[str, ...]]:
        """Return the files that some URLs stand for, and the path of each."""
        filesystem, _ = url_to_fs(urls[0], **({"token": token} if urls[0].startswith("hf://") else {}))
        return RemoteFiles(filesystem, token, http), tuple(filesystem._strip_protocol(url) for url in urls)

    @property
    def on_hub(self) -> bool:
        """Whether a path names one commit, so that its bytes never change."""
        return isinstance(self.filesystem, HfFileSystem)

    def read_spans(self, path: str, spans: Sequence[tuple[int, int]]) -> dict[int, bytes]:
        """Read the byte ranges [begin, end) of a file; neighbours come in one request.

        Returns:
            begin -> bytes; ranges that touch are one entry.

        Raises:
            StreamError: when the file cannot be read, after the retries, or was replaced since the first read.
        """
        held = {span: self._kept(path, *span) for span in spans}
        missing = [span for span in spans if held[span] is None]
        parts = {begin: data for (begin, _), data in held.items() if data is not None}
        cache = self._cache
        if missing:
            for a, b in merge_spans(missing):
                parts[a] = data = self.read(path, a, b)
                for begin, end in missing:
                    if cache is not None and a <= begin and end <= b:
                        with suppress(*CACHE_ERRORS):  # what cannot be kept is read again
                            cache.set((path, begin, end), data[begin - a : end - a])
        joined: dict[int, bytes] = {}
        start = end = -1
        for begin in sorted(parts):
            start = start if begin == end else begin
            joined[start] = joined.get(start, b"") + parts[begin]
            end = begin + len(parts[begin])
        return joined

    def read(self, path: str, begin: int, end: int) -> bytes:
        """Read bytes [begin, end) of a file, in one request.

        Raises:
            StreamError: as `read_spans`.
        """
        try:
            data, version = self._from_hub(path, begin, end) if self.on_hub else self._from_disk(path, begin, end)
        except FileNotFoundError:
            raise StreamError(f"{path} is gone; was the dataset changed meanwhile?") from None
        except (OSError, httpx2.TransportError) as error:  # HfHubHTTPError is an OSError
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StreamError(f"{path} cannot be read: {reason}; the same command goes on from here") from None
        if version != self._versions.setdefault(path, version) or len(data) != end - begin:
            raise StreamError(f"{path} was replaced while it was being read; open the dataset again")
        return data

    def _from_hub(self, path: str, begin: int, end: int) -> tuple[bytes, str]:
        # A 5xx, a reset, a cut body and a silence are repeated by the Hub's own client.
        answer = http_backoff(
            "GET",
            self.filesystem.url(path),
            headers={"range": f"bytes={begin}-{end - 1}", **build_hf_headers(token=self.token)},
            timeout=self.http.timeout,
            max_retries=self.http.retries,
        )
        hf_raise_for_status(answer)
        return answer.content, answer.headers.get("etag", "")

    def _from_disk(self, path: str, begin: int, end: int) -> tuple[bytes, str]:
        info = self.filesystem.info(path)
        return self.filesystem.cat_file(path, begin, end), f"{info['size']} {info.get('mtime')}"

    def _kept(self, path: str, begin: int, end: int) -> bytes | None:
        if self._cache is not None:
            with suppress(*CACHE_ERRORS):
                data = self._cache.get((path, begin, end))
                if data is not None and len(data) == end - begin:
                    return data
        return None

    @cached_property
    def _cache(self) -> Cache | None:
        if not (self.on_hub and self.http.cache_bytes):
            return None
        try:
            return Cache(cache_folder() / "rows", size_limit=self.http.cache_bytes)
        except CACHE_ERRORS as error:
            raise TrazoError(
                f"rows cannot be kept in {cache_folder() / 'rows'}: {error}; delete it, or leave --cache-bytes out"
            ) from None


def merge_spans(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join byte ranges [begin, end) that lie at most `MAX_GAP` apart."""
    begins, ends = map(list, zip(*spans, strict=True))
    _, begins, ends = merge_offset_ranges([""] * len(begins), begins, ends, max_gap=MAX_GAP)
    return list(zip(begins, ends, strict=True))


def cache_folder() -> Path:
    """Return where this package keeps what it may lose."""
    return Path(os.environ.get("TRAZO_CACHE") or Path(constants.HF_HOME) / "trazo")
