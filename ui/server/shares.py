"""A fair share of something limited, such as connections, for each visitor."""

import asyncio
from collections import Counter
from weakref import WeakValueDictionary


class Shares:
    """Places of which a visitor gets at most as many as are then left for all others.

    One visitor alone gets half of the places, so that a school behind one address has many, and another visitor always
    finds some. All calls come from one thread.

    Example:
        >>> places = Shares(4)
        >>> [places.take("a"), places.take("a"), places.take("a"), places.take("b")]
        [True, True, False, True]
    """

    def __init__(self, capacity: int) -> None:
        """Start with all places free."""
        self._free, self._taken = capacity, Counter[str]()

    def take(self, visitor: str, amount: int = 1, *, limited: bool = True) -> bool:
        """Take places; return whether the visitor's share has room, or all that is left if it is not limited."""
        left = self._free - amount
        if left < (self._taken[visitor] + amount if limited else 0):
            return False
        self._free = left
        self._taken[visitor] += amount
        return True

    def release(self, visitor: str, amount: int = 1) -> None:
        """Give places back."""
        self._free += amount
        self._taken[visitor] -= amount
        if self._taken[visitor] <= 0:
            del self._taken[visitor]


class VisitorSemaphores:
    """A few things at a time for each visitor; more of the same visitor wait, those of others do not."""

    def __init__(self, at_once: int) -> None:
        """Let each visitor do so many at once."""
        self._at_once = at_once
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # only of those who use theirs

    def of(self, visitor: str) -> asyncio.Semaphore:
        """Return a context manager that waits until a visitor may start."""
        return self._of.setdefault(visitor, asyncio.Semaphore(self._at_once))
