"""Copies of a run's folder on a mounted bucket, from which an interrupted run continues on another machine.

A bucket is not a disk: whether it can rename, lock or append is not relied on. A copy is one file that is written from
start to end, with its hash in a second one. There are two, written in turn: an interruption damages at most the newer.
"""

import hashlib
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

SLOTS = ("a", "b")
MAX_TRIES = 5  # to copy a folder between two of its changes


@dataclass(frozen=True)
class _Copy:
    archive: Path
    number: int  # a later copy has a larger one


def restore(store: Path, run: Path) -> bool:
    """Unpack the newest whole copy of a run into its folder; return whether there is one.

    Args:
        store: folder on the bucket.
        run: folder of the run, which is made.
    """
    run.mkdir(parents=True, exist_ok=True)
    copies = _list_whole_copies(store)
    if not copies:
        return False
    with tarfile.open(copies[-1].archive) as archive:
        archive.extractall(run, filter="data")
    return True


class Snapshots:
    """Saves a run's folder when it has changed.

    Example:
        >>> snapshots = Snapshots(Path("/trazo/run"), Path("/tmp/mnist"))
        >>> snapshots.save()
        True
        >>> snapshots.save()  # nothing has changed
        False
    """

    def __init__(self, store: Path, run: Path) -> None:
        """Find the copies that are there.

        Args:
            store: folder on the bucket.
            run: folder of the run.
        """
        self._store, self._run = store, run
        copies = _list_whole_copies(store)
        self._number = copies[-1].number if copies else 0
        self._newest = copies[-1].archive.suffix if copies else ""
        self._saved: dict[str, tuple[int, int]] | None = None

    def save(self) -> bool:
        """Copy the folder, unless nothing has changed or it does not stop changing; return whether it was copied."""
        for _ in range(MAX_TRIES):
            files = _list_files(self._run)
            if files == self._saved or not files:
                return False
            with tempfile.NamedTemporaryFile(suffix=".tar") as temporary:
                try:
                    with tarfile.open(fileobj=temporary, mode="w") as archive:
                        for name in files:
                            archive.add(self._run / name, name)
                except OSError:  # a file was replaced or deleted meanwhile
                    continue
                temporary.flush()
                if files == _list_files(self._run):
                    self._write(Path(temporary.name))
                    self._saved = files
                    return True
        return False

    def _write(self, content: Path) -> None:
        slot = next(slot for slot in SLOTS if f".{slot}" != self._newest)
        self._store.mkdir(parents=True, exist_ok=True)
        archive, seal = self._store / f"snapshot.{slot}", self._store / f"snapshot.{slot}.sha256"
        seal.write_text("", encoding="ascii")  # until the copy is whole
        shutil.copyfile(content, archive)
        self._number += 1
        seal.write_text(f"{_hash_of(content)} {self._number}", encoding="ascii")
        self._newest = archive.suffix


def _list_files(run: Path) -> dict[str, tuple[int, int]]:
    """Return name -> (time of the last change in ns, bytes) of the files that are not half written."""
    found = {}
    for path in sorted(run.rglob("*")):
        try:
            if path.is_file() and path.suffix != ".tmp":
                status = path.stat()
                found[path.relative_to(run).as_posix()] = status.st_mtime_ns, status.st_size
        except FileNotFoundError:  # deleted since it was listed
            continue
    return found


def _list_whole_copies(store: Path) -> list[_Copy]:
    """Return the copies whose content has the hash that was written after it, the newest last."""
    copies = []
    for slot in SLOTS:
        archive = store / f"snapshot.{slot}"
        try:
            sha256, number = (store / f"snapshot.{slot}.sha256").read_text(encoding="ascii").split()
            if _hash_of(archive) == sha256:
                copies.append(_Copy(archive, int(number)))
        except (OSError, ValueError):  # there is none, or it is not whole
            continue
    return sorted(copies, key=lambda copy: copy.number)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
