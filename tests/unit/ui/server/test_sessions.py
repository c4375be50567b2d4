"""Whose state goes when there are too many."""

import pytest

from ui.server.sessions import SessionOwners


def dropped(capacity: int, sessions: dict[str, str]) -> list[str]:
    """Return what is dropped of session -> visitor, the one that was used longest ago first."""
    owners = SessionOwners(capacity)
    for session, visitor in sessions.items():
        owners.note(session, visitor)
    return list(owners.surplus(list(sessions)))


def test_surplus_is_of_the_visitor_with_the_most():
    sessions = {"honest": "a", **{f"greedy {number}": "b" for number in range(4)}, "other": "c"}
    assert dropped(3, sessions) == ["greedy 0", "greedy 1", "greedy 2"]


def test_surplus_of_visitors_with_as_many_is_the_oldest():
    assert dropped(3, dict(zip("12345", "abcde", strict=True))) == ["1", "2"]


@pytest.mark.parametrize("number", [0, 1, 4])
def test_surplus_one_visitor_may_have_all_there_are(number):
    assert dropped(4, {str(session): "a" for session in range(number)}) == []


def test_forget_others_bounds_what_is_known():
    owners = SessionOwners(2)
    for number in range(1000):
        owners.note(str(number), "a")
        owners.forget_others(["0"])
    assert len(owners._visitors) <= 4 and "0" in owners._visitors
