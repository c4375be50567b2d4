"""Encoded batches -> pixels, decoded ahead of their use."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from training.data.batches import Batch
from training.data.decode_worker import Decoded
from training.data.decoder_process import DecoderProcess
from training.data.stream import HubStream

DECODERS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
MIN_TASK_BYTES = 1 << 18  # encoded bytes per task of a decoder
MAX_TASKS_PER_DECODER = 2  # one being decoded and one waiting

DecodedBatch = tuple[np.ndarray, np.ndarray, np.ndarray]  # images uint8 (n, h, w, c), labels (n,), row ids (n,)


def decoded_batches(
    stream: HubStream, batches: Iterable[Batch], image_shape: tuple[int, int, int]
) -> Iterator[DecodedBatch]:
    """Decode batches, some ahead of the one in use.

    Args:
        stream: where the batches come from.
        batches: in the order in which they are yielded.
        image_shape: height, width and channels that images are resized to.

    Yields:
        (images uint8 (n, h, w, c), labels (n,), row ids (n,)). Rows that cannot be decoded are left out and recorded in
        the stream's `skipped`.

    Raises:
        StreamError: if a decoder is killed, or a row cannot be read.
    """
    return chain.from_iterable(decoded_groups(stream, batches, image_shape))


def decoded_groups(
    stream: HubStream, batches: Iterable[Batch], image_shape: tuple[int, int, int]
) -> Iterator[list[DecodedBatch]]:
    """Decode as `decoded_batches` does, and yield lists of the batches that were decoded in one task."""
    decoders = _running_decoders()
    tasks: deque[tuple[list[tuple[np.ndarray, np.ndarray]], Callable[[], list[Decoded]]]] = deque()

    def next_group() -> list[DecodedBatch]:
        labels_and_ids, result = tasks.popleft()
        return [
            _drop_undecodable(stream, *row, *decoded) for row, decoded in zip(labels_and_ids, result(), strict=True)
        ]

    for number, group in enumerate(_group_small_batches(batches)):
        decoder = decoders[number % len(decoders)]
        labels_and_ids = [(batch.labels, batch.index) for batch in group]
        packed = [(*batch.packed(), stream.sketches(batch.index)) for batch in group]
        tasks.append((labels_and_ids, decoder.submit(packed, image_shape)))
        del group, packed  # so that their window can be freed
        if len(tasks) > MAX_TASKS_PER_DECODER * len(decoders):
            yield next_group()
    while tasks:
        yield next_group()


_shared: list[DecoderProcess] = []  # used by all streams of this process, for as long as it lives
_starting = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.clear)  # two processes must not read results from one pipe


def _running_decoders() -> list[DecoderProcess]:
    with _starting:
        for decoder in [decoder for decoder in _shared if not decoder.is_alive]:
            decoder.close()
            _shared.remove(decoder)
        while len(_shared) < DECODERS:
            _shared.append(DecoderProcess())
        return _shared[:DECODERS]


def _group_small_batches(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Group batches into tasks: submitting a task costs as much as decoding some dozens of small images."""
    group, size = [], 0
    for batch in batches:
        group.append(batch)
        size += batch.encoded.nbytes
        del batch
        if size >= MIN_TASK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _drop_undecodable(
    stream: HubStream, labels: np.ndarray, ids: np.ndarray, images: np.ndarray, errors: dict[int, str]
) -> DecodedBatch:
    if not errors:
        return images, labels, ids
    for position, reason in errors.items():
        stream.skip(ids[position], reason)
    good = np.setdiff1d(np.arange(len(images)), list(errors))
    return images[good], labels[good], ids[good]
