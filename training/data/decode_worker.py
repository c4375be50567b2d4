"""What runs in a decoder's process: encoded images come in through a pipe, pixels or facts go out through another.

The process imports this module and `model.preprocess`, neither TensorFlow nor `datasets`. It ends when its pipe does,
so it never outlives the process that it serves, however that one ends.

An image that is not small is announced before it is decoded. If it takes too long, this process ends, and the parent
knows by which image.
"""

import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from io import BufferedReader
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

import cv2
import numpy as np

from model.pixel_format import PixelFormat
from model.preprocess.cost import limited_cpu, limited_memory
from model.preprocess.decode import decode_batch
from model.preprocess.facts import image_facts_batch
from model.preprocess.sketch import decode_mixed_batch

PIPE_BYTES = 1 << 20  # that a pipe takes before its writer has to wait, on Linux; elsewhere the system decides

# Encoded images in one array, uint8 (bytes,); the n + 1 positions of their boundaries; which are drawings, bool (n,),
# or None if none is.
Packed = tuple[np.ndarray, list[int], np.ndarray | None]
Decoded = tuple[np.ndarray, dict[int, str]]  # what `decode_batch` or `image_facts_batch` returns
# What a task asks for: pixels of a shape and format, or facts if it is None.
Form = tuple[tuple[int, int, int], PixelFormat] | None


class Announced(NamedTuple):
    """The image that is decoded now."""

    task: int
    batch: int
    position: int


# Held while memory is limited, or while a task is read, which may be larger than the limit.
_memory_lock = threading.Lock()


def serve() -> None:
    """Decode what comes in through standard input until it ends."""
    results = os.fdopen(os.dup(1), "wb", PIPE_BYTES)
    os.dup2(2, 1)  # what a library prints must not mix with the results
    cv2.setNumThreads(1)  # there are as many decoders as cores; OpenCV's own threads would wait for work in a loop
    # Tasks are read at any time, so that the two sides never wait for each other, each at a full pipe.
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(sys.stdin.buffer, tasks), daemon=True).start()
    with suppress(BrokenPipeError, MemoryError):  # the parent notices the end of the pipe and reports it
        _decode_tasks(tasks, results)
    os._exit(0)  # the thread still waits for tasks


def _decode_tasks(tasks: queue.SimpleQueue, results: BinaryIO) -> None:
    while (task := tasks.get()) is not None:
        number, batches, form = task
        del task
        announced = partial(_announced, results, number)
        _send(number, [_decode(packed, form, partial(announced, at)) for at, packed in enumerate(batches)], results)
        del batches


def _read_tasks(pipe: BufferedReader, tasks: queue.SimpleQueue) -> None:
    try:
        while True:
            pipe.peek(1)  # waits for the next task
            with _memory_lock:
                task = pickle.load(pipe)
            tasks.put(task)
            del task
    except EOFError:
        tasks.put(None)


@contextmanager
def _announced(pipe: BinaryIO, task: int, batch: int, position: int) -> Iterator[None]:
    """Announce an image to the parent, and decode it within the limits."""
    pickle.dump(Announced(task, batch, position), pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()
    with _memory_lock, limited_memory(), limited_cpu():
        yield


def _decode(packed: Packed, form: Form, costly: Callable[[int], AbstractContextManager]) -> Decoded:
    data, ends, sketches = packed
    encoded = [data[a:b] for a, b in pairwise(ends)]
    if form is None:
        return image_facts_batch(encoded, costly)
    if sketches is None or not sketches.any():
        return decode_batch(encoded, *form, costly)
    return decode_mixed_batch(encoded, sketches, *form, costly)


def _send(number: int, decoded: list[Decoded], pipe: BinaryIO) -> None:
    # Shapes and errors are pickled; pixels are sent as they are, which saves copies.
    headers = [(array.dtype, array.shape, errors) for array, errors in decoded]
    pickle.dump((number, headers), pipe, pickle.HIGHEST_PROTOCOL)
    for array, _ in decoded:
        pipe.write(_bytes_of(array))
    pipe.flush()


def receive(pipe: Any, on_announced: Callable[[Announced], None]) -> tuple[int, list[Decoded]]:
    """Read one result in the parent: the task's number and its decoded batches.

    Args:
        pipe: from the decoder's process.
        on_announced: called with what is announced before the result.

    Raises:
        EOFError: if the pipe ends.
    """
    while isinstance(message := pickle.load(pipe), Announced):
        on_announced(message)
    number, headers = message
    decoded = []
    for dtype, shape, errors in headers:
        array = np.empty(shape, dtype)
        view, received = _bytes_of(array), 0
        while received < array.nbytes:
            size = pipe.readinto(view[received:])
            if not size:
                raise EOFError
            received += size
        decoded.append((array, errors))
    return number, decoded


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
