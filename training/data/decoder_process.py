"""A separate process that decodes images, as its parent sees it.

Threads would be enough for photographs. Small images decode in a few microseconds, and between two of them a thread
needs the interpreter, which fetching and the transfer into TensorFlow use too: the threads would take turns instead of
running in parallel.

Why not `ProcessPoolExecutor`? The pipes decode 1.5 times as many images: 35,030 per second instead of 23,381 (medians
of 7 alternating runs of `decoded_batches` over 60 epochs of `training/sample` in memory, batches of 128, 2 decoders,
Python 3.11.7, NumPy 2.4.6, 2 cores shared with other work; the pool had the `spawn` context and the same tasks). A pool
also fails inside daemonic processes: see `model.child_process`.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model.child_process import EXIT_TIMEOUT_S, describe_exit
from model.errors import StreamError
from model.pixel_format import PixelFormat
from model.preprocess.cost import CPU_SIGNAL, TOO_SLOW
from training.data.decode_worker import PIPE_BYTES, Announced, Decoded, Form, Packed, receive

TOO_SLOW_EXIT_CODE = -(CPU_SIGNAL or 0) or None  # of a process that an image took too long in
CHILD_CODE = "import sys; sys.path[0] = sys.argv[1]; from training.data.decode_worker import serve; serve()"


@dataclass
class _Task:
    """A task whose result has not come yet."""

    number: int
    batches: list[Packed]
    form: Form
    result: list[list[Decoded]] = field(default_factory=list)  # receives it
    too_slow: list[tuple[int, int]] = field(default_factory=list)  # batch and position of images that are left out


class DecoderProcess:
    """One such process, which any number of threads may use; results come in the order of the tasks.

    If an image takes too long, the process ends. Another one is started, which does the same tasks without that image.
    """

    def __init__(self) -> None:
        """Start the process; it is ready after about half a second and accepts tasks before that."""
        self._submitted = 0
        self._pending: deque[_Task] = deque()
        self._announced: Announced | None = None
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD_CODE, str(Path(__file__).parents[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            bufsize=PIPE_BYTES,
            # Images that cannot be decoded are reported by row id, not by OpenCV between the lines of a progress bar.
            env={"OPENCV_LOG_LEVEL": "SILENT", **os.environ},
            start_new_session=True,  # Ctrl-C reaches only the parent, which ends its decoders when it ends
        )
        # Pipes, so never None.
        self._task_pipe: Any = self._process.stdin
        self._result_pipe: Any = self._process.stdout

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process accepts tasks."""
        return not self._closed and self._process.poll() in (None, TOO_SLOW_EXIT_CODE)

    def submit(
        self, batches: list[Packed], image_shape: tuple[int, int, int], pixel_format: PixelFormat = PixelFormat()
    ) -> Callable[[], list[Decoded]]:
        """Send batches to the process.

        Returns:
            a function that waits for their pixels.

        Raises:
            StreamError: if the process was killed; the returned function raises it too.
        """
        return self._submit(batches, (image_shape, pixel_format))

    def submit_facts(self, batches: list[Packed]) -> Callable[[], list[Decoded]]:
        """Send batches to the process.

        Returns:
            a function that waits for what `image_facts_batch` returns for each.

        Raises:
            StreamError: as `submit`.
        """
        return self._submit(batches, None)

    def _submit(self, batches: list[Packed], form: Form) -> Callable[[], list[Decoded]]:
        with self._write_lock, self._killed_if_incomplete():
            self._submitted += 1
            # Copies, so that the window of which they are a part can be freed.
            copies = [(data.copy(), ends, sketches) for data, ends, sketches in batches]
            task = _Task(self._submitted, copies, form)
            self._pending.append(task)
            self._send(task)
        return lambda: self._wait_for(task)

    def _send(self, task: _Task) -> None:
        try:
            pickle.dump((task.number, task.batches, task.form), self._task_pipe, pickle.HIGHEST_PROTOCOL)
            self._task_pipe.flush()
        except OSError:
            if not self._was_too_slow():  # else it is sent again, to the next process
                raise

    def close(self) -> None:
        """Kill the process."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._task_pipe, self._result_pipe):
            with suppress(OSError, ValueError):  # what was not flushed has nowhere to go
                pipe.close()

    def _wait_for(self, task: _Task) -> list[Decoded]:
        with self._read_lock, self._killed_if_incomplete():
            while not task.result:  # earlier tasks come first
                try:
                    self._receive(self._pending[0])
                except EOFError:
                    if not self._was_too_slow():
                        raise
                    self._replace()
        return task.result[0]

    def _receive(self, task: _Task) -> None:
        """Receive the result of the earliest task."""
        number, decoded = receive(self._result_pipe, lambda announced: setattr(self, "_announced", announced))
        if number != task.number:
            raise EOFError
        for batch, position in task.too_slow:
            decoded[batch][1][position] = TOO_SLOW
        self._pending.popleft()
        task.result.append(decoded)
        task.batches = []

    def _was_too_slow(self) -> bool:
        """Return whether the process has ended because an image took too long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_TIMEOUT_S)
        return not self._closed and self._process.returncode == TOO_SLOW_EXIT_CODE is not None

    def _replace(self) -> None:
        """Start another process, which does all tasks again, without the image that took too long."""
        with self._write_lock:
            task, announced = self._pending[0], self._announced
            if announced is None or announced.task != task.number:
                raise EOFError
            task.batches[announced.batch] = _without(task.batches[announced.batch], announced.position)
            task.too_slow.append((announced.batch, announced.position))
            self._end()
            self._start()
            for one in self._pending:
                self._send(one)

    @contextmanager
    def _killed_if_incomplete(self) -> Iterator[None]:
        """Never use a process again after a task or a result was transferred in part.

        Otherwise the next result would be taken for another task's: images would get the labels of other rows.
        """
        try:
            yield
        except (EOFError, OSError, ValueError, IndexError, pickle.UnpicklingError):  # ValueError: its pipe is closed
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_TIMEOUT_S)
            self.close()
            raise StreamError(
                f"a decoding process was ended from outside ({describe_exit(self._process.returncode)}), perhaps for "
                "lack of memory; run the same command again to resume"
            ) from None
        except BaseException:  # Ctrl-C
            self.close()
            raise


def _without(packed: Packed, position: int) -> Packed:
    """Return images, of which this one has no bytes any more."""
    data, ends, sketches = packed
    start, end = ends[position : position + 2]
    rest = np.concatenate([data[:start], data[end:]])
    return rest, [at if at <= start else at - (end - start) for at in ends], sketches
