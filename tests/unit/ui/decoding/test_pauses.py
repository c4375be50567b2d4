"""Who sends images that are refused waits before the next one; others do not."""

import pytest

from ui.decoding.pauses import MAX_PAUSE_S, MAX_VISITORS, PAUSE_S, Pauses


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def pauses(time) -> Pauses:
    return Pauses(time.sleep, lambda: time.now)


def test_pause_follows_a_refused_image_of_that_visitor_alone(pauses, time):
    pauses.add("one")
    pauses.wait("other")
    assert time.now == 100
    pauses.wait("one")
    assert time.now == pytest.approx(100 + PAUSE_S)
    pauses.wait("one")
    assert time.now == pytest.approx(100 + PAUSE_S)


def test_pause_grows_with_refused_images_up_to_its_limit(pauses, time):
    for _ in range(3):
        pauses.add("one")
    pauses.wait("one")
    assert time.now == pytest.approx(100 + 3 * PAUSE_S)
    for _ in range(100):
        pauses.add("one")
    pauses.wait("one")
    assert time.now == pytest.approx(100 + 3 * PAUSE_S + MAX_PAUSE_S)


def test_pause_of_nobody_is_none(pauses, time):
    pauses.add("")
    pauses.wait("")
    assert time.now == 100


def test_pauses_remember_a_limited_number_of_visitors(pauses, time):
    for number in range(MAX_VISITORS + 1):
        pauses.add(str(number))
    pauses.wait("0")  # the first was forgotten
    assert time.now == 100
    pauses.wait(str(MAX_VISITORS))
    assert time.now == pytest.approx(100 + PAUSE_S)
