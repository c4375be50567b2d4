"""Which rows each batch and each worker gets."""

import re

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.data.batch_order import BatchOrder, WindowSize
from training.data.order import RowGroups
from training.data.subset import Subset
from training.stream import HubStream

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})
TABLE = RowGroups(np.zeros(10, np.int64), np.arange(10), np.full(10, 5), np.full(10, 500))  # 50 rows
SIZE = WindowSize(rows=12, bytes=1 << 20, runs=2)


def make_order(batch_size: int = 7, rank: int = 0, world_size: int = 1) -> BatchOrder:
    return BatchOrder(0, batch_size, rank, world_size, SIZE)


def test_shuffled_spans_follow_one_another_over_all_rows():
    spans = list(make_order().shuffled_spans(TABLE, Subset(), 0, 0, 8))
    assert np.concatenate([span.used.positions for span in spans]).tolist() == list(range(50))
    assert [span.used.positions[-1] + 1 for span in spans] == [span.end_row for span in spans]
    assert [span.first_batch for span in spans] == [0] + [None] * (len(spans) - 1)


def test_shuffled_spans_of_some_batches_are_those_that_hold_their_rows():
    whole = list(make_order().shuffled_spans(TABLE, Subset(), 0, 0, 8))
    some = list(make_order().shuffled_spans(TABLE, Subset(), 0, 3, 4))  # the rows 21 … 27
    needed = [span for span in whole if span.used.positions[0] < 28 and span.end_row > 21]
    assert [span.window for span in some] == [span.window for span in needed]
    assert some[0].first_batch == 3


def test_ordered_spans_visit_rows_in_file_order():
    spans = make_order().ordered_spans(TABLE, Subset(), 0, 8)
    assert np.concatenate([span.used.ids for span in spans]).tolist() == list(range(50))


def test_shuffled_spans_negative_epoch_is_refused():
    with pytest.raises(TrazoError, match="count from 0, there is none of number -1"):
        next(make_order().shuffled_spans(TABLE, Subset(), -1, 0, 8))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-1, 8, 0, 1), "the seed is not negative"),
        ((0, 8.0, 0, 1), "whole numbers"),
        ((0, 0, 0, 1), "batch_size 0, rank 0 of world_size 1 do not fit together"),
        ((0, 8, 2, 2), "rank 2 of world_size 2 do not fit together"),
    ],
)
def test_batch_order_impossible_values_are_refused(values, message):
    with pytest.raises(TrazoError, match=message):
        BatchOrder(*values, SIZE)


def test_window_size_bounded_holds_at_least_a_row():
    assert WindowSize(100, 1000, 4).bounded(50).rows == 20
    assert WindowSize(10, 1000, 4).bounded(50).rows == 10
    assert WindowSize(100, 1000, 4).bounded(5000).rows == 1
    with pytest.raises(TrazoError, match="at least 1"):
        WindowSize(0, 1000, 4)


@pytest.mark.parametrize(
    ("rows", "size", "found"),
    [
        ([5] * 10, 500, None),
        ([50], 500, None),  # there is nothing to mix it with
        ([50, 1], 500, "row groups of up to 50 rows, more than the 12 of a window"),
        (
            [5] * 10,
            3_000_000_000,
            "row groups, read whole, of up to 3,000 MB, and memory holds about 3 times .*; groups of",
        ),
        ([5], 2_000_000, "row groups, read whole, of up to 2 MB, and memory holds about 3 times as much"),
        ([1], 2_000_000, "an image of 2 MB, and memory holds about 3 times as much$"),
    ],
)
def test_find_large_groups_says_what_they_cost(rows, size, found):
    numbers = np.arange(len(rows))
    table = RowGroups(numbers * 0, numbers, np.array(rows), np.full(len(rows), size))
    problem = SIZE.find_large_groups(table)
    assert problem is None if found is None else re.match(found, problem)


def test_stream_of_large_row_groups_warns(tmp_path, caplog):
    folder = write_dataset(tmp_path, CLASSES, [{"image": random_images(9), "label": [0, 1, 0] * 3}], rows_per_group=9)
    for _ in range(2):
        HubStream(folder, window_bytes=1000)
    assert caplog.text.count("has row groups, read whole, of up to 0 MB") == 1
