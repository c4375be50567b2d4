"""Parquet copies of folders in the cache: made once per version of the folder, complete or not at all.

    parquet/folder-<hash of its path>/<hash of its listing>/report.json      what was found
                                                           /<split number>/  Parquet files, hash of their content
    parquet/repo-<hash of its commit>/…                                      the same for a repo on the Hub

When a folder was changed, its copies of before are removed, unless another process still reads them.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from datasets import ClassLabel, Features, Image, Value
from pydantic import ValidationError
from tqdm import tqdm

from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.words import counted
from training.data.folders import kinds
from training.data.folders.layout import UNLABELED, split_of
from training.data.folders.listing import File, Listing, list_folder
from training.data.folders.members import list_given_archive, read_files
from training.data.folders.plan import FolderPlan, Row, plan_rows
from training.data.folders.report import FolderReport, log_once
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.locks import remove_others, unfinished_copy, use
from training.data.parquet.shards import GROUP_BYTES, ROWS_PER_GROUP, ParquetShards, is_disk_full
from training.data.parquet.split_info import SplitNotFoundError
from training.data.parquet.used import note_use

logger = logging.getLogger("trazo")

VALUE_TYPES = {pa.int64(): "int64", pa.float64(): "float64", pa.bool_(): "bool", pa.string(): "string"}
VERSION = 2  # of how a folder is read; a copy made by another version is not used
REPORT, CONTENT = "report.json", "content"

ReadFiles = Callable[[Iterator[File]], Generator[bytes | None, None, None]]  # the content of each file, in their order


@dataclass(frozen=True)
class FolderCopy:
    """A copy of one split of a folder.

    Attributes:
        split: the name under which it was found.
        files: Parquet files, in their order.
        content: hash of the images and labels.
        report: what was found in the folder, all splits.
    """

    split: str
    files: tuple[str, ...]
    content: str
    report: FolderReport


def open_folder(dataset: str, split: str, choice: str | None = None, listing: Listing | None = None) -> FolderCopy:
    """Return a Parquet copy of one split of a folder of images; it is made if there is none of this version.

    Args:
        dataset: the folder.
        split: name of the split.
        choice: a layout that overrules the decision, see `layout.find_layout`.
        listing: of the folder, if there is one already.

    Returns:
        the copy; its `split` is the name in the report, such as validation where val was requested.

    Raises:
        SplitNotFoundError: if there is no such split.
        TrazoError: if the folder holds no labeled images, a class would vanish, or the disk is full.
    """
    listing = listing or list_dataset(dataset)
    root = cache_folder() / "parquet" / f"folder-{_digest(os.path.realpath(dataset))}"
    return open_copies(
        dataset, split, root / _key(listing, choice), lambda: plan_rows(dataset, listing, choice), replaces_others=True
    )


def open_copies(
    dataset: str,
    split: str,
    copies: Path,
    make_plan: Callable[[], FolderPlan],
    read: ReadFiles = read_files,
    replaces_others: bool = False,
) -> FolderCopy:
    """Return a Parquet copy of one split of some version of a dataset; it is made if there is none.

    Args:
        dataset: as it was requested, for messages.
        split: name of the split.
        copies: folder of this version's copies.
        make_plan: decides which file is which row; called only if something is to be copied.
        read: yields the content of files.
        replaces_others: whether the folders next to `copies` are copies of other versions, to be removed.

    Raises:
        SplitNotFoundError, TrazoError: as for `open_folder`.
    """
    plan = None
    report = _read_report(copies)
    if report is None:
        plan = make_plan()
        report = plan.report
    for line in report.lines():
        log_once(f"{dataset}: {line}")
    name = next((one for one in (split, split_of(split)) if one in report.splits), None)
    if name is None:
        unlabeled = [f"; {one.reason}: {one.count:,}" for one in report.left_out if UNLABELED in one.reason]
        raise SplitNotFoundError(
            f"{dataset!r} has no split {split!r}; it has {', '.join(report.splits)}{''.join(unlabeled)}"
        )
    folder = copies / str(list(report.splits).index(name))
    if not folder.is_dir():
        _make_copy(dataset, name, plan or make_plan(), folder, read)
        if replaces_others:
            remove_others(copies)
    use(copies)
    note_use(copies.parent if replaces_others else copies, dataset)
    files = tuple(sorted(str(path) for path in folder.glob("*.parquet")))
    return FolderCopy(name, files, (folder / CONTENT).read_text(encoding="ascii"), report)


def list_dataset(dataset: str) -> Listing:
    """List a folder, or an archive as a listing's only file.

    Raises:
        TrazoError: if it cannot be read.
    """
    return list_folder(dataset) if os.path.isdir(dataset) else list_given_archive(dataset)


def hash_key(version: tuple[str | None, ...]) -> str:
    """Return a folder's name for copies of a version of a dataset; other rules of reading it give another one."""
    return _digest(repr((VERSION, kinds.can_read_heif(), version)))


def _key(listing: Listing, choice: str | None) -> str:
    digest = hashlib.sha256(repr((VERSION, choice, kinds.can_read_heif(), listing.folders)).encode())
    for file in listing.files:
        digest.update(repr((file.relative, file.size, file.changed_ns)).encode())
    return digest.hexdigest()[:32]


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:32]


def _read_report(copies: Path) -> FolderReport | None:
    with suppress(OSError, ValidationError):
        return FolderReport.model_validate_json((copies / REPORT).read_bytes())
    return None


# --- Making a copy ---


def _make_copy(dataset: str, split: str, plan: FolderPlan, folder: Path, read: ReadFiles) -> None:
    rows = plan.splits[split]
    size = sum(row.file.size for row in rows)
    logger.info(f"split {split} of {dataset!r}, {counted(len(rows), 'image')}, is copied to {folder}, once")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder.parent).free
        if free < size:
            raise TrazoError(
                f"a copy of {dataset!r} needs {size >> 20:,} MB in {folder.parent}, where {free >> 20:,} MB "
                "are free; make room, or set TRAZO_CACHE to a folder on another disk"
            )
        use(folder.parent)
        atomic_write(folder.parent / REPORT, plan.report.model_dump_json())
        with unfinished_copy(folder.parent) as copy:
            _write_rows(rows, plan, copy, read)
            if not folder.is_dir():  # another process may have made it meanwhile
                shutil.move(copy, folder)
    except OSError as error:
        reason = "the disk is full" if is_disk_full(error) else str(error.strerror or error)
        raise TrazoError(
            f"{dataset!r} cannot be copied to {folder.parent}: {reason}; TRAZO_CACHE names another folder for copies"
        ) from None


def _write_rows(rows: list[Row], plan: FolderPlan, folder: Path, read: ReadFiles) -> None:
    features = Features({"image": Image()})
    if plan.classes:
        features["label"] = ClassLabel(names=list(plan.classes))
    # A column of the metadata that is called like one of these gets another name.
    columns = {f"metadata_{name}" if name in features else name: values for name, values in plan.columns.items()}
    features |= {name: Value(VALUE_TYPES[values.type]) for name, values in columns.items()}
    schema = Features(features).arrow_schema
    digest = hashlib.blake2b(repr((plan.classes, list(columns))).encode(), digest_size=16)
    with ParquetShards(folder, schema) as shards, closing(read(row.file for row in rows)) as files:
        for group, contents in _groups(rows, files):
            images = [{"bytes": one, "path": row.file.relative} for row, one in zip(group, contents, strict=True)]
            lines = pa.array([row.line if row.line >= 0 else None for row in group], pa.int64())
            others = {name: values.take(lines) for name, values in columns.items()}
            labels = {"label": [row.label for row in group]} if plan.classes else {}
            shards.write_group(pa.Table.from_pydict({"image": images, **labels, **others}, schema))
            facts = zip(
                contents, (row.label for row in group), *(one.to_pylist() for one in others.values()), strict=True
            )
            for content, *values in facts:
                digest.update(repr((values, None if content is None else len(content))).encode())
                digest.update(content or b"")
    (folder / CONTENT).write_text(digest.hexdigest(), encoding="ascii")


def _groups(rows: list[Row], files: Iterator[bytes | None]) -> Iterator[tuple[list[Row], list[bytes | None]]]:
    """Yield the rows of each row group, with their files' content; None for a file that cannot be read."""
    group: list[Row] = []
    contents: list[bytes | None] = []
    size = 0
    for row in tqdm(rows, desc="copied", unit=" files", disable=None):
        if group and (len(group) == ROWS_PER_GROUP or size + row.file.size > GROUP_BYTES):
            yield group, contents
            group, contents, size = [], [], 0
        group.append(row)
        contents.append(next(files))
        size += row.file.size
    if group:
        yield group, contents
