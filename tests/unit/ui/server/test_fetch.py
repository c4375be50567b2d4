"""Files by address: bounded in size and time, and only from the public net."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ui.i18n import UserError
from ui.server import fetch

PIECE = bytes(100_000)


class Pieces(httpx.AsyncByteStream):
    """A body that never ends."""

    def __init__(self) -> None:
        self.sent, self.pause = 0, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += len(PIECE)
            yield PIECE
            await asyncio.sleep(self.pause)


@pytest.fixture
def web(monkeypatch, tmp_path) -> dict[str, httpx.Response]:
    """The public net: address -> answer."""
    answers: dict[str, httpx.Response] = {}

    async def transport(host: str) -> httpx.MockTransport:
        return httpx.MockTransport(lambda request: answers[str(request.url)])

    monkeypatch.setattr(fetch, "_transport", transport)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return answers


def file(address: object) -> dict:
    return {"path": address, "meta": {"_type": "gradio.FileData"}}


def test_a_file_is_fetched_wherever_it_is_named(web, tmp_path):
    web["https://a.org/one"] = httpx.Response(302, headers={"Location": "/two"})
    for name in ("two", "three"):
        web[f"https://a.org/{name}"] = httpx.Response(200, stream=httpx.ByteStream(b"picture"))
    uploaded = file(str(tmp_path / "uploaded.png"))
    one, (three,), *others = asyncio.run(
        fetch.with_files([file("https://a.org/one"), [file("https://a.org/three")], uploaded, "https://a.org/x", None])
    )
    assert Path(one["path"]).read_bytes() == b"picture" and one["path"] == three["path"] and one["meta"]
    assert Path(one["path"]).is_relative_to(tmp_path) and others == [uploaded, "https://a.org/x", None]


def test_no_more_than_the_limit_is_taken(web, tmp_path):
    body = Pieces()
    web["https://a.org/endless"] = httpx.Response(200, stream=body)
    with pytest.raises(UserError, match="up to 20 MB"):
        asyncio.run(fetch.fetch("https://a.org/endless"))
    assert body.sent <= fetch.LARGEST * 1_000_000 + 2 * len(PIECE) and not list(tmp_path.iterdir())


def test_no_longer_than_the_limit_is_waited(web, monkeypatch):
    body = Pieces()
    body.pause = 0.05
    web["https://a.org/slow"] = httpx.Response(200, stream=body)
    monkeypatch.setattr(fetch, "LONGEST", 0.3)
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch.fetch("https://a.org/slow"))
    assert 0 < body.sent < 20 * len(PIECE)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://a.org/x"}),  # to itself, again and again
        httpx.Response(302, headers={"Location": "file:///etc/hostname"}),
    ],
)
def test_what_cannot_be_had_is_told(web, answer):
    web["https://a.org/x"] = answer
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch.fetch("https://a.org/x"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"]
)
def test_the_servers_own_net_is_not_for_strangers(host):
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(fetch._transport(host))


def test_the_address_that_was_looked_at_is_the_one_connected_to(monkeypatch):
    transport = asyncio.run(fetch._transport("93.184.215.14"))
    assert transport.verified_ip == "93.184.215.14"
