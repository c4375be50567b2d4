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
from pathlib import Path
from typing import Any

from model.child_process import EXIT_TIMEOUT_S, describe_exit
from model.errors import StreamError
from model.pixel_format import PixelFormat
from training.data.decode_worker import PIPE_BYTES, Decoded, Form, Packed, receive

CHILD_CODE = "import sys; sys.path[0] = sys.argv[1]; from training.data.decode_worker import serve; serve()"


class DecoderProcess:
    """One such process, which any number of threads may use; results come in the order of the tasks."""

    def __init__(self) -> None:
        """Start the process; it is ready after about half a second and accepts tasks before that."""
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
        self._submitted = 0
        self._pending: deque[tuple[int, list]] = deque()  # numbers of tasks, and lists that receive their results
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process accepts tasks."""
        return not self._closed and self._process.poll() is None

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
        result: list = []
        with self._write_lock, self._killed_if_incomplete():
            self._submitted += 1
            self._pending.append((self._submitted, result))
            pickle.dump((self._submitted, batches, form), self._task_pipe, pickle.HIGHEST_PROTOCOL)
            self._task_pipe.flush()
        return lambda: self._wait_for(result)

    def close(self) -> None:
        """Kill the process."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._task_pipe, self._result_pipe):
            with suppress(OSError, ValueError):  # what was not flushed has nowhere to go
                pipe.close()

    def _wait_for(self, result: list) -> list[Decoded]:
        with self._read_lock, self._killed_if_incomplete():
            while not result:  # earlier tasks come first
                expected, earliest = self._pending.popleft()
                number, decoded = receive(self._result_pipe)
                if number != expected:
                    raise EOFError
                earliest.append(decoded)
        return result[0]

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
