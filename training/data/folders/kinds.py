"""What a file is: by its ending, and where that says nothing or too little, by its first bytes."""

import os
from collections.abc import Callable
from pathlib import PurePosixPath


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Endings of the formats that `model.preprocess.decode` reads.
IMAGES = _names(
    ".jpg .jpeg .jpe .jfif .jif .png .apng .webp .gif .bmp .dib .tif .tiff .avif .avifs "
    ".heic .heics .heif .heifs .hif .ppm .pgm .pbm .pnm"
)
TABLES = _names(".parquet .arrow")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
# Text, measurements and programs about images: nobody expects them to be images.
COMPANIONS = _names(
    ".txt .json .jsonl .xml .csv .tsv .md .rst .html .htm .yaml .yml .toml .ini .cfg .conf .log .pdf .doc .docx .xls "
    ".xlsx .ods .npy .npz .mat .h5 .hdf5 .pkl .pickle .pt .pth .py .ipynb .m .sh .bat .names .data .caption .url .aae "
    ".xmp .xcf .srt .mp3 .wav .mp4 .mov .sqlite .db .sha256 .md5 .lock"
)
LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin", "lost+found"}
LITTER |= {"system volume information", "__pycache__"}
MAX_POINTER_BYTES = 1024
POINTER = b"version https://git-lfs.github.com/spec/v1"
# First bytes of formats that are read, for files whose ending is unknown.
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
HEAD_BYTES = max(16, len(POINTER))  # enough to recognize an image or a pointer


def ending(name: str) -> str:
    """Return a file name's ending in small letters, with its dot; empty if it has none.

    >>> ending("IMG_1.JPG"), ending("a.tar.gz"), ending("LICENSE")
    ('.jpg', '.tar.gz', '')
    """
    lower = name.lower()
    return next((one for one in ARCHIVES if lower.endswith(one)), PurePosixPath(lower).suffix)


def is_litter(name: str) -> bool:
    """Return whether a file or folder is hidden, or made by an operating system."""
    return name.startswith(".") or name.lower() in LITTER


def is_archive(name: str) -> bool:
    """Return whether a name is that of an archive that can be read."""
    return name.lower().endswith(ARCHIVES)


def is_pointer(head: bytes) -> bool:
    """Return whether a file's first bytes are those of a pointer of Git LFS."""
    return head.startswith(POINTER)


def looks_like_image(head: bytes) -> bool:
    """Return whether a file's first bytes are those of an image."""
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head.startswith(SIGNATURES) or (head[4:8] == b"ftyp" and head[8:12] in BRANDS)


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
        return "empty files (0 bytes)" if suffix in IMAGES else _by_ending(suffix)
    first = head() if needs_head(name, size) else b""
    if suffix in IMAGES:
        return POINTERS if is_pointer(first) else None
    return None if looks_like_image(first) else _by_ending(suffix)


def _by_ending(suffix: str) -> str:
    return f"{suffix} files" if suffix else "files without an ending"


POINTERS = "pointers of Git LFS, not the files: run `git lfs pull`"


def readable(name: str) -> str:
    """Return a name as text that can be written: bytes that are not UTF-8 are read as Windows-1252."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("cp1252", "replace")
    return name
