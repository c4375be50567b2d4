"""Routes that read or write files: closed to other servers, and limited by the quota and the disk."""

import errno
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi.testclient import TestClient
from gradio.routes import App
from starlette.middleware import Middleware

from ui.i18n import SERVER_TEXT
from ui.server import file_routes
from ui.server.temp_files import TempFiles, Usage

HEADERS = {"Content-Type": "multipart/form-data; boundary=part"}


def form(*parts: bytes, name: str = "files") -> bytes:
    head = f'--part\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode()
    return b"\r\n".join([*(head + part for part in parts), b"--part--\r\n"])


@pytest.fixture
def store(tmp_path, monkeypatch) -> TempFiles:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    store = TempFiles(lambda: str(tmp_path), Usage(1_000_000, 20))
    monkeypatch.setattr(file_routes, "TEMP_FILES", store)
    return store


@pytest.fixture
def server(store) -> Iterator[TestClient]:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Image()
    demo.max_file_size = None
    app = App.create_app(demo, app_kwargs={"middleware": [Middleware(file_routes.FileRoutesMiddleware)]})
    with TestClient(app) as server:
        yield server


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "file=http://a.org/x",
        "file=https://a.org/x",
        "file=HTTPS://a.org/x",
        "file=http%3A%2F%2Fa.org/x",
        "file=%68ttp:/%2Fa.org/x",
        "file=http:a.org",
        "file=ftp://a.org/x",
        "file=file:///etc/hostname",
        "file=data:image/png;base64,AA",
        "file=//a.org/x",
        "file=%5C%5Ca.org%5Cx",
        "file=%20http://a.org/x",
        "file/http://a.org/x",
        "proxy=http://a.org/x",
        "proxy=https://a.hf.space/x",
        "proxy=x",
    ],
)
def test_file_of_another_server_is_not_found(server, monkeypatch, method, path):
    asked = []
    monkeypatch.setattr("safehttpx.async_validate_url", lambda host: asked.append(host))
    assert server.request(method, f"/gradio_api/{path}").status_code == 404 and asked == []


def test_file_of_the_folder_is_served(server, store):
    path = store.save(b"image", "image.png")
    assert server.get(f"/gradio_api/file={path}").content == b"image"


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("route", ["upload", "upload?upload_id=a"])
@pytest.mark.parametrize("body", [form(bytes(1_000_001)), form(*[b"a"] * 10), form(*[b"a"] * 10, name="other")])
def test_upload_above_the_quota_is_507(server, route, body, language):
    answer = server.post(f"/gradio_api/{route}", content=body, headers=HEADERS | {"Accept-Language": language})
    assert (answer.status_code, answer.json()) == (507, {"detail": SERVER_TEXT[language]["storage_full"]})


def test_upload_sent_in_small_pieces_is_counted(server):
    body = form(*[b"a"] * 10)
    pieces = (body[place : place + 1] for place in range(len(body)))
    assert server.post("/gradio_api/upload", content=pieces, headers=HEADERS).status_code == 507


def test_uploads_of_one_visitor_leave_room_for_another(server, store, monkeypatch):
    store.quota = Usage(1_000_000, 100)

    def upload(host: str) -> int:
        monkeypatch.setattr(file_routes, "visitor_of", lambda _: host)
        return server.post("/gradio_api/upload", content=form(bytes(100_000)), headers=HEADERS).status_code

    assert [upload(host) for host in "aaaabbbc"] == [200, 200, 200, 507, 200, 200, 507, 200]


def test_uploads_fill_the_quota_until_they_are_swept(server, store, tmp_path, monkeypatch):
    """What Gradio stores under another name or leaves behind counts like the rest."""
    monkeypatch.setattr(file_routes, "visitor_of", lambda _: None)
    answers = [
        server.post("/gradio_api/upload", content=form(bytes([number]) * 200_000, name=name), headers=HEADERS)
        for number, name in enumerate(["files", "other"] * 4)
    ]
    assert [answer.status_code for answer in answers] == [200] * 4 + [507] * 4
    store.sweep()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1_000_000
    assert server.post("/gradio_api/upload", content=form(bytes(200_000)), headers=HEADERS).status_code == 507
    for path in list(tmp_path.rglob("*.png")) + list(tmp_path.glob("tmp*")):
        path.unlink()
    store.sweep()
    assert server.post("/gradio_api/upload", content=form(bytes(200_000)), headers=HEADERS).status_code == 200


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_upload_on_a_full_disk_says_so(server, monkeypatch, language, code):
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, "No space left on device")

    monkeypatch.setattr("gradio.route_utils.NamedTemporaryFile", fail)
    headers = HEADERS | {"Accept-Language": language}
    answer = server.post("/gradio_api/upload", content=form(b"image"), headers=headers)
    assert (answer.status_code, answer.json()) == (507, {"detail": SERVER_TEXT[language]["disk_full"]})


def test_upload_within_the_quota_is_stored(server):
    answer = server.post("/gradio_api/upload", content=form(b"image"), headers=HEADERS)
    assert answer.status_code == 200 and Path(answer.json()[0]).read_bytes() == b"image"
