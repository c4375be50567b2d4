"""The app as a person runs it: a process on a free port, asked over HTTP by Gradio's own client."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import ANY

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from model import CnnConfig
from tests.support.app_server import ROOT, App, running
from tests.support.fake_hub import LoopbackHub
from ui.edges.render import edge_map
from ui.i18n import SERVER_TEXT

VERTICAL = [[1, 0, -1], [1, 0, -1], [1, 0, -1]]


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[App]:
    """An app that was asked for a model which it cannot get."""
    with running(tmp_path_factory.mktemp("app") / "log.txt", MODEL_ID="nobody/no-such-model") as app:
        yield app


@pytest.fixture(scope="module")
def client(app) -> Client:
    return app.client()


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)).save(file)
    return file


def picture(folder: Path, name: str = "seven.png") -> Path:
    """Save one of the pictures that people send."""
    file = folder / name
    image = Image.new("RGB", (200, 200), "white")
    if name == "huge.png":
        image = Image.new("1", (20_000, 10_000))
    elif name != "blank.png":
        ImageDraw.Draw(image).line([(60, 40), (140, 40), (90, 170)], "black", 14)
    if name.endswith(".svg"):
        file.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
        return file
    image.save(file)
    if name == "cut.png":
        file.write_bytes(file.read_bytes()[:300])
    return file


# --- The endpoints ---


def test_the_named_endpoints_are_exactly_three(client):
    assert set(client.view_api(print_info=False, return_format="dict")["named_endpoints"]) == {
        "/classify",
        "/edges",
        "/trials",
    }


def test_edges_of_a_picture(client, photo):
    expected = edge_map(np.asarray(Image.open(photo)), VERTICAL, 50)
    for arguments in ((VERTICAL, 50), ("vertical", 50), ()):
        edges = Image.open(client.predict(handle_file(photo), *arguments, api_name="/edges"))
        assert edges.format == "PNG"
        assert (np.asarray(edges.convert("L")) == expected).all()


def test_edges_with_a_kernel_of_ones_own(client, photo):
    kernel = np.random.default_rng(1).normal(size=(5, 5)).tolist()
    edges = client.predict(picture=handle_file(photo), kernel=kernel, threshold=-12.5, api_name="/edges")
    expected = edge_map(np.asarray(Image.open(photo)), kernel, -12.5)
    assert (np.asarray(Image.open(edges).convert("L")) == expected).all()


def test_a_drawing_and_a_picture_get_the_same_answer(client, tmp_path):
    seven = handle_file(picture(tmp_path))
    answers = [
        client.predict(seven, api_name="/classify"),
        client.predict({"background": None, "layers": [], "composite": seven}, api_name="/classify"),
        client.predict({"background": seven, "layers": [], "composite": None}, api_name="/classify"),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["label"] == "7"
    confidences = {entry["label"]: entry["confidence"] for entry in answers[0]["confidences"]}
    assert set(confidences) == set("0123456789")
    assert sum(confidences.values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_scribble_gets_its_answer_with_a_message(app, tmp_path, language):
    scribble = Image.new("L", (400, 400), 255)
    places = [(40, 40), (360, 80), (40, 120), (360, 160), (40, 200), (360, 240), (80, 360), (240, 80)]
    ImageDraw.Draw(scribble).line(places, 0, 30)
    scribble.save(tmp_path / "scribble.png")
    answer = app.client(language).predict(handle_file(tmp_path / "scribble.png"), api_name="/classify")
    assert answer["message"] == SERVER_TEXT[language]["not_known"].format(label=answer["label"])
    assert len(answer["confidences"]) == 10 and answer["confidences"][0]["label"] == answer["label"]
    assert "message" not in app.client().predict(handle_file(picture(tmp_path)), api_name="/classify")


def test_trials_are_a_table_or_a_reason(client):
    try:
        table = client.predict(api_name="/trials")
    except AppError as error:
        assert "trials.json" in str(error)
    else:
        assert table["headers"][:3] == ["trial_id", "status", "score"]
        assert all(len(row) == len(table["headers"]) for row in table["data"])


# --- What cannot be used ---


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("name", "key"),
    [("huge.png", "image_too_large"), ("cut.png", "image_unreadable"), ("drawing.svg", "image_unreadable")],
)
def test_a_picture_that_cannot_be_used_is_told(app, tmp_path, name, key, language):
    client = app.client(language)
    for endpoint in ("/edges", "/classify"):
        with pytest.raises(AppError) as refused:
            client.predict(handle_file(picture(tmp_path, name)), api_name=endpoint)
        assert str(refused.value) == SERVER_TEXT[language][key].format(limit=50)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("kernel", "key"),
    [([[1] * 99] * 99, "kernel_shape"), ([[1, 2], [3, 4]], "kernel_shape"), ([[None]], "kernel_numbers")],
)
def test_a_kernel_that_cannot_be_used_is_told(app, photo, kernel, key, language):
    with pytest.raises(AppError) as refused:
        app.client(language).predict(handle_file(photo), kernel, 50, api_name="/edges")
    assert str(refused.value) == SERVER_TEXT[language][key].format(largest=31, limit="1 000 000")


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("drawing", "key"),
    [
        (None, "drawing_missing"),
        ({"background": None, "layers": [], "composite": None}, "drawing_missing"),
        ({"background": None, "layers": [], "composite": None, "id": "expired"}, "drawing_missing"),
        ("blank.png", "drawing_blank"),
    ],
)
def test_a_drawing_that_cannot_be_used_is_told(app, tmp_path, drawing, key, language):
    if drawing == "blank.png":
        drawing = handle_file(picture(tmp_path, drawing))
    with pytest.raises(AppError) as refused:
        app.client(language).predict(drawing, api_name="/classify")
    assert str(refused.value) == SERVER_TEXT[language][key]


@pytest.mark.parametrize(("endpoint", "further"), [("edges", ["sobel", 50]), ("classify", [])])
@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_files_of_the_server_are_not_read(app, photo, endpoint, further, meta):
    for file in (photo, ROOT / "ui" / "photos" / "camera.jpg"):
        body = json.dumps({"data": [{"path": str(file), **meta}, *further]})
        assert app.call(endpoint, body.encode()) == ("error", ANY)
    body = json.dumps({"data": [app.upload(photo.read_bytes()), *further]})  # it is the path that is refused
    assert app.call(endpoint, body.encode()) == ("complete", ANY)


def test_a_kernel_with_nan_is_told(app, client, photo):
    """NaN is not JSON, but Python's parser takes it."""
    file = app.upload(photo.read_bytes())
    assert app.call("edges", json.dumps({"data": [file, [[1]], 50]}).encode())[0] == "complete"
    ended, told = app.call("edges", json.dumps({"data": [file, [[float("nan")]], 50]}).encode())
    assert ended == "error" and "finite" in told["error"]
    assert client.predict(handle_file(photo), api_name="/edges")


def test_a_file_that_is_too_large_is_not_taken(app, client, tmp_path, photo):
    large = tmp_path / "large.png"
    large.write_bytes(b"\0" * 21_000_000)
    with pytest.raises(ValueError, match="maximum file size"):
        client.predict(handle_file(large), api_name="/edges")


def test_bad_requests_leave_others_unharmed(app, tmp_path, photo):
    """Bad and good requests at once: each good one is answered."""
    huge, cut = picture(tmp_path, "huge.png"), picture(tmp_path, "cut.png")

    def ask(number: int) -> bool:
        client = app.client()
        if number % 2:
            return bool(client.predict(handle_file(photo), api_name="/edges"))
        with pytest.raises(AppError):
            client.predict(handle_file(huge if number % 4 else cut), api_name="/classify")
        return True

    with ThreadPoolExecutor(4) as people:
        assert all(people.map(ask, range(12)))


# --- The page ---


def config(app: App) -> dict:
    return json.load(urllib.request.urlopen(f"{app.url}config", timeout=10))


def test_a_model_that_cannot_be_had_is_told_and_the_bundled_one_used(app, tmp_path):
    with_model = app.client("es").predict(handle_file(picture(tmp_path)), api_name="/classify")
    assert with_model["label"] == "7"
    log = app.log.read_text()
    assert "nobody/no-such-model" in log and "bundled model" in log


def test_nothing_of_gradios_own_is_left_lying_about(app):
    page = config(app)
    assert page["footer_links"] == [] and page["run_history"] is False and page["analytics_enabled"] is False
    assert page["title"] == "Trazo"
    icon = urllib.request.urlopen(f"{app.url}favicon.ico", timeout=10)
    assert icon.read() == (ROOT / "ui" / "icon.svg").read_bytes() and icon.headers["Content-Type"] == "image/svg+xml"


def test_the_hub_may_show_the_page_in_a_frame_and_others_may_not(app):
    for path in ("", "config", "gradio_api/info", "theme.css"):
        headers = urllib.request.urlopen(f"{app.url}{path}", timeout=10).headers
        assert "X-Frame-Options" not in headers and headers["X-Content-Type-Options"] == "nosniff"
        allowed = headers["Content-Security-Policy"].split()
        assert allowed[:3] == ["frame-ancestors", "'self'", "https://huggingface.co"] and "*" not in allowed


@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        "file=%2Fetc%2Fpasswd",
        "file=/proc/self/environ",
        "file=app.py",
        "file=../app.py",
        "file=.gitignore",
        "file=model/pretrained/config.json",
        "file/app.py",
        "static/../../../../etc/passwd",
    ],
)
def test_no_route_gives_a_file_of_the_server(app, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{app.url}gradio_api/{path}", timeout=10)
    assert 400 <= refused.value.code < 500


def test_two_people_do_not_see_each_other(app, tmp_path):
    """Both draw again and again at the same time: each gets the answers to their own drawing."""
    one, seven = tmp_path / "one.png", picture(tmp_path)
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line([(100, 30), (100, 170)], 0, 14)
    image.save(one)

    def ask(file: Path) -> set[str]:
        person = app.client()
        return {person.predict(handle_file(file), api_name="/classify")["label"] for _ in range(15)}

    with ThreadPoolExecutor(2) as people:
        assert list(people.map(ask, [one, seven])) == [{"1"}, {"7"}]
    with pytest.raises(AppError):
        app.client().predict(None, api_name="/classify")
    page = json.dumps(config(app))
    assert "one.png" not in page and "seven.png" not in page


def test_fonts_are_the_systems(app):
    css = urllib.request.urlopen(f"{app.url}theme.css", timeout=10).read().decode()
    assert "system-ui" in css and "googleapis" not in css and "@font-face" not in css
    assert config(app)["stylesheets"] == []


def test_the_console_stays_clean(app):
    """Whatever the tests above have sent: no greeting of TensorFlow, and no trace that leads through the project."""
    log = app.log.read_text()
    assert "oneDNN" not in log and "absl::" not in log
    assert f'File "{ROOT / "ui"}' not in log and f'File "{ROOT / "model"}' not in log


def test_temporary_files_are_deleted(tmp_path, photo):
    code = "import app; app.TEMP_FILE_TTL_S = 4; app.main()"
    with running(tmp_path / "log.txt", "-c", code, GRADIO_TEMP_DIR=str(tmp_path / "kept")) as app:
        at_start = {file for file in (tmp_path / "kept").rglob("*") if file.is_file()}
        never_used, used = app.upload(photo.read_bytes() + b"more"), app.upload(photo.read_bytes())
        ended, (edges, *_) = app.call("edges", json.dumps({"data": [used, "sobel", 50]}).encode())
        files = {Path(file["path"]) for file in (never_used, used, edges)}
        assert ended == "complete" and len(files) == 3 and all(file.parent.is_dir() for file in files)
        last = time.monotonic() + 60
        while any(file.exists() for file in files):
            assert time.monotonic() < last, files
            time.sleep(0.1)
        assert at_start and all(file.is_file() for file in at_start)  # what the page itself shows stays


def test_a_hundred_at_once_are_all_answered(app, photo):
    drawing = json.dumps({"data": [app.upload(photo.read_bytes())]}).encode()
    with ThreadPoolExecutor(120) as people:
        assert {ended for ended, _ in people.map(lambda _: app.call("classify", drawing), range(120))} == {"complete"}


def test_where_the_networks_process_ends_the_page_goes_on(app, photo):
    """The system may end it for want of memory."""
    picture = app.upload(photo.read_bytes())
    drawing, edges = json.dumps({"data": [picture]}).encode(), json.dumps({"data": [picture, "sobel", 50]}).encode()
    assert app.call("classify", drawing)[0] == "complete"
    network = app.network()
    assert ["libtensorflow" in Path(f"/proc/{one}/maps").read_text() for one in (app.process, network)] == [False, True]
    os.kill(network, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as person:
        asked = person.submit(app.call, "classify", drawing, "es")
        assert app.call("edges", edges)[0] == "complete"
        os.kill(network, signal.SIGKILL)
        assert asked.result() == ("error", ANY) and asked.result()[1]["error"] == SERVER_TEXT["es"]["network_restarted"]
    assert app.call("classify", drawing)[0] == "complete"
    assert "ended with code -9; another one takes its place" in app.log.read_text()
    assert "Traceback" not in app.log.read_text()


def test_a_model_that_the_disk_cannot_take_is_told_and_the_bundled_one_used(tmp_path):
    """As with a full disk or a cache that may not be written: here HF_HOME leads through a file."""
    (tmp_path / "file").write_text("")
    code = (
        "import os; from ui.inference.supervisor import ModelSupervisor; "
        "network = ModelSupervisor.find(os.environ['MODEL_ID'], None); "
        "print(network.folder.name, '|', network.failure)"
    )
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/digits", "model", folder=ROOT / "model" / "pretrained")
        environment = hub.environ(tmp_path / "file" / "home") | {"MODEL_ID": "someone/digits", "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("pretrained | ") and "cannot be read or written here" in result.stdout
    assert "Traceback" not in result.stderr and "bundled model is used" in result.stderr


def test_without_any_model_there_is_one_line(tmp_path):
    """A damaged installation is told, not shown as a trace."""
    code = "import sys, pathlib, model.folder, app; model.folder.PRETRAINED = pathlib.Path(sys.argv[1]); app.main()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = os.environ | {"MODEL_ID": ""}
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 1
    assert "config.json" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("environment", "host", "port"),
    [({}, "127.0.0.1", 7860), ({"PORT": "8123"}, "127.0.0.1", 8123), ({"SPACE_ID": "a/b"}, "0.0.0.0", 7860)],
)
def test_it_listens_at_home_unless_it_is_a_space(monkeypatch, environment, host, port):
    import app

    for name in ("PORT", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    launched = {}
    monkeypatch.setattr(app.ModelSupervisor, "find", lambda *_: app.ModelSupervisor(ROOT / "nowhere", CnnConfig()))
    monkeypatch.setattr(app.ModelSupervisor, "start", lambda self: None)
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **options: launched.update(options, queue=self._queue))
    app.main()
    assert (launched["server_name"], launched["server_port"]) == (host, port)
    assert launched["max_file_size"] and launched["footer_links"] == [] and launched["run_history"] is False
    # Gradio's names for them; the settings are environment variables, which nothing refuses when they are renamed.
    assert launched["queue"].ANALYTICS_MAX_EVENTS == 1 and launched["queue"].ANAYLTICS_CACHE_FREQUENCY > 1_000_000
