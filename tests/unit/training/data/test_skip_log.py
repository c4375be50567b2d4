"""Rows that could not be used are reported once, by id and reason."""

import pytest

from model.errors import StreamError, TrazoError
from training.data.skip_log import SkipLog


def test_take_summary_names_new_rows_once_in_order():
    log = SkipLog()
    log.add(7, "no label", "cats", "train")
    log.add(2, "no image", "cats", "train")
    assert log.take_summary("train") == "skipped 2 rows of train: 2 (no image), 7 (no label)"
    assert log.take_summary("train") == ""
    log.add(7, "no label", "cats", "train")
    log.add(9, "no label", "cats", "train")
    assert log.take_summary("train") == "skipped 1 row of train: 9 (no label)"
    assert log.rows == {2: "no image", 7: "no label", 9: "no label"}


def test_take_summary_many_rows_are_counted_and_ten_named():
    log = SkipLog()
    for row in range(30):
        log.add(row, "no label", "cats", "train")
    summary = log.take_summary("train")
    assert summary.startswith("skipped 30 rows of train: 0 (no label)") and summary.count("no label") == 10
    assert summary.endswith(" …")


def test_add_with_raise_stops_at_the_first_row():
    with pytest.raises(StreamError, match="^row 7 of 'cats', split 'train': no label$"):
        SkipLog("raise").add(7, "no label", "cats", "train")


def test_skip_log_unknown_value_is_refused():
    with pytest.raises(TrazoError, match="skip or raise, not 'ignore'"):
        SkipLog("ignore")
