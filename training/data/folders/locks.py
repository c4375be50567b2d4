"""Which copies are in use: a process holds a shared lock on each that it reads, until it ends.

The system releases a lock when its process ends, however it ends. Where there are no such locks (Windows), open files
cannot be removed anyway.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = "in-use.lock"
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


def remove_unless_in_use(folder: Path) -> bool:
    """Remove a folder with all it holds, unless another process uses it; what this one used is removed.

    Returns:
        whether it was removed.
    """
    if folder in _held:
        os.close(_held.pop(folder))
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
