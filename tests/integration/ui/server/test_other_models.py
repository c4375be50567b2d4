"""`?model=owner/name`: the whole page of another model of the Hub, at its own address, next to the demo's own."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import httpx
import pytest
from fastapi.testclient import TestClient
from gradio.routes import App

import app as demo_app
from model.io.locate import PRETRAINED, locate_model
from tests.conftest import point_at_hub
from tests.support.fake_hub import LoopbackHub
from tests.support.run_reports import write
from tests.support.search_report import REPORT
from ui.i18n import SERVER_TEXT
from ui.inference.supervisor import ModelSupervisor
from ui.server import http
from ui.server.access import Access
from ui.server.allowed_models import AllowedModels
from ui.tabs.panel_scripts import panel_routes

LISTED, OF_OWNER, PRIVATE, DAMAGED = "ana/letters", "class/digits", "class/secret", "class/damaged"
BASE = "http://localhost:7860"


class NoNetwork:
    """A network's process that has no network."""

    failure = None

    def __init__(self, folder: Path, config: object) -> None:
        self._closed = Event()
        self.child = SimpleNamespace(wait=self._closed.wait, pid=0)

    def wait_until_loaded(self) -> None: ...

    def close(self) -> None:
        self._closed.set()


def copy_model(folder: Path, labels: str = "0123456789") -> Path:
    """Copy the bundled model with other labels and another search."""
    shutil.copytree(PRETRAINED, folder)
    config = json.loads((folder / "trazo.json").read_text())
    (folder / "trazo.json").write_text(json.dumps(config | {"labels": list(labels)}))
    return write(folder, "trials.json", REPORT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def server(folder) -> Iterator[TestClient]:
    """A server with the token of somebody who may read the private models."""
    letters, damaged = copy_model(folder / "letters", "abcdefghij"), copy_model(folder / "damaged")
    (damaged / "trazo.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch, LoopbackHub(folder / "hub") as hub:
        hub.add_repo(LISTED, "model", letters, private=True)
        hub.add_repo(OF_OWNER, "model", copy_model(folder / "digits"))
        hub.add_repo(PRIVATE, "model", letters, private=True)
        hub.add_repo(DAMAGED, "model", damaged)
        point_at_hub(patch, hub, folder / "home")
        (folder / "temporary").mkdir()
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        patch.setitem(ModelSupervisor.__init__.__kwdefaults__, "start_process", NoNetwork)
        demo = demo_app.build(ModelSupervisor(*locate_model()))
        demo.max_file_size, demo.local_url = None, f"{BASE}/"  # `launch` sets them
        allowed = AllowedModels.from_environ({"MODELS": f"{LISTED}, class/*"})
        pages = demo_app.make_model_pages(demo, demo_app.page_options(), allowed, None)
        kwargs = http.app_kwargs(Access(), models=pages) | {"routes": panel_routes()}
        with TestClient(App.create_app(demo, app_kwargs=kwargs), BASE, follow_redirects=False) as server:
            server.get("/gradio_api/startup-events")  # `launch` asks for it
            yield server


def get(server: TestClient, path: str, language: str = "en") -> httpx.Response:
    return server.get(path, headers={"Accept-Language": language})


def tab_of(server: TestClient, path: str) -> str:
    """Return the key of the second tab's name, which depends on what the model knows."""
    tabs = [one["props"] for one in get(server, f"{path}config").json()["components"] if one["type"] == "tabitem"]
    return next(key for key in ("digit_tab", "class_tab") if any(key in str(tab["label"]) for tab in tabs))


def call_trials(server: TestClient, page: str) -> list:
    """Call the endpoint by the names of its parameters, and return the rows of the answer."""
    event = server.post(f"{page}gradio_api/call/v2/trials", json={}).json()["event_id"]
    events = server.get(f"{page}gradio_api/call/trials/{event}").text
    return json.loads(events.split("data: ")[-1])[0]["data"]


def test_link_leads_to_the_whole_page_of_another_model_and_the_own_page_stays(server):
    moved = get(server, f"/?tab=digit&model={LISTED}")
    assert moved.status_code == 307 and moved.headers["location"] == f"{BASE}/models/{LISTED}/?tab=digit"
    page = get(server, f"/models/{LISTED}/?tab=digit")
    assert page.status_code == 200 and f"huggingface.co/{LISTED}" in page.text
    assert f'"root":"{BASE}/models/{LISTED}"' in page.text.replace('": ', '":')
    assert "sha256-" in page.headers["content-security-policy"]
    assert [tab_of(server, path) for path in ("/", f"/models/{LISTED}/")] == ["digit_tab", "class_tab"]
    assert f"huggingface.co/{LISTED}" not in get(server, "/").text


def test_calls_use_the_model_of_the_address(server):
    own, other = call_trials(server, "/"), call_trials(server, f"/models/{OF_OWNER}/")
    assert len(other) == len(REPORT["trials"]) and own != other
    described = get(server, f"/models/{OF_OWNER}/gradio_api/openapi.json").json()
    assert "/gradio_api/call/v2/classify" in described["paths"]


def test_pages_of_all_models_have_the_scripts_and_the_style(server):
    for path in ("theme.css", "panels/lesson.json", "favicon.ico"):
        assert get(server, f"/models/{OF_OWNER}/{path}").content == get(server, f"/{path}").content


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("path", ["/?model=bea/letters", "/models/bea/letters/"])
def test_model_that_is_not_allowed_is_refused_in_a_sentence(server, language, path):
    answer = get(server, path, language)
    assert answer.status_code == 403 and answer.headers["content-type"].startswith("text/html")
    assert SERVER_TEXT[language]["model_not_allowed"].format(model="bea/letters") in answer.text


def test_call_of_a_model_that_is_not_allowed_is_refused(server):
    answer = server.post("/models/bea/letters/gradio_api/call/trials", json={"data": []})
    assert answer.status_code == 403 and "bea/letters" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [(PRIVATE, "that you may read"), ("class/nothing", "that you may read"), (DAMAGED, "trazo.json")],
)
def test_model_that_not_everybody_may_read_or_is_damaged_is_reported(server, folder, name, reason):
    answer = get(server, f"/models/{name}/")
    assert answer.status_code == 404 and f"{name} cannot be opened" in answer.text and reason in answer.text
    assert str(folder) not in answer.text


def test_rules_of_the_server_hold_for_the_page_of_each_model(server):
    page = f"/models/{OF_OWNER}"
    assert server.get(f"{page}/monitoring").status_code == 404
    assert server.post(f"{page}/gradio_api/component_server", json={}).status_code == 404
    assert server.get(f"{page}/config", headers={"Origin": "https://evil.example"}).status_code == 403
    assert server.get(f"{page}/gradio_api/file=/etc/passwd").status_code == 404
    long = b'{"data": [' + b" " * 4_000_000 + b"]}"
    assert server.post(f"{page}/gradio_api/call/trials", content=long).status_code == 413


def test_model_of_a_pattern_leaves_no_files_and_a_listed_one_stays_in_the_cache(server, folder):
    for name in (LISTED, OF_OWNER):
        assert get(server, f"/models/{name}/config").status_code == 200
    cached = {path.name for path in (folder / "home" / "hub").glob("models--*")}
    assert cached == {f"models--{LISTED.replace('/', '--')}"}
    assert len(list((folder / "temporary").glob("trazo-model-*"))) == 1  # of the one that is open
