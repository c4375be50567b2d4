"""Faults of a network: each request can be made to fail as the tests want it."""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class Fault:
    """How one request fails. Several fields may be set; a `Fault()` changes nothing.

    `stall` is in seconds: silence before the answer, or with `cut` before the connection closes.
    `cut` lets that many bytes of the body through, under the Content-Length of the whole.
    """

    status: int | None = None  # returned instead of the real one, such as 503
    location: str | None = None  # where a redirecting status leads
    reset: bool = False  # TCP reset before anything is answered
    cut: int | None = None
    stall: float = 0


FaultPolicy = Callable[[str, str, Mapping[str, str]], Fault | None]  # method, path, headers (lower-case names)


@dataclass
class LoggedRequest:
    """One request; `status` is 0 until answered, `sent` counts the bytes of the body given to the network."""

    method: str
    path: str
    range: str | None
    status: int = 0
    sent: int = 0


class FaultyApp:
    """An ASGI application that logs the requests to another one and makes some of them fail."""

    def __init__(self, app: ASGIApp, log: list[LoggedRequest], get_policy: Callable[[], FaultPolicy | None]) -> None:
        self._app, self._log, self._get_policy = app, log, get_policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request, and let the fault happen or call the application."""
        # The clients quote a slash inside a revision or folder as %2F, which must not split the route.
        path = unquote(re.sub("%2f", "%252F", scope["raw_path"].decode(), flags=re.IGNORECASE))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = LoggedRequest(scope["method"], path, headers.get("range"))
        self._log.append(request)
        policy = self._get_policy()
        fault = (policy and policy(request.method, path, headers)) or Fault()
        transport: asyncio.Transport = scope["state"]["transport"]
        hung_up = False

        async def faulty_send(message: Message) -> None:
            nonlocal hung_up
            if hung_up:
                return
            if message["type"] == "http.response.start":
                request.status = message["status"]
            elif request.method != "HEAD":
                left = len(message["body"]) if fault.cut is None else fault.cut - request.sent
                hung_up = len(message["body"]) > left
                request.sent += min(left, len(message["body"]))
                message = message | {"body": message["body"][:left]} | ({"more_body": True} if hung_up else {})
            await send(message)
            if hung_up:
                await asyncio.sleep(fault.stall)
                transport.close()

        if fault.cut is None:
            await asyncio.sleep(fault.stall)
        if fault.reset:
            # With a zero linger time the kernel sends RST instead of FIN.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            hung_up = True
        elif fault.status is not None:
            headers = {"Location": fault.location} if fault.location else None
            await JSONResponse({"error": "injected fault"}, fault.status, headers)(scope, receive, faulty_send)
        else:
            await self._app(scope | {"path": path}, receive, faulty_send)
        # uvicorn reports an unfinished response as an error unless the connection is already gone.
        while hung_up and (await receive())["type"] != "http.disconnect":
            pass


class Connection(H11Protocol):
    """uvicorn's connection, which hands its transport to the application so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # Not the default for a socket made by hand; without it each answer waits 40 ms for an acknowledgment.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {"transport": transport}
