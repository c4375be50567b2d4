"""Turns that visitors have."""

import time
from queue import Queue
from threading import Event, Thread

from ui.server.turns import Turns


class Visit:
    """A thread that takes a turn, and keeps it until `leave` is set."""

    def __init__(self, turns: Turns, visitor: str, admitted: Queue) -> None:
        self.leave = Event()

        def run() -> None:
            with turns.turn_of(visitor):
                admitted.put(visitor)
                self.leave.wait(30)

        self.thread = Thread(target=run)
        self.thread.start()

    def end(self) -> None:
        self.leave.set()
        self.thread.join(30)


def enter(turns: Turns, names: str, admitted: Queue) -> list[Visit]:
    visits = []
    for name in names:
        visits.append(Visit(turns, name, admitted))
        while sum(map(len, turns._waiting.values())) + len(turns._busy) < len(visits):
            time.sleep(0.001)
    return visits


def test_turns_visitor_has_one_at_a_time_and_others_pass():
    turns, admitted = Turns(2), Queue()
    visits = enter(turns, "aaab", admitted)
    assert {admitted.get(timeout=30) for _ in range(2)} == {"a", "b"} and admitted.empty()
    visits[0].end()
    assert admitted.get(timeout=30) == "a" and admitted.empty()
    for one in visits[1:]:
        one.end()
    assert admitted.get(timeout=30) == "a" and admitted.empty()


def test_turns_go_round_however_many_one_visitor_wants():
    turns, admitted = Turns(1), Queue()
    visits = enter(turns, "aaaabcb", admitted)
    for position in (0, 1, 4, 5, 2, 6, 3):
        assert admitted.get(timeout=30) == "aaaabcb"[position]
        visits[position].end()


def test_turns_failure_frees_the_slot():
    turns = Turns(1)
    for visitor in ("a", "a", "b"):
        try:
            with turns.turn_of(visitor):
                raise ValueError
        except ValueError:
            pass
