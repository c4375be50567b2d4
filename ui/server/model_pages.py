"""Pages of other models than the demo's own: which the host allows, and when they are opened and closed.

`?model=owner/name` leads to `/models/owner/name/`: the whole page, with its own queue and its own network's process.
The model is part of every address, so nothing that one visitor opens changes what another one sees, and programs name a
model by their address, too: `/models/owner/name/gradio_api/…`.

Few are open at the same time. The one that was asked longest ago is closed for another, and opened again when somebody
asks it: its page in a browser continues to work.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from model.artifacts import HUB_ID
from model.errors import TrazoError
from ui.i18n import UserError, language_of, translate
from ui.markup import page_html
from ui.server.allowed_models import AllowedModels
from ui.server.error_log import log_error
from ui.server.gradio_compat import page_root
from ui.server.public_paths import without_folders
from ui.server.routes import is_heartbeat, is_shared, route_path, split_model
from ui.server.shares import VisitorSemaphores
from ui.server.visitors import visitor_of

MAX_OPEN = 3  # besides the demo's own; the network's process of each takes half a GB
FAILURE_TTL_S = 60.0  # that a model that could not be opened is not asked for again
MAX_FAILURES = 256
NO_MODELS = AllowedModels()
STATUS = {"model_closed": 403, "model_not_allowed": 403, "model_unusable": 404, "models_busy": 429}


M = TypeVar("M", bound="OpenModel")


class OpenModel(Protocol):
    """A model with its page."""

    @property
    def app(self) -> ASGIApp:
        """The page's application."""

    @property
    def path(self) -> str:
        """At which visitors reach the page, as its application expects it."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Run the application's tasks."""

    def close(self) -> None:
        """End the network's process, and remove what was downloaded for it."""


@dataclass
class _Page(Generic[M]):
    """A page while it is open."""

    model: M
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0  # that it answers at this moment


class ModelPages(Generic[M]):
    """The pages of other models."""

    def __init__(
        self,
        allowed: AllowedModels = NO_MODELS,
        open_model: Callable[[str], M] | None = None,
        own: str | None = None,
        root_path: Callable[[], str] = lambda: "",
        max_open: int = MAX_OPEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open none yet.

        Args:
            allowed: which may be opened.
            open_model: downloads a model, checks it and makes its page; runs in a thread, one at a time.
            own: the demo's own model, if it is on the Hub; its page is the first one.
            root_path: the path at which a proxy serves the demo, known once it is served.
            max_open: how many are open at the same time.
            clock: returns seconds.
        """
        self.allowed = allowed
        self._open_model, self._own, self._root_path, self._clock = open_model, own, root_path, clock
        self._max_open = max_open
        self._pages: OrderedDict[str, _Page[M]] = OrderedDict()  # the one that was asked last at the end
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._failures: OrderedDict[str, tuple[float, str]] = OrderedDict()  # since when, and why
        self._turn, self._visitors = asyncio.Semaphore(1), VisitorSemaphores(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="open-model")
        self._tasks = set[asyncio.Task[None]]()

    @property
    def open_models(self) -> list[M]:
        """The models whose pages are open."""
        return [page.model for page in list(self._pages.values())]

    def follow_link(self, request: Request, query: bytes) -> Response | None:
        """Return where `?model=owner/name` leads, or why not; None if an address names no other model.

        Args:
            request: for the first page, or another one that does not depend on the query.
            query: the address's.
        """
        model, path = split_model(route_path(request.scope))
        values = parse_qsl(query.decode("latin-1"))
        asked = next((value for name, value in values if name == "model"), None)
        if model or path != "/" or asked is None or asked == self._own:
            return None
        try:
            if not HUB_ID.fullmatch(asked):
                raise UserError("model_not_allowed", model=asked[:100])
            self.allowed.check(asked)
        except UserError as error:
            return self._refuse(request, error)
        others = urlencode([(name, value) for name, value in values if name != "model"])
        address = f"{self._root(request)}/models/{asked}/"
        return RedirectResponse(f"{address}?{others}" if others else address, 307)

    async def serve(self, model: str, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a model's page, which is opened first if it is not open."""
        request = Request(scope)
        try:
            self.allowed.check(model)
            while (page := self._pages.get(model)) is None:  # another one may need its place at once
                await self._open(model, visitor_of(request))
        except UserError as error:
            await self._refuse(request, error)(scope, receive, send)
            return
        self._pages.move_to_end(model)
        counted = 0 if is_heartbeat(path) else 1  # of which every open page has one
        page.requests += counted
        try:
            full = page.model.path + path
            await page.model.app({**scope, "path": full, "raw_path": full.encode(), "root_path": ""}, receive, send)
        finally:
            page.requests -= counted

    async def _open(self, name: str, visitor: str) -> None:
        """Open a model's page, or wait for those who do; each visitor opens one at a time."""
        async with self._visitors.of(visitor):
            since, reason = self._failures.get(name, (0.0, ""))
            if reason and self._clock() - since < FAILURE_TTL_S:
                raise UserError("model_unusable", model=name, reason=reason)
            if name not in self._opening:
                task = self._opening[name] = asyncio.create_task(self._start(name))
                task.add_done_callback(partial(self._end_opening, name))
            # Shielded: a visitor who leaves must not cancel what others wait for.
            await asyncio.shield(self._opening[name])

    async def _start(self, name: str) -> None:
        async with self._turn:
            self._make_room()
            assert self._open_model
            loop = asyncio.get_running_loop()
            try:
                page = _Page(await loop.run_in_executor(self._thread, self._open_model, name))
                is_ready = loop.create_future()
                task = asyncio.create_task(_live(page, is_ready))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await is_ready
            except Exception as error:
                raise self._note_failure(name, error) from None
            self._pages[name] = page

    def _end_opening(self, name: str, task: asyncio.Task[None]) -> None:
        del self._opening[name]
        with suppress(asyncio.CancelledError):
            task.exception()  # those who wait for it have it; if all have left, nobody needs it

    def _make_room(self) -> None:
        """Close the page that was asked longest ago and answers nobody at this moment, if all places are taken."""
        if len(self._pages) < self._max_open:
            return
        idle = next((name for name, page in self._pages.items() if not page.requests), None)
        if idle is None:
            raise UserError("models_busy")
        self._pages.pop(idle).closed.set()

    def _note_failure(self, name: str, error: Exception) -> UserError:
        if not isinstance(error, TrazoError):
            log_error(error)
        reason = without_folders(str(error)) if isinstance(error, TrazoError) else type(error).__name__
        self._failures.pop(name, None)
        self._failures[name] = self._clock(), reason
        if len(self._failures) > MAX_FAILURES:
            self._failures.popitem(last=False)
        return UserError("model_unusable", model=name, reason=reason)

    def _refuse(self, request: Request, error: UserError) -> Response:
        """Return the answer to a request for a model that is not there: a page for a page, else JSON."""
        language, (_, path) = language_of(request), split_model(route_path(request.scope))
        status, text = STATUS[error.key], error.text(language)
        if path != "/":
            return JSONResponse({"detail": text}, status)
        link = f"{self._root(request)}/", translate("to_own_model", language)
        return Response(page_html("Trazo", text, link, language), status, media_type="text/html")

    def _root(self, request: Request) -> str:
        return page_root(request, route_path(request.scope), self._root_path())


async def _live(page: _Page, is_ready: asyncio.Future[None]) -> None:
    """Keep a page's application running until the page is closed; it must begin and end in the same task."""
    try:
        async with page.model.running():
            is_ready.set_result(None)
            await page.closed.wait()
    except Exception as error:
        if is_ready.done():
            log_error(error)
        else:
            is_ready.set_exception(error)
    finally:
        await asyncio.to_thread(page.model.close)


class ModelPagesMiddleware:
    """ASGI middleware: requests below `/models/owner/name` go to the page of that model."""

    def __init__(self, app: ASGIApp, pages: ModelPages) -> None:
        """Wrap the application of the demo's own model."""
        self._app, self._pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        model, path = split_model(route_path(scope)) if scope["type"] == "http" else (None, "")
        if model is None:
            await self._app(scope, receive, send)
        elif is_shared(path) and self._pages.allowed.allows(model):  # the same files for all pages
            file = scope["path"].removesuffix(f"/models/{model}{path}") + path
            await self._app({**scope, "path": file, "raw_path": file.encode()}, receive, send)
        else:
            await self._pages.serve(model, path, scope, receive, send)
