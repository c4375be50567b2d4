"""Read JSON files, and write files so that a crash never leaves half of one."""

import glob
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from model.errors import CorruptFileError
from model.io.files import read_file

MAX_JSON_VALUES = 3_000_000  # of a file; the largest confusion matrix has a million


def clear_leftovers(path: Path) -> None:
    """Delete what `atomic_write` left of a file when its process was killed; nobody else may be writing it."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        leftover.unlink(missing_ok=True)


def atomic_write(path: str | os.PathLike, content: bytes | bytearray | str) -> None:
    """Write a file, completely or not at all, as `atomic_file` does."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing under a temporary name; at the end, flush it to disk and rename it.

    A reader, or a process that starts after a crash, sees the old file or the new one, never a part.
    """
    path = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives 0600; these files are meant to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write a value as indented JSON, whole; NaN and infinities, which JSON does not have, become null."""
    atomic_write(path, json_text(value))


def json_text(value: Any) -> str:
    """Return what `write_json` writes."""
    return json.dumps(without_nan(value), indent=1, ensure_ascii=False) + "\n"


def read_json(path: str | os.PathLike) -> Any | None:
    """Return a JSON file's value, or None where there is no such file.

    Raises:
        CorruptFileError: when the file is there and is not JSON, or holds more values than any of ours.
        ModelError: when it is a link out of its folder, or too large; see `model.io.files`.
    """
    path = Path(path)
    content = read_file(path.parent, path.name)
    if content is None:
        return None
    # Bytes that stand before a value or behind its end: a file of empty lists takes thirty times its size of memory.
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise corrupt_file(path, f"holds more than {MAX_JSON_VALUES:,} values")
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise corrupt_file(path, f"is not valid JSON ({error})") from None


def corrupt_file(path: str | os.PathLike, reason: str) -> CorruptFileError:
    """Return the error for a file that cannot be used; the text says what to do."""
    return CorruptFileError(f"{path} {reason}: delete it and run the command that wrote it again")


def without_nan(value: Any) -> Any:
    """Return a JSON value with null instead of NaN and infinities."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and value - value != 0:  # NaN or infinite
        return None
    return value
