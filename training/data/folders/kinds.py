"""What a file is: by its ending, and where that says nothing or too little, by its first bytes."""

import os
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from model.image_formats import ENDINGS, HEAD_BYTES, find_format


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMAGES = frozenset(ending for endings in ENDINGS.values() for ending in endings)
TABLES = _names(".parquet .arrow")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
# Kinds of archives that are not read, and volumes of one archive.
OTHER_ARCHIVE = re.compile(
    r"\.(rar|7z|tar\.(zst|lz4?|lzma|z)|tzst|zipx|cab|iso|(zip|7z|rar|tar|tar\.gz)\.\d{2,3}|[zr]\d{2})$", re.IGNORECASE
)
# Text, measurements and programs about images: nobody expects them to be images.
COMPANIONS = _names(
    ".txt .json .jsonl .xml .csv .tsv .md .rst .html .htm .yaml .yml .toml .ini .cfg .conf .log .pdf .doc .docx .xls "
    ".xlsx .ods .npy .npz .mat .h5 .hdf5 .pkl .pickle .pt .pth .py .ipynb .m .sh .bat .names .data .caption .url .aae "
    ".xmp .xcf .srt .mp3 .wav .mp4 .mov .sqlite .db .sha256 .md5 .lock"
)
# Of these, a folder may be a class that was stored in another form.
DATA = _names(".npy .npz .mat .h5 .hdf5 .mp4 .mov")
LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin", "lost+found"}
LITTER |= {"system volume information", "__pycache__"}
MAX_POINTER_BYTES = 1024
POINTER = b"version https://git-lfs.github.com/spec/v1"
POINTERS = "pointers of Git LFS, not the files: run `git lfs pull`"
UNCERTAIN = ("BMP", "PPM")  # recognized by two letters, which a text may begin with, too


def ending(name: str) -> str:
    """Return a file name's ending in small letters, with its dot; empty if it has none.

    >>> ending("IMG_1.JPG"), ending("a.tar.gz"), ending("LICENSE")
    ('.jpg', '.tar.gz', '')
    """
    lower = name.lower()
    return next((one for one in ARCHIVES if lower.endswith(one)), os.path.splitext(lower)[1])


def is_litter(name: str) -> bool:
    """Return whether a file or folder is hidden, or made by an operating system."""
    return name.startswith(".") or name.lower() in LITTER


def is_archive(name: str) -> bool:
    """Return whether a name is that of an archive that can be read."""
    return name.lower().endswith(ARCHIVES)


def archive_stem(name: str) -> str | None:
    """Return the name of the folder that an archive of any kind stands for; None if a name is of something else.

    >>> archive_stem("Bird.rar"), archive_stem("bird.zip.001"), archive_stem("bird.tar.gz"), archive_stem("bird.png")
    ('Bird', 'bird', 'bird', None)
    """
    stem = name[: -len(ending(name))] if is_archive(name) else OTHER_ARCHIVE.sub("", name)
    return stem if stem != name else None


def is_pointer(head: bytes) -> bool:
    """Return whether a file's first bytes are those of a pointer of Git LFS."""
    return head.startswith(POINTER)


def looks_like_image(head: bytes) -> bool:
    """Return whether a file's first bytes are those of an image."""
    return find_format(head) not in (None, *UNCERTAIN)


@cache
def can_read_heif() -> bool:
    """Return whether the package that reads HEIC is installed."""
    return find_spec("pillow_heif") is not None


def read_head(path: str) -> bytes:
    """Return a file's first bytes, enough for `is_pointer` and `looks_like_image`; empty if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def needs_head(name: str, size: int) -> bool:
    """Return whether a file's name and size leave open what it is."""
    suffix = ending(name)
    return 0 < size < MAX_POINTER_BYTES if suffix in IMAGES else suffix not in COMPANIONS and not is_archive(name)


def why_not_an_image(name: str, size: int, head: Callable[[], bytes]) -> str | None:
    """Return why a file is not used as an image; None if it is one.

    Args:
        name: of the file.
        size: in bytes.
        head: returns its first bytes; called only if the name and size leave it open.
    """
    suffix = ending(name)
    if size == 0:
        return "empty files (0 bytes)" if suffix in IMAGES else _by_name(name)
    first = head() if needs_head(name, size) else b""
    if suffix in IMAGES and is_pointer(first):
        return POINTERS
    if suffix in ENDINGS["HEIF"] and not can_read_heif():
        return "HEIC images; to read them, run `pip install pillow-heif`"
    if suffix in IMAGES:
        return None
    return None if looks_like_image(first) else _by_name(name)


def _by_name(name: str) -> str:
    suffix, other = ending(name), OTHER_ARCHIVE.search(name)
    if other:
        return f"{other.group().lower()} archives, which are not read: unpack them"
    if is_archive(name):  # those that are not in another one were replaced by what is in them
        return f"{suffix} archives in an archive, which are not read: unpack them"
    return f"{suffix} files" if suffix else "files without an ending"


def readable(name: str) -> str:
    """Return a name as text that can be written: bytes that are not UTF-8 are read as Windows-1252."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("cp1252", "replace")
    return name
