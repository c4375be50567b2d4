"""Whether a folder is one of images, which this package reads, or one of tables, which `datasets` reads."""

import os
from pathlib import Path

import yaml

from training.data.folders import kinds
from training.data.folders.archives import looks_like_webdataset
from training.data.folders.listing import File, Listing

TEXT_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".txt")


def is_image_folder(root: str, listing: Listing) -> bool:
    """Return whether a folder, or a given archive, is to be read as a folder of images.

    It is not where a README declares data files, or where Parquet or Arrow files hold more bytes than the images do.
    Text next to images does not matter.
    """
    if not os.path.isdir(root):
        return True
    if _declares_data_files(Path(root) / "README.md"):
        return False
    images = [file for file in listing.files if kinds.ending(file.name) in kinds.IMAGES]
    tables = sum(_size(file) for file in listing.files if kinds.ending(file.name) in kinds.TABLES)
    if tables:
        return sum(map(_size, images)) > tables
    archives = [file for file in listing.files if kinds.is_archive(file.name)]
    if archives and not images:
        return not all(kinds.ending(file.name) == ".tar" and looks_like_webdataset(file.path) for file in archives)
    if images:
        return True
    # Neither: what is left are texts, which `datasets` reads, or files that nobody reads, which `plan_rows` names.
    return bool(listing.files) and not any(file.name.lower().endswith(TEXT_TABLES) for file in listing.files)


def _size(file: File) -> int:
    """Return a file's size; of a pointer of Git LFS that of the file itself."""
    if file.size < kinds.MAX_POINTER_BYTES and kinds.ending(file.name) in kinds.TABLES | kinds.IMAGES:
        try:
            content = Path(file.path).read_bytes()
        except OSError:
            return file.size
        if kinds.is_pointer(content):
            sizes = [line[5:] for line in content.splitlines() if line.startswith(b"size ") and line[5:].isdigit()]
            return int(sizes[0]) if sizes else file.size
    return file.size


def _declares_data_files(readme: Path) -> bool:
    try:
        parts = readme.read_text(encoding="utf-8").split("---\n", 2)
        card = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except (OSError, ValueError, yaml.YAMLError):
        return False
    configs = card.get("configs") if isinstance(card, dict) else None
    return isinstance(configs, list) and any(isinstance(one, dict) and "data_files" in one for one in configs)
