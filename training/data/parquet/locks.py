"""Which copies are in use: a process holds a shared lock on each that it reads, until it ends.

The system releases a lock when its process ends, however it ends. Where there are no such locks (Windows), open files
cannot be removed anyway.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = "in-use.lock"
UNFINISHED = "unfinished-"
_held: dict[Path, int] = {}  # folder -> descriptor of its lock file


def use(folder: Path) -> None:
    """Keep other processes from removing a folder for as long as this process lives."""
    if fcntl is None or folder in _held:
        return
    with suppress(OSError):  # a cache that cannot be written, or knows no locks
        descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError:
            os.close(descriptor)
            raise
        _held[folder] = descriptor


def release(folder: Path) -> None:
    """End what `use` started."""
    if folder in _held:
        os.close(_held.pop(folder))


@contextmanager
def one_at_a_time(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Make a folder, and let one process at a time work in it; no other process removes it meanwhile.

    Args:
        folder: that is worked in.
        on_wait: called before waiting for another process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove_unless_in_use(folder: Path) -> bool:
    """Remove a folder with all it holds, unless another process uses it.

    Returns:
        whether it was removed.
    """
    release(folder)
    if fcntl is not None:
        try:
            descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError:
            descriptor = -1
        if descriptor >= 0:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            finally:
                os.close(descriptor)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def remove_others(folder: Path) -> None:
    """Remove what lies next to a folder: copies of the same data as it was before."""
    for old in folder.parent.iterdir():
        if old != folder and not old.name.startswith(UNFINISHED):
            remove_unless_in_use(old)


@contextmanager
def unfinished_copy(parent: Path) -> Iterator[Path]:
    """Yield a new folder in which to make a copy; what is not moved out of it is removed.

    A copy in the making has another name than a finished one, so it is never read. What killed processes left is
    removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(f"{UNFINISHED}*"):
        if leftover not in _held:  # by another thread
            remove_unless_in_use(leftover)
    temporary = Path(tempfile.mkdtemp(dir=parent, prefix=UNFINISHED))
    try:
        use(temporary)
        copy = temporary / "copy"
        copy.mkdir()
        yield copy
    finally:
        release(temporary)
        shutil.rmtree(temporary, ignore_errors=True)
