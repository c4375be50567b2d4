"""Open the files of a model's folder: regular files that lie in it, or blobs of the Hub's cache; nothing else.

A folder may come from anyone. A link in it could make a person read, publish or overwrite their own files, and could
be put there after a check. So a file is opened name by name from its folder on, and no name may be a link by then.
"""

import errno
import os
import re
import shutil
import stat
from io import BufferedReader
from pathlib import Path

from model.artifacts import CONFIG_FILE, MAX_FILE_BYTES, OTHER_FILES, check_complete
from model.errors import ModelError

BLOB = re.compile(r"([0-9a-f]{2}/)?[0-9a-f]{32,64}")  # of a repo; of all repos, in a folder named by two digits
MAX_OTHER_FILE_BYTES = 1 << 28  # of files that are not listed in `MAX_FILE_BYTES`
HAS_SAFE_OPEN = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")  # not on Windows
READ_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def check_folder(folder: Path, config_file: str = CONFIG_FILE) -> None:
    """Refuse a model folder as `check_complete` does, or for a link that leads out of it; no file is opened.

    Args:
        folder: the folder.
        config_file: which file says what the weights are.

    Raises:
        ModelError: with the file and the reason.
    """
    sizes = {}
    for name in (config_file, *OTHER_FILES):
        root, parts = find_file(folder, name)
        path = root.joinpath(*parts)
        if path.is_file():  # no pipe, which would be waited for
            sizes[name] = path.stat().st_size
    check_complete(str(folder), sizes, (path.name for path in folder.iterdir()), config_file)


def open_file(folder: Path, name: str) -> BufferedReader | None:
    """Open a file of a folder for reading; None if it has none of this name.

    Args:
        folder: the folder.
        name: path in it, with slashes.

    Raises:
        ModelError: if it is a link out of the folder or one that leads nowhere, or larger than it may be.
        OSError: if it cannot be read.
    """
    root, parts = find_file(folder, name)
    try:
        descriptor = _open_below(root, parts)
    except (FileNotFoundError, NotADirectoryError):
        return None
    about, limit = os.fstat(descriptor), _limit_bytes(name)
    if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
        os.close(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return None
        raise ModelError(f"{folder / name} has {about.st_size:,} bytes; at most {limit:,} are read")
    return os.fdopen(descriptor, "rb")


def open_existing(folder: Path, name: str) -> BufferedReader:
    """Open a file of a folder for reading, as `open_file` does.

    Raises:
        ModelError, OSError: as `open_file`; FileNotFoundError if there is not a regular file of this name.
    """
    file = open_file(folder, name)
    if file is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder / name))
    return file


def read_file(folder: Path, name: str) -> bytes | None:
    """Return the content of a file of a folder; None if there is not a regular file of this name.

    Raises:
        ModelError, OSError: as `open_file`, also if it grows beyond its limit while it is read.
    """
    file = open_file(folder, name)
    if file is None:
        return None
    limit = _limit_bytes(name)
    with file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ModelError(f"{folder / name} has more than {limit:,} bytes")
    return content


def copy_file(folder: Path, name: str, target: Path) -> bool:
    """Copy a file of a folder to the same place in another folder; return whether there is one.

    Raises:
        ModelError, OSError: as `open_file`.
    """
    file = open_file(folder, name)
    if file is None:
        return False
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    with file, (target / name).open("wb") as copy:
        shutil.copyfileobj(file, copy)
    return True


def descriptor_path(file: BufferedReader, path: Path) -> str:
    """Return a path under which a library opens the file that is open already, even if its path leads elsewhere now.

    Args:
        file: the open file.
        path: its own, for systems that have no other.
    """
    return f"/dev/fd/{file.fileno()}" if os.path.exists(f"/dev/fd/{file.fileno()}") else str(path)


def _limit_bytes(name: str) -> int:
    return MAX_FILE_BYTES.get(name, MAX_OTHER_FILE_BYTES)


def find_file(folder: Path, name: str) -> tuple[Path, tuple[str, ...]]:
    """Return what a name of a folder leads to: a folder, and the names below it, none of which is a link now.

    Raises:
        ModelError: if it is a link out of the folder, or one that leads nowhere.
    """
    path, home = folder / name, folder.resolve()
    target = Path(os.path.realpath(path))
    if path.is_symlink() and not target.exists():
        raise ModelError(f"{path} is a link that leads nowhere")
    if target.is_relative_to(home):
        return home, target.relative_to(home).parts
    # A snapshot in the Hub's cache is links into its repo's `blobs`, and these may be links into that of all repos.
    for root in home.parents[1:3] if home.parent.name == "snapshots" else ():
        if target.is_relative_to(root / "blobs") and BLOB.fullmatch(target.relative_to(root / "blobs").as_posix()):
            return root, target.relative_to(root).parts
    raise ModelError(f"{path} is a link out of its folder")


def _open_below(root: Path, parts: tuple[str, ...]) -> int:
    """Return a descriptor of the file below a folder; a link on the way is an error."""
    if not HAS_SAFE_OPEN or not parts:
        return os.open(root.joinpath(*parts), READ_FLAGS)
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in parts[:-1]:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=place)
            os.close(place)
            place = below
        return os.open(parts[-1], READ_FLAGS | os.O_NOFOLLOW, dir_fd=place)
    finally:
        os.close(place)
