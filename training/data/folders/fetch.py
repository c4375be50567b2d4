"""Fetch files in the background, in their order; memory is bounded in bytes."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future

from training.data.folders.listing import File
from training.data.folders.members import FileReader, try_read

FETCH_THREADS = 16  # a request for a small file mostly waits
MAX_AHEAD_BYTES = 1 << 25  # fetched and not yet used; one file may have more
MAX_AHEAD_FILES = 64


def fetch_ahead(
    files: Iterator[File], fetch: Callable[[File], bytes], is_remote: Callable[[File], bool]
) -> Generator[bytes | None, None, None]:
    """Yield each file's content; the next ones are fetched meanwhile. Closing it ends the threads.

    Args:
        files: in the order in which they are wanted.
        fetch: returns a remote file's content; called in background threads.
        is_remote: whether a file is fetched; others lie on disk or in an archive there.

    Yields:
        the content; None for a file on disk that cannot be read.

    Raises:
        StreamError: what `fetch` raises, when it is that file's turn.
    """
    tasks: queue.SimpleQueue[tuple[Future[bytes], File] | None] = queue.SimpleQueue()
    closed = threading.Event()
    # Daemon threads, unlike those of an executor: a process that is interrupted must not wait for a silent Hub.
    for number in range(FETCH_THREADS):
        threading.Thread(target=_work, args=(tasks, closed, fetch), name=f"trazo-copy-{number}", daemon=True).start()
    ahead: deque[tuple[File, Future[bytes] | None]] = deque()
    size = 0
    upcoming = next(files, None)
    on_disk = FileReader()
    try:
        while ahead or upcoming:
            while upcoming and (not ahead or _has_room(len(ahead), size + upcoming.size)):
                future: Future[bytes] | None = None
                if is_remote(upcoming):
                    future = Future()
                    tasks.put((future, upcoming))
                ahead.append((upcoming, future))
                size += upcoming.size
                upcoming = next(files, None)
            file, future = ahead.popleft()
            size -= file.size
            yield future.result() if future else try_read(on_disk, file)
            del future  # not two files' content at once
    finally:
        on_disk.close()
        closed.set()
        for _ in range(FETCH_THREADS):
            tasks.put(None)


def _has_room(files: int, size: int) -> bool:
    return files < MAX_AHEAD_FILES and size <= MAX_AHEAD_BYTES


def _work(
    tasks: "queue.SimpleQueue[tuple[Future[bytes], File] | None]",
    closed: threading.Event,
    fetch: Callable[[File], bytes],
) -> None:
    while (task := tasks.get()) is not None:
        future, file = task
        if not closed.is_set():
            try:
                future.set_result(fetch(file))
            except BaseException as error:
                future.set_exception(error)
        del task, future  # only the reader may hold the content
