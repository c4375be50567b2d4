"""Decoded images at the network's size, kept on disk: from the second epoch on, photographs are not decoded again.

Decoding is a pure function of the file, the size and the pixel format, so what is kept equals what would be decoded,
bit by bit. A checksum of each image tells whether it is there, and intact: a process may be killed, or a machine lose
its power, at any time, and several processes may share the files.
"""

import hashlib
import json
import logging
import os
import shutil
import weakref
import zlib
from contextlib import suppress
from dataclasses import asdict
from math import prod
from pathlib import Path

import numpy as np

from model.logs import log_once
from model.pixel_format import PixelFormat
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.locks import remove_unless_in_use, use
from training.data.parquet.used import NAME_SUFFIX, note_use
from training.data.stream import HubStream

FOLDER = "pixels"  # in the cache
VERSION = 1  # of what is stored, and of how images are decoded; another one is decoded again
MIN_FILE_BYTES = 2048  # on average; smaller images are decoded about as fast as they are read
MAX_BYTES = 4 << 30  # of all that is kept
DISK_SHARE = 0.25  # of what the disk has left

_opened: dict[Path, "PixelCache"] = {}  # by this process, for as long as it lives


class PixelCache:
    """The decoded images of a split, by row id."""

    def __init__(self, folder: Path, rows: int, image_shape: tuple[int, int, int]) -> None:
        """Open the files in a folder, or make them.

        Args:
            folder: of these images.
            rows: of the split.
            image_shape: height, width, channels.

        Raises:
            OSError: if this is not possible.
        """
        folder.mkdir(parents=True, exist_ok=True)
        use(folder)
        self._image_bytes, self._accepts = prod(image_shape), True
        self._checksums = _map(folder / "checksums.bin", np.uint32, (rows,))
        # Written with `pwrite`, which reports a full disk: through a map, that would end the process.
        self._pixels = _map(folder / "pixels.bin", np.uint8, (rows, *image_shape), mode="r")
        self._file = os.open(folder / "pixels.bin", os.O_WRONLY)
        weakref.finalize(self, os.close, self._file)

    def find(self, row_ids: np.ndarray) -> np.ndarray | None:
        """Return the images of some rows, uint8 (n, h, w, c); None unless all are there and intact.

        Args:
            row_ids: int64 (n,).
        """
        checksums = self._checksums[row_ids]
        if not checksums.all():
            return None
        images = self._pixels[row_ids]
        intact = all(_checksum(image) == checksum for image, checksum in zip(images, checksums.tolist(), strict=True))
        return images if intact else None

    def keep(self, row_ids: np.ndarray, images: np.ndarray, without: set[int]) -> None:
        """Keep the images of some rows; nothing more is kept once the disk is full.

        Args:
            row_ids: int64 (n,).
            images: uint8 (n, h, w, c).
            without: positions of images that could not be decoded.
        """
        for position, row_id in enumerate(row_ids.tolist()):
            if self._accepts and position not in without:
                image = np.ascontiguousarray(images[position])
                try:
                    written = os.pwrite(self._file, image.data, row_id * self._image_bytes)
                except OSError as error:
                    written = 0
                    log_once(f"decoded images are no longer kept for the next epoch: {error.strerror}", logging.WARNING)
                self._accepts = written == self._image_bytes
                if self._accepts:
                    self._checksums[row_id] = _checksum(image)


def open_pixel_cache(
    stream: HubStream, image_shape: tuple[int, int, int], pixel_format: PixelFormat
) -> PixelCache | None:
    """Return the kept images of a stream's split; None if they are not worth it, or too many.

    Args:
        stream: the rows.
        image_shape: height, width and channels that they are resized to.
        pixel_format: which values of the files are black and white.
    """
    size = stream.source.table.total * prod(image_shape)
    if stream.source.row_bytes < MIN_FILE_BYTES or size > MAX_BYTES:
        return None
    depends_on = {
        "version": VERSION,
        # Without a scan: the commit, or the times of the files; their names and sizes do not tell that they changed.
        "content": [one.content or [one.fingerprint, one.source.version] for one in stream.sources],
        "images": [(one.image_column, one.sketches) for one in stream.sources],
        "rows": stream.source.table.total,
        "image_shape": image_shape,
        "pixel_format": asdict(pixel_format),
    }
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True, default=list).encode()).hexdigest()
    folder = cache_folder() / FOLDER / digest
    with suppress(OSError):  # a cache that cannot be written
        if folder not in _opened:
            if not folder.exists() and not _make_room(folder.parent, size):
                return None
            _opened[folder] = PixelCache(folder, stream.source.table.total, image_shape)
        note_use(folder, stream.source.dataset)
    return _opened.get(folder)


def _make_room(parent: Path, size: int) -> bool:
    """Remove what was not used for longest, and not by this process, until there is room; return whether there is.

    Raises:
        OSError: if the cache cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    if size > DISK_SHARE * shutil.disk_usage(parent).free:
        return False
    own = [path for path in _opened if path.parent == parent and path.exists()]
    folders = [path for path in parent.iterdir() if path.is_dir() and path not in own]
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in [*folders, *own]}
    notes = {path: path.with_name(path.name + NAME_SUFFIX) for path in folders}
    for path in sorted(folders, key=lambda path: notes[path].stat().st_mtime if notes[path].exists() else 0.0):
        if sum(sizes.values()) + size > MAX_BYTES and remove_unless_in_use(path):
            notes[path].unlink(missing_ok=True)
            del sizes[path]
    return sum(sizes.values()) + size <= MAX_BYTES


def _map(path: Path, dtype: type, shape: tuple[int, ...], mode: str = "r+") -> np.memmap:
    """Map a file of zeros, which is made if it is not there with this size."""
    size = prod(shape) * np.dtype(dtype).itemsize
    with open(path, "ab") as file:
        if file.tell() != size:
            file.truncate(0)
            file.truncate(size)
    return np.memmap(path, dtype, mode, shape=shape)  # type: ignore[call-overload]


def _checksum(image: np.ndarray) -> int:
    """Return a checksum of an image that is not 0."""
    return zlib.crc32(image.data) or 1
