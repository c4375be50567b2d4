"""Batches are cut from windows without losing, repeating or keeping rows."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from training.data import batches
from training.data.batch_order import BatchOrder, WindowSize, WindowSpan
from training.data.batches import Batch, BatchCache, Rows, cut_batches, cut_ordered

SIZE = WindowSize(rows=1, bytes=1, runs=1)


def make_rows(first: int, stop: int) -> Rows:
    ids = np.arange(first, stop)
    images = pa.array([b"%d" % row for row in ids], pa.large_binary())
    known = np.ones(len(ids), bool)
    return Rows(ids, ids, images, ids * 10, known, known)


def make_windows(*ends: int, first_batch: int = 0) -> list[tuple[WindowSpan, Rows]]:
    starts = (0, *ends[:-1])
    return [
        (WindowSpan(None, b, first_batch if a == 0 else None, None), make_rows(a, b))
        for a, b in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize("ends", [(10,), (4, 10), (1, 2, 3, 10), (9, 10)])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 99])
def test_cut_batches_any_windows_give_each_row_once_in_order(ends, batch_size):
    stop = -(-10 // batch_size)
    cut = list(cut_batches(make_windows(*ends), BatchOrder(0, batch_size, 0, 1, SIZE), 10, stop))
    assert [number for number, _, _ in cut] == list(range(stop))
    assert [len(rows.ids) for _, rows, _ in cut[:-1]] == [batch_size] * (stop - 1)
    assert np.concatenate([rows.ids for _, rows, _ in cut]).tolist() == list(range(10))
    for _, rows, is_complete in cut:
        assert is_complete
        assert rows.images.to_pylist() == [b"%d" % row for row in rows.ids] and (rows.labels == rows.ids * 10).all()


def test_cut_batches_worker_without_rows_in_the_last_batch_gets_an_empty_one():
    windows = [(span, rows[0:2]) for span, rows in make_windows(7, 9)]  # 0, 1, 7 and 8 are its rows
    cut = list(cut_batches(windows, BatchOrder(0, 4, 0, 2, SIZE), 9, 3))
    assert [(number, rows.ids.tolist()) for number, rows, _ in cut] == [(0, [0, 1]), (1, [7]), (2, [8])]
    cut = list(cut_batches([(span, rows[0:2]) for span, rows in make_windows(9)], BatchOrder(0, 4, 0, 2, SIZE), 9, 3))
    assert [(number, rows.ids.tolist()) for number, rows, _ in cut] == [(0, [0, 1]), (1, []), (2, [])]


@pytest.mark.parametrize(
    ("min_bytes", "parts"),
    [
        (1, [(0, [0], False), (0, [1, 2], False), (0, [3], True), (1, [4, 5, 6], False), (1, [7], True)]),
        (20, [(0, [0, 1, 2], False), (0, [3], True), (1, [4, 5, 6], False), (1, [7], True)]),
        (99, [(0, [0, 1, 2, 3], True), (1, [4, 5, 6, 7], True)]),
    ],
)
def test_cut_batches_in_parts_gives_each_window_up_early(monkeypatch, min_bytes, parts):
    monkeypatch.setattr(batches, "MIN_PART_BYTES", min_bytes)
    order = BatchOrder(0, 4, 0, 1, SIZE)
    cut = list(cut_batches(make_windows(1, 3, 7, 8), order, 8, 2, in_parts=True))
    assert [(number, rows.ids.tolist(), is_complete) for number, rows, is_complete in cut] == parts


@pytest.mark.parametrize("start", range(8))
@pytest.mark.parametrize("min_bytes", [1, 99])
def test_cut_ordered_from_any_row_gives_the_others_once_in_parts_of_batches(monkeypatch, start, min_bytes):
    monkeypatch.setattr(batches, "MIN_PART_BYTES", min_bytes)
    windows = make_windows(1, 3, 7, 8, first_batch=start // 4)
    windows = [one for one in windows if one[0].end_row > start // 4 * 4]
    windows[0] = (replace(windows[0][0], first_batch=start // 4), windows[0][1])
    cut = list(cut_ordered(windows, BatchOrder(0, 4, 0, 1, SIZE), 8, start))
    assert np.concatenate([rows.ids for _, rows in cut]).tolist() == list(range(start, 8))
    assert all(len(rows.ids) and (rows.ids // 4 == number).all() for number, rows in cut)


def test_batch_packed_holds_the_images_of_a_slice():
    images = pa.array([b"ab", b"", b"cde", b"f"], pa.large_binary()).slice(1, 3)
    data, ends = Batch(images, np.zeros(3), np.arange(3), np.arange(3), 0).packed()
    assert data.tobytes() == b"cdef" and ends == [0, 0, 3, 4]


def test_batch_cache_parts_are_not_kept():
    parts = [
        Batch(make_rows(0, 3).images, np.zeros(3), np.arange(3), np.arange(3), 0, is_complete)
        for is_complete in (False, True)
    ]
    cache = BatchCache()
    assert list(cache.record(parts)) == parts and cache.batches is None


@pytest.mark.parametrize(("limit", "kept"), [(1 << 20, True), (10, False)])
def test_batch_cache_keeps_a_complete_pass_that_fits(monkeypatch, limit, kept):
    monkeypatch.setattr(batches, "MAX_CACHED_BYTES", limit)
    given = [Batch(make_rows(n, n + 3).images, np.zeros(3), np.arange(3), np.arange(3), n) for n in range(4)]
    cache = BatchCache()
    passing = cache.record(given)
    next(passing)
    assert cache.batches is None
    assert list(passing) == given[1:]
    assert cache.batches == (given if kept else None)
