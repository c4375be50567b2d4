"""What runs in a decoder's process: encoded images come in through a pipe, pixels go out through another.

The process imports this module and `model.preprocess`, neither TensorFlow nor `datasets`. It ends when its pipe does,
so it never outlives the process that it serves, however that one ends.
"""

import os
import pickle
import queue
import sys
import threading
from contextlib import suppress
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np

from model.preprocess.decode import decode_batch
from model.preprocess.sketch import decode_mixed_batch

PIPE_BYTES = 1 << 20  # that a pipe takes before its writer has to wait, on Linux; elsewhere the system decides

# Encoded images in one array, uint8 (bytes,); the n + 1 positions of their boundaries; which are drawings, bool (n,),
# or None if none is.
Packed = tuple[np.ndarray, list[int], np.ndarray | None]
Decoded = tuple[np.ndarray, dict[int, str]]  # what `decode_batch` returns


def serve() -> None:
    """Decode what comes in through standard input until it ends."""
    results = os.fdopen(os.dup(1), "wb", PIPE_BYTES)
    os.dup2(2, 1)  # what a library prints must not mix with the results
    # Tasks are read at any time, so that the two sides never wait for each other, each at a full pipe.
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(sys.stdin.buffer, tasks), daemon=True).start()
    with suppress(BrokenPipeError, MemoryError):  # the parent notices the end of the pipe and reports it
        _decode_tasks(tasks, results)
    os._exit(0)  # the thread still waits for tasks


def _decode_tasks(tasks: queue.SimpleQueue, results: BinaryIO) -> None:
    while (task := tasks.get()) is not None:
        number, batches, image_shape = task
        _send(number, [_decode(packed, image_shape) for packed in batches], results)


def _read_tasks(pipe: BinaryIO, tasks: queue.SimpleQueue) -> None:
    try:
        while True:
            tasks.put(pickle.load(pipe))
    except EOFError:
        tasks.put(None)


def _decode(packed: Packed, image_shape: tuple[int, int, int]) -> Decoded:
    data, ends, sketches = packed
    encoded = [data[a:b] for a, b in pairwise(ends)]
    if sketches is None or not sketches.any():
        return decode_batch(encoded, image_shape)
    return decode_mixed_batch(encoded, sketches, image_shape)


def _send(number: int, decoded: list[Decoded], pipe: BinaryIO) -> None:
    # Shapes and errors are pickled; pixels are sent as they are, which saves copies.
    pickle.dump((number, [(images.shape, errors) for images, errors in decoded]), pipe, pickle.HIGHEST_PROTOCOL)
    for images, _ in decoded:
        pipe.write(images.data.cast("B"))
    pipe.flush()


def receive(pipe: Any) -> tuple[int, list[Decoded]]:
    """Read one result in the parent: the task's number and its decoded batches.

    Raises:
        EOFError: if the pipe ends.
    """
    number, headers = pickle.load(pipe)
    decoded = []
    for shape, errors in headers:
        images = np.empty(shape, np.uint8)
        view, received = images.data.cast("B"), 0
        while received < images.nbytes:
            size = pipe.readinto(view[received:])
            if not size:
                raise EOFError
            received += size
        decoded.append((images, errors))
    return number, decoded
