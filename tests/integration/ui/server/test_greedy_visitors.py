"""One visitor takes everything that there is; another one, at another address of this machine, uses the page."""

import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.support.app_server import ROOT, App, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other addresses of this machine, descriptors")
MAX_DESCRIPTORS = 256
FEW_DESCRIPTORS = f"""import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({MAX_DESCRIPTORS}, {MAX_DESCRIPTORS}))
from tests.support.app_without_network import main
main()"""
GREEDY, HONEST = "127.0.0.2", "127.0.0.3"
PART = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nimage\r\n'


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("greedy")
    settings = {"TMPDIR": str(folder), "GRADIO_MCP_SERVER": "True", "FORWARDED_ALLOW_IPS": "127.0.0.9"}
    with running(folder / "log.txt", "-c", FEW_DESCRIPTORS, **settings) as app:
        yield app


def ask(app: App, host: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Ask from an address; returns status and body."""
    connection = HTTPConnection("127.0.0.1", urlsplit(app.url).port, timeout=20, source_address=(host, 0))
    with closing(connection):
        kind = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body, kind | {name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return response.status, response.read()


def call(app: App, host: str, **headers: str) -> int:
    """Put a call of `/trials` into the queue and do not fetch the answer; returns the status."""
    return ask(app, host, "POST", "/gradio_api/call/trials", b'{"data": []}', **headers)[0]


def page_works(app: App) -> bool:
    status, answer = ask(app, HONEST, "POST", "/gradio_api/call/trials", b'{"data": []}')
    if status != 200 or ask(app, HONEST, "GET", "/")[0] != 200:
        return False
    event = json.loads(answer)["event_id"]
    return b"event: complete" in ask(app, HONEST, "GET", f"/gradio_api/call/trials/{event}")[1]


def connect(app: App, host: str, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", urlsplit(app.url).port), 20, source_address=(host, 0))
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
        b"Content-Type: multipart/form-data; boundary=part\r\n\r\n" + PART[:-2],
        b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /gradio_api/heartbeat/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["idle", "half a head", "half an upload", "half a call", "listener"],
)
def test_connections_of_one_visitor_leave_some_for_another(app, sent):
    with ExitStack() as held:
        for _ in range(MAX_DESCRIPTORS):
            try:
                held.enter_context(closing(connect(app, GREEDY, sent)))
            except ConnectionError:  # refused so fast that the request could not be sent
                continue
        assert page_works(app)
    assert "Too many open files" not in app.log.read_text()


def test_connections_that_arrive_at_once_leave_descriptors(app):
    """A server that is busy for a moment finds hundreds of connections that wait."""
    with ExitStack() as held:
        os.kill(app.pid, signal.SIGSTOP)
        try:
            for _ in range(3 * MAX_DESCRIPTORS):
                held.enter_context(closing(connect(app, GREEDY, b"GET / HTTP/1.1\r\n")))
        finally:
            os.kill(app.pid, signal.SIGCONT)
        assert page_works(app)
    assert "Too many open files" not in app.log.read_text()


def test_unfetched_answers_of_one_visitor_leave_the_queue_to_another(app):
    statuses = [call(app, GREEDY) for _ in range(300)]
    assert 100 < statuses.count(200) < 200 and set(statuses) == {200, 429}
    assert page_works(app)


def test_visitors_behind_a_proxy_have_a_share_each(app):
    greedy, honest = ({"X_Forwarded_For": f"203.0.113.{number}"} for number in (1, 2))
    while call(app, "127.0.0.9", **greedy) == 200:
        pass
    assert call(app, "127.0.0.9", **honest) == 200
    # The same words from anybody else do not count.
    while call(app, "127.0.0.4", **greedy) == 200:
        pass
    assert call(app, "127.0.0.4", **honest) == 429


def test_form_of_endless_parts_is_refused_at_the_second(app):
    with closing(connect(app, GREEDY)) as connection:
        head = "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
        kind = "Content-Type: multipart/form-data; boundary=part\r\n\r\n"
        connection.sendall((head + kind).encode() + PART * 3)
        assert b"413" in connection.recv(100).split(b"\r\n")[0]


def test_mcp_has_the_pages_rules_and_limit(app):
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    accepted = {"Accept": "application/json, text/event-stream"}
    status, answer = ask(app, HONEST, "POST", "/gradio_api/mcp/", asked, **accepted)
    assert status == 200 and b"find_edges" in answer
    assert ask(app, HONEST, "POST", "/gradio_api/mcp/", asked, Origin="https://evil.example", **accepted)[0] == 403
    assert ask(app, HONEST, "POST", "/gradio_api/mcp/", asked, Host="evil.example", **accepted)[0] == 421
    assert ask(app, HONEST, "POST", "/gradio_api/mcp/", b" " * 4_000_001, **accepted)[0] == 413


def test_mcp_visitor_has_the_own_part_of_the_queue(app):
    greedy, honest = "127.0.0.5", "127.0.0.6"
    while call(app, greedy) == 200:
        pass
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "trials", "arguments": {}}}
    accepted = {"Accept": "application/json, text/event-stream"}
    errors = []
    for host in (greedy, honest):
        # A name in a header, which only the page itself may write, does not help.
        words = {**accepted, "X_Trazo_Visitor": f"secret {honest}"}
        status, answer = ask(app, host, "POST", "/gradio_api/mcp/", json.dumps(tool).encode(), **words)
        assert status == 200
        errors.append(b'"isError":true' in answer)
    assert errors == [True, False]


def test_log_lines_cannot_be_forged(app):
    mark = "%0aforged%0d%1b%5b31m"
    tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "a\nforged\x1b[31m", "arguments": {}}}
    for method, path, body in (
        ("POST", f"/gradio_api/mcp/messages/?session_id={mark}", b"{}"),
        ("POST", "/gradio_api/mcp/", json.dumps(tool).encode()),
        ("POST", f"/gradio_api/call/{mark}", b'{"data": []}'),
        ("GET", f"/gradio_api/custom_component/{mark}/client/a/b", None),
        ("GET", f"/gradio_api/queue/data?session_hash={mark}", None),
        ("GET", f"/gradio_api/file={mark}", None),
        ("GET", "/monitoring", None),
    ):
        ask(app, HONEST, method, path, body, Accept="application/json, text/event-stream")
    log = app.log.read_text()
    assert (
        not [line for line in log.splitlines() if line.startswith("forged")] and "\x1b" not in log and "\r" not in log
    )
    assert "Monitoring" not in log


def test_policy_covers_every_inline_script_of_the_page(app):
    with urlopen(app.url, timeout=20) as page:
        html, policy = page.read().decode(), page.headers["Content-Security-Policy"]
    assert policy.count("'sha256-") == html.count("<script>") + html.count("<script data-") >= 5
    assert "'unsafe-inline'" not in policy.split("style-src")[0] and "object-src 'none'" in policy


def test_no_folder_of_the_server_is_shown(app):
    shown = [app.get(path).decode() for path in ("", "config", "gradio_api/info", "gradio_api/openapi.json")]
    shown += [ask(app, HONEST, "GET", "/gradio_api/mcp/schema")[1].decode()]
    assert all(shown) and not [text for text in shown if str(app.log.parent) in text or str(ROOT) in text]
    (file,) = set(re.findall(r'"path": ?"(uploads/[0-9a-f]+/coffee[^"]*)"', shown[1]))
    assert app.get(f"gradio_api/file={file}")[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /?" + b"a" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /?" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: a\r\n" * 100_000 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", 413),
        (b"GET /gradio_api/heartbeat/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n", 413),
        (b"HEAD /gradio_api/heartbeat/a HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"OPTIONS /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
        (
            b"GET /static/img/logo.svg HTTP/1.1\r\nHost: localhost\r\nRange: bytes=" + b"0-0," * 3000 + b"1-1\r\n\r\n",
            200,
        ),
        (
            b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"10000\r\n"
            + (b" " * 0x10000 + b"\r\n10000\r\n") * 70,
            413,
        ),
        (
            b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9 + b"\r\n\r\n", 400),
    ],
)
def test_odd_request_gets_its_status(app, request_bytes, status):
    with closing(connect(app, GREEDY)) as connection:
        try:
            connection.sendall(request_bytes)
        except ConnectionError:  # it was refused before it was complete
            assert status in (400, 413)
        else:
            assert connection.recv(100).split(b" ", 2)[1].decode() == str(status)


def test_events_of_other_sessions_are_not_given(app):
    event = json.loads(ask(app, HONEST, "POST", "/gradio_api/call/trials", b'{"data": []}')[1])["event_id"]
    for guess in (event[:-1] + ("0" if event[-1] != "0" else "1"), event.upper() + "x", "*", "a" * 65):
        assert b"complete" not in ask(app, GREEDY, "GET", f"/gradio_api/call/trials/{guess}")[1]
        assert b"process_completed" not in ask(app, GREEDY, "GET", f"/gradio_api/queue/data?session_hash={guess}")[1]
    assert b"event: complete" in ask(app, HONEST, "GET", f"/gradio_api/call/trials/{event}")[1]


def test_flood_of_sessions_and_uploads_leaves_the_memory_flat(app):
    """Their names are kept by no table for longer than their answers."""
    for number in range(300):
        body = json.dumps({"data": [], "fn_index": 0, "session_hash": f"{number}" + "a" * 60}).encode()
        ask(app, GREEDY, "POST", "/gradio_api/queue/join", body)
    before = app.memory_mb()
    for number in range(300):
        body = json.dumps({"data": [], "fn_index": 0, "session_hash": f"{number}" + "b" * 1_000_000}).encode()
        assert ask(app, GREEDY, "POST", "/gradio_api/queue/join", body)[0] in (400, 429)
        ask(app, GREEDY, "GET", f"/gradio_api/queue/data?session_hash={number}{'c' * 1900}")
    assert app.memory_mb() < before + 50
    assert page_works(app)
