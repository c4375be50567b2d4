"""The images to predict: files of a folder or archive, a single file, or the rows of a dataset's split."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from model.errors import TrazoError
from model.preprocess.formats import READABLE_FORMATS, find_format
from training.data.batch_order import BatchOrder, WindowSize
from training.data.batches import Rows, cut_ordered
from training.data.folders import kinds
from training.data.folders.archives import is_archive_file
from training.data.folders.copies import list_dataset
from training.data.folders.listing import File, Listing, changed_ns
from training.data.folders.members import FileReader, expand_archives
from training.data.folders.plan import MAX_FILE_BYTES
from training.data.folders.report import LeftOut, LeftOutCounter
from training.data.folders.route import is_image_folder
from training.data.folders.split_names import find_splits
from training.data.image_column import bytes_column, choose_image_column, image_bytes
from training.data.parquet.source import ParquetSplit, SourceOptions, open_source
from training.data.prefetch import RunColumns, WindowReader
from training.data.subset import Subset
from training.data.worker_rows import Read, WorkerRows

MAX_BATCH_BYTES = 1 << 23  # of files that are read before they are decoded; one file may have more
WINDOW = WindowSize(rows=1 << 15, bytes=1 << 26, runs=1)
DEFAULT_SPLIT = "test"


@dataclass(frozen=True)
class ImageRows:
    """Some images, in their order.

    Attributes:
        names: what the answers call them: paths of files, or numbers of rows; n.
        encoded: large_binary (n,); null for images that cannot be read.
        reasons: position -> why an image cannot be read.
    """

    names: list[str]
    encoded: pa.LargeBinaryArray
    reasons: dict[int, str]


class ImageSource(Protocol):
    """Images in an order that is the same each time.

    Attributes:
        name_column: what the names are: file or row.
        total: number of images.
        identity: what distinguishes these images from others, as JSON values.
        left_out: files that are not images, by reason.
    """

    name_column: str
    total: int
    identity: dict[str, Any]
    left_out: tuple[LeftOut, ...]

    def read(self, start: int, batch_rows: int) -> Iterator[ImageRows]:
        """Yield the images from `start` on, in batches of at most `batch_rows`."""


class ImageFiles:
    """Files on disk or in archives."""

    name_column = "file"

    def __init__(self, files: list[File], left_out: tuple[LeftOut, ...] = ()) -> None:
        """Keep a list of files; none is read."""
        self._files, self.total, self.left_out = files, len(files), left_out
        digest = hashlib.sha256()
        for file in files:
            digest.update(repr((file.relative, file.size, file.changed_ns)).encode())
        self.identity = {"files": digest.hexdigest()[:32]}

    def read(self, start: int, batch_rows: int) -> Iterator[ImageRows]:
        """Yield the files from `start` on; a batch has at most about `MAX_BATCH_BYTES`."""
        reader = FileReader()
        names: list[str] = []
        contents: list[bytes | None] = []
        reasons: dict[int, str] = {}
        size = 0
        try:
            for file in self._files[start:]:
                if names and (len(names) == batch_rows or size + file.size > MAX_BATCH_BYTES):
                    yield ImageRows(names, pa.array(contents, pa.large_binary()), reasons)
                    names, contents, reasons, size = [], [], {}, 0
                try:
                    content = _read_file(reader, file)
                except (OSError, TrazoError) as error:
                    content = None
                    reasons[len(names)] = str(getattr(error, "strerror", None) or error)
                names.append(file.relative)
                contents.append(content)
                size += file.size
            if names:
                yield ImageRows(names, pa.array(contents, pa.large_binary()), reasons)
        finally:
            reader.close()


class DatasetImages:
    """The image column of a dataset's split; a column of labels is not needed."""

    name_column = "row"
    left_out: tuple[LeftOut, ...] = ()

    def __init__(self, source: ParquetSplit, image_column: str | None = None) -> None:
        """Find the image column; no row is read.

        Raises:
            TrazoError: if it is missing or ambiguous.
        """
        self._source, self._column = source, choose_image_column(source, image_column)
        self.total = source.table.total
        self.identity = {
            "fingerprint": source.fingerprint,
            "version": source.version,
            "split": source.split,
            "image_column": self._column,
        }

    def read(self, start: int, batch_rows: int) -> Iterator[ImageRows]:
        """Yield the rows from `start` on; the next ones are fetched meanwhile."""
        order = BatchOrder(0, batch_rows, 0, 1, WINDOW.bounded(self._source.row_bytes))
        batches = -(-self.total // batch_rows)
        spans = order.ordered_spans(self._source.table, Subset(), start // batch_rows, batches)
        with WindowReader(self._read_run, self._assemble) as reader:
            for _, rows in cut_ordered(reader.read(spans), order, self.total, start):
                reasons = dict.fromkeys(np.flatnonzero(~rows.has_image).tolist(), "no image")
                yield ImageRows([str(row) for row in rows.ids.tolist()], rows.images, reasons)
                del rows

    def _read_run(self, read: Read) -> RunColumns:
        table = self._source.read(read.run, [bytes_column(self._source, self._column, read.run)])
        images = image_bytes(table[self._column]).combine_chunks()
        return images, pa.nulls(len(images))

    def _assemble(self, used: WorkerRows, runs: list[RunColumns]) -> Rows:
        images = pa.concat_arrays([run for run, _ in runs])
        none = np.zeros(len(images), np.int64)
        return Rows(used.ids, used.positions, images, none, ~np.asarray(images.is_null()), none.astype(bool))


def open_images(
    data: str, split: str | None = None, image_column: str | None = None, options: SourceOptions | None = None
) -> ImageSource:
    """Find the images to predict; none is read.

    Args:
        data: an image file, a folder of images in any folders, an archive of these, or a dataset: a Hub id or a folder
            in the layout of a Hub dataset repo.
        split: of a dataset, `DEFAULT_SPLIT` if None; of a folder, the images in the folder of that split.
        image_column: of a dataset with several.
        options: version and access of a dataset.

    Raises:
        TrazoError: if it does not exist or holds no image; one line with what was requested and what exists.
    """
    options = options or SourceOptions()
    is_file = os.path.isfile(data)
    if is_file and not is_archive_file(data):
        return _open_file(data)
    if is_file or os.path.isdir(data):
        listing = list_dataset(data)
        if is_image_folder(data, listing):
            for name, value in (("revision", options.revision), ("config", options.config)):
                if value:
                    raise TrazoError(f"{data!r} holds images, which have no {name} {value!r}")
            return _open_listing(data, listing, split)
    source = open_source(data, split or DEFAULT_SPLIT, replace(options, needs_labels=False))
    return DatasetImages(source, image_column)


def _open_file(path: str) -> ImageFiles:
    head = kinds.read_head(path)
    if find_format(head) is None:
        raise TrazoError(f"{path} is neither an image ({READABLE_FORMATS}), an archive nor a folder")
    status = os.stat(path)
    name = kinds.readable(os.path.basename(path))
    return ImageFiles([File((), name, status.st_size, path, changed_ns=changed_ns(status))])


def _open_listing(data: str, listing: Listing, split: str | None) -> ImageFiles:
    listing = expand_archives(listing)
    counter = LeftOutCounter()
    files = []
    for file in listing.files:
        # By its name an image: it gets a line in the answers, even if it cannot be read.
        named = kinds.ending(file.name) in kinds.IMAGES
        reason = None if named else kinds.why_not_an_image(file.name, file.size, partial(_read_head, file))
        if reason is None:
            files.append(file)
        else:
            counter.add(reason, file.relative)
    if split is not None and files:
        splits = find_splits({file.folder for file in files})
        kept = [file for file in files if splits.get(file.folder) == split]
        if not kept:
            known = ", ".join(sorted(set(splits.values()))) or "none: without --split, all images are taken"
            raise TrazoError(f"{data!r} has no folder of a split {split!r}; it has {known}")
        files = kept
    counter.extend(listing.left_out.result())
    if not files:
        found = ", ".join(f"{one.count:,} {one.reason}" for one in counter.result()) or "no files"
        raise TrazoError(f"{data!r} holds no image of a format that can be read ({READABLE_FORMATS}); it holds {found}")
    return ImageFiles(files, counter.result())


def _read_file(reader: FileReader, file: File) -> bytes:
    if not file.size:
        raise OSError("an empty file")
    if file.size > MAX_FILE_BYTES:
        raise OSError(f"larger than {MAX_FILE_BYTES >> 20} MB")
    return reader.read(file)


def _read_head(file: File) -> bytes:
    return file.head if file.member >= 0 else kinds.read_head(file.path)
