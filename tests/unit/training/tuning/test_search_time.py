"""The time of a search: it passes once, however many trials there are, and only while the search runs."""

import pytest

from training.tuning import search_time
from training.tuning.search_time import SearchTimer, passed_seconds


@pytest.fixture
def clock(tmp_path, monkeypatch) -> list[float]:
    """Make the folder of a search; return a list whose one item is the time."""
    (tmp_path / "tuner").mkdir()
    now = [1000.0]
    monkeypatch.setattr(search_time.time, "monotonic", lambda: now[0])
    return now


def test_passed_seconds_add_up_over_all_calls_without_the_time_between(tmp_path, clock):
    assert passed_seconds(tmp_path) == 0.0
    timer = SearchTimer(tmp_path)
    for _ in range(3):  # it is kept again and again
        clock[0] += 20.0
        timer.save()
    assert passed_seconds(tmp_path) == 60.0
    clock[0] += 500.0  # killed, and started again later
    timer = SearchTimer(tmp_path)
    clock[0] += 5.0
    assert timer.save() == passed_seconds(tmp_path) == 65.0


def test_search_timer_writes_nothing_by_itself(tmp_path, clock):
    """Each worker of a search has one; only the chief keeps the time."""
    SearchTimer(tmp_path)
    assert not [*(tmp_path / "tuner").iterdir()]
