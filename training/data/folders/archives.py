"""Zip and tar archives: what is in them, and reading it in its order; nothing is unpacked to disk."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import IO, Any, NamedTuple

from model.errors import TrazoError
from model.image_formats import HEAD_BYTES
from training.data.folders import kinds


class OversizeError(OSError):
    """An archive whose lists of members would take more memory than those of any usual one."""


DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
MAX_GROWTH = 200  # times that a member may be larger than in its archive; images hardly shrink
MIN_CHECKED_BYTES = 1 << 24  # of members and archives that are checked for it
MAX_LIST_BYTES = 1 << 28  # of a zip: two million members, which take five times as much memory
MAX_HEADER_BYTES = 1 << 22  # of a tar's member
COMPRESSIONS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
ENCRYPTED = 0x1  # a flag of a zip's member
UTF8_NAME = 0x800  # another one
ZIP_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class BoundedFile(io.RawIOBase):
    """A file of which no more bytes are read than were allowed before: an archive says how long its lists are.

    Attributes:
        room: bytes that may still be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Allow `MAX_LIST_BYTES`."""
        self._file, self.room = file, MAX_LIST_BYTES

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or raise `OversizeError`."""
        content = self._file.read(min(size, self.room + 1) if size >= 0 else self.room + 1)
        if len(content) > self.room:
            raise OversizeError("it lists its members in more bytes than any usual archive")
        self.room -= len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position and return it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Member(NamedTuple):
    """A file in an archive."""

    place: int  # in the archive, from 0
    name: str  # its path, with slashes
    size: int  # bytes, unpacked
    head: bytes  # first bytes, where its name and size leave open what it is
    refused: str  # why it is not read, in words; empty for most


class ZipArchive:
    """A zip file."""

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            TrazoError: if it is encrypted, or packed in a way that cannot be read.
        """
        self._file = BoundedFile(open(path, "rb"))  # noqa: SIM115 - closed by `close`
        self._zip = zipfile.ZipFile(self._file)
        self._infos = self._zip.infolist()
        for info in self._infos:
            if info.flag_bits & ENCRYPTED:
                raise TrazoError(f"{path} is encrypted ({info.filename}): unpack it and give the folder")
            if info.compress_type not in ZIP_COMPRESSIONS:
                raise TrazoError(f"{path} is packed in a way that cannot be read here: unpack it and give the folder")
        size = os.path.getsize(path)
        if sum(info.compress_size for info in self._infos) > size:
            raise zipfile.BadZipFile("its members overlap")
        # Those that are refused one by one are not read, so they do not count.
        _check_growth(path, size, sum(info.file_size for info in self._infos if not _grows_too_much(info)))

    def members(self) -> Iterator[Member]:
        """Yield its files, in their order."""
        for place, info in enumerate(self._infos):
            if info.is_dir():
                continue
            name, size = _zip_name(info), info.file_size
            refused = f"members that would grow more than {MAX_GROWTH} times" if _grows_too_much(info) else ""
            head = b""
            if not refused and kinds.needs_head(name, size):
                self._file.room = MAX_LIST_BYTES
                with suppress(*DAMAGED), self._zip.open(info) as opened:  # one damaged member is one row
                    head = opened.read(HEAD_BYTES)
            yield Member(place, name, size, head, refused)

    def read(self, place: int, size: int) -> bytes:
        """Return the content of a member of a size."""
        self._file.room = MAX_LIST_BYTES + 2 * size
        with self._zip.open(self._infos[place]) as opened:
            return opened.read(size + 1)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()


class TarArchive:
    """A tar file, compressed or not; its members can only be read in their order."""

    def __init__(self, path: str) -> None:
        """Open it."""
        self._path, self._size = path, os.path.getsize(path)
        self._file = BoundedFile(_decompressed(path))
        self._file.room = MAX_HEADER_BYTES
        self._tar = tarfile.TarFile(fileobj=self._file)
        self._next = 0

    def members(self) -> Iterator[Member]:
        """Yield its files, in their order.

        Raises:
            TrazoError: if it holds far more than it may.
        """
        while (info := self._step()) is not None:
            _check_growth(self._path, self._size, self._tar.offset)
            if info.isdir():
                continue
            refused = "" if info.isreg() else "links and devices in archives"
            head = b""
            if not refused and kinds.needs_head(info.name, info.size):
                head = self._content(info, HEAD_BYTES)
            yield Member(self._next - 1, info.name, info.size, head, refused)

    def read(self, place: int, size: int) -> bytes:
        """Return the content of a member of a size, which comes after those read before."""
        while (info := self._step()) is not None:
            if self._next - 1 == place:
                return self._content(info, size + 1)
        raise tarfile.ReadError("it ends early")

    def close(self) -> None:
        """Close the file."""
        self._tar.close()
        self._file.close()

    def _step(self) -> tarfile.TarInfo | None:
        self._file.room = MAX_HEADER_BYTES
        info = self._tar.next()
        self._tar.members.clear()  # type: ignore[attr-defined] # a kilobyte each
        self._next += 1
        return info

    def _content(self, info: tarfile.TarInfo, size: int) -> bytes:
        self._file.room = size + tarfile.RECORDSIZE
        opened = self._tar.extractfile(info)
        return opened.read(size) if opened else b""


def _check_growth(path: str, size: int, unpacked: int) -> None:
    if unpacked > max(MAX_GROWTH * size, MIN_CHECKED_BYTES):
        raise TrazoError(f"{path} is refused: it would grow to more than {MAX_GROWTH} times its size")


def _grows_too_much(info: zipfile.ZipInfo) -> bool:
    return info.file_size > max(MAX_GROWTH * info.compress_size, MIN_CHECKED_BYTES)


def _decompressed(path: str) -> IO[bytes]:
    """Open a tar's content, by the first bytes of its file."""
    with open(path, "rb") as file:
        head = file.read(max(map(len, COMPRESSIONS)))
    opener = next((opener for start, opener in COMPRESSIONS.items() if head.startswith(start)), open)
    return opener(path, "rb")


def _is_tar(path: str) -> bool:
    try:
        TarArchive(path).close()
    except DAMAGED:
        return False
    return True


def open_archive(path: str) -> ZipArchive | TarArchive:
    """Open an archive of any of the kinds that can be read.

    Raises:
        TrazoError: if it cannot be read.
    """
    try:
        # A tar that ends with a zip looks like that zip.
        return ZipArchive(path) if zipfile.is_zipfile(path) and not tarfile.is_tarfile(path) else TarArchive(path)
    except DAMAGED as error:
        raise damaged(path, error) from None


def damaged(path: str, error: Exception) -> TrazoError:
    """Return the error for an archive that cannot be read to its end."""
    reason = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
    return TrazoError(f"{path} is damaged, or not an archive: {reason}; download or pack it again")


def is_archive_file(path: str) -> bool:
    """Return whether a path is that of an archive, by its name or its content."""
    return os.path.isfile(path) and (kinds.is_archive(path) or zipfile.is_zipfile(path) or _is_tar(path))


def looks_like_webdataset(path: str, opened: IO[bytes] | None = None) -> bool:
    """Return whether a tar's first members are rows of a WebDataset: files of one name with several endings.

    Args:
        path: of the tar.
        opened: the tar, if it is not on disk; then an error of reading it is raised.
    """
    try:
        with BoundedFile(opened or _decompressed(path)) as file, tarfile.TarFile(fileobj=file) as tar:
            infos = [info for info, _ in zip(tar, range(20), strict=False) if info.isreg()]
    except DAMAGED as error:
        if opened and isinstance(error, OSError):
            raise
        return False
    names = [info.name for info in infos if not kinds.is_litter(PurePath(info.name).name)]
    endings = {kinds.ending(name) for name in names}
    stems = {name[: len(name) - len(kinds.ending(name))] for name in names}
    folders = {os.path.dirname(name) for name in names}
    return ".cls" in endings or (len(folders) == 1 and len(stems) < len(names) and bool(endings - kinds.IMAGES))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; programs that write UTF-8 do not always say that they do, and some write backslashes."""
    name = info.filename
    if not info.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
