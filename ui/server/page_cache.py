"""The page as it was sent last: it is the same for all visitors, and making it takes 20 ms of a core."""

import gzip
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Send

from ui.server.access import FORWARDED

TTL_S = 10.0
MAX_PAGES = 8  # of different addresses, at which visitors reach the demo
Key = tuple[object, ...]


class SentPage:
    """An answer, plain and compressed."""

    def __init__(self, headers: Headers, body: bytes, made: float) -> None:
        """Compress the body."""
        self.made = made
        self._bodies = {"": body, "gzip": gzip.compress(body, 6, mtime=0)}
        self._headers = {name: value for name, value in headers.items() if name != "content-length"}

    async def send(self, request: Request, send: Send) -> None:
        """Answer a request."""
        coding = "gzip" if "gzip" in request.headers.get("accept-encoding", "") else ""
        start: Message = {"type": "http.response.start", "status": 200, "headers": []}
        headers = MutableHeaders(scope=start)
        headers.update(self._headers | {"vary": "Accept-Encoding", "content-length": str(len(self._bodies[coding]))})
        if coding:
            headers["content-encoding"] = coding
        await send(start)
        await send({"type": "http.response.body", "body": self._bodies[coding]})


class PageCache:
    """The pages that were sent within the last `TTL_S` seconds, by what they depend on.

    That is the address at which the visitor reaches the demo. Which language is shown, and which parts of the page, is
    decided in the browser, and nobody logs in.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty; the clock returns seconds."""
        self._clock = clock
        self._pages: OrderedDict[Key, SentPage] = OrderedDict()  # the one that was made last at the end

    def find(self, request: Request) -> SentPage | None:
        """Return the answer to a request if it is known."""
        page = self._pages.get(_key(request))
        return page if page and self._clock() - page.made < TTL_S else None

    def recording(self, request: Request, send: Send) -> Send:
        """Return a `send` that keeps the answer to GET if it is complete and in order; one to HEAD may be empty."""
        if request.method != "GET":
            return send
        start: Message | None = None
        parts: list[bytes] = []

        async def record(event: Message) -> None:
            nonlocal start
            if event["type"] == "http.response.start":
                start = event
            else:
                parts.append(event.get("body", b""))
                if start and start["status"] == 200 and not event.get("more_body"):
                    self._keep(_key(request), SentPage(Headers(scope=start), b"".join(parts), self._clock()))
            await send(event)

        return record

    def _keep(self, key: Key, page: SentPage) -> None:
        self._pages.pop(key, None)
        self._pages[key] = page
        if len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)


def _key(request: Request) -> Key:
    scope = request.scope
    address = tuple(value for name, value in scope["headers"] if name == b"host" or name in FORWARDED)
    return scope["scheme"], scope.get("root_path", ""), scope["path"], address
