"""What lies in a folder on disk, with linked folders followed; no file is opened."""

import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from model.errors import TrazoError
from model.words import counted
from training.data.folders.kinds import IMAGES, ending, is_litter, readable
from training.data.folders.report import LeftOutCounter

MAX_DEPTH = 40  # folders in folders
MAX_COUNTED_FILES = 10_000  # of a hidden folder

Folder = tuple[str, ...]  # names of folders, from the dataset's folder down; () is the dataset's folder


class File(NamedTuple):
    """A file on disk, or a member of an archive."""

    folder: Folder  # that it lies in; for a member, the archive's name is one of them
    name: str
    size: int  # bytes, uncompressed
    path: str  # on disk: of the file, or of the archive
    member: int = -1  # its place in the archive; −1 for a file on disk
    changed_ns: int = 0  # time of the last change, see `changed_ns`
    head: bytes = b""  # of a member: its first bytes, where they are needed to know what it is

    @property
    def relative(self) -> str:
        """Its path in the dataset's folder, with slashes."""
        return "/".join((*self.folder, self.name))


@dataclass
class Listing:
    """What lies in a folder.

    Attributes:
        files: in the order of their names, folder by folder.
        folders: all folders below, also empty ones and links that may have led to one.
        left_out: hidden files, litter, links that lead nowhere or in a circle, folders that cannot be read.
        links: those that lead out of the folder, which are followed.
    """

    files: list[File] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    left_out: LeftOutCounter = field(default_factory=LeftOutCounter)
    links: list[str] = field(default_factory=list)


def list_folder(root: str) -> Listing:
    """List a folder and all folders below, in the order of their names.

    Raises:
        TrazoError: if the folder itself cannot be read.
    """
    listing = Listing()
    try:
        _list_below(root, (), {_identity(os.stat(root))}, listing, os.path.realpath(root))
    except OSError as error:
        raise TrazoError(f"{root} cannot be read: {error.strerror}") from None
    return listing


def _list_below(path: str, folder: Folder, ancestors: set[tuple[int, int]], listing: Listing, home: str) -> None:
    with os.scandir(path) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    below = []
    for entry in entries:
        name = readable(entry.name)
        relative = "/".join((*folder, name))
        if is_litter(entry.name):
            is_folder = entry.is_dir(follow_symlinks=False)
            images = _count_images(entry.path) if is_folder else 0
            shown = f"{relative} with {counted(images, 'image')}" if images else relative
            listing.left_out.add("hidden or system folders" if is_folder else "hidden or system files", shown)
            continue
        try:
            is_folder, status = entry.is_dir(), entry.stat()
        except OSError:
            listing.left_out.add("links that lead nowhere", relative)
            if not ending(name):  # it may have been a folder
                listing.folders.append((*folder, name))
            continue
        if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(home):
            listing.links.append(relative)
        if is_folder:
            # Not the entry's own status: on Windows it has no identity.
            below.append((entry.path, (*folder, name), _identity(os.stat(entry.path))))
        elif entry.is_file():
            listing.files.append(File(folder, name, status.st_size, entry.path, changed_ns=changed_ns(status)))
        else:
            listing.left_out.add("pipes, sockets and devices", relative)
    for where, names, identity in below:
        if identity in ancestors:
            listing.left_out.add("linked folders that lead back to a folder above", "/".join(names))
        elif len(names) > MAX_DEPTH:
            listing.left_out.add(f"folders more than {MAX_DEPTH} deep", "/".join(names))
        else:
            listing.folders.append(names)
            try:
                _list_below(where, names, ancestors | {identity}, listing, home)
            except OSError as error:
                listing.left_out.add(f"folders that cannot be read ({error.strerror})", "/".join(names))


def _count_images(path: str) -> int:
    """Return how many of the first files in a folder and below are images, by their names; links are not followed."""
    names = (name for _, _, files in os.walk(path) for name in files)
    return sum(ending(name) in IMAGES for name in islice(names, MAX_COUNTED_FILES))


def changed_ns(status: os.stat_result) -> int:
    """Return when a file was changed last, also if its time was set back, as programs that copy files do."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
