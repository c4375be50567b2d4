"""Connections: how many there are, how many one visitor has, and how long one may do nothing.

Gradio starts uvicorn, which has no limit of connections and waits forever for a request, or for a client that does not
read its answer.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn import Server

from ui.server.shares import Shares
from ui.server.uvicorn_compat import H11Protocol, server_settings
from ui.server.visitors import visitor_at

REQUEST_TIMEOUT_S = 15  # for the head of a request, from the connection's start or the last answer's end
WRITE_TIMEOUT_S = 30  # for a client that does not read
CLOSE_TIMEOUT_S = 5  # for what is left to be sent
MAX_CONNECTIONS = 1024
MIN_CONNECTIONS = 16  # a browser opens six
ACCEPTED_AT_ONCE = 16  # by one turn of the event loop
TURNS_TO_REFUSE = 4  # from accepting a connection until its socket is closed again
MAX_WAITING = 1024  # connections that are not yet accepted; they hold no descriptor of this process
RESERVED_DESCRIPTORS = 64 + TURNS_TO_REFUSE * ACCEPTED_AT_ONCE  # the process's own files, pipes and sockets
DESCRIPTORS_PER_CONNECTION = 2  # its socket, and the file that it sends or receives
_REFUSAL = b'{"detail": "Too many connections from your address: close some, then try again."}'
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
)


def max_connections(max_descriptors: int) -> int:
    """Return how many connections there may be with a number of descriptors (`ulimit -n`)."""
    affordable = (max_descriptors - RESERVED_DESCRIPTORS) // DESCRIPTORS_PER_CONNECTION
    return max(MIN_CONNECTIONS, min(affordable, MAX_CONNECTIONS))


@dataclass(frozen=True)
class ConnectionLimits:
    """What all connections share.

    Attributes:
        places: one for each connection.
        is_proxy: whether an address is that of a trusted proxy, whose connections are those of many visitors.
    """

    places: Shares
    is_proxy: Callable[[str], bool]
    request_timeout_s: float = REQUEST_TIMEOUT_S
    write_timeout_s: float = WRITE_TIMEOUT_S
    close_timeout_s: float = CLOSE_TIMEOUT_S


def limited_connections(capacity: int, is_proxy: Callable[[str], bool]) -> AbstractContextManager[None]:
    """Return a context manager: the server that is started in its block limits its connections.

    Args:
        capacity: how many there may be.
        is_proxy: see `ConnectionLimits`.
    """
    limits = ConnectionLimits(Shares(capacity), is_proxy)
    return server_settings(http=partial(LimitedProtocol, limits=limits), backlog=ACCEPTED_AT_ONCE)


def lengthen_queue(server: Server) -> None:
    """Let more connections wait than are accepted at once; asyncio has one number for both.

    Args:
        server: one that runs.
    """
    for listener in (listener for each in server.servers for listener in each.sockets):
        with listener.dup() as copy:  # of the descriptor: the queue is the same
            copy.listen(MAX_WAITING)


class LimitedProtocol(H11Protocol):
    """A connection that is refused above its visitor's share, and ended when its client does nothing."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        """Prepare for a connection."""
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._place_of: str | None = None
        self._request_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, or refuse the connection."""
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        visitor = visitor_at(host)
        if self._limits.places.take(visitor, limited=not self._limits.is_proxy(host)):
            self._place_of = visitor
            self._wait_for_request()
        else:
            transport.write(REFUSAL)
            self._close()

    def data_received(self, data: bytes) -> None:
        """Handle a request; what a client still sends once its connection closes is dropped."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._request_timer and self._is_answering():
            self._request_timer.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request. What is left of this one's body counts as nothing."""
        super().on_response_complete()
        if not self._is_answering():
            self._wait_for_request()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue: the client has read."""
        super().resume_writing()
        if self._write_timer:
            self._write_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        super().connection_lost(exc)
        for timer in (self._request_timer, self._write_timer):
            if timer:
                timer.cancel()
        if self._place_of is not None:
            self._limits.places.release(self._place_of)
            self._place_of = None

    def _should_upgrade(self) -> bool:
        """Return False: a WebSocket would have no limits, and nothing here speaks it. Nor is it logged each time."""
        return False

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_request(self) -> None:
        if self._request_timer:
            self._request_timer.cancel()
        self._request_timer = self.loop.call_later(self._limits.request_timeout_s, self._close)

    def _close(self) -> None:
        self.transport.close()
        self._request_timer = self.loop.call_later(self._limits.close_timeout_s, self.transport.abort)
