"""Who comes next: some at a time, but only one of each visitor."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class Turns:
    """A fair semaphore: visitors take turns, however much one of them wants."""

    def __init__(self, slots: int) -> None:
        """Let this many have their turn at a time."""
        self._free = slots
        self._busy = set[str]()
        self._waiting = dict[str, deque[Event]]()  # by visitor, the next one first
        self._lock = Lock()

    @contextmanager
    def turn_of(self, visitor: str) -> Iterator[None]:
        """Wait for a turn of a visitor, and have it during the block.

        Args:
            visitor: who shares this name has one turn at a time.
        """
        admitted = Event()
        with self._lock:
            self._waiting.setdefault(visitor, deque()).append(admitted)
            self._admit()
        admitted.wait()
        try:
            yield
        finally:
            with self._lock:
                self._busy.remove(visitor)
                self._free += 1
                self._admit()

    def _admit(self) -> None:
        for visitor in [visitor for visitor in self._waiting if visitor not in self._busy][: self._free]:
            queue = self._waiting.pop(visitor)
            queue.popleft().set()
            if queue:
                self._waiting[visitor] = queue  # behind the others
            self._busy.add(visitor)
            self._free -= 1
