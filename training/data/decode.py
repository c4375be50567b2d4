"""Encoded batches -> pixels or facts, decoded ahead of their use."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, cycle
from math import prod

import numpy as np
import pyarrow.compute as pc

from model.pixel_format import PixelFormat
from model.preprocess.facts import FACTS
from training.data.batches import Batch
from training.data.decode_worker import Decoded, Packed
from training.data.decoder_process import DecoderProcess
from training.data.pixel_cache import PixelCache
from training.data.stream import HubStream

DECODERS = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
MIN_TASK_BYTES = 1 << 18  # encoded bytes per task of a decoder
MAX_TASK_BYTES = 1 << 23  # encoded; a task with more is a single image, or a part of a batch
MAX_RESULT_BYTES = 1 << 25  # of a task
MAX_TASKS_PER_DECODER = 2  # one being decoded and one waiting

DecodedBatch = tuple[np.ndarray, np.ndarray, np.ndarray]  # images uint8 (n, h, w, c), labels (n,), row ids (n,)
PlacedBatch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # … and positions in the global batch (n,)
# Facts (n,), see `model.preprocess.facts.FACTS`; labels (n,); row ids (n,); position -> why it cannot be decoded.
FactsBatch = tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, str]]
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]  # labels (n,), row ids (n,), positions in the global batch (n,)
Submit = Callable[[DecoderProcess, list[Batch]], Callable[[], list[Decoded]]]


def decoded_batches(
    stream: HubStream,
    batches: Iterable[Batch],
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
) -> Iterator[DecodedBatch]:
    """Decode batches, some ahead of the one in use.

    Args:
        stream: where the batches come from.
        batches: in the order in which they are yielded.
        image_shape: height, width and channels that images are resized to.
        pixel_format: which values of the files are black and white.

    Yields:
        (images uint8 (n, h, w, c), labels (n,), row ids (n,)). Rows that cannot be decoded are left out and recorded in
        the stream's `skipped`; a batch without any other row is left out, too.

    Raises:
        StreamError: if a decoder is killed, or a row cannot be read.
    """
    groups = decoded_groups(stream, batches, image_shape, pixel_format)
    return (batch[:3] for batch in chain.from_iterable(groups) if len(batch[1]))


def decoded_groups(
    stream: HubStream,
    batches: Iterable[Batch],
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
    kept: PixelCache | None = None,
) -> Iterator[list[PlacedBatch]]:
    """Decode as `decoded_batches` does, and yield lists of the batches that were decoded in one task.

    Batches without a usable row are not left out, and each row's position in the global batch is yielded as well.

    Args:
        stream: as there.
        batches: as there.
        image_shape: as there.
        pixel_format: as there.
        kept: images that were decoded before, which are not decoded again; it receives the others.
    """

    def submit(decoder: DecoderProcess, group: list[Batch]) -> Callable[[], list[Decoded]]:
        ids = [batch.index for batch in group]
        found = [kept.find(rows) for rows in ids] if kept else []
        if found and all(images is not None for images in found):
            return lambda: [(images, {}) for images in found if images is not None]
        wait = decoder.submit([_packed(batch, stream.sketches) for batch in group], image_shape, pixel_format)

        def result() -> list[Decoded]:
            decoded = wait()
            if kept:
                for rows, (images, errors) in zip(ids, decoded, strict=True):
                    kept.keep(rows, images, {*errors})
            return decoded

        return result

    for group in _run_ahead(batches, submit, prod(image_shape)):
        yield [_drop_undecodable(stream, *columns, *decoded) for columns, decoded in group]


def decode_ahead(
    batches: Iterable[Batch],
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
    sketches: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[int, str]]]:
    """Decode batches that belong to no stream, some ahead of the one in use.

    Args:
        batches: in the order in which they are yielded.
        image_shape: height, width and channels that images are resized to.
        pixel_format: which values of the files are black and white.
        sketches: whether the images are free drawings.

    Yields:
        (images uint8 (n, h, w, c), row ids (n,), position -> reason for the rows that cannot be decoded, which are 0).

    Raises:
        StreamError: if a decoder is killed.
    """

    def mask(row_ids: np.ndarray) -> np.ndarray | None:
        return np.ones(len(row_ids), bool) if sketches else None

    def submit(decoder: DecoderProcess, group: list[Batch]) -> Callable[[], list[Decoded]]:
        return decoder.submit([_packed(batch, mask) for batch in group], image_shape, pixel_format)

    for group in _run_ahead(batches, submit, prod(image_shape)):
        for (_, ids, _), (images, reasons) in group:
            yield images, ids, reasons


def image_facts_batches(batches: Iterable[Batch]) -> Iterator[FactsBatch]:
    """Collect what a scan records of each image, some batches ahead of the one in use.

    Args:
        batches: in the order in which they are yielded.

    Yields:
        (facts (n,), labels (n,), row ids (n,), position -> reason for the rows that cannot be decoded); all rows, and
        nothing is recorded in a stream's `skipped`.

    Raises:
        StreamError: if a decoder is killed, or a row cannot be read.

    Example:
        >>> for facts, labels, ids, reasons in image_facts_batches(stream.ordered(in_parts=True)): ...
    """

    def submit(decoder: DecoderProcess, group: list[Batch]) -> Callable[[], list[Decoded]]:
        return decoder.submit_facts([(*batch.packed(), None) for batch in group])

    for group in _run_ahead(batches, submit, FACTS.itemsize):
        for (labels, ids, _), (facts, reasons) in group:
            yield facts, labels, ids, reasons


def _run_ahead(batches: Iterable[Batch], submit: Submit, result_bytes: int) -> Iterator[list[tuple[Columns, Decoded]]]:
    """Submit batches, some ahead of the one in use, and yield lists of (what is known of the rows, result)."""
    decoders = _running_decoders()
    tasks: deque[tuple[list[Columns], bool, Callable[[], list[Decoded]]]] = deque()
    parts: list[tuple[Columns, Decoded]] = []  # of a batch that several tasks decode

    def next_group() -> list[tuple[Columns, Decoded]]:
        columns, is_complete, result = tasks.popleft()
        group = list(zip(columns, result(), strict=True))
        if is_complete and not parts:
            return group
        parts.extend(group)
        if not is_complete:
            return []
        joined = _join(parts)
        parts.clear()
        return [joined]

    turns = cycle(decoders)
    for group, is_complete in _make_tasks(batches, result_bytes):  # `enumerate` would keep a group until the next comes
        columns = [(batch.labels, batch.index, batch.positions) for batch in group]
        tasks.append((columns, is_complete, submit(next(turns), group)))
        del group  # so that its window can be freed
        if len(tasks) > MAX_TASKS_PER_DECODER * len(decoders) and (done := next_group()):
            yield done
            del done
    while tasks:
        if done := next_group():
            yield done


def _packed(batch: Batch, sketch_mask: Callable[[np.ndarray], np.ndarray | None]) -> Packed:
    return *batch.packed(), sketch_mask(batch.index)


def _join(parts: list[tuple[Columns, Decoded]]) -> tuple[Columns, Decoded]:
    labels, ids, positions = (np.concatenate(column) for column in zip(*(columns for columns, _ in parts), strict=True))
    starts = np.cumsum([0, *(len(columns[0]) for columns, _ in parts)]).tolist()
    reasons = {
        start + position: reason
        for start, (_, (_, errors)) in zip(starts, parts, strict=False)
        for position, reason in errors.items()
    }
    return (labels, ids, positions), (np.concatenate([result for _, (result, _) in parts]), reasons)


_shared: list[DecoderProcess] = []  # used by all streams of this process, for as long as it lives
_starting = threading.Lock()


@cache
def _forget_decoders_in_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _shared.clear())  # two processes must not read results from one pipe


def _running_decoders() -> list[DecoderProcess]:
    _forget_decoders_in_forks()
    with _starting:
        for decoder in [decoder for decoder in _shared if not decoder.is_alive]:
            decoder.close()
            _shared.remove(decoder)
        while len(_shared) < DECODERS:
            _shared.append(DecoderProcess())
        return _shared[:DECODERS]


def _make_tasks(batches: Iterable[Batch], result_bytes: int) -> Iterator[tuple[list[Batch], bool]]:
    """Make tasks of batches: (batches, whether the last one ends there).

    Submitting a task costs as much as decoding some dozens of small images, so small batches are grouped. A batch of
    photographs has hundreds of megabytes, of which each waiting task would hold a copy, so large batches are cut.

    Args:
        batches: in order.
        result_bytes: per image.
    """
    group: list[Batch] = []
    size = rows = 0
    is_whole = True  # no part of the next batch came before
    for batch in batches:
        nbytes, count = batch.encoded.nbytes, len(batch.labels)
        if nbytes > MAX_TASK_BYTES or count * result_bytes > MAX_RESULT_BYTES or not (batch.is_complete and is_whole):
            if group:
                yield group, True
                group, size, rows = [], 0, 0
            is_whole = batch.is_complete
            yield from _cut(batch, result_bytes)
            del batch
            continue
        group.append(batch)
        size, rows = size + nbytes, rows + count
        del batch
        if size >= MIN_TASK_BYTES or rows * result_bytes >= MAX_RESULT_BYTES:
            yield group, True
            group, size, rows = [], 0, 0
    if group:
        yield group, True


def _cut(batch: Batch, result_bytes: int) -> Iterator[tuple[list[Batch], bool]]:
    """Cut a batch into tasks of at most `MAX_TASK_BYTES` and `MAX_RESULT_BYTES`, at least one image each."""
    ends = np.cumsum(pc.binary_length(batch.encoded).to_numpy())
    if not len(ends):
        yield [batch], batch.is_complete
    start = 0
    while start < len(ends):
        limit = MAX_TASK_BYTES + (ends[start - 1] if start else 0)
        stop = int(np.searchsorted(ends, limit, side="right"))
        stop = max(start + 1, min(stop, start + MAX_RESULT_BYTES // result_bytes))
        yield [batch[start:stop]], batch.is_complete and stop == len(ends)
        start = stop


def _drop_undecodable(
    stream: HubStream,
    labels: np.ndarray,
    ids: np.ndarray,
    positions: np.ndarray,
    images: np.ndarray,
    errors: dict[int, str],
) -> PlacedBatch:
    if not errors:
        return images, labels, ids, positions
    for position, reason in errors.items():
        stream.skip(ids[position], reason)
    good = np.setdiff1d(np.arange(len(images)), list(errors))
    return images[good], labels[good], ids[good], positions[good]
