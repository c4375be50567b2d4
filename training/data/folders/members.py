"""Archives as folders: their members take their place in a listing, and are read like files.

`cat.zip` counts as a folder `cat`, `train.tar.gz` as a folder `train`; a single folder of the archive's name in it, as
many programs make one, is the same folder.
"""

import logging
import os
from collections.abc import Generator, Iterable

from training.data.folders import kinds
from training.data.folders.archives import DAMAGED, TarArchive, ZipArchive, damaged, open_archive
from training.data.folders.listing import File, Folder, Listing, changed_ns
from training.data.folders.report import LeftOutCounter

logger = logging.getLogger("trazo")


def list_given_archive(path: str) -> Listing:
    """Return a listing with an archive as its only file; its name means nothing."""
    status = os.stat(path)
    return Listing([File((), "", status.st_size, path, changed_ns=changed_ns(status))])


def expand_archives(listing: Listing) -> Listing:
    """Replace the archives of a listing by their members.

    An archive whose images all lie in folders, too, by name and size, is left out: it was unpacked.

    Raises:
        TrazoError: if an archive is damaged or encrypted.
    """
    archives = [file for file in listing.files if not file.name or kinds.is_archive(file.name)]
    if not archives:
        return listing
    left_out = LeftOutCounter()
    left_out.extend(listing.left_out.result())
    files = [file for file in listing.files if file not in archives]
    folders = dict.fromkeys(listing.folders)
    on_disk = {(file.name, file.size) for file in files if kinds.ending(file.name) in kinds.IMAGES}
    for archive in archives:
        counter = LeftOutCounter()
        inside = _list_members(archive, counter)
        images = [file for file in inside if kinds.ending(file.name) in kinds.IMAGES]
        if images and on_disk.issuperset((file.name, file.size) for file in images):
            left_out.add("archives whose images are next to them, unpacked", archive.relative)
            continue
        files += inside
        folders |= dict.fromkeys(file.folder[:k] for file in inside for k in range(1, len(file.folder) + 1))
        left_out.extend(counter.result())
    return Listing(files, list(folders), left_out, listing.links)


def _list_members(archive: File, counter: LeftOutCounter) -> list[File]:
    stem = archive.name[: len(archive.name) - len(kinds.ending(archive.name))]
    base: Folder = (*archive.folder, stem) if stem else archive.folder
    opened = open_archive(archive.path)
    found: list[tuple[list[str], File]] = []
    try:
        for member in opened.members():
            *folders, name = [part for part in member.name.split("/") if part not in ("", ".", "..")] or [""]
            relative = "/".join((archive.relative, *folders, name))
            if any(map(kinds.is_litter, (*folders, name))):
                counter.add("hidden or system files", relative)
            elif member.refused:
                counter.add(member.refused, relative)
            else:
                names = [kinds.readable(part) for part in folders]
                file = File((), kinds.readable(name), member.size, archive.path, member.place, head=member.head)
                found.append((names, file))
    except DAMAGED as error:
        raise damaged(archive.path, error) from None
    finally:
        opened.close()
    same = all(names and names[0].lower() == stem.lower() for names, _ in found)
    return [file._replace(folder=(*base, *(names[1:] if same else names))) for names, file in found]


class FileReader:
    """Reads files on disk and members of archives, those of one archive in their order."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._path = ""
        self._archive: ZipArchive | TarArchive | None = None

    def read(self, file: File) -> bytes:
        """Return a file's content.

        Raises:
            OSError: if it cannot be read, is damaged, or has another size than its archive says.
        """
        if file.member < 0:
            with open(file.path, "rb") as opened:
                return opened.read()
        if self._archive is None or file.path != self._path:
            self.close()
            self._path, self._archive = file.path, open_archive(file.path)
        try:
            content = self._archive.read(file.member, file.size)
        except DAMAGED as error:
            raise OSError(f"damaged: {error}") from None
        if len(content) != file.size:
            raise OSError("it has another size than its archive says")
        return content

    def close(self) -> None:
        """Close the archive that was read last."""
        if self._archive is not None:
            self._archive.close()
        self._archive = None


def read_files(files: Iterable[File]) -> Generator[bytes | None, None, None]:
    """Yield each file's content; None for one that cannot be read, which is logged."""
    reader = FileReader()
    try:
        for file in files:
            yield try_read(reader, file)
    finally:
        reader.close()


def try_read(reader: FileReader, file: File) -> bytes | None:
    """Return a file's content; None if it cannot be read, which is logged."""
    try:
        return reader.read(file)
    except OSError as error:
        logger.warning(f"{file.relative} cannot be read ({error.strerror or error}): a row without an image")
        return None
