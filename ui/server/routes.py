"""The routes that the page, Gradio's clients and MCP use, each with its limit; all others are closed.

Gradio has many more: a proxy, monitoring, reloading, recordings, deep links, calls that bypass the queue, … With some
of them anyone could fill memory or disk, start programs, or write into the log.
"""

import re
from typing import NamedTuple

from starlette.types import Scope

from ui.server.fetch import MAX_FILE_MB
from ui.server.public_paths import PUBLIC_FOLDER

# An upload goes to disk as it arrives; its form adds some bytes to the file. Other bodies stay in memory, also in the
# queue, and the largest that the page sends is a drawing.
MAX_UPLOAD_BODY_MB = MAX_FILE_MB + 1
MAX_CALL_BODY_MB = 4
MAX_QUERY_BYTES = 2_000
MAX_PATH_CHARS = 4_000  # of a file's path


class Route(NamedTuple):
    """Routes with the same limits."""

    pattern: re.Pattern[str]  # of the whole path
    methods: frozenset[str]
    max_body_mb: int = 0
    is_upload: bool = False
    is_file: bool = False
    in_turns: bool = False  # what takes milliseconds of a core, to be made or compressed
    is_page: bool = False  # the same for all visitors, for some time
    asks_page: bool = False  # answers by asking the page itself
    describes_api: bool = False  # Gradio keeps the description, with the address that the first client asked at


_READ = frozenset({"GET", "HEAD"})
_POST = frozenset({"POST"})
_ROUTES = (
    Route(re.compile(r"/|/config/?"), _READ, in_turns=True, is_page=True),
    Route(re.compile(r"/panels/[a-z]{1,20}\.json"), _READ, in_turns=True),
    Route(re.compile(r"/(manifest\.json|favicon\.ico|robots\.txt|theme\.css|pwa_icon)/?"), _READ),
    Route(re.compile(r"/(assets|static|svelte)/.+"), _READ, is_file=True, in_turns=True),
    Route(re.compile(r"/gradio_api/(app_id|startup-events|theme\.css|upload_progress)/?"), _READ),
    Route(re.compile(r"/gradio_api/(info/?|openapi\.json)"), _READ, in_turns=True, describes_api=True),
    Route(re.compile(r"/gradio_api/(queue/(data|status)|heartbeat/[^/]{1,64}|call/(v2/)?[^/]+/[^/]+)"), _READ),
    Route(
        re.compile(rf"/gradio_api/file[=/]{PUBLIC_FOLDER}/(?!\.\.?/)[^/]+/(?!\.\.?$)[^/]+"),
        _READ,
        is_file=True,
        in_turns=True,
    ),
    Route(re.compile(r"/gradio_api/(queue/join|call/[^/]+/?)"), _POST, MAX_CALL_BODY_MB),
    Route(re.compile(r"/gradio_api/call/v2/[^/]+/?"), _POST, MAX_CALL_BODY_MB, describes_api=True),
    Route(re.compile(r"/gradio_api/upload"), _POST, MAX_UPLOAD_BODY_MB, is_upload=True),
    Route(re.compile(r"/agents\.md"), _READ),
    Route(re.compile(r"/gradio_api/mcp(/.*)?"), _READ | _POST | {"DELETE"}, MAX_CALL_BODY_MB, asks_page=True),
)
# Files that are the same for the pages of all models.
_SHARED = re.compile(r"/(?:assets|static|svelte|panels)/.+|/(?:favicon\.ico|robots\.txt|theme\.css|pwa_icon)/?")
_MODEL = re.compile(r"/models/(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?=/|$)", re.ASCII)


def find_route(scope: Scope) -> Route | None:
    """Return the route of a request; None if it is closed, or does not exist. The page of each model has the same."""
    path = route_path(scope)
    if len(path) > MAX_PATH_CHARS or len(scope["query_string"]) > MAX_QUERY_BYTES:
        return None
    _, path = split_model(path)
    return next((one for one in _ROUTES if scope["method"] in one.methods and one.pattern.fullmatch(path)), None)


def route_path(scope: Scope) -> str:
    """Return a request's path below `GRADIO_ROOT_PATH`, which some proxies leave in it."""
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def split_model(path: str) -> tuple[str | None, str]:
    """Return the model whose page a path belongs to, None for the demo's own, and the path below that page's.

    Example:
        >>> split_model("/models/ana/digits/config"), split_model("/models/ana/digits"), split_model("/config")
        (('ana/digits', '/config'), ('ana/digits', '/'), (None, '/config'))
    """
    found = _MODEL.match(path)
    return (found[1], path[found.end() :] or "/") if found else (None, path)


def is_shared(path: str) -> bool:
    """Return whether a path below a page's is the same file for the pages of all models."""
    return bool(_SHARED.fullmatch(path))


def is_heartbeat(path: str) -> bool:
    """Return whether a path below a page's is the request that lasts as long as the page is open in a browser."""
    return path.startswith("/gradio_api/heartbeat/")
