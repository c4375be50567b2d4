"""Which files a dataset may name: its own. One from someone else must not make a person's other files part of it.

A README, a table or a link may name any file of this machine, or any address. What is read would be learned from, and
some of it published with the mistakes of a model.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from model.errors import TrazoError
from model.io.files import find_file
from training.data.folders.readme import ReadmeTooLongError, read_front_matter

DECLARATIONS = ("README.md", ".huggingface.yaml")  # that `datasets` reads
HUB = "hf://"
IN_ARCHIVE = re.compile(r"(zip|tar|gzip|bz2|lz4|xz|zstd)://[^:]*")  # in front of the archive's own path
MAX_SHOWN_CHARS = 200


def check_declared_files(folder: str) -> None:
    """Refuse a folder whose README names data files outside of it, before anything is looked up.

    Raises:
        TrazoError: with the name in question.
    """
    for name in DECLARATIONS:
        for pattern in _strings(_read_configs(Path(folder, name))):
            parts = re.split(r"[/\\]", pattern)
            if "://" in pattern or "::" in pattern or ".." in parts or pattern.startswith("~") or _is_absolute(pattern):
                raise _refused(folder, name, pattern)


def check_files(dataset: str, what: str, paths: Iterable[str], on_hub: bool = False) -> None:
    """Refuse files of a dataset that are not its own.

    Args:
        dataset: its folder, or its id on the Hub.
        what: names them, for the message.
        paths: of its files, also of members of archives: `zip://member::archive`.
        on_hub: whether the files are those of a repo on the Hub.

    Raises:
        TrazoError: with the first of them.
    """
    for path in paths:
        *members, file = path.split("::")
        is_own = _lies_in_repo(dataset, file) if on_hub else _lies_in_folder(dataset, file)
        if not is_own or not all(map(IN_ARCHIVE.fullmatch, members)):
            raise _refused(dataset, what, path)


def named_files(value: Any) -> Iterator[str]:
    """Yield the paths that a row names where it could hold the bytes of a file: `datasets` would read them."""
    if isinstance(value, dict):
        if "path" in value and value.get("bytes") is None and isinstance(value["path"], str):
            yield value["path"]
        for one in value.values():
            yield from named_files(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from named_files(one)


def _lies_in_repo(dataset: str, address: str) -> bool:
    return address.startswith(f"{HUB}datasets/{dataset}@") and ".." not in address.split("/")


def _lies_in_folder(folder: str, path: str) -> bool:
    """Return whether a file lies in a folder, with links followed, or is a blob of the Hub's cache."""
    try:
        find_file(Path(folder), os.path.abspath(path))
    except (TrazoError, OSError, ValueError):
        return False
    return "://" not in path


def _refused(folder: str, what: str, name: str) -> TrazoError:
    shown = name if len(name) <= MAX_SHOWN_CHARS else f"{name[:MAX_SHOWN_CHARS]}…"
    return TrazoError(f"{folder!r} is refused: {what} names {shown!r}, which lies outside of it: copy the file into it")


def _is_absolute(pattern: str) -> bool:
    return pattern.startswith(("/", "\\")) or bool(re.match(r"[A-Za-z]:", pattern))


def _read_configs(path: Path) -> Any:
    """Return what a README or its substitute declares as configs; nothing if it is damaged, as `datasets` reports."""
    try:
        configs = read_front_matter(path).get("configs")
    except ReadmeTooLongError as error:
        raise TrazoError(str(error)) from None
    return [
        [one.get(key) for key in ("data_files", "data_dir")]
        for one in (configs if isinstance(configs, list) else [])
        if isinstance(one, dict)
    ]


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts in lists and objects, each of which YAML may name many times or in itself."""
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, (list, dict)) and id(one) not in seen:
            seen.add(id(one))
            waiting += one if isinstance(one, list) else one.values()
