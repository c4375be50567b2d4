"""An image given by URL: one, only as an image, limited in size and time, and only from the public internet."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from ui.i18n import UserError
from ui.server import fetch as fetch_module
from ui.server.fetch import MAX_FETCHES, MAX_FILE_MB, fetch, fetch_image

CHUNK = bytes(100_000)
IMAGE, JSON = gr.Image(render=False), gr.JSON(render=False)


class EndlessBody(httpx.AsyncByteStream):
    """A body that never ends."""

    def __init__(self, pause: float = 0) -> None:
        self.sent_bytes, self._pause = 0, pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent_bytes += len(CHUNK)
            yield CHUNK
            await asyncio.sleep(self._pause)


@pytest.fixture(autouse=True)
def upload_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


def internet(responses: dict[str, httpx.Response], requests: list[httpx.Request] | None = None) -> dict[str, Any]:
    """Return the arguments for a public internet: URL -> response."""

    def respond(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return responses[str(request.url.copy_with(netloc=request.headers["Host"].encode()))]

    async def resolve(host: str) -> str:
        return "93.184.215.14"

    return {"resolve": resolve, "transport": httpx.MockTransport(respond)}


def file(url: object) -> dict:
    return {"path": url, "meta": {"_type": "gradio.FileData"}}


def call(inputs: list, *components: gr.blocks.Block) -> tuple[list, list[str]]:
    """Return the inputs that an event gets, and what was fetched for them."""
    fetched = []

    async def fetch_file(url: str) -> str:
        fetched.append(url)
        return "/local"

    return asyncio.run(fetch_image(inputs, components, fetch_file)), fetched


def test_fetch_image_replaces_the_url_of_an_image():
    uploaded, url = file("/tmp/uploaded.png"), file("https://a.org/one")
    assert call([url, 1], IMAGE, JSON) == ([url | {"path": "/local"}, 1], ["https://a.org/one"])
    assert call([uploaded, "https://a.org/x", None], IMAGE, JSON) == ([uploaded, "https://a.org/x", None], [])
    assert call([], IMAGE) == ([], []) and call([None, 1, 2], IMAGE) == ([None, 1, 2], [])


def test_fetch_image_of_a_drawing_only_what_is_read():
    url, other, local = file("https://a.org/one"), file("https://a.org/two"), file("/tmp/uploaded.png")
    for drawing in (
        {"background": other, "layers": [other] * 9, "composite": url},
        {"background": other, "layers": [url], "composite": None},
        {"background": url, "layers": [], "composite": None},
    ):
        assert call([drawing], IMAGE) == ([url | {"path": "/local"}], ["https://a.org/one"])
    assert call([{"background": other, "layers": [other], "composite": local}], IMAGE) == ([local], [])


@pytest.mark.parametrize(
    "inputs",
    [
        [file("/tmp/a.png"), file("https://a.org/kernel")],
        [None, [[1, file("https://a.org/kernel")]]],
        [None, {"a": {"b": [file("https://a.org/kernel")]}}],
        [file("https://a.org/one"), file("https://a.org/kernel")],
        [[file("https://a.org/one")], 1],
        [file("/tmp/a.png") | {"inner": file("https://a.org/one")}, 1],
        [file("https://a.org/one") | {"inner": file("https://a.org/two")}, 1],
        [{"layers": [[file("https://a.org/one")]]}, 1],
        [None, 1, file("https://a.org/too-many")],
        [None, [file(f"https://a.org/{number}") for number in range(500)]],
    ],
)
def test_fetch_image_url_anywhere_else_is_refused_and_not_fetched(inputs):
    fetched = []

    async def fetch_file(url: str) -> str:
        fetched.append(url)
        return "/local"

    with pytest.raises(UserError, match="only one per request"):
        asyncio.run(fetch_image(inputs, [IMAGE, JSON], fetch_file))
    assert fetched == []


def test_fetch_follows_redirects_and_tells_each_host_its_name(tmp_path):
    requests: list[httpx.Request] = []
    responses = {
        "https://a.org:8443/one": httpx.Response(302, headers={"Location": "/two"}),
        "https://a.org:8443/two": httpx.Response(302, headers={"Location": "http://b.org/three"}),
        "http://b.org/three": httpx.Response(200, stream=httpx.ByteStream(b"image")),
    }
    path = Path(asyncio.run(fetch("https://a.org:8443/one", **internet(responses, requests))))
    assert path.read_bytes() == b"image" and path.is_relative_to(tmp_path)
    assert {request.url.host for request in requests} == {"93.184.215.14"}
    assert [request.headers["Host"] for request in requests] == ["a.org:8443", "a.org:8443", "b.org"]
    assert [request.extensions["sni_hostname"] for request in requests] == ["a.org", "a.org", "b.org"]


def test_fetch_large_file_is_refused(tmp_path):
    body = EndlessBody()
    responses = {"https://a.org/endless": httpx.Response(200, stream=body)}
    with pytest.raises(UserError, match="up to 20 MB"):
        asyncio.run(fetch("https://a.org/endless", **internet(responses)))
    assert body.sent_bytes <= MAX_FILE_MB * 1_000_000 + 2 * len(CHUNK) and not list(tmp_path.iterdir())


def test_fetch_slow_file_times_out():
    body = EndlessBody(pause=0.05)
    responses = {"https://a.org/slow": httpx.Response(200, stream=body)}
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch("https://a.org/slow", **internet(responses), timeout_s=0.3))
    assert 0 < body.sent_bytes < 20 * len(CHUNK)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://a.org/x"}),  # to itself, again and again
        httpx.Response(302, headers={"Location": "file:///etc/hostname"}),
    ],
)
def test_fetch_failure_is_reported(response):
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch("https://a.org/x", **internet({"https://a.org/x": response})))


@pytest.fixture
def own_server() -> Iterator[tuple[int, list]]:
    """A server of this machine's network: its port, and the connections to it."""
    connections: list = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept() -> None:
            while True:
                try:
                    connections.append(server.accept())
                except OSError:  # closed
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], connections


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[64:ff9b::7f00:1]",
        "2130706433",
        "user@127.0.0.1",
    ],
)
def test_fetch_own_network_gets_no_connection(own_server, host):
    port, connections = own_server
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch(f"http://{host}:{port}/x"))
    assert connections == []


def test_fetch_redirect_to_the_own_network_gets_no_connection(own_server):
    port, connections = own_server
    hosts = []

    async def resolve(host: str) -> str:
        hosts.append(host)
        return await (fetch_module.resolve_public(host) if host != "a.org" else asyncio.sleep(0, "93.184.215.14"))

    redirect = httpx.Response(302, headers={"Location": f"http://127.0.0.1:{port}/x"})
    transport = internet({"http://a.org/x": redirect})["transport"]
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch("http://a.org/x", resolve, transport))
    assert hosts == ["a.org", "127.0.0.1"] and connections == []


def test_fetch_one_visitor_at_a_time_gets_half_of_the_places_and_another_always_one():
    async def resolve(host: str) -> str:
        await asyncio.sleep(60)
        return host

    async def fetch_many(visitors: str) -> list:
        many = [fetch("https://a.org/slow", resolve, timeout_s=0.3, visitor=visitor) for visitor in visitors]
        return [error.key for error in await asyncio.gather(*many, return_exceptions=True)]

    for _ in range(2):  # the places are free again
        keys = asyncio.run(fetch_many("aaaaa" + "b"))
        assert keys == ["address_unreachable"] * 2 + ["busy"] * 3 + ["address_unreachable"]
    keys = asyncio.run(fetch_many("abcdef"))
    assert 1 < keys.count("address_unreachable") <= MAX_FETCHES and keys[-1] == "busy"
