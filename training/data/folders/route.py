"""Whether a folder is one of images, which this package reads, or one of tables, which `datasets` reads."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.folders import kinds
from training.data.folders.archives import looks_like_webdataset
from training.data.folders.listing import File, Listing
from training.data.folders.metadata import is_metadata
from training.data.folders.readme import ReadmeTooLongError, read_front_matter
from training.data.parquet.footers import is_empty_group

TEXT_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".txt")


def is_image_folder(root: str, listing: Listing) -> bool:
    """Return whether a folder, or a given archive, is to be read as a folder of images.

    It is not where a README declares data files, where Parquet or Arrow files hold more bytes than the images do, or
    where a Parquet file names the images. Text next to images does not matter.
    """
    if not os.path.isdir(root):
        return True
    if _declares_data_files(Path(root) / "README.md"):
        return False
    return holds_images(listing, lambda file: looks_like_webdataset(file.path))


def holds_images(listing: Listing, is_webdataset: Callable[[File], bool]) -> bool:
    """Return whether most of a folder, or of a repo on the Hub, is images, in folders or archives.

    Args:
        listing: of it.
        is_webdataset: whether a tar holds rows of a WebDataset instead of folders of images.
    """
    images = [file for file in listing.files if kinds.ending(file.name) in kinds.IMAGES]
    tables = [file for file in listing.files if kinds.ending(file.name) in kinds.TABLES and not is_metadata(file)]
    if tables:
        return sum(map(_size, images)) > sum(map(_size, tables)) and not _names_images(tables[0].path)
    archives = [file for file in listing.files if kinds.is_archive(file.name)]
    # Without archives no size is asked for: of each small image the content would be read.
    if archives and sum(map(_size, archives)) > sum(map(_size, images)):
        return not all(kinds.ending(file.name) == ".tar" and is_webdataset(file) for file in archives)
    if images:
        return True
    # Neither: what is left are texts, which `datasets` reads, or files that nobody reads, which `plan_rows` names.
    return bool(listing.files) and not any(file.name.lower().endswith(TEXT_TABLES) for file in listing.files)


def _names_images(path: str) -> bool:
    """Return whether a Parquet file has a column of images without their bytes: only their paths."""
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    structs = [name for name in columns if name.endswith(".bytes") and f"{name.removesuffix('.bytes')}.path" in columns]
    return any(all(is_empty_group(group, name) for group in groups) for name in structs)


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
    with suppress(ReadmeTooLongError):  # reported where it is needed
        return declare_files(read_front_matter(readme).get("configs"))
    return False


def declare_files(configs: object) -> bool:
    """Return whether the configs in a README say which files are the data."""
    return isinstance(configs, list) and any(
        isinstance(one, dict) and not one.keys().isdisjoint(("data_files", "data_dir")) for one in configs
    )
