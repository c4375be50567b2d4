"""The queue of events: each visitor has a share of it, and the one who has the fewest running is next."""

import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from ui.server.bodies import BODY
from ui.server.gradio_compat import Event, Queue, drop_session, sessions_with_state
from ui.server.sessions import SessionOwners
from ui.server.shares import Shares
from ui.server.visitors import visitor_of

MAX_HELD_MB = 64  # bodies of the events that wait or run; as Python's objects they take up to eight times as much
ANSWER_TTL_S = 120  # that an answer is kept for a client that does not fetch it
MAX_SESSION_CHARS = 64  # the page uses 11 letters, Gradio's clients 36


@dataclass
class _Held:
    """An event from when it is accepted until its answer is fetched."""

    visitor: str
    session: str
    kilobytes: int
    finished: float | None = None


class FairQueue(Queue):
    """Gradio's queue with shares.

    An event counts until its answer is fetched, so that answers which nobody fetches are bounded, too. Gradio has no
    method for what happens at an event's end; it is looked up whenever another event comes.
    """

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, *args: Any, max_held_mb: int = MAX_HELD_MB, **kwargs: Any) -> None:
        """Start empty; the other arguments are Gradio's.

        Args:
            max_held_mb: of the bodies of the events that wait or run.
        """
        super().__init__(*args, **kwargs)
        self._events = Shares(self.max_size or 256)
        self._kilobytes = Shares(max_held_mb * 1000)
        self._held: dict[str, _Held] = {}
        self._owners = SessionOwners()

    async def push(self, body: Any, request: Request, username: str | None) -> tuple[bool, Any, Any]:
        """Accept an event, unless its visitor's share is full."""
        self._let_go()
        if body.session_hash is not None and len(body.session_hash) > MAX_SESSION_CHARS:
            return False, "The session's name is too long.", "error"
        visitor = visitor_of(request)
        received = request.scope.get(BODY)
        kilobytes = 1 + (received.received_bytes // 1000 if received else 0)
        if not self._events.take(visitor):
            return False, "The queue is full.", "queue_full"
        if not self._kilobytes.take(visitor, kilobytes):
            self._events.release(visitor)
            return False, "The queue is full.", "queue_full"
        accepted, event_id, state = False, None, None
        try:
            accepted, event_id, state = await super().push(body, request, username)
        finally:
            if accepted:
                self._held[str(event_id)] = _Held(visitor, body.session_hash, kilobytes)
                self._owners.note(body.session_hash, visitor)
                self._bound_states()
            else:
                self._release(visitor, kilobytes)
        return accepted, event_id, state

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Return what runs next: the oldest event of the visitor who has the fewest running.

        Of what runs at once, too, a visitor gets at most as many places as are then left for all others. No function of
        the page takes several events together.
        """
        active = [(event.concurrency_id, visitor_of(event.request)) for job in self.active_jobs if job for event in job]
        running = Counter(visitor for _, visitor in active)
        names = list(self.event_queue_per_concurrency_id)
        random.shuffle(names)  # so that none of them waits for another
        for name in names:
            queue = self.event_queue_per_concurrency_id[name]
            limit = queue.concurrency_limit
            left = math.inf if limit is None else limit - queue.current_concurrency - 1
            # Who has none running may always start one, where a place is left.
            here = Counter(visitor for other, visitor in active if other == name)
            may_run = [event for event in queue.queue if here[visitor_of(event.request)] <= max(0, left - 1)]
            if left >= 0 and may_run:
                first = min(may_run, key=lambda event: running[visitor_of(event.request)])
                queue.queue.remove(first)
                self._bound_states()
                return [first], False, name
        return None

    def _let_go(self) -> None:
        """Release the places of fetched answers, and drop those that were not fetched in time."""
        now = self.clock()
        for event_id, held in list(self._held.items()):
            waiting = self.pending_event_ids_session.get(held.session, set())
            if event_id in waiting:
                if event_id in self.event_ids_to_events:
                    continue  # it waits or runs
                if held.finished is None:
                    held.finished = now
                    self._kilobytes.release(held.visitor, held.kilobytes)
                    held.kilobytes = 0
                if now - held.finished < ANSWER_TTL_S:
                    continue
                waiting.discard(event_id)
            if not waiting and not any(one.session_hash == held.session for one in self.event_ids_to_events.values()):
                self.pending_event_ids_session.pop(held.session, None)
                self.pending_messages_per_session.pop(held.session, None)
            del self._held[event_id]
            self._release(held.visitor, held.kilobytes)
            if held.session == event_id:  # of a call by a program; nobody comes back to it
                drop_session(self.blocks, held.session)

    def _bound_states(self) -> None:
        """Drop states above their number. Gradio makes one when an event is accepted, and again when it runs."""
        with_state = sessions_with_state(self.blocks)
        for session in self._owners.surplus(with_state):
            drop_session(self.blocks, session)
        self._owners.forget_others({*with_state, *(held.session for held in self._held.values())})

    def _release(self, visitor: str, kilobytes: int) -> None:
        self._events.release(visitor)
        if kilobytes:
            self._kilobytes.release(visitor, kilobytes)
