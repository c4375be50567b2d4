"""Which routes are open, and their limits."""

import pytest

from ui.server.routes import MAX_CALL_BODY_MB, MAX_UPLOAD_BODY_MB, find_route


def scope(path: str, method: str = "GET", query: bytes = b"", root: str = "") -> dict:
    return {"type": "http", "path": path, "method": method, "query_string": query, "root_path": root}


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring",
        "/monitoring/summary",
        "/monitoring/key",
        "/gradio_api/dev/reload",
        "/gradio_api/custom_component/x\n\x1b[31m/client/a/b.js",
        "/pwa_icon/100000",
        "/gradio_api/proxy=https://example.org",
        "/gradio_api/deep_link",
        "/gradio_api/component_server",
        "/gradio_api/component_server/",
        "/gradio_api/process_recording",
        "/gradio_api/run/predict",
        "/gradio_api/api/predict",
        "/gradio_api/stream/a/close",
        "/gradio_api/cancel",
        "/gradio_api/runs",
        "/gradio_api/run-history/records",
        "/gradio_api/vibe-edit",
        "/gradio_api/token",
        "/login",
        "/logout",
        "/docs",
        "/openapi.json",
        "http://127.0.0.1/config",
        "//config",
        "/gradio_api/file=http://example.org/a",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=uploads/../a",
        "/gradio_api/file=uploads/5f/a/../../a",
        "/gradio_api/file=uploads/5f/..",
        "/config\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("page", ["", "/models/ana/digits"])
def test_routes_that_nothing_uses_are_closed(path, method, page):
    assert find_route(scope(page + path, method)) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "OPTIONS", "x" * 1000])
def test_other_methods_are_closed(method):
    assert find_route(scope("/gradio_api/queue/join", method)) is None


@pytest.mark.parametrize(
    ("method", "path", "limit_mb"),
    [
        ("GET", "/", 0),
        ("GET", "/gradio_api/queue/data", 0),
        ("GET", "/gradio_api/file=uploads/5f/a.png", 0),
        ("GET", "/gradio_api/call/edges/5f", 0),
        ("POST", "/gradio_api/queue/join", MAX_CALL_BODY_MB),
        ("POST", "/gradio_api/call/edges", MAX_CALL_BODY_MB),
        ("POST", "/gradio_api/call/v2/edges", MAX_CALL_BODY_MB),
        ("POST", "/gradio_api/mcp/", MAX_CALL_BODY_MB),
        ("POST", "/gradio_api/mcp/messages/", MAX_CALL_BODY_MB),
        ("POST", "/gradio_api/upload", MAX_UPLOAD_BODY_MB),
    ],
)
@pytest.mark.parametrize("root", ["", "/demo"])
@pytest.mark.parametrize("page", ["", "/models/ana/digits"])
def test_route_has_its_own_limit_on_the_page_of_each_model(method, path, limit_mb, root, page):
    route = find_route(scope(root + page + path, method, root=root))
    assert route is not None and (route.max_body_mb, route.is_upload) == (limit_mb, path.endswith("upload"))


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/ana",
        "/models/ana/",
        "/models/../digits/",
        "/models/ana/../",
        "/models/ana/digits/models/bea/letters/config",
        "/models/ana/%2e%2e/config",
        "/models/ana/" + "a" * 97 + "/config",
        "/x/models/ana/digits/config",
    ],
)
def test_paths_that_name_no_model_are_closed(path):
    assert find_route(scope(path)) is None


def test_long_paths_and_queries_are_closed():
    assert find_route(scope("/gradio_api/file=" + "a" * 5000)) is None
    assert find_route(scope("/config", query=b"a" * 3000)) is None
    assert find_route(scope("/gradio_api/heartbeat/" + "a" * 65)) is None
