"""Rules for all of the demo's HTTP traffic, passed to Gradio as `app_kwargs`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.i18n import language_of, translate
from ui.server.access import FORWARDED, Access
from ui.server.bodies import BODY, LimitedBody
from ui.server.connections import MAX_CONNECTIONS
from ui.server.error_log import log_error
from ui.server.file_routes import FileRoutesMiddleware
from ui.server.gradio_compat import forget_upload, get_upload_folder, set_mcp_paths, set_origin_rule
from ui.server.json_rpc import check_message
from ui.server.model_pages import ModelPages, ModelPagesMiddleware
from ui.server.page_cache import PageCache
from ui.server.page_head import add_head_script
from ui.server.page_policy import page_policy
from ui.server.public_paths import PublicPaths
from ui.server.routes import Route, find_route
from ui.server.shares import Shares, VisitorSemaphores
from ui.server.uvicorn_compat import ProxyHeadersMiddleware
from ui.server.visitors import OwnRequests, visitor_of

HEADERS = {
    "Content-Security-Policy": page_policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
MAX_UPLOADS = 64  # at the same time
PAGES_AT_ONCE = 6  # pages and files that are sent to one visitor; a browser asks for six
MAX_INCOMING_KB = 128_000  # of bodies in memory, before they are in the queue
STREAM_TYPE = "text/event-stream"
TEXT_TYPES = ("text/html", "text/plain", "application/json", STREAM_TYPE)
UPLOAD_PROGRESS_TTL_S = 30  # that the progress of an upload can be asked for once it has ended


class GuardMiddleware:
    """ASGI middleware: who may ask, for what, how much, how slowly; and no tracebacks in responses."""

    def __init__(
        self, app: ASGIApp, access: Access, max_requests: int = MAX_CONNECTIONS, models: ModelPages | None = None
    ) -> None:
        """Wrap an application.

        Args:
            app: Gradio's.
            access: who may ask.
            max_requests: that are answered at the same time.
            models: the pages of other models; None for none.
        """
        self._models = models or ModelPages()
        self._app, self._access = app, access
        guard: Any = self._guard  # uvicorn's types of an application are narrower than Starlette's
        self._behind_proxy: Any = ProxyHeadersMiddleware(guard, [str(network) for network in access.proxies])
        self._requests, self._uploads = Shares(max_requests), Shares(MAX_UPLOADS)
        self._incoming = Shares(MAX_INCOMING_KB)
        self._pages = VisitorSemaphores(PAGES_AT_ONCE)
        self._page_cache = PageCache()
        self._own_requests = OwnRequests()
        self._paths, self._frames = PublicPaths(get_upload_folder()), sorted(access.names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request: first of all, find out whose it is."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        if not self._access.is_proxy((scope.get("client") or ("",))[0]):
            # Gradio would take the address in them for the page's own.
            scope["headers"] = [one for one in scope["headers"] if one[0] not in FORWARDED]
        await self._behind_proxy(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._own_requests.reveal(scope)
        request, route = Request(scope), find_route(scope)
        is_page, query = route is not None and route.is_page, scope["query_string"]
        if is_page:
            scope["query_string"] = b""  # the browser's part reads it; Gradio's would make other pages of it
        sent = self._page_cache.recording(request, send) if is_page else send
        answer = _Answer(sent, self._paths, route, self._frames)
        refused = _refusal(request, route, self._access)
        if refused or route is None:
            await (refused or JSONResponse({"detail": "Not Found"}, 404))(scope, receive, answer)
            return
        if is_page and query and (elsewhere := self._models.follow_link(request, query)):
            await elsewhere(scope, receive, answer)
            return
        visitor = visitor_of(request)
        if route.asks_page:
            self._own_requests.sign(scope, visitor)
        with self._places(visitor, request, route) as has_place:
            if not has_place:
                await error_response(request, "busy", 429)(scope, receive, answer)
            elif is_page and (page := self._page_cache.find(request)):
                await page.send(request, send)
            elif route.in_turns:
                async with self._pages.of(visitor):
                    await self._serve(request, route, receive, answer)
            else:
                await self._serve(request, route, receive, answer)

    def _rewriter(self, request: Request, route: Route) -> Callable[[bytes], bytes] | None:
        """Return what a body goes through, if it is JSON."""
        if route.is_upload:
            return None
        if route.asks_page and request.method == "POST":  # MCP
            return lambda body: self._paths.reveal(check_message(body))
        return self._paths.reveal

    async def _serve(self, request: Request, route: Route, receive: Receive, answer: "_Answer") -> None:
        kind = request.headers.get("content-type", "") if route.is_upload else ""
        body = LimitedBody(receive, route.max_body_mb, kind, language_of(request), self._rewriter(request, route))
        scope = request.scope
        scope["path"] = self._paths.reveal_route(scope["path"])
        scope[BODY] = body
        if route.describes_api:
            _set_host(scope)
        try:
            await self._app(scope, body, answer)
        except Exception as error:  # Gradio's routes fail in many ways on names and ids that do not exist
            if not isinstance(error, HTTPException):
                log_error(error)
            if answer.started:
                await answer({"type": "http.response.body"})
            elif isinstance(error, HTTPException):
                await JSONResponse({"detail": error.detail}, error.status_code)(scope, receive, answer)
            else:
                status = 500 if isinstance(error, OSError) else 400  # the disk's fault, or the request's
                await error_response(request, "failed", status)(scope, receive, answer)
        finally:
            for upload_id in parse_qs(scope["query_string"].decode("latin-1")).get("upload_id", []):
                forget_upload(upload_id, UPLOAD_PROGRESS_TTL_S)

    @contextmanager
    def _places(self, visitor: str, request: Request, route: Route) -> Iterator[bool]:
        """Hold a visitor's places for a request; give whether there are any."""
        wanted = [(self._requests, 1)]
        if route.is_upload:
            wanted.append((self._uploads, 1))
        elif request.method == "POST":
            announced = request.headers.get("content-length")
            wanted.append((self._incoming, 1 + int(announced) // 1000 if announced else route.max_body_mb * 1000))
        taken = []
        try:
            for shares, amount in wanted:
                if not shares.take(visitor, amount):
                    yield False
                    return
                taken.append((shares, amount))
            yield True
        finally:
            for shares, amount in taken:
                shares.release(visitor, amount)


class _Answer:
    """ASGI `send` that adds headers, hides this machine's paths, and holds a text back until it is complete.

    Attributes:
        started: whether anything was sent.
    """

    def __init__(self, send: Send, paths: PublicPaths, route: Route | None, frames: Sequence[str] = ()) -> None:
        self.started, self._frames = False, frames
        self._send, self._paths, self._sends_file = send, paths, route is not None and route.is_file
        self._is_text = False
        self._start: Message | None = None  # of a text that is held back
        self._text: list[bytes] = []

    async def __call__(self, event: Message) -> None:
        if event["type"] == "http.response.start":
            headers = MutableHeaders(scope=event)
            headers.update(HEADERS)
            kind = headers.get("content-type", "")
            self._is_text = kind.startswith(TEXT_TYPES) and (event["status"] >= 400 or not self._sends_file)
            if self._is_text and not kind.startswith(STREAM_TYPE):
                self._start, self._text = event, []
                return
        elif self._start:
            self._text.append(event.get("body", b""))
            if event.get("more_body"):
                return
            event = await self._send_start(self._start, self._paths.hide(b"".join(self._text)))
        elif self._is_text:  # a stream, whose messages come one by one
            event = {**event, "body": self._paths.hide(event.get("body", b""))}
        self.started = True
        await self._send(event)

    async def _send_start(self, start: Message, text: bytes) -> Message:
        """Send the start of a text; return the event with the text."""
        self._start, self.started = None, True
        headers = MutableHeaders(scope=start)
        if headers["content-type"].startswith("text/html"):
            text = add_head_script(text)
            headers["Content-Security-Policy"] = page_policy(text, self._frames)
        if "content-length" in headers and text:
            headers["content-length"] = str(len(text))
        await self._send(start)
        return {"type": "http.response.body", "body": text}


def _refusal(request: Request, route: Route | None, access: Access) -> JSONResponse | None:
    """Return the answer to a request that comes from the wrong place, or announces too much."""
    host = request.headers.get("host", "")
    if not access.answers_to(host):
        shown = "".join(filter(str.isprintable, host))[:100]
        return error_response(request, "host_unknown", 421, host=shown)
    if access.is_cross_site(request.method, request.headers):
        return error_response(request, "cross_site", 403)
    announced = request.headers.get("content-length", "0")
    if route and announced.isdecimal() and int(announced[:20]) > route.max_body_mb * 1_000_000:
        return error_response(request, "too_much", 413, limit=route.max_body_mb)
    return None


def _set_host(scope: Scope) -> None:
    """Set `Host` to the address at which the client reached this machine, instead of what the client calls it."""
    host, port = scope.get("server") or ("", None)
    if port:
        own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"host"] + [(b"host", own.encode())]


def error_response(request: Request, key: str, status: int, **values: object) -> JSONResponse:
    """Return a text of `SERVER_TEXT` in the request's language, in the field that Gradio's page displays."""
    return JSONResponse({"detail": translate(key, language_of(request), **values)}, status)


async def handle_full_queue(request: Request, _: Exception) -> JSONResponse:
    """Report that the queue is full. For status 503 Gradio's page would show its own text, in English."""
    return error_response(request, "busy", 429)


async def handle_invalid_body(_: Request, error: RequestValidationError) -> JSONResponse:
    """Report what is wrong with a body. FastAPI would repeat the body, and fails if that contains NaN or infinity."""
    details = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return JSONResponse({"detail": details}, 422)


# Of each FastAPI application that Gradio makes.
EXCEPTION_HANDLERS: dict[Any, Any] = {RequestValidationError: handle_invalid_body, 503: handle_full_queue}


def app_kwargs(access: Access, max_requests: int = MAX_CONNECTIONS, models: ModelPages | None = None) -> dict[str, Any]:
    """Return the arguments with which Gradio makes its FastAPI application.

    Args:
        access: who may ask.
        max_requests: that are answered at the same time.
        models: the pages of other models; None for none.
    """
    models = models or ModelPages()
    set_origin_rule(access.is_own_origin)
    set_mcp_paths(PublicPaths(get_upload_folder()).reveal_path)
    return {
        "middleware": [
            Middleware(GuardMiddleware, access=access, max_requests=max_requests, models=models),
            Middleware(FileRoutesMiddleware),
            Middleware(ModelPagesMiddleware, pages=models),
        ],
        "exception_handlers": EXCEPTION_HANDLERS,
    }
