"""The health check of a container."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ui.server.health import is_healthy


@pytest.fixture(params=[200, 404, 500])
def server(request):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        yield request.param, server.server_port


def test_is_healthy_if_the_page_answers(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    status, port = server
    environ = {"GRADIO_SERVER_NAME": "0.0.0.0", "PORT": str(port)}
    assert is_healthy(environ, timeout_s=10) == (status < 500)


def test_is_healthy_nothing_listens_is_false():
    assert not is_healthy({"PORT": "1"})
    assert not is_healthy({"PORT": "none"})
