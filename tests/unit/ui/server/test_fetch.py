"""Files given by URL: limited in size and time, and only from the public internet."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from ui.i18n import UserError
from ui.server.fetch import MAX_FILE_MB, fetch, fetch_files, transport_to_public_host

CHUNK = bytes(100_000)


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


def internet(responses: dict[str, httpx.Response]) -> Callable:
    """Return the transport of a public internet: URL -> response."""

    async def transport_for(host: str) -> httpx.MockTransport:
        return httpx.MockTransport(lambda request: responses[str(request.url)])

    return transport_for


def file(url: object) -> dict:
    return {"path": url, "meta": {"_type": "gradio.FileData"}}


def test_fetch_files_replaces_every_url(tmp_path):
    responses = {"https://a.org/one": httpx.Response(302, headers={"Location": "/two"})}
    for name in ("two", "three"):
        responses[f"https://a.org/{name}"] = httpx.Response(200, stream=httpx.ByteStream(b"image"))
    uploaded = file(str(tmp_path / "uploaded.png"))
    inputs = [file("https://a.org/one"), [file("https://a.org/three")], uploaded, "https://a.org/x", None]
    one, (three,), *others = asyncio.run(fetch_files(inputs, internet(responses)))
    assert Path(one["path"]).read_bytes() == b"image" and one["path"] == three["path"] and one["meta"]
    assert Path(one["path"]).is_relative_to(tmp_path) and others == [uploaded, "https://a.org/x", None]


def test_fetch_large_file_is_refused(tmp_path):
    body = EndlessBody()
    responses = {"https://a.org/endless": httpx.Response(200, stream=body)}
    with pytest.raises(UserError, match="up to 20 MB"):
        asyncio.run(fetch("https://a.org/endless", internet(responses)))
    assert body.sent_bytes <= MAX_FILE_MB * 1_000_000 + 2 * len(CHUNK) and not list(tmp_path.iterdir())


def test_fetch_slow_file_times_out():
    body = EndlessBody(pause=0.05)
    responses = {"https://a.org/slow": httpx.Response(200, stream=body)}
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch("https://a.org/slow", internet(responses), timeout_s=0.3))
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
        asyncio.run(fetch("https://a.org/x", internet({"https://a.org/x": response})))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"]
)
def test_fetch_private_host_is_refused(host):
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch(f"http://{host}/x"))
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(transport_to_public_host(host))


def test_transport_connects_to_the_checked_address():
    transport = asyncio.run(transport_to_public_host("93.184.215.14"))
    assert transport.verified_ip == "93.184.215.14"
