"""Whose sessions Gradio keeps a state of: the page's controls and figures, 0.2 MB each."""

from collections import Counter
from collections.abc import Collection, Iterator

MAX_SESSIONS = 128


class SessionOwners:
    """Whose state goes when there are too many.

    Gradio drops the state that was used longest ago, so one visitor with many sessions would drop those of all others.
    Here a visitor with many loses the own ones. Who has lost one finds the controls as they are at the start.

    Example:
        >>> owners = SessionOwners(capacity=2)
        >>> for session, visitor in (("a", "x"), ("b", "y"), ("c", "y")):
        ...     owners.note(session, visitor)
        >>> list(owners.surplus(["a", "b", "c"]))
        ['b']
    """

    def __init__(self, capacity: int = MAX_SESSIONS) -> None:
        """Know nobody yet.

        Args:
            capacity: states that are kept.
        """
        self._capacity = capacity
        self._visitors: dict[str, str] = {}  # of sessions

    def note(self, session: str, visitor: str) -> None:
        """Note whose session it is."""
        self._visitors[session] = visitor

    def surplus(self, sessions: Collection[str]) -> Iterator[str]:
        """Yield the sessions whose state is to be dropped: of the visitor who has the most, the oldest first.

        Args:
            sessions: that have a state, the one that was used longest ago first.
        """
        if len(sessions) <= self._capacity:
            return
        kept = dict.fromkeys(sessions)
        while len(kept) > self._capacity:
            ((most, _),) = Counter(map(self._visitors.get, kept)).most_common(1)
            dropped = next(session for session in kept if self._visitors.get(session) == most)
            del kept[dropped]
            yield dropped

    def forget_others(self, sessions: Collection[str]) -> None:
        """Forget whose all other sessions were, once these are many."""
        if len(self._visitors) > len(sessions) + self._capacity:
            known = set(sessions)
            self._visitors = {name: visitor for name, visitor in self._visitors.items() if name in known}
