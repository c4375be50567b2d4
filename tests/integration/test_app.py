"""The app as a user runs it: a process on a free port, called over HTTP by Gradio's own client."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import ANY

import gradio as gr
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from model import CnnConfig
from tests.integration.conftest import MISSING_MODEL
from tests.support.app_server import ROOT, running
from tests.support.fake_hub import LoopbackHub
from ui.edges.render import edge_map
from ui.i18n import SERVER_TEXT
from ui.server.gradio_settings import SET

VERTICAL = [[1, 0, -1], [1, 0, -1], [1, 0, -1]]


# --- The endpoints ---


def test_named_endpoints_are_exactly_three(client):
    assert set(client.view_api(print_info=False, return_format="dict")["named_endpoints"]) == {
        "/classify",
        "/edges",
        "/trials",
    }


def test_edges_match_the_edge_map(client, photo):
    expected = edge_map(np.asarray(Image.open(photo)), VERTICAL, 50)
    for arguments in ((VERTICAL, 50), ("vertical", 50), ()):
        edges = Image.open(client.predict(handle_file(photo), *arguments, api_name="/edges"))
        assert edges.format == "PNG"
        assert (np.asarray(edges.convert("L")) == expected).all()


def test_edges_custom_kernel_matches_the_edge_map(client, photo):
    kernel = np.random.default_rng(1).normal(size=(5, 5)).tolist()
    edges = client.predict(picture=handle_file(photo), kernel=kernel, threshold=-12.5, api_name="/edges")  # words: ok
    expected = edge_map(np.asarray(Image.open(photo)), kernel, -12.5)
    assert (np.asarray(Image.open(edges).convert("L")) == expected).all()


def test_classify_drawing_and_image_give_the_same_answer(client, save_image):
    seven = handle_file(save_image())
    answers = [
        client.predict(seven, api_name="/classify"),
        client.predict({"background": None, "layers": [], "composite": seven}, api_name="/classify"),
        client.predict({"background": seven, "layers": [], "composite": None}, api_name="/classify"),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["label"] == answers[0]["text"] == "7"
    confidences = {entry["label"]: entry["confidence"] for entry in answers[0]["confidences"]}
    assert set(confidences) == set("0123456789")
    assert sum(confidences.values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("language", ["es", "en"])
def test_classify_scribble_gets_a_message(clients, tmp_path, save_image, language):
    scribble = Image.new("L", (400, 400), 255)
    points = [(40, 40), (360, 80), (40, 120), (360, 160), (40, 200), (360, 240), (80, 360), (240, 80)]
    ImageDraw.Draw(scribble).line(points, 0, 30)
    scribble.save(tmp_path / "scribble.png")
    answer = clients[language].predict(handle_file(tmp_path / "scribble.png"), api_name="/classify")
    assert answer["message"] == SERVER_TEXT[language]["not_known"].format(label=answer["label"])
    assert len(answer["confidences"]) == 10 and answer["confidences"][0]["label"] == answer["label"]
    assert "message" not in clients["en"].predict(handle_file(save_image()), api_name="/classify")


@pytest.mark.parametrize("language", ["es", "en"])
def test_classify_several_signs_and_none_get_a_message(clients, tmp_path, language):
    image = Image.new("L", (500, 400), 255)
    pen = ImageDraw.Draw(image)
    pen.line([(60, 60), (180, 60), (110, 300)], 0, 22, joint="curve")
    pen.line([(250, 290), (236, 336)], 0, 22)
    pen.line([(350, 60), (350, 300)], 0, 22)
    image.save(tmp_path / "seven_point_one.png")
    answer = clients[language].predict(handle_file(tmp_path / "seven_point_one.png"), api_name="/classify")
    assert answer["text"] == "7 , 1" and len(answer["confidences"]) == 10
    assert answer["message"] == SERVER_TEXT[language]["several_signs"].format(text="7 , 1")
    photo = handle_file(ROOT / "ui" / "photos" / "astronaut.jpg")
    answer = clients[language].predict(photo, api_name="/classify")
    assert answer["text"] == "" and answer["message"] == SERVER_TEXT[language]["no_handwriting"]


def test_trials_are_a_table_or_an_error(client):
    try:
        table = client.predict(api_name="/trials")
    except AppError as error:
        assert "trials.json" in str(error)
    else:
        assert table["headers"][:3] == ["trial_id", "status", "score"]
        assert all(len(row) == len(table["headers"]) for row in table["data"])


# --- Inputs that are refused ---


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("name", "key"),
    [("huge.png", "image_too_large"), ("truncated.png", "image_unreadable"), ("drawing.svg", "image_unreadable")],
)
def test_unusable_image_is_refused(clients, save_image, name, key, language):
    for endpoint in ("/edges", "/classify"):
        with pytest.raises(AppError) as refused:
            clients[language].predict(handle_file(save_image(name)), api_name=endpoint)
        assert str(refused.value) == SERVER_TEXT[language][key].format(limit=50)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("kernel", "key"),
    [([[1] * 99] * 99, "kernel_shape"), ([[1, 2], [3, 4]], "kernel_shape"), ([[None]], "kernel_numbers")],
)
def test_unusable_kernel_is_refused(clients, photo, kernel, key, language):
    with pytest.raises(AppError) as refused:
        clients[language].predict(handle_file(photo), kernel, 50, api_name="/edges")
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
def test_unusable_drawing_is_refused(clients, save_image, drawing, key, language):
    if drawing == "blank.png":
        drawing = handle_file(save_image(drawing))
    with pytest.raises(AppError) as refused:
        clients[language].predict(drawing, api_name="/classify")
    assert str(refused.value) == SERVER_TEXT[language][key]


@pytest.mark.parametrize(("endpoint", "further"), [("edges", ["sobel", 50]), ("classify", [])])
@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_server_files_are_not_read(app, photo, endpoint, further, meta):
    for file in (photo, ROOT / "ui" / "photos" / "camera.jpg"):
        body = json.dumps({"data": [{"path": str(file), **meta}, *further]})
        assert app.call(endpoint, body.encode()) == ("error", ANY)
    body = json.dumps({"data": [app.upload(photo.read_bytes()), *further]})  # it is the path that is refused
    assert app.call(endpoint, body.encode()) == ("complete", ANY)


def test_kernel_with_nan_is_refused(app, client, photo):
    """NaN is not JSON, but Python's parser accepts it."""
    file = app.upload(photo.read_bytes())
    assert app.call("edges", json.dumps({"data": [file, [[1]], 50]}).encode())[0] == "complete"
    ended, error = app.call("edges", json.dumps({"data": [file, [[float("nan")]], 50]}).encode())
    assert ended == "error" and "finite" in error["error"]
    assert client.predict(handle_file(photo), api_name="/edges")


@pytest.mark.parametrize("language", ["es", "en"])
def test_address_in_a_kernel_is_refused(app, photo, language):
    nowhere = {"path": "http://127.0.0.1:1/a.png", "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [app.upload(photo.read_bytes()), [[nowhere]], 50]})
    ended, answer = app.call("edges", body.encode(), language)
    assert (ended, answer["error"]) == ("error", SERVER_TEXT[language]["address_limit"])


def test_upload_too_large_is_refused(app, client, tmp_path, photo):
    large = tmp_path / "large.png"
    large.write_bytes(b"\0" * 21_000_000)
    with pytest.raises(ValueError, match="maximum file size"):
        client.predict(handle_file(large), api_name="/edges")


def test_bad_requests_do_not_disturb_others(clients, save_image, photo):
    """Bad and good requests at the same time: each good one is answered."""
    huge, truncated = save_image("huge.png"), save_image("truncated.png")

    def ask(number: int) -> bool:
        client = clients["en"]
        if number % 2:
            return bool(client.predict(handle_file(photo), api_name="/edges"))
        with pytest.raises(AppError):
            client.predict(handle_file(huge if number % 4 else truncated), api_name="/classify")
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(12)))


# --- The environment ---


def test_page_is_open_to_the_network_where_asked(app):
    """127.0.0.2 is another address of this machine."""
    port = urllib.parse.urlsplit(app.url).port
    assert urllib.request.urlopen(f"http://127.0.0.2:{port}/", timeout=10).status == 200


def test_address_of_the_page_is_printed_once_it_is_served(app):
    port, last = urllib.parse.urlsplit(app.url).port, time.monotonic() + 30
    while not (lines := [line for line in app.log.read_text().splitlines() if line.startswith("open http")]):
        assert time.monotonic() < last, app.log.read_text()
        time.sleep(0.1)
    assert lines == [
        f"open http://127.0.0.1:{port}; on other machines http://ADDRESS:{port}, with the address of this machine"
    ]


def test_others_settings_are_reported_once_and_not_used(app):
    log = app.log.read_text()
    for line in (
        "KERAS_BACKEND is 'jax'; Trazo needs Keras with TensorFlow, and uses it",
        "all_proxy is not an address like http://proxy.example:8080, and is not used",
        "SSL_CERT_FILE is 'nowhere.pem', which does not exist, and is not used",
        "not used here: GRADIO_ALLOWED_PATHS, GRADIO_NUM_WORKERS, GRADIO_VIBE_MODE; docs/serving.md lists what is",
    ):
        assert log.count(line) == 1, log
    assert "Static file workers" not in log


# --- The page ---


def test_missing_model_is_reported_and_bundled_one_used(app, clients, save_image):
    answer = clients["es"].predict(handle_file(save_image()), api_name="/classify")
    assert answer["label"] == "7"
    log = app.log.read_text()
    assert MISSING_MODEL in log and "bundled model" in log


def test_page_has_nothing_of_gradios_own_but_its_api_page(app):
    page = app.config()
    assert page["footer_links"] == ["api"] and page["run_history"] is False and page["analytics_enabled"] is False
    assert page["title"] == "Trazo"
    icon = urllib.request.urlopen(f"{app.url}favicon.ico", timeout=10)
    assert (
        icon.read() == (ROOT / "ui" / "static" / "icon.svg").read_bytes()
        and icon.headers["Content-Type"] == "image/svg+xml"
    )


def test_page_frame_is_allowed_for_the_hub_only(app):
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
        "file=model/pretrained/trazo.json",
        "file/app.py",
        "file=http://127.0.0.1:1/a.png",
        "proxy=http://127.0.0.1:1/a.png",
        "static/../../../../etc/passwd",
    ],
)
def test_routes_give_no_server_file(app, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{app.url}gradio_api/{path}", timeout=10)
    assert 400 <= refused.value.code < 500


def test_two_visitors_do_not_see_each_other(app, tmp_path, save_image):
    """Both send drawings at the same time: each gets the answers to their own drawing."""
    one, seven = tmp_path / "one.png", save_image()
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line([(100, 30), (100, 170)], 0, 14)
    image.save(one)

    def ask(file: Path) -> set[str]:
        visitor = app.client()
        return {visitor.predict(handle_file(file), api_name="/classify")["label"] for _ in range(15)}

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(ask, [one, seven])) == [{"1"}, {"7"}]
    with pytest.raises(AppError):
        app.client().predict(None, api_name="/classify")
    page = json.dumps(app.config())
    assert "one.png" not in page and "seven.png" not in page


def test_fonts_are_system_fonts(app):
    css = urllib.request.urlopen(f"{app.url}theme.css", timeout=10).read().decode()
    assert "system-ui" in css and "googleapis" not in css and "@font-face" not in css
    assert app.config()["stylesheets"] == []


def test_log_has_no_tracebacks_of_the_project(app):
    """After all requests above: no start message of TensorFlow, and no traceback through the project."""
    log = app.log.read_text()
    assert "oneDNN" not in log and "absl::" not in log
    assert f'File "{ROOT / "ui"}' not in log and f'File "{ROOT / "model"}' not in log


def test_temporary_files_are_deleted(tmp_path, photo):
    """Those that Gradio knows of and others; what other programs keep in GRADIO_TEMP_DIR is not touched."""
    others = tmp_path / "kept" / "0f" / "of another program.png"
    others.parent.mkdir(parents=True)
    others.write_bytes(photo.read_bytes())
    code = (
        "from tests.support.app_without_network import main; from ui.server.temp_files import TEMP_FILES; "
        "TEMP_FILES.max_age_s = 1; main()"
    )
    with running(tmp_path / "log.txt", "-c", code, GRADIO_TEMP_DIR=str(tmp_path / "kept")) as app:
        folder = tmp_path / "kept" / "gradio-trazo"
        at_start = {file for file in folder.rglob("*") if file.is_file()}
        (folder / "tmpaborted").write_bytes(b"half an image")
        never_used, used = app.upload(photo.read_bytes() + b"more"), app.upload(photo.read_bytes())
        ended, (edges, *_) = app.call("edges", json.dumps({"data": [used, "sobel", 50]}).encode())
        names = [Path(file["path"]).relative_to("uploads") for file in (never_used, used, edges)]
        files = {folder / name for name in names} | {folder / "tmpaborted"}
        assert ended == "complete" and len(files) == 4 and all(file.parent.is_dir() for file in files)
        last = time.monotonic() + 60
        while any(file.exists() for file in files) or set(folder.iterdir()) != {file.parent for file in at_start}:
            assert time.monotonic() < last, files
            time.sleep(0.1)
        assert at_start and all(file.is_file() for file in (*at_start, others))  # the page's own files stay


def test_120_requests_at_once_are_all_answered(app, photo):
    drawing = json.dumps({"data": [app.upload(photo.read_bytes())]}).encode()
    with ThreadPoolExecutor(120) as threads:
        assert {ended for ended, _ in threads.map(lambda _: app.call("classify", drawing), range(120))} == {"complete"}


def test_network_process_killed_page_continues(app, photo):
    """The system may kill it for lack of memory."""
    image = app.upload(photo.read_bytes())
    drawing, edges = json.dumps({"data": [image]}).encode(), json.dumps({"data": [image, "sobel", 50]}).encode()
    assert app.call("classify", drawing)[0] == "complete"
    network = app.network_pid()
    assert ["libtensorflow" in Path(f"/proc/{pid}/maps").read_text() for pid in (app.pid, network)] == [False, True]
    os.kill(network, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(app.call, "classify", drawing, "es")
        assert app.call("edges", edges)[0] == "complete"
        os.kill(network, signal.SIGKILL)
        assert asked.result() == ("error", ANY) and asked.result()[1]["error"] == SERVER_TEXT["es"]["network_restarted"]
    assert app.call("classify", drawing)[0] == "complete"
    assert "the network's process ended (SIGKILL); another one is started" in app.log.read_text()
    assert "Traceback" not in app.log.read_text()


def test_unwritable_cache_is_reported_and_bundled_model_used(tmp_path):
    """As with a full disk or a read-only cache: here HF_HOME leads through a file."""
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


def test_no_model_at_all_exits_with_one_line(tmp_path):
    """A damaged installation is reported without a traceback."""
    code = (
        "import sys, pathlib, model.io.locate, app; model.io.locate.PRETRAINED = pathlib.Path(sys.argv[1]); app.main()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = os.environ | {"MODEL_ID": ""}
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 2
    assert "trazo.json" in result.stderr and "Traceback" not in result.stderr


def test_page_is_launched_at_its_address_with_its_settings(monkeypatch, tmp_path):
    import app

    for name in (*SET, "SPACE_ID", "GRADIO_SERVER_PORT"):  # restored after the test
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("GRADIO_SERVER_NAME", "::1")
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setattr(app, "check_free", lambda address: None)
    launched = {}
    monkeypatch.setattr(app.ModelSupervisor, "find", lambda *_: app.ModelSupervisor(ROOT / "nowhere", CnnConfig()))
    monkeypatch.setattr(app.ModelSupervisor, "start", lambda self: None)

    def launch(demo: gr.Blocks, **options: object) -> None:
        launched.update(options, queue=demo._queue, looks_for_garbage=gc.isenabled())
        demo.server = SimpleNamespace(servers=[])

    monkeypatch.setattr(gr.Blocks, "launch", launch)
    app.main()
    assert (launched["server_name"], launched["server_port"]) == ("[::1]", 8123)
    assert launched["max_file_size"] and launched["footer_links"] == ["api"] and launched["run_history"] is False
    assert not launched["looks_for_garbage"] and gc.isenabled()  # only once the page is served
    # Gradio's names: the settings are environment variables, and nothing fails if Gradio renames them.
    assert launched["queue"].ANALYTICS_MAX_EVENTS == 1 and launched["queue"].ANAYLTICS_CACHE_FREQUENCY > 1_000_000
