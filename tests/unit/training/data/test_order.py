"""The order of rows as a pure function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.order import RowGroups, ordered_windows, shuffled_windows
from training.data.subset import Subset


def make_table(shards: list[list[int]], row_bytes: int = 1) -> RowGroups:
    entries = [(s, g, rows, rows * row_bytes) for s, groups in enumerate(shards) for g, rows in enumerate(groups)]
    return RowGroups(*np.array(entries, np.int64).T)


tables = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=12), min_size=1, max_size=4).map(make_table)
parts = st.sampled_from([Subset(), Subset(0.3, 1.0), Subset(0.0, 0.3)])


def visited(windows, table, part) -> np.ndarray:
    ids = [window.row_ids(table, part)[window.permutation()] for window in windows]
    return np.concatenate(ids)


@settings(max_examples=150, deadline=None)
@given(tables, parts, st.integers(0, 5), st.integers(0, 5), st.integers(1, 200), st.integers(1, 8))
def test_shuffled_windows_visit_each_row_once(table, part, seed, epoch, window_rows, window_runs):
    windows = shuffled_windows(table, part, seed, epoch, window_rows, window_runs)
    ids = visited(windows, table, part)
    everything = np.arange(table.total)
    assert sorted(ids) == everything[part.mask(everything)].tolist()
    for window in windows:
        for start, stop in window.runs:  # a run is read in one request, so it must lie inside one file
            assert len(set(table.shard[start:stop])) == 1


@settings(max_examples=50, deadline=None)
@given(tables, parts, st.integers(1, 100))
def test_ordered_windows_follow_file_order(table, part, window_rows):
    ids = np.concatenate([window.row_ids(table, part) for window in ordered_windows(table, part, window_rows)])
    everything = np.arange(table.total)
    assert ids.tolist() == everything[part.mask(everything)].tolist()


def test_shuffled_windows_depend_on_seed_and_epoch_only():
    table = make_table([[10] * 30, [10] * 30])
    orders = {}
    for seed in (0, 1):
        for epoch in (0, 1):
            first = visited(shuffled_windows(table, Subset(), seed, epoch, 200, 4), table, Subset())
            again = visited(shuffled_windows(table, Subset(), seed, epoch, 200, 4), table, Subset())
            assert (first == again).all()
            orders[seed, epoch] = tuple(first)
    assert len(set(orders.values())) == 4


def test_shuffled_windows_order_is_unchanged_since_release():
    """A changed order would break the resume of every run that was started before."""
    table = make_table([[3, 3, 3], [3, 3]])
    ids = visited(shuffled_windows(table, Subset(), 7, 2, 6, 2), table, Subset())
    assert ids.tolist() == [2, 1, 0, 8, 13, 14, 7, 12, 6, 9, 4, 3, 10, 5, 11]


def test_shuffled_windows_size_is_bounded():
    table = make_table([[100] * 600])
    for epoch in range(3):
        windows = shuffled_windows(table, Subset(), 0, epoch, 8192, 16)
        assert max(window.rows for window in windows) <= 8192 * 1.1


@pytest.mark.parametrize("heavy_first", [True, False])
def test_windows_bytes_are_bounded_where_rows_are_larger_than_elsewhere(heavy_first):
    """Two hundred photographs among twenty thousand icons, all of a kind next to each other."""
    icons, photographs = np.full(200, 100 * 300), np.full(200, 5_000_000)
    rows = np.array([100] * 200 + [1] * 200)
    sizes = np.concatenate([icons, photographs])
    if heavy_first:
        rows, sizes = rows[::-1], sizes[::-1]
    table = RowGroups(np.zeros(400, np.int64), np.arange(400), rows, sizes)
    limit = 1 << 27
    window_rows = int(limit / (sizes.sum() / table.total))
    for windows, share in (
        (shuffled_windows(table, Subset(), 0, 0, window_rows, 32, limit), 1.2),
        (ordered_windows(table, Subset(), window_rows, limit), 0.25),
    ):
        largest = max(sum(int(sizes[a:b].sum()) for a, b in window.runs) for window in windows)
        assert largest <= share * limit
        assert sum(window.rows for window in windows) == table.total


def test_shuffled_windows_span_the_dataset():
    """A dataset sorted by label mixes only if every window draws from all over it."""
    table = make_table([[100] * 600])
    for window in shuffled_windows(table, Subset(), 0, 0, 8192, 16):
        tenths = np.unique(window.row_ids(table, Subset()) * 10 // table.total)
        assert len(tenths) >= 9


@pytest.mark.parametrize("size", [1, 7])
def test_shuffled_windows_large_row_group_is_one_window(size):
    table = make_table([[size * 1000] * 3])
    windows = shuffled_windows(table, Subset(), 0, 0, 500, 16)
    assert [len(window.runs) for window in windows] == [1, 1, 1]
