"""Read windows in the background: the next window is fetched while the current one is in use."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pyarrow as pa

from training.data.batch_order import WindowSpan
from training.data.batches import Rows
from training.data.worker_rows import Read, WorkerRows

FETCH_THREADS = 4  # more contend for the interpreter lock
MIN_RELEASED_BYTES = 1 << 24  # of a window: after smaller ones, the search for unused memory is not worth its time

RunColumns = tuple[pa.Array, pa.Array]  # images (large_binary) and labels of some rows; null where missing


class WindowReader:
    """Reads windows and yields their rows; memory holds the window in use and the one being fetched.

    Used as a context manager; leaving it ends the threads.
    """

    def __init__(
        self,
        read_run: Callable[[Read], RunColumns],
        assemble: Callable[[WorkerRows, list[RunColumns]], Rows],
    ) -> None:
        """Set the two steps.

        Args:
            read_run: reads the rows of one run, or of a part of it; called in background threads, several at a time.
            assemble: puts what was read of a window together, in the order in which the rows are visited.
        """
        self._read_run, self._assemble = read_run, assemble
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._closed = False

    def __enter__(self) -> "WindowReader":
        """Start the threads."""
        # Daemon threads, unlike those of an executor: a process that is interrupted must not wait for a silent Hub.
        for number in range(FETCH_THREADS):
            threading.Thread(target=self._fetch_runs, name=f"trazo-fetch-{number}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads, without waiting for a request."""
        self._closed = True
        for _thread in range(FETCH_THREADS):
            self._tasks.put(None)

    def read(self, spans: Iterator[WindowSpan]) -> Iterator[tuple[WindowSpan, Rows]]:
        """Yield each window's rows.

        Raises:
            StreamError: if a run cannot be read.
        """
        ahead = self._submit_next(spans)
        while ahead:
            span, futures = ahead
            runs = [future.result() for future in futures]
            del futures
            rows = self._assemble(span.used, runs)
            # Memory must not hold a window longer than needed: neither in a variable nor in Arrow's allocator, which
            # would keep it for itself (an epoch of MNIST then peaks 45 MB higher). Nor does it hold the next one
            # while this one is copied.
            del runs
            ahead = self._submit_next(spans)
            pool = pa.default_memory_pool()
            # `malloc` returns most of its memory without being asked, but each thread keeps up to 64 MB.
            if pool.backend_name != "system" or rows.images.nbytes >= MIN_RELEASED_BYTES:
                pool.release_unused()
            yield span, rows
            del rows

    def _submit_next(self, spans: Iterator[WindowSpan]) -> tuple[WindowSpan, list[Future]] | None:
        span = next(spans, None)
        if span is None:
            return None
        futures: list[Future] = []
        for read in span.used.reads:
            futures.append(Future())
            self._tasks.put((futures[-1], read))
        return span, futures

    def _fetch_runs(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, read = task
            if not self._closed:
                try:
                    future.set_result(self._read_run(read))
                except BaseException as error:
                    future.set_exception(error)
            del task, future  # only the reader may hold the rows
