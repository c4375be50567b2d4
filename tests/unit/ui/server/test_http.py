"""Requests to the server other than calls of the endpoints."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from gradio.routes import App

from app import build
from model import CnnConfig
from tests.support.app_server import ROOT
from ui.i18n import SERVER_TEXT
from ui.inference.supervisor import ModelSupervisor
from ui.server import http

JSON = {"Content-Type": "application/json"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=part"}
FIELD = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    demo = build(ModelSupervisor(ROOT / "model" / "pretrained", CnnConfig()))
    demo.max_file_size = None  # `launch` sets it
    with TestClient(App.create_app(demo, app_kwargs=dict(http.APP_KWARGS))) as server:
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
        ("run/nothing", {"data": []}),
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


def test_calls_that_bypass_the_queue_are_closed(server):
    assert server.post("/gradio_api/run/classify", json={"data": [None]}).status_code == 404


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(("path", "kind", "limit_mb"), [("call/edges", JSON, 4), ("upload", MULTIPART, 21)])
def test_body_above_the_routes_limit_is_refused(server, path, kind, limit_mb, language):
    body = FIELD + b" " * limit_mb * 1_000_000
    answer = server.post(f"/gradio_api/{path}", content=body, headers=kind | {"Accept-Language": language})
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": SERVER_TEXT[language]["too_much"].format(limit=limit_mb)},
    )
