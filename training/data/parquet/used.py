"""Notes next to folders in the cache: which dataset they are of, and when they were last used."""

import os
from contextlib import suppress
from pathlib import Path

from model.io.atomic import atomic_write

NAME_SUFFIX = ".name"


def note_use(folder: Path, dataset: str) -> None:
    """Note that a folder in the cache is of a dataset and is used now.

    Args:
        folder: exists.
        dataset: Hub id, or a folder.
    """
    note = folder.with_name(folder.name + NAME_SUFFIX)
    with suppress(OSError):  # a cache that cannot be written
        if note.exists():
            os.utime(note)
        else:
            atomic_write(note, os.path.realpath(dataset) if os.path.exists(dataset) else dataset)


def read_name(folder: Path) -> str | None:
    """Return the dataset that a folder in the cache is of; None if it is not known."""
    try:
        return folder.with_name(folder.name + NAME_SUFFIX).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
