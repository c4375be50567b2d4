"""Encoded batches -> pixels, decoded ahead of their use."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from training.data.decode_worker import Decoded, Decoder
from training.data.stream import Batch, HubStream

DECODERS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
TASK_BYTES = 1 << 18  # encoded bytes that a decoder is given at once, at least
AHEAD = 2  # tasks a decoder: one in work and one that waits


# images uint8 (n, h, w, c), labels (n,), row ids (n,)
Pixels = tuple[np.ndarray, np.ndarray, np.ndarray]


def decoded_batches(stream: HubStream, batches: Iterable[Batch], image_shape: tuple[int, int, int]) -> Iterator[Pixels]:
    """Decode batches, some ahead of the one in use.

    Args:
        stream: where the batches come from.
        batches: in the order in which they are to be yielded.
        image_shape: height, width and channels that pictures are brought to.

    Yields:
        (images uint8 (n, h, w, c), labels (n,), row ids (n,)). Rows that cannot be decoded are reported to the stream
        and left out.

    Raises:
        StreamError: when a decoder is ended from outside.
    """
    return chain.from_iterable(decoded_groups(stream, batches, image_shape))


def decoded_groups(
    stream: HubStream, batches: Iterable[Batch], image_shape: tuple[int, int, int]
) -> Iterator[list[Pixels]]:
    """Decode as `decoded_batches` does, and yield together what was decoded together."""
    decoders = _decoders()
    tasks: deque[tuple[list[tuple[np.ndarray, np.ndarray]], Callable[[], list[Decoded]]]] = deque()

    def next_group() -> list[Pixels]:
        known, answer = tasks.popleft()
        return [_usable(stream, *row, *decoded) for row, decoded in zip(known, answer(), strict=True)]

    for number, group in enumerate(_grouped(batches)):
        decoder = decoders[number % len(decoders)]
        known = [(batch.labels, batch.index) for batch in group]
        packed = [(*batch.packed(), stream.sketches(batch.index)) for batch in group]
        tasks.append((known, decoder.submit(packed, image_shape)))
        del group, packed  # their window may go
        if len(tasks) > AHEAD * len(decoders):
            yield next_group()
    while tasks:
        yield next_group()


_shared: list[Decoder] = []  # by all streams of this process, for as long as it lives
_starting = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.clear)  # a pipe of two masters would mix their answers


def _decoders() -> list[Decoder]:
    with _starting:
        for decoder in [decoder for decoder in _shared if not decoder.alive]:
            decoder.close()
            _shared.remove(decoder)
        while len(_shared) < DECODERS:
            _shared.append(Decoder())
        return _shared[:DECODERS]


def _grouped(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Put small batches together: handing over a task costs as much as decoding some dozens of small pictures."""
    group, size = [], 0
    for batch in batches:
        group.append(batch)
        size += batch.encoded.nbytes
        del batch
        if size >= TASK_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _usable(stream: HubStream, labels: np.ndarray, ids: np.ndarray, images: np.ndarray, bad: dict[int, str]) -> Pixels:
    if not bad:
        return images, labels, ids
    for position, reason in bad.items():
        stream.skip(ids[position], reason)
    good = np.setdiff1d(np.arange(len(images)), list(bad))
    return images[good], labels[good], ids[good]
