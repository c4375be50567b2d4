"""A process that decodes: encoded images come in through a pipe, pixels go out through another.

Threads would do for photographs. Small pictures decode in a few microseconds, and between any two of them a thread
needs the interpreter, which fetching and the crossing into TensorFlow hold: the three then take turns in place of
running side by side. The process imports this module and the converter, neither TensorFlow nor `datasets`. It ends
when its pipe does, so it never outlives the process that it serves, however that one ends.
"""

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from model.errors import StreamError
from model.preprocess.decode import decode_batch
from model.preprocess.sketch import decode_mixed_batch

PIPE_BYTES = 1 << 20  # that a pipe takes before its writer has to wait, on Linux; elsewhere the system decides
MAIN = "import sys; sys.path[0] = sys.argv[1]; from training.data.decode_worker import serve; serve()"

# Files side by side, uint8 (bytes,); where each begins and the last one ends; which are drawings, or None for none.
Packed = tuple[np.ndarray, list[int], np.ndarray | None]
Decoded = tuple[np.ndarray, dict[int, str]]  # what `decode_batch` returns


class Decoder:
    """One such process, used by any number of threads; it answers in the order in which it was asked."""

    def __init__(self) -> None:
        """Start the process; it is ready after about half a second and takes tasks meanwhile."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            bufsize=PIPE_BYTES,
            # What cannot be decoded is told by its row id, not by OpenCV in between the lines of a progress bar.
            env={"OPENCV_LOG_LEVEL": "SILENT", **os.environ},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its decoders as it ends itself
        )
        # Pipes, so never None.
        self._asks: Any = self._process.stdin
        self._answers: Any = self._process.stdout
        self._asked = 0
        self._pending: deque[tuple[int, list]] = deque()  # answers that are not there yet, by number
        self._asking, self._reading = threading.Lock(), threading.Lock()
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether the process can be asked."""
        return not self._closed and self._process.poll() is None

    def submit(self, batches: list[Packed], image_shape: tuple[int, int, int]) -> Callable[[], list[Decoded]]:
        """Give batches to the process.

        Returns:
            a function that waits for their pixels.

        Raises:
            StreamError: here or there, when the process was ended from outside.
        """
        answer: list = []
        with self._asking, self._whole():
            self._asked += 1
            self._pending.append((self._asked, answer))
            pickle.dump((self._asked, batches, image_shape), self._asks, pickle.HIGHEST_PROTOCOL)
            self._asks.flush()
        return lambda: self._wait(answer)

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._asks, self._answers):
            with suppress(OSError, ValueError):  # what was not flushed has nowhere to go
                pipe.close()

    def _wait(self, answer: list) -> list[Decoded]:
        with self._reading, self._whole():
            while not answer:  # those who asked before come first
                number, first = self._pending.popleft()
                answered, decoded = _receive(self._answers)
                if answered != number:
                    raise EOFError
                first.append(decoded)
        return answer[0]

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Never use a process again of which a question or an answer went through in part.

        Otherwise the next answer would be taken for another's: pictures would come with other rows' labels.
        """
        try:
            yield
        except (EOFError, OSError, ValueError, IndexError, pickle.UnpicklingError):  # ValueError: its pipe is closed
            self.close()
            raise StreamError(
                "a decoding process was ended from outside, perhaps for want of memory; "
                "the same command goes on from here"
            ) from None
        except BaseException:  # Ctrl-C
            self.close()
            raise


def serve() -> None:
    """Decode what comes in through standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb", PIPE_BYTES)
    os.dup2(2, 1)  # what a library prints must not come between
    # Tasks are read whatever is in work, so that the two sides never wait for one another, each at a full pipe.
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, tasks), daemon=True).start()
    with suppress(BrokenPipeError, MemoryError):  # the parent sees the pipe end, and says so
        _answer(tasks, answers)
    os._exit(0)  # the thread still waits for tasks


def _answer(tasks: queue.SimpleQueue, answers: BinaryIO) -> None:
    while (task := tasks.get()) is not None:
        number, batches, image_shape = task
        decoded = [_decode(packed, image_shape) for packed in batches]
        _send(number, decoded, answers)


def _read(pipe: BinaryIO, tasks: queue.SimpleQueue) -> None:
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
    # Shapes and errors are pickled; pixels go as they are, which saves copies of them.
    pickle.dump((number, [(images.shape, bad) for images, bad in decoded]), pipe, pickle.HIGHEST_PROTOCOL)
    for images, _ in decoded:
        pipe.write(images.data.cast("B"))
    pipe.flush()


def _receive(pipe: Any) -> tuple[int, list[Decoded]]:
    number, known = pickle.load(pipe)
    decoded = []
    for shape, bad in known:
        images = np.empty(shape, np.uint8)
        view, done = images.data.cast("B"), 0
        while done < images.nbytes:
            size = pipe.readinto(view[done:])
            if not size:
                raise EOFError
            done += size
        decoded.append((images, bad))
    return number, decoded
