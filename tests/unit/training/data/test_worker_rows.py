"""Workers share every batch by where its rows are stored, and read little more than their part."""

from collections.abc import Iterator
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.batch_order import BatchOrder, WindowSize, WindowSpan
from training.data.order import RowGroups
from training.data.parquet.byte_ranges import MAX_GAP_BYTES
from training.data.subset import Subset

WHOLE = Subset()
GROUP_BYTES = MAX_GAP_BYTES + 1  # so that no row group is read only because it lies between two others


def make_table(*rows: int) -> RowGroups:
    groups = np.arange(len(rows))
    return RowGroups(groups // 7, groups, np.array(rows), np.full(len(rows), GROUP_BYTES))


def find_spans(
    table: RowGroups, rank: int, world_size: int, batch_size: int, size: WindowSize, subset: Subset = WHOLE
) -> list[WindowSpan]:
    order = BatchOrder(3, batch_size, rank, world_size, size)
    return list(order.shuffled_spans(table, subset, 1, 0, -(-table.total // batch_size)))


def kept_ids(table: RowGroups, span: WindowSpan) -> np.ndarray:
    """The rows that are kept of what is read, in file order."""
    parts = [table.row_ids(read.run)[read.mask] for read in span.used.reads]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def groups_read(spans: list[WindowSpan]) -> Iterator[int]:
    for span in spans:
        for read in span.used.reads:
            yield from range(*read.run)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=40),
    st.integers(1, 9),
    st.integers(1, 40),
    st.integers(1, 100),
    st.sampled_from([Subset(), Subset(0, 0.3), Subset(0, 0)]),
)
def test_find_rows_workers_share_each_batch_equally(rows, world_size, batch_size, window_rows, subset):
    table, size = make_table(*rows), WindowSize(window_rows, 1 << 30, 3)
    alone = find_spans(table, 0, 1, batch_size, size, subset)
    whole = np.concatenate([np.zeros(0, np.int64), *(span.used.ids for span in alone)])
    assert sorted(whole) == table.row_ids((0, len(rows)))[subset.mask(np.arange(table.total))].tolist()
    counts = np.zeros((world_size, -(-table.total // batch_size)), int)
    positions = []
    for rank in range(world_size):
        for span in find_spans(table, rank, world_size, batch_size, size, subset):
            used = span.used
            assert whole[used.positions].tolist() == used.ids.tolist()
            assert kept_ids(table, span)[used.order].tolist() == used.ids.tolist()
            assert (np.diff(used.positions) > 0).all()
            counts[rank] += np.bincount(used.positions // batch_size, minlength=counts.shape[1])
            positions += used.positions.tolist()
    assert sorted(positions) == list(range(len(whole)))
    assert (np.ptp(counts, axis=0) <= 1).all()


@pytest.mark.parametrize(("world_size", "batch_size"), [(2, 128), (4, 128), (8, 128), (8, 1024), (16, 1024)])
def test_find_rows_worker_reads_its_part_and_a_margin(world_size, batch_size):
    """The borders between the parts are quantiles of random samples, so they move by about 1/√(batch size)."""
    table, size = make_table(*[100] * 640), WindowSize(32_000, 1 << 40, 32)
    read = [list(groups_read(find_spans(table, r, world_size, batch_size, size))) for r in range(world_size)]
    assert set().union(*read) == set(range(640)) and all(len(set(one)) == len(one) for one in read)
    shares = [len(one) / 640 for one in read]
    assert max(shares) < 1 / world_size + 3.2 / sqrt(batch_size)
    assert np.mean(shares) < 1 / world_size + 2.4 / sqrt(batch_size)


def test_find_rows_one_row_group_is_read_by_every_worker():
    spans = [find_spans(make_table(50), rank, 4, 8, WindowSize(50, 1 << 30, 4)) for rank in range(4)]
    assert [list(groups_read(one)) for one in spans] == [[0]] * 4
    assert sorted(len(one[0].used.ids) for one in spans) == [12, 12, 13, 13]  # it decodes a quarter


def test_find_rows_parts_come_from_all_over_the_dataset():
    table, size = make_table(*[10] * 320), WindowSize(3200, 1 << 40, 32)
    for rank in range(4):
        (span,) = find_spans(table, rank, 4, 320, size)
        quarters = np.bincount(span.used.ids * 4 // table.total, minlength=4)
        assert quarters.min() > 100, "200 of each would be equal shares"


def test_find_rows_in_file_order_each_worker_has_one_part():
    table, size = make_table(*[10] * 40), WindowSize(160, 1 << 40, 4)
    reads, counts = [], []
    for rank in range(3):
        spans = list(BatchOrder(0, 16, rank, 3, size).ordered_spans(table, Subset(), 0, 25))
        ids = np.concatenate([span.used.ids for span in spans])
        assert ids.tolist() == list(range(rank * 400 // 3, (rank + 1) * 400 // 3))
        assert all(span.used.order is None for span in spans)
        assert np.concatenate([kept_ids(table, span) for span in spans]).tolist() == ids.tolist()
        counts.append(len(ids))
        reads.append(len(list(groups_read(spans))))
    assert max(counts) - min(counts) <= 1
    assert sum(reads) == 40 + 2  # the row groups at the two borders are read twice


@pytest.mark.parametrize(("size", "runs"), [(GROUP_BYTES, [(0, 1), (2, 3)]), (GROUP_BYTES // 2, [(0, 3)])])
def test_find_rows_row_groups_without_a_row_of_the_subset_are_not_read(size, runs):
    """A small one between two others is read: another request would cost more."""
    table, keep = RowGroups(np.zeros(4, np.int64), np.arange(4), np.full(4, 5), np.full(4, size)), np.zeros(20, bool)
    keep[[1, 2, 13]] = True
    order = BatchOrder(0, 4, 0, 1, WindowSize(400, 1 << 30, 1))
    (span,) = order.ordered_spans(table, Subset(keep=keep), 0, 1)
    assert [read.run for read in span.used.reads] == runs
    assert span.used.ids.tolist() == kept_ids(table, span).tolist() == [1, 2, 13]


def test_find_rows_one_worker_reads_whole_runs():
    table, size = make_table(*[10] * 40), WindowSize(160, 1 << 40, 4)
    for span in find_spans(table, 0, 1, 16, size):
        assert tuple(read.run for read in span.used.reads) == span.window.runs
        assert all(read.mask.all() for read in span.used.reads)
        assert span.used.order.tolist() == span.window.permutation().tolist()
