"""The folder of uploads and of images made for visitors: what is old is deleted, and a quota holds.

Gradio's own clean-up knows some of the files, and ends for good at the first upload that arrives while it runs. The
sweep here looks at the folder itself. It is the only one to delete: the folder belongs to Trazo alone.
"""

import errno
import hashlib
import logging
import os
import shutil
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from model.io.atomic import atomic_write
from ui.i18n import UserError
from ui.server.error_log import log_error
from ui.server.gradio_compat import get_upload_folder

MAX_AGE_S = 3600  # of a file since it was last used
MIN_AGE_S = 300  # before which nothing is deleted, no matter how full the folder is
MAX_SWEEP_PAUSE_S = 300
MIN_SWEEP_PAUSE_S = 1
PRESSURE = 0.75  # share of the quota above which files younger than `MAX_AGE_S` are deleted
PERIODS = 5  # in which what visitors write is counted, of the time in which nothing is deleted

logger = logging.getLogger("trazo")


class Usage(NamedTuple):
    """What files take."""

    size_bytes: int = 0
    files: int = 0  # folders are counted, too

    def plus(self, other: "Usage") -> "Usage":
        """Return both together."""
        return Usage(self.size_bytes + other.size_bytes, self.files + other.files)

    def minus(self, other: "Usage") -> "Usage":
        """Return what is left without the other."""
        return Usage(self.size_bytes - other.size_bytes, self.files - other.files)

    def exceeds(self, limit: "Usage", share: float = 1) -> bool:
        """Return whether bytes or files are above a share of their limit."""
        return self.size_bytes > share * limit.size_bytes or self.files > share * limit.files


QUOTA = Usage(4_000_000_000, 40_000)


class Stamp(NamedTuple):
    """What changes when a file is written, touched or replaced."""

    st_ino: int
    st_mtime_ns: int
    st_ctime_ns: int


@dataclass
class _Entry:
    """A file or folder as a sweep found it; links, sockets and the like are files."""

    path: str
    is_folder: bool
    stamp: Stamp
    usage: Usage
    first_seen_s: float  # with this stamp


class StorageFullError(UserError):
    """The quota is used up."""

    def __init__(self) -> None:
        """Take the text of the section `server`."""
        super().__init__("storage_full")


class _RecentUsage:
    """What each visitor wrote in the last `MIN_AGE_S`, and up to one of their `PERIODS` before."""

    def __init__(self) -> None:
        self._periods = deque[tuple[int, dict[str | None, Usage]]]()  # None: all visitors

    def of(self, visitor: str, now_s: float) -> tuple[Usage, Usage]:
        """Return (what a visitor wrote, what all of them wrote)."""
        period = int(now_s * PERIODS // MIN_AGE_S)
        while self._periods and self._periods[0][0] < period - PERIODS:
            self._periods.popleft()
        if not self._periods or self._periods[-1][0] != period:
            self._periods.append((period, {}))
        mine, everything = Usage(), Usage()
        for _, written in self._periods:
            mine = mine.plus(written.get(visitor, Usage()))
            everything = everything.plus(written.get(None, Usage()))
        return mine, everything

    def add(self, visitor: str, more: Usage) -> None:
        """Count what a visitor writes, after `of`."""
        written = self._periods[-1][1]
        for one in (visitor, None):
            written[one] = written.get(one, Usage()).plus(more)


class TempFiles:
    """The folder, its sweep and its quota. All methods can be called from any thread.

    Attributes:
        quota: of bytes and files. At most half of what the disk has left is used, too.
        max_age_s: age of a file, or of an empty folder, at which it is deleted.

    Example:
        >>> path = TEMP_FILES.save(b"an image", "image.png")
    """

    def __init__(
        self,
        folder: Callable[[], str] = get_upload_folder,
        quota: Usage = QUOTA,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the folder.

        Args:
            folder: returns its path; it need not exist.
            quota: see the attribute.
            max_age_s: see the attribute.
            clock: in seconds. The ages of files are counted by it, because the time of day may jump.
        """
        self.quota, self.max_age_s = quota, max_age_s
        self._folder, self._clock = folder, clock
        self._disk_limit_bytes = sys.maxsize
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._seen: dict[str, _Entry] = {}
        # What the last sweep found, what was written since it began, and what is being written.
        self._found = self._written = self._writing = Usage()
        self._recent = _RecentUsage()
        self._failed = 0

    @contextmanager
    def writing(
        self, size_bytes: int = 0, files: int = 0, visitor: str | None = None
    ) -> Iterator[Callable[[int, int], None]]:
        """Count what a block writes into the folder.

        Args:
            size_bytes: which the block will write.
            files: which it will make.
            visitor: for whom. Of what is too young to be deleted, one may write as much as is then left for all others
                below `PRESSURE` of the quota.

        Returns:
            a function that counts more bytes and files.

        Raises:
            StorageFullError: if the quota does not allow this much.
        """
        written = Usage()

        def add(size_bytes: int, files: int) -> None:
            nonlocal written
            more = Usage(size_bytes, files)
            with self._lock:
                total = self._found.plus(self._written).plus(self._writing).plus(more)
                if total.exceeds(self._limit, PRESSURE):
                    self._wake.set()
                if total.exceeds(self._limit):
                    raise StorageFullError
                if visitor is not None:
                    mine, everything = self._recent.of(visitor, self._clock())
                    if mine.plus(everything).plus(more).plus(more).exceeds(self._limit, PRESSURE):
                        raise StorageFullError
                    self._recent.add(visitor, more)
                self._writing, written = self._writing.plus(more), written.plus(more)

        try:
            add(size_bytes, files)
            yield add
        finally:
            with self._lock:
                self._writing, self._written = self._writing.minus(written), self._written.plus(written)

    def save(self, content: bytes | bytearray, name: str, visitor: str | None = None) -> Path:
        """Write a file, unless there is an equal one, and return its path.

        Args:
            content: of the file.
            name: of the file, in a folder that is named by the content.
            visitor: see `writing`.

        Raises:
            StorageFullError: if the quota does not allow it.
            OSError: if it cannot be written.
        """
        path = Path(self._folder(), hashlib.sha256(content).hexdigest(), name).absolute()
        with suppress(FileNotFoundError):
            os.utime(path)  # in use again
            return path
        with self.writing(len(content), files=2, visitor=visitor):
            try:
                _write(path, content)
            except FileNotFoundError:  # the sweep has just deleted the empty folder
                _write(path, content)
        return path

    def start(self, kept: Callable[[], Collection[str]] = tuple) -> None:
        """Sweep from now on, in a thread that ends with the program.

        Args:
            kept: returns paths that are never deleted; called before each sweep.
        """

        def run() -> None:
            while True:
                started = time.monotonic()
                try:
                    self.sweep(kept())
                except Exception as error:  # nothing ends the sweep
                    with suppress(Exception):
                        log_error(error)
                time.sleep(max(MIN_SWEEP_PAUSE_S, 10 * (time.monotonic() - started)))  # a small share of a core
                self._wake.wait(min(MAX_SWEEP_PAUSE_S, self.max_age_s / 4))
                self._wake.clear()

        threading.Thread(target=run, name="sweep of temporary files", daemon=True).start()

    def sweep(self, kept: Collection[str] = ()) -> None:
        """Delete what was not used for some time, and count what is left.

        Above `PRESSURE` of the quota the oldest files go earlier, but none that is younger than `MIN_AGE_S`. The age
        of what was there before counts from the first sweep.

        Args:
            kept: paths that are not deleted; they are touched, so that no other process deletes them either.
        """
        now, written = self._clock(), self._written
        kept_inodes = set(_touch(kept))
        self._seen = {entry.path: entry for entry in self._entries(now)}
        total, failed = Usage(), 0
        for entry in self._seen.values():
            total = total.plus(entry.usage)
        with suppress(OSError):  # the folder is made with its first file
            self._disk_limit_bytes = (total.size_bytes + shutil.disk_usage(self._folder()).free) // 2
        for entry in sorted(self._seen.values(), key=lambda entry: entry.first_seen_s):
            is_full = total.exceeds(self._limit, PRESSURE)
            min_age_s = min(MIN_AGE_S, self.max_age_s) if is_full else self.max_age_s
            if entry.stamp.st_ino not in kept_inodes and now - entry.first_seen_s >= min_age_s:
                try:
                    if _delete(entry):
                        total = total.minus(entry.usage)
                except OSError:
                    failed += 1
        with self._lock:
            self._found, self._written = total, self._written.minus(written)
        if failed > self._failed:
            logger.warning("%d old files in %s cannot be deleted", failed, self._folder())
        self._failed = failed

    def _entries(self, now: float) -> Iterator[_Entry]:
        """Yield everything in the folder, the content of a folder before itself; no link is followed."""
        for place, folders, files in os.walk(self._folder(), topdown=False):
            for path in (os.path.join(place, name) for name in (*folders, *files)):
                with suppress(OSError):  # deleted meanwhile
                    about = os.lstat(path)
                    before, stamp = self._seen.get(path), _stamp(about)
                    first_seen_s = before.first_seen_s if before and before.stamp == stamp else now
                    size_bytes = max(about.st_size, 512 * getattr(about, "st_blocks", 0))
                    yield _Entry(path, stat.S_ISDIR(about.st_mode), stamp, Usage(size_bytes, 1), first_seen_s)

    @property
    def _limit(self) -> Usage:
        return self.quota._replace(size_bytes=min(self.quota.size_bytes, self._disk_limit_bytes))


TEMP_FILES = TempFiles()


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error, or the one that led to it, is that of a full disk."""
    while error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def _write(path: Path, content: bytes | bytearray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content)


def _touch(paths: Collection[str]) -> Iterator[int]:
    """Touch files, and yield their inodes."""
    for path in paths:
        with suppress(OSError):
            os.utime(path)
            yield os.stat(path).st_ino


def _delete(entry: _Entry) -> bool:
    """Delete a file or an empty folder; return whether it is gone.

    It stays if it was used since the sweep found it. A folder whose files were deleted has changed as well, and goes
    later: the next upload of the same image may be about to use it.

    Raises:
        OSError: if a file cannot be deleted.
    """
    try:
        if _stamp(os.lstat(entry.path)) != entry.stamp:
            return False
        if not entry.is_folder:
            os.unlink(entry.path)
            return True
        with suppress(OSError):  # it is not empty
            os.rmdir(entry.path)
            return True
        return False
    except FileNotFoundError:
        return True


def _stamp(about: os.stat_result) -> Stamp:
    return Stamp(about.st_ino, about.st_mtime_ns, about.st_ctime_ns)
