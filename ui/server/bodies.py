"""Request bodies: how large, how slow, and of how many parts they may be."""

import asyncio
import time
from collections.abc import Callable

from fastapi import HTTPException
from python_multipart.multipart import parse_options_header
from starlette.types import Message, Receive

from ui.i18n import DEFAULT, Language, translate

BODY = "trazo.body"  # key of a request's scope
SILENCE_TIMEOUT_S = 15  # without a byte
MIN_BYTES_PER_S = 20_000  # on average, after the time above
MAX_PARTS = 1  # of a form; an image is one
MAX_VALUES = 10_000  # of JSON; the largest kernel has 961. A million small ones would take a second of a core


class LimitedBody:
    """A request's body: an ASGI `receive` that raises an `HTTPException` when a limit is passed.

    Attributes:
        received_bytes: so far.
    """

    def __init__(
        self,
        receive: Receive,
        max_mb: int,
        content_type: str = "",
        language: Language = DEFAULT,
        rewrite: Callable[[bytes], bytes] | None = None,
        *,
        silence_timeout_s: float = SILENCE_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap `receive`.

        Args:
            receive: of the request.
            max_mb: of the whole body.
            content_type: the parts of a `multipart/…` are counted.
            language: of the exception's text.
            rewrite: changes the body, JSON whose values are counted, which is then given whole.
            silence_timeout_s: time without a byte.
            clock: returns seconds.
        """
        self.received_bytes = 0
        self._receive, self._max_mb, self._silence_timeout_s = receive, max_mb, silence_timeout_s
        self._language, self._rewrite = language, rewrite
        self._clock, self._start, self._ended = clock, clock(), False
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"") if kind.startswith(b"multipart/") else b""
        self._delimiter = b"\r\n--" + boundary if boundary else b""
        self._values = self._delimiters = 0
        self._tail = b"\r\n"  # the first delimiter may be the body's first line

    async def __call__(self) -> Message:
        """Return the next event."""
        if self._ended:  # what comes next is that the client leaves
            return await self._receive()
        event = await self._next()
        if self._rewrite is None or event["type"] != "http.request":
            return event
        chunks = [event.get("body", b"")]
        while not self._ended:
            event = await self._next()
            chunks.append(event.get("body", b""))
        if event["type"] != "http.request":  # the client has left
            return event
        return {"type": "http.request", "body": self._rewrite(b"".join(chunks)), "more_body": False}

    async def _next(self) -> Message:
        allowed_s = self._silence_timeout_s + self.received_bytes / MIN_BYTES_PER_S
        left_s = self._start + allowed_s - self._clock()
        try:
            async with asyncio.timeout(min(self._silence_timeout_s, max(0, left_s))):
                event = await self._receive()
        except TimeoutError:
            raise self._error(408, "too_slow") from None
        self._ended = event["type"] != "http.request" or not event.get("more_body", False)
        self._count(event.get("body", b""))
        return event

    def _count(self, chunk: bytes) -> None:
        self.received_bytes += len(chunk)
        if self.received_bytes > self._max_mb * 1_000_000:
            raise self._error(413, "too_much")
        if self._rewrite:
            self._values += sum(map(chunk.count, (b",", b"[", b"{")))  # those in texts, too, of which no input has many
            if self._values > MAX_VALUES:
                raise self._error(413, "too_many_values", MAX_VALUES)
        if self._delimiter:
            seen = self._tail + chunk
            self._delimiters += seen.count(self._delimiter)
            self._tail = seen[-(len(self._delimiter) - 1) :]
            if self._delimiters > MAX_PARTS + 1:  # the last one ends the form
                raise self._error(413, "too_many_parts")

    def _error(self, status: int, key: str, limit: int | None = None) -> HTTPException:
        return HTTPException(status, translate(key, self._language, limit=limit or self._max_mb))
