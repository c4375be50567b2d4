"""What every HTTP answer of the demo has in common, for Gradio's `app_kwargs`."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # The Hub shows a Space in a frame of its page; others could lay a frame over theirs and have people click into it.
    "Content-Security-Policy": "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co "
    "https://*.hf.space",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class Headers:
    """ASGI middleware that adds `HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with if scope["type"] == "http" else send)


async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
    """Say what is wrong with a body. FastAPI repeats the body too, and fails where that holds NaN or infinity."""
    wrong = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return JSONResponse({"detail": wrong}, 422)


OPTIONS: dict[str, Any] = {
    "middleware": [Middleware(Headers)],
    "exception_handlers": {RequestValidationError: refuse},
}
