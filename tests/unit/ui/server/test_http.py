"""Requests to the server other than calls of the endpoints."""

import json
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from fastapi.testclient import TestClient
from gradio.routes import App
from starlette.requests import Request
from starlette.types import Message

from app import build
from model import CnnConfig
from tests.support.app_server import ROOT
from ui.i18n import SERVER_TEXT
from ui.inference.supervisor import ModelSupervisor
from ui.server import http, page_cache
from ui.server.access import Access
from ui.server.gradio_compat import file_upload_statuses, get_upload_folder
from ui.tabs.panel_scripts import PANEL_SCRIPTS, panel_content

JSON = {"Content-Type": "application/json"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=part"}
FIELD = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    demo = build(ModelSupervisor(ROOT / "model" / "pretrained", CnnConfig()))
    demo.max_file_size = None  # `launch` sets it
    access = Access(names=frozenset({"friend.org"}), any_name=False, proxies=(ip_network("192.0.2.0/24"),))
    app = App.create_app(demo, app_kwargs=http.app_kwargs(access))
    with TestClient(app, "http://localhost:7860", client=("127.0.0.1", 1)) as server:
        yield server


@pytest.mark.parametrize("path", ["component_server", "component_server/", "deep_link?session_hash=a"])
def test_unused_routes_are_closed(server, path):
    answers = [
        server.post(f"/gradio_api/{path}", content=FIELD + b"\r\n--part--\r\n", headers=MULTIPART),
        server.post(f"/gradio_api/{path}", content=b'{"data": {}, "component_id": 1, "fn_name": "accept_blobs"}'),
        server.get(f"/gradio_api/{path}"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert all("frame-ancestors" in answer.headers["Content-Security-Policy"] for answer in answers)


@pytest.mark.parametrize("name", PANEL_SCRIPTS)
def test_page_holds_no_script_or_text_of_a_panel_that_is_opened_later(server, name):
    page = json.dumps(server.get("/config").json())
    content = panel_content(name, "es")
    parts = [content["script"][:200], *(text for text in content["texts"].values() if len(text) > 50)]
    assert len(parts) > 3 and not [part for part in parts if json.dumps(part)[1:-1] in page]


def test_page_is_made_once_for_everybody_at_an_address(server, monkeypatch):
    first = server.get("/config")
    made = []
    monkeypatch.setattr(http._Answer, "_send_start", lambda *_: made.append(1))
    queries = ["", "?page=other", "?deep_link=abc", "?view=api&lang=en"]
    answers = [server.get(f"/config{query}", headers={"Accept-Encoding": "identity"}) for query in queries]
    answers += [
        server.get("/config", headers={"Accept-Encoding": "gzip"}),
        server.get("/config", headers={"Cookie": "a=b"}),
    ]
    assert not made and {answer.text for answer in answers} == {first.text}
    for name in ("Content-Security-Policy", "Content-Type", "X-Content-Type-Options"):
        assert {answer.headers[name] for answer in answers} == {first.headers[name]}
    sizes = [int(answer.headers["Content-Length"]) for answer in answers]
    assert answers[4].headers["Content-Encoding"] == "gzip" and sizes[4] < sizes[0] / 3
    assert server.head("/config").headers["Content-Length"] == str(sizes[4])


def test_page_is_made_again_for_another_address_and_after_some_time(server, monkeypatch):
    own = server.get("/config")
    friends = server.get("/config", headers={"Host": "friend.org"})
    assert "http://friend.org" in friends.text and "friend.org" not in own.text
    monkeypatch.setattr(page_cache, "TTL_S", 0.0)
    monkeypatch.setattr(server.app.get_blocks(), "config", server.app.get_blocks().config | {"title": "Renamed"})
    assert "Renamed" in server.get("/config").text


def test_page_of_head_is_not_kept():
    async def send(event: Message) -> None:
        pass

    scope = {"type": "http", "scheme": "http", "path": "/", "headers": []}
    cache = page_cache.PageCache()
    assert cache.recording(Request(scope | {"method": "HEAD"}), send) is send
    assert cache.recording(Request(scope | {"method": "GET"}), send) is not send


def test_page_that_fails_is_not_kept(server, monkeypatch):
    monkeypatch.setattr(page_cache, "TTL_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(server.app.get_blocks(), "config", None)
        assert server.get("/config").status_code >= 400
    monkeypatch.undo()
    assert server.get("/config").status_code == 200


@pytest.mark.parametrize("language", ["es", "en"])
def test_full_queue_is_reported(server, monkeypatch, language):
    monkeypatch.setattr(server.app.get_blocks()._queue, "max_size", 0)
    headers = {"Accept-Language": language}
    answer = server.post("/gradio_api/call/trials", json={"data": []}, headers=headers)
    assert (answer.status_code, answer.json()) == (429, {"detail": SERVER_TEXT[language]["busy"]})


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("queue/join", {"data": [], "session_hash": "a", "fn_index": 9999}),
        ("queue/join", {"data": [], "session_hash": "a", "fn_index": -1}),
        ("call/nothing", {"data": []}),
        ("call/v2/edges", {"nothing": 1}),
    ],
)
def test_unknown_names_and_ids_are_reported(server, caplog, path, body, language):
    answer = server.post(f"/gradio_api/{path}", json=body, headers={"Accept-Language": language})
    assert (answer.status_code, answer.json()) == (400, {"detail": SERVER_TEXT[language]["failed"]})
    (logged,) = [record.getMessage() for record in caplog.records if record.name == "trazo"]
    assert "Traceback" not in logged and "\n" not in logged


def test_failing_stream_ends(server, caplog, capsys):
    assert "not_found" in server.get("/gradio_api/queue/data?session_hash=nobody").text
    assert "Traceback" not in capsys.readouterr().err and "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["run/classify", "run/predict", "api/predict"])
def test_calls_that_bypass_the_queue_are_closed(server, path):
    events = [event for event in server.get("/config").json()["dependencies"] if event["backend_fn"]]
    assert events and all(event["queue"] for event in events)
    for event in events:
        body = {"data": [], "fn_index": event["id"], "session_hash": "a"}
        assert server.post(f"/gradio_api/{path}", json=body).status_code == 404


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(("path", "kind", "limit_mb"), [("call/edges", JSON, 4), ("upload", MULTIPART, 21)])
def test_body_above_the_routes_limit_is_refused(server, path, kind, limit_mb, language):
    body = FIELD + b" " * limit_mb * 1_000_000
    answer = server.post(f"/gradio_api/{path}", content=body, headers=kind | {"Accept-Language": language})
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": SERVER_TEXT[language]["too_much"].format(limit=limit_mb)},
    )


def test_announced_body_above_the_limit_is_refused_whatever_its_type(server):
    for path, kind in (("queue/join", MULTIPART), ("call/edges", MULTIPART), ("queue/data", JSON)):
        method = "GET" if path == "queue/data" else "POST"
        answer = server.request(method, f"/gradio_api/{path}", content=b" " * 5_000_000, headers=kind)
        assert answer.status_code == 413, path


def test_form_of_several_files_is_refused(server):
    files = [("files", (f"{number}.png", b"image")) for number in range(2)]
    assert server.post("/gradio_api/upload", files=files).json() == {"detail": SERVER_TEXT["en"]["too_many_parts"]}
    assert server.post("/gradio_api/upload", files=files[:1]).status_code == 200


@pytest.mark.parametrize("language", ["es", "en"])
def test_unknown_host_is_refused_with_what_to_set(server, language):
    answer = server.get("/", headers={"Host": "evil.example:7860", "Accept-Language": language})
    text = SERVER_TEXT[language]["host_unknown"].format(host="evil.example:7860")
    assert (answer.status_code, answer.json()) == (421, {"detail": text})
    assert server.get("/config", headers={"Host": "friend.org"}).status_code == 200


@pytest.mark.parametrize("path", ["gradio_api/queue/join", "gradio_api/upload", "gradio_api/mcp/", "config", ""])
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_requests_of_other_sites_are_refused(server, path, headers):
    for answer in (server.post(f"/{path}", json={}, headers=headers), server.get(f"/{path}", headers=headers)):
        assert answer.status_code in (403, 404) and "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in server.options(f"/{path}", headers=preflight).headers


def test_pages_of_an_allowed_host_may_ask(server):
    answer = server.get("/config", headers={"Origin": "https://friend.org", "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://friend.org")


def test_forwarded_headers_count_from_a_proxy_only(server):
    forwarded = {"X-Forwarded-Host": "trazo.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    assert server.get("/config", headers=forwarded).json()["root"] == "http://localhost:7860"
    with TestClient(server.app, "http://localhost:7860", client=("192.0.2.1", 1)) as proxy:
        assert proxy.get("/config", headers=forwarded).json()["root"] == "https://trazo.example"


def test_description_has_the_servers_own_address(server):
    """Gradio keeps it, with the address that the first client asked at."""
    server.app.api_info = None
    for path in ("gradio_api/info", "gradio_api/openapi.json"):
        assert server.get(f"/{path}", headers={"Host": "friend.org"}).status_code == 200
    assert "friend.org" not in server.get("/gradio_api/info").text


def test_no_folder_of_the_server_is_shown(server):
    (file,) = server.post("/gradio_api/upload", files={"files": ("a.png", b"image")}).json()
    assert file.startswith("uploads/") and server.get(f"/gradio_api/file={file}").content == b"image"
    folder = get_upload_folder()
    texts = [server.get(f"/{path}").text for path in ("", "config", "gradio_api/info", f"gradio_api/file={file}no")]
    assert '"path":"uploads/' in texts[1] and not [text for text in texts if folder in text]


def test_upload_progress_that_nobody_asks_for_is_dropped(server, monkeypatch):
    monkeypatch.setattr(http, "UPLOAD_PROGRESS_TTL_S", 0)
    server.post("/gradio_api/upload?upload_id=forgotten", files={"files": ("a.png", b"image")})
    server.get("/gradio_api/app_id?upload_id=forgotten")
    assert "forgotten" not in file_upload_statuses._statuses
