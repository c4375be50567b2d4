"""A pause for who sends images that are refused: a program that sends them without end would slow the page down."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

PAUSE_S = 0.25  # per refused image
MAX_PAUSE_S = 2.0  # others may share the address: they, too, wait no longer
MAX_VISITORS = 1000  # that are remembered


class Pauses:
    """When each visitor may send the next image."""

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start without any pause.

        Args:
            sleep: waits for some seconds.
            clock: returns the time in seconds.
        """
        self._sleep, self._clock = sleep, clock
        self._until = OrderedDict[str, float]()  # by visitor, who was refused last at the end
        self._lock = Lock()

    def wait(self, visitor: str) -> None:
        """Wait until the visitor, if there is a name, may send an image."""
        with self._lock:
            seconds = self._until.get(visitor, 0.0) - self._clock()
        if seconds > 0:
            self._sleep(seconds)

    def add(self, visitor: str) -> None:
        """Lengthen a visitor's pause, because of a refused image; without a name there is none."""
        if not visitor:
            return
        now = self._clock()
        with self._lock:
            until = max(self._until.pop(visitor, 0.0), now) + PAUSE_S
            self._until[visitor] = min(until, now + MAX_PAUSE_S)
            if len(self._until) > MAX_VISITORS:
                self._until.popitem(last=False)
