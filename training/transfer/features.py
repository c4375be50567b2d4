"""A frozen network's features of every row: computed once, batch by batch, and kept on disk."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.backend import keras, tf
import numpy as np
from tqdm import tqdm

from model.config import CnnConfig
from model.errors import TrazoError
from model.io.atomic import atomic_write
from model.network import FEATURES
from training.data.parquet.byte_ranges import cache_folder
from training.data.parquet.locks import one_at_a_time
from training.data.parquet.used import note_use
from training.data.stream import HubStream
from training.pipeline import SourceError, iterate_with_source_errors, make_eval_data

logger = logging.getLogger("trazo")

FOLDER = "features"  # in the cache
SAVE_INTERVAL_S = 30.0
BATCH_ROWS = 128  # computed together
VERSION = 2  # of what is stored; another one is computed again


@dataclass(frozen=True)
class Features:
    """What a network makes of the usable rows of a stream.

    Attributes:
        values: float32 (n, features), on disk.
        labels: int64 (n,), or float32 of a regression.
    """

    values: np.ndarray
    labels: np.ndarray


def compute_features(network: keras.Model, config: CnnConfig, stream: HubStream, weights_sha256: str) -> Features:
    """Return the means of a network's feature maps that its head takes, for every row of a stream, in file order.

    They are kept in the cache under what they depend on: the rows' content, how images are read, and the weights, but
    not the batches of a training. What is interrupted continues with the first row that is not on disk. A process that
    needs the same features waits for the one that computes them.

    Args:
        network: with the weights; it is not changed.
        config: of the network.
        stream: the rows.
        weights_sha256: of the file that the weights come from.

    Raises:
        TrazoError: if a row cannot be read, or the disk is full.
    """
    stream = stream.rebatch(BATCH_ROWS)
    folder = _folder(config, stream, weights_sha256)
    with one_at_a_time(folder, lambda: logger.info("waiting for another process, which computes the same features")):
        store = _Store(folder, stream, network.get_layer(FEATURES).output.shape[-1])
        if store.read < stream.rows:
            _fill(store, network, config, stream)
        return store.features()


def _fill(store: "_Store", network: keras.Model, config: CnnConfig, stream: HubStream) -> None:
    run = _compile(network, config)
    source_error = SourceError()
    data = make_eval_data(
        stream,
        start=store.read // BATCH_ROWS,
        image_shape=config.image_shape,
        pixel_format=config.pixel_format,
        source_error=source_error,
    )
    with tqdm(total=stream.rows, initial=store.read, desc="features", unit="row", leave=False, disable=None) as bar:
        for images, labels in iterate_with_source_errors(data, source_error):
            read = min(BATCH_ROWS, stream.rows - store.read)
            store.add(run(images).numpy() if len(images) else None, labels.numpy(), read)
            bar.update(read)
    store.save()


def _compile(network: keras.Model, config: CnnConfig) -> tf.types.experimental.PolymorphicFunction:
    inner = keras.Model(network.input, network.get_layer(FEATURES).output)
    signature = [tf.TensorSpec((None, *config.image_shape), tf.float32)]
    return tf.function(lambda images: inner(images, training=False), signature, jit_compile=False, autograph=False)


def _folder(config: CnnConfig, stream: HubStream, weights_sha256: str) -> Path:
    depends_on: dict[str, Any] = {
        "version": VERSION,
        "data": stream.key,
        "image_shape": config.image_shape,
        "pixel_format": asdict(config.pixel_format),
        "scaling": asdict(config.scaling),
        "weights": weights_sha256,
    }
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True, default=list).encode()).hexdigest()
    return cache_folder() / FOLDER / digest


class _Store:
    """Two growing arrays in a folder, and how far they are filled.

    Attributes:
        read: rows of the stream that were read, usable or not.
    """

    def __init__(self, folder: Path, stream: HubStream, count: int) -> None:
        self._folder, self._saved_at = folder, time.monotonic()
        self.read, self._rows = _read_progress(folder)
        shape = stream.rows, count
        label_type = np.float32 if stream.task == "regression" else np.int64
        note_use(folder, stream.source.dataset)
        mode = "r+" if self.read else "w+"
        with _explain_errors(folder):
            self._values = np.lib.format.open_memmap(folder / "values.npy", mode, np.float32, shape)
            self._labels = np.lib.format.open_memmap(folder / "labels.npy", mode, label_type, shape[:1])

    def add(self, values: np.ndarray | None, labels: np.ndarray, read: int) -> None:
        """Append the usable rows of a batch, None if there are none; `read` is how many there were."""
        if values is not None:
            self._write(self._values, values)
            self._write(self._labels, labels)
            self._rows += len(values)
        self.read += read
        if time.monotonic() - self._saved_at > SAVE_INTERVAL_S:
            self.save()

    def _write(self, array: np.memmap, rows: np.ndarray) -> None:
        """Write rows to the file of an array, which reports a full disk: through the map, it would end the process."""
        with _explain_errors(self._folder), open(str(array.filename), "r+b") as file:
            file.seek(array.offset + self._rows * array.strides[0])
            file.write(np.ascontiguousarray(rows, array.dtype).data)

    def save(self) -> None:
        """Make sure that everything is on disk, and then say so."""
        with _explain_errors(self._folder):
            self._values.flush()
            self._labels.flush()
            atomic_write(self._folder / "progress.json", json.dumps({"read": self.read, "rows": self._rows}))
        self._saved_at = time.monotonic()

    def features(self) -> Features:
        """Return what is stored."""
        return Features(self._values[: self._rows], np.array(self._labels[: self._rows]))


def _read_progress(folder: Path) -> tuple[int, int]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        return int(progress["read"]), int(progress["rows"])
    return 0, 0


@contextmanager
def _explain_errors(folder: Path) -> Iterator[None]:
    """Name the folder that features cannot be written to.

    Raises:
        TrazoError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise TrazoError(
            f"features cannot be kept in {folder}: {error.strerror}; make room there, or let TRAZO_CACHE name a folder "
            "on another disk, and run the same command again"
        ) from None


def chunks(features: Features, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (values float32 (m, features), labels (m,)) of at most so many rows at a time."""
    for first in range(0, len(features.labels), rows):
        part = slice(first, first + rows)
        yield features.values[part], features.labels[part]
