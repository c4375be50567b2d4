"""What lies in the cache folder: copies, scans, features, pixels, rows, footers; list it, remove what is not needed.

Only what Trazo wrote there is listed and removed: other files, also those in its folders, are never touched.
"""

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model.errors import TrazoError
from training.data.folders.report import list_some
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.locks import LOCK, UNFINISHED, remove_unless_in_use
from training.data.parquet.row_cache import FILE_NAME, clear_rows
from training.data.parquet.used import NAME_SUFFIX, read_name

KINDS = ("copies", "scans", "features", "pixels", "rows", "footers")
UNKNOWN = "unknown"  # dataset of an older version's files
COPY = re.compile(rf"[0-9a-f]{{64}}|(folder|repo)-[0-9a-f]{{32}}|{UNFINISHED}\w+")
SCAN = re.compile(r"[0-9a-f]{32}")
DIGEST = re.compile(r"[0-9a-f]{64}")  # of what features of a frozen network, or decoded images, depend on
FOOTER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}\.json")
# Below these folders.
OURS = re.compile(
    rf"[0-9a-f]{{32}}|[0-9a-f]{{64}}|\d+|copy|{UNFINISHED}\w+|[\w.-]+\.(parquet|npz|tmp)|report\.json|values\.npy|labels\.npy|progress\.json|(pixels|checksums)\.bin|content|{LOCK}"
)
DAY_S = 86_400


@dataclass(frozen=True)
class CacheEntry:
    """Something in the cache.

    Attributes:
        kind: one of `KINDS`.
        name: the dataset; for rows and footers "all datasets".
        path: the folder that holds it.
        bytes: its size on disk.
        used: when it was last used, in seconds since 1970.
    """

    kind: str
    name: str
    path: Path
    bytes: int
    used: float


def list_cache() -> list[CacheEntry]:
    """Return what lies in the cache, the largest first."""
    root = cache_folder()
    entries = [*_folders(root / "parquet", "copies", COPY), *_folders(root / "scan", "scans", SCAN)]
    for kind in ("features", "pixels"):
        entries += _folders(root / kind, kind, DIGEST)
    rows = list(_files(root / "rows")) if (root / "rows" / FILE_NAME).is_file() else []
    footers = [
        path for name in ("footers", "resolved") for path in _children(root / name) if FOOTER.fullmatch(path.name)
    ]
    for kind, path, files in (("rows", root / "rows", rows), ("footers", root / "footers", footers)):
        if files:
            entries.append(CacheEntry(kind, "all datasets", path, *_size_and_use(files)))
    return sorted(entries, key=lambda entry: -entry.bytes)


def choose_entries(
    entries: Iterable[CacheEntry], what: str | None = None, older_than_days: float | None = None
) -> list[CacheEntry]:
    """Return the entries of a kind or a dataset that were not used for some days.

    Args:
        entries: of the cache.
        what: a kind, or a dataset's id or folder; None for all.
        older_than_days: days since the last use; None for any.

    Raises:
        TrazoError: if nothing is of `what`, which is not a kind.
    """
    entries = list(entries)
    limit = time.time() - (older_than_days or 0) * DAY_S
    names = {what, os.path.realpath(what)} if what else set()
    if what not in (None, *KINDS) and not any(entry.name in names for entry in entries):
        datasets = list_some(dict.fromkeys(entry.name for entry in entries))
        raise TrazoError(
            f"the cache holds nothing of {what!r}; it has these kinds: {', '.join(KINDS)}; and these datasets: "
            f"{datasets or 'none'}"
        )
    return [
        entry
        for entry in entries
        if (what is None or entry.kind == what or entry.name in names)
        and (older_than_days is None or entry.used < limit)
    ]


def remove_entries(entries: Iterable[CacheEntry]) -> tuple[int, list[CacheEntry]]:
    """Remove entries; what they hold is downloaded or computed again when it is needed.

    Returns:
        (bytes that were freed, entries that another process uses, which are kept).

    Raises:
        OSError: if a file cannot be removed.
    """
    freed, kept = 0, []
    for entry in entries:
        if entry.kind == "rows":
            if not clear_rows(entry.path):
                kept.append(entry)
                continue
        elif entry.kind == "footers":
            for folder in (entry.path, entry.path.with_name("resolved")):
                for path in _children(folder):
                    if FOOTER.fullmatch(path.name):
                        path.unlink(missing_ok=True)
        elif entry.kind == "scans":
            shutil.rmtree(entry.path, ignore_errors=True)
        elif not _remove_copy(entry.path):
            kept.append(entry)
            continue
        if not entry.path.exists():
            entry.path.with_name(entry.path.name + NAME_SUFFIX).unlink(missing_ok=True)
        freed += max(0, entry.bytes - _size_and_use(_files(entry.path))[0] if entry.kind == "rows" else entry.bytes)
    return freed, kept


def format_cache(entries: list[CacheEntry]) -> str:
    """Return a table for a terminal with a line for each kind and dataset, the largest first."""
    sums: dict[tuple[str, str], tuple[int, float]] = {}
    for entry in entries:
        size, last = sums.get((entry.kind, entry.name), (0, 0.0))
        sums[entry.kind, entry.name] = size + entry.bytes, max(last, entry.used)
    rows = [("what", "dataset", "size", "last used")]
    for (kind, name), (size, last) in sorted(sums.items(), key=lambda item: -item[1][0]):
        rows.append((kind, name, format_bytes(size), time.strftime("%Y-%m-%d", time.localtime(last))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {text:>{widths[2]}}  {used}" for kind, name, text, used in rows
    )


def format_bytes(count: int) -> str:
    """Return a size in a unit of its order of magnitude."""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" else f"{size:.1f} {units[0]}"


def _remove_copy(path: Path) -> bool:
    """Remove a copy, or the copies of one folder, unless another process uses one of them."""
    inner = [one for one in _children(path) if (one.is_dir() and SCAN.fullmatch(one.name)) or COPY.fullmatch(one.name)]
    if not all([remove_unless_in_use(one) for one in inner]):
        return False
    return remove_unless_in_use(path)


def _folders(parent: Path, kind: str, pattern: re.Pattern[str]) -> Iterator[CacheEntry]:
    for path in _children(parent):
        if pattern.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            files = list(_files(path))
            if all(OURS.fullmatch(part) for file in files for part in file.relative_to(path).parts):
                size, used = _size_and_use([*files, path.with_name(path.name + NAME_SUFFIX)])
                yield CacheEntry(kind, read_name(path) or UNKNOWN, path, size, used)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # there is none
        return []


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def _size_and_use(paths: Iterable[Path]) -> tuple[int, float]:
    size, used = 0, 0.0
    for path in paths:
        with suppress(OSError):  # removed meanwhile
            stat = path.lstat()
            size, used = size + stat.st_size, max(used, stat.st_mtime)
    return size, used
