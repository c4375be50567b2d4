"""Folders that can be written, and that belong to the person who runs the program."""

import atexit
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from model.errors import TrazoError

logger = logging.getLogger("trazo")


def make_writable(folder: Path) -> None:
    """Make a folder if there is none, and check that files can be made in it.

    Raises:
        OSError: if it cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied", str(folder))


def own_temporary_folder(name: str, parent: Path | None = None) -> Path:
    """Return a folder in the temporary folder that nobody else owns: of this name, with the user's id, or a new one.

    On a shared machine, a folder of a fixed name belongs to the first person who makes it.

    Args:
        name: of the folder.
        parent: a folder instead of the temporary folder.

    Raises:
        TrazoError: if no temporary folder can be written.
    """
    try:
        user = os.getuid() if hasattr(os, "getuid") else 0
        for candidate in (name, f"{name}-{user}"):
            folder = Path(parent or tempfile.gettempdir(), candidate)
            if _is_own(folder):
                return folder
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    except OSError as error:
        raise TrazoError(f"no temporary folder can be written ({error}); set TMPDIR to one that can") from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _is_own(folder: Path) -> bool:
    try:
        make_writable(folder)
        about = folder.lstat()
    except OSError:
        return False
    # Not a link, which may lead anywhere.
    return stat.S_ISDIR(about.st_mode) and (not hasattr(os, "getuid") or about.st_uid == os.getuid())


def check_can_be_made(folder: Path, option: str) -> None:
    """Refuse a folder that is not there and cannot be made, or cannot be written; nothing is made.

    Args:
        folder: which will be written later.
        option: that names it, for the message.

    Raises:
        TrazoError: if it could not be written.
    """
    existing = folder.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise TrazoError(f"{option} is {str(folder)!r}, but {existing} is a file: choose another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise TrazoError(f"{option} is {str(folder)!r}, but {existing} cannot be written: choose another folder")


# --- Caches ---


def set_up_caches(environ: MutableMapping[str, str]) -> None:
    """Have copies of datasets kept in the temporary folder if the Hub's cache folder cannot be written.

    For programs, which call it before they import `datasets`. What is in the Hub's cache can still be read.

    Args:
        environ: `os.environ`; changed.

    Raises:
        TrazoError: if a folder that was chosen for the copies cannot be written.
    """
    home, is_closed = hub_home(environ), False
    for name, folder in (("HF_DATASETS_CACHE", home / "datasets"), ("TRAZO_CACHE", home / "trazo")):
        given = environ.get(name)
        try:
            make_writable(Path(given or folder))
        except OSError as error:
            if given:
                raise TrazoError(f"{name} is {given!r}, which cannot be written ({error.strerror})") from None
            is_closed, environ[name] = True, str(own_temporary_folder("trazo-cache") / folder.name)
    if is_closed:
        own = own_temporary_folder("trazo-cache")
        logger.warning("%s cannot be written; %s is used for copies of datasets (HF_HOME names a folder)", home, own)
    if is_closed and not home.is_dir():  # nothing to read
        environ.setdefault("HF_HUB_CACHE", str(own_temporary_folder("trazo-cache") / "hub"))


def hub_home(environ: Mapping[str, str]) -> Path:
    """Return the folder in which huggingface_hub keeps its files."""
    caches = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(environ.get("HF_HOME") or Path(caches, "huggingface")))
