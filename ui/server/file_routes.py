"""Routes that read or write files: none leads to another server, and uploads keep to the quota of `temp_files`."""

import re

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.i18n import UserError, language_of
from ui.server.error_log import log_error
from ui.server.temp_files import TEMP_FILES, StorageFullError, is_disk_full
from ui.server.visitors import visitor_of

# `file=` with an address has the server fetch anything for anyone, without limits. A drive of Windows has one letter.
REMOTE_FILE = re.compile(r"/(?:file[=/]\s*(?:[a-z][a-z0-9+.-]+:|[/\\]{2})|proxy=)", re.IGNORECASE)
# Each part of a form becomes a file in a separate folder; so does a file in an MCP call.
DISK_ROUTES = re.compile(r"/gradio_api/(?:upload|mcp)(?:/.*)?")
PART = b"\r\n--"


class FileRoutesMiddleware:
    """ASGI middleware: 404 for files of other servers, 507 if the quota is used up or the disk is full."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif REMOTE_FILE.search(scope["path"]):
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
        elif scope["method"] == "POST" and DISK_ROUTES.search(scope["path"]):
            await self._store(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _store(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, started = Request(scope), False
        tail = b""  # in which the mark of a part may begin

        async def send_noting(event: Message) -> None:
            nonlocal started
            started = True
            await send(event)

        async def receive_counted() -> Message:
            nonlocal tail
            event = await receive()
            body = event.get("body", b"")
            try:
                add(len(body), 2 * (tail + body).count(PART))
            except StorageFullError as error:
                raise HTTPException(507, error.text(language_of(request))) from None
            tail = (tail + body)[-len(PART) + 1 :]
            return event

        try:
            with TEMP_FILES.writing(files=2, visitor=visitor_of(request)) as add:
                await self._app(scope, receive_counted, send_noting)
        except Exception as error:
            if started or not (isinstance(error, StorageFullError) or is_disk_full(error)):
                raise
            message = error if isinstance(error, StorageFullError) else UserError("disk_full")
            if message is not error:
                log_error(error)
            await JSONResponse({"detail": message.text(language_of(request))}, 507)(scope, receive, send)
