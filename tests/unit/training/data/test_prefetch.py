"""Windows are read ahead in threads that end."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from model.errors import StreamError
from training.data import prefetch
from training.data.batch_order import WindowSpan
from training.data.batches import Rows
from training.data.order import Window
from training.data.prefetch import FETCH_THREADS, WindowReader
from training.data.worker_rows import Read, WorkerRows


def make_span(n: int) -> WindowSpan:
    runs, mask, ids = ((n, n + 1), (n + 10, n + 11)), np.ones(1, bool), np.array([n, n + 10])
    used = WorkerRows(tuple(Read(run, mask) for run in runs), ids, ids, None)
    return WindowSpan(Window(runs, 2, ()), 2 * n + 2, None, used)


SPANS = [make_span(n) for n in range(3)]


def assemble(used: WorkerRows, runs: list) -> Rows:
    ids = np.array([labels[0].as_py() for _, labels in runs])
    return Rows(ids, used.positions, pa.concat_arrays([images for images, _ in runs]), ids, ids >= 0, ids >= 0)


def fetched(read: Read) -> tuple[pa.Array, pa.Array]:
    return pa.array([b"x"], pa.large_binary()), pa.array([read.run[0]])


def fetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("trazo-fetch")]


def test_read_gives_windows_in_order_with_their_runs():
    with WindowReader(fetched, assemble) as reader:
        found = [(span, rows.ids.tolist()) for span, rows in reader.read(iter(SPANS))]
    assert found == [(span, [n, n + 10]) for n, span in enumerate(SPANS)]


def test_read_next_window_is_fetched_while_one_is_used():
    asked = threading.Event()

    def read_run(read):
        if read.run[0] == 1:
            asked.set()
        return fetched(read)

    with WindowReader(read_run, assemble) as reader:
        next(reader.read(iter(SPANS)))
        assert asked.wait(5)


@pytest.mark.parametrize(
    ("backend", "min_bytes", "released"), [("system", 2, 3), ("system", 99, 0), ("mimalloc", 99, 3)]
)
def test_read_returns_unused_memory_where_the_allocator_keeps_it(monkeypatch, backend, min_bytes, released):
    calls = []
    pool = SimpleNamespace(backend_name=backend, release_unused=lambda: calls.append(1))
    monkeypatch.setattr(prefetch, "MIN_RELEASED_BYTES", min_bytes)
    monkeypatch.setattr(prefetch.pa, "default_memory_pool", lambda: pool)
    with WindowReader(fetched, assemble) as reader:
        assert len(list(reader.read(iter(SPANS)))) == 3
    assert len(calls) == released


def test_read_failure_is_raised_where_its_window_would_come():
    def read_run(read):
        if read.run[0] == 11:
            raise StreamError("the file is gone")
        return fetched(read)

    with WindowReader(read_run, assemble) as reader:
        windows = reader.read(iter(SPANS))
        next(windows)
        with pytest.raises(StreamError, match="the file is gone"):
            next(windows)


def test_reader_threads_end_when_it_is_left():
    before = set(fetch_threads())
    with WindowReader(fetched, assemble) as reader:
        next(reader.read(iter(SPANS)))
        mine = set(fetch_threads()) - before
        assert len(mine) == FETCH_THREADS
    deadline = time.monotonic() + 5
    while any(thread.is_alive() for thread in mine) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not any(thread.is_alive() for thread in mine)
