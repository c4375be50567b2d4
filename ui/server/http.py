"""What all of the demo's HTTP has in common, for Gradio's `app_kwargs`."""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from ui.i18n import language_of, translate
from ui.server.error_log import log
from ui.server.fetch import LARGEST

HEADERS = {
    # The Hub shows a Space in a frame of its page; others could lay a frame over theirs and have people click into it.
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co "
    "https://*.hf.space",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
# Routes of Gradio that the page does not use, and with which strangers could fill memory or disk, or start ffmpeg.
CLOSED = ("component_server", "deep_link", "process_recording")
# Megabytes of a body. An upload, written to disk as it comes, has some words around the file; all else is held in
# memory, in the queue too, and is a drawing at most. MCP has files within its calls, a third longer as text.
UPLOAD, CALL, MCP_CALL = LARGEST + 1, 4, 4 * LARGEST // 3 + 1


class Guard:
    """ASGI middleware: `HEADERS` for every answer, 404 for `CLOSED`, bodies of bounded size, no trace of what fails."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, started, taken = Request(scope), False, 0
        path, kind = scope["path"], request.headers.get("content-type", "")
        most = UPLOAD if kind.startswith("multipart/") else MCP_CALL if "/gradio_api/mcp" in path else CALL

        async def send_with(event: Event) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=event).update(HEADERS)
            await send(event)

        async def receive_some() -> Event:
            nonlocal taken
            event = await receive()
            taken += len(event.get("body", b""))
            if taken > most * 1_000_000:
                raise HTTPException(413, translate("too_much", language_of(request), limit=most))
            return event

        if path.rstrip("/").endswith(CLOSED):
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send_with)
            return
        try:
            await self._app(scope, receive_some, send_with)
        except Exception as error:  # Gradio's routes trip over names and ids that do not exist
            log(error)
            if started:
                await send({"type": "http.response.body"})
            else:
                status = 500 if isinstance(error, OSError) else 400  # the disk's fault, or the request's
                await told(request, "failed", status)(scope, receive, send_with)


def told(request: Request, key: str, status: int) -> JSONResponse:
    """Return a text of `SERVER_TEXT` in the request's language, where Gradio's page looks for what to show."""
    return JSONResponse({"detail": translate(key, language_of(request))}, status)


async def busy(request: Request, _: Exception) -> JSONResponse:
    """Say that the queue is full. For 503, Gradio's page would show a text of its own, in English."""
    return told(request, "busy", 429)


async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
    """Say what is wrong with a body. FastAPI repeats the body too, and fails where that holds NaN or infinity."""
    wrong = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return JSONResponse({"detail": wrong}, 422)


OPTIONS: dict[str, Any] = {
    "middleware": [Middleware(Guard)],
    "exception_handlers": {RequestValidationError: refuse, 503: busy},
}
