"""Rules for all of the demo's HTTP traffic, passed to Gradio as `app_kwargs`."""

from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.i18n import language_of, translate
from ui.server.error_log import log_error
from ui.server.fetch import MAX_FILE_MB
from ui.server.file_routes import FileRoutesMiddleware

HEADERS = {
    # The Hub shows a Space in a frame of its page. Other sites must not, or they could trick visitors into clicks.
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co "
    "https://*.hf.space",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
# Gradio's routes that the page does not use, and with which anyone could fill memory or disk, or start ffmpeg.
CLOSED_ROUTES = ("component_server", "deep_link", "process_recording")
# An upload goes to disk as it arrives; its form adds some bytes to the file. Other bodies stay in memory, also in the
# queue, and the largest that the page sends is a drawing. An MCP call contains its files as base64, a third longer.
MAX_UPLOAD_BODY_MB = MAX_FILE_MB + 1
MAX_CALL_BODY_MB = 4
MAX_MCP_BODY_MB = 4 * MAX_FILE_MB // 3 + 1


class GuardMiddleware:
    """ASGI middleware: security headers, closed routes, limited bodies, and no tracebacks in responses."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, started, received_bytes = Request(scope), False, 0
        limit_mb = _max_body_mb(request)

        async def send_with_headers(event: Message) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=event).update(HEADERS)
            await send(event)

        async def receive_limited() -> Message:
            nonlocal received_bytes
            event = await receive()
            received_bytes += len(event.get("body", b""))
            if received_bytes > limit_mb * 1_000_000:
                raise HTTPException(413, translate("too_much", language_of(request), limit=limit_mb))
            return event

        if scope["path"].rstrip("/").endswith(CLOSED_ROUTES):
            await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive_limited, send_with_headers)
        except Exception as error:  # Gradio's routes fail in many ways on names and ids that do not exist
            log_error(error)
            if started:
                await send({"type": "http.response.body"})
            else:
                status = 500 if isinstance(error, OSError) else 400  # the disk's fault, or the request's
                await error_response(request, "failed", status)(scope, receive, send_with_headers)


def _max_body_mb(request: Request) -> int:
    if request.headers.get("content-type", "").startswith("multipart/"):
        return MAX_UPLOAD_BODY_MB
    return MAX_MCP_BODY_MB if "/gradio_api/mcp" in request.scope["path"] else MAX_CALL_BODY_MB


def error_response(request: Request, key: str, status: int) -> JSONResponse:
    """Return a text of `SERVER_TEXT` in the request's language, in the field that Gradio's page displays."""
    return JSONResponse({"detail": translate(key, language_of(request))}, status)


async def handle_full_queue(request: Request, _: Exception) -> JSONResponse:
    """Report that the queue is full. For status 503 Gradio's page would show its own text, in English."""
    return error_response(request, "busy", 429)


async def handle_invalid_body(_: Request, error: RequestValidationError) -> JSONResponse:
    """Report what is wrong with a body. FastAPI would repeat the body, and fails if that contains NaN or infinity."""
    details = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return JSONResponse({"detail": details}, 422)


APP_KWARGS: dict[str, Any] = {
    "middleware": [Middleware(GuardMiddleware), Middleware(FileRoutesMiddleware)],
    "exception_handlers": {RequestValidationError: handle_invalid_body, 503: handle_full_queue},
}
