"""Limits of connections, with uvicorn and a small application."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from uvicorn import Config, Server

from ui.server.connections import REFUSAL, ConnectionLimits, LimitedProtocol
from ui.server.shares import Shares

SOON_S = 0.1  # instead of the real time limits
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE_BYTES = 8_000_000  # more than the buffers of both sides

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def small_app(scope, receive, send) -> None:
    """Answer with the path; `/large` with more than anybody buffers, `/slow` a little later."""
    if scope["path"] == "/slow":
        await asyncio.sleep(4 * SOON_S)
    body = b"x" * 100_000 if scope["path"] == "/large" else scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"keep-alive")]})
    for _ in range(LARGE_BYTES // len(body) if scope["path"] == "/large" else 1):
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body"})


def serve(
    use: Callable[[Connect, Shares], Awaitable[None]], places: int = 8, proxy: str = "", websocket: Any = "auto"
) -> None:
    """Run a client against a server; `websocket` is uvicorn's protocol for WebSockets."""
    shares = Shares(places)
    limits = ConnectionLimits(shares, proxy.__eq__, SOON_S, SOON_S, SOON_S)

    async def run() -> None:
        config = Config(
            small_app,
            port=0,
            log_level="critical",
            lifespan="off",
            http=partial(LimitedProtocol, limits=limits),
            ws=websocket,
        )
        server = Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(20):
                await use(lambda: asyncio.open_connection("127.0.0.1", port), shares)
        finally:
            server.should_exit = server.force_exit = True
            await server.shutdown()

    asyncio.run(run())


def test_visitor_has_half_of_the_connections_and_places_come_back():
    async def use(connect: Connect, places: Shares) -> None:
        for _ in range(2):
            held = [await connect() for _ in range(6)]
            for _, writer in held:
                writer.write(GET)
            heads = [await reader.readuntil(b"\r\n") for reader, _ in held]
            assert [b"200" in head for head in heads] == [True] * 4 + [False] * 2
            assert REFUSAL.startswith(heads[-1]) and heads[-1].startswith(b"HTTP/1.1 503")
            for _, writer in held:
                writer.close()
            while not places.take("somebody else", 8, limited=False):
                await asyncio.sleep(0.01)
            places.release("somebody else", 8)

    serve(use)


def test_proxy_has_all_connections():
    async def use(connect: Connect, _: Shares) -> None:
        held = [await connect() for _ in range(8)]
        for reader, writer in held:
            writer.write(GET)
            assert b"200" in await reader.readuntil(b"\r\n")

    serve(use, proxy="127.0.0.1")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nnot all",  # answered before the body has come
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        GET + b"GET /second HTTP/1.1\r\n",
    ],
)
def test_connection_without_a_whole_request_is_closed(sent):
    async def use(connect: Connect, _: Shares) -> None:
        reader, writer = await connect()
        writer.write(sent)
        reading = asyncio.create_task(reader.read())
        while not reading.done():  # a byte now and then gains no time
            await asyncio.sleep(SOON_S / 4)
            if sent and not writer.is_closing():
                writer.write(b"x")
        assert (b"200" in (reading.result() if not reading.exception() else b"200")) == (b"\r\n\r\n" in sent)

    serve(use)


def test_request_that_takes_longer_than_its_head_may_is_answered():
    async def use(connect: Connect, _: Shares) -> None:
        reader, writer = await connect()
        for path in (b"/slow", b"/slow"):  # twice on one connection
            writer.write(GET.replace(b"/ ", path + b" "))
            assert b"200" in await reader.readuntil(b"\r\n\r\n")
            assert b"/slow" in await reader.readuntil(b"0\r\n\r\n")

    serve(use)


def test_client_that_does_not_read_is_left():
    async def use(connect: Connect, places: Shares) -> None:
        reader, writer = await connect()
        writer.transport.pause_reading()
        writer.write(GET.replace(b"/ ", b"/large "))
        while not places.take("somebody else", 8, limited=False):
            await asyncio.sleep(0.01)
        writer.transport.resume_reading()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(LARGE_BYTES)

    serve(use)


@pytest.mark.parametrize("flood", [b"GET /" + b"a" * 100_000, GET[:-2] + b"A: a\r\n" * 20_000])
def test_endless_heads_are_refused(flood):
    async def use(connect: Connect, _: Shares) -> None:
        reader, writer = await connect()
        writer.write(flood)
        assert b"400" in await reader.readuntil(b"\r\n")

    serve(use)


@pytest.mark.parametrize("installed", [True, False])
def test_websocket_upgrade_is_an_ordinary_request(installed, caplog):
    """One that is accepted leaves this protocol: its place would never come back."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a WebSocket was made")

    async def use(connect: Connect, places: Shares) -> None:
        reader, writer = await connect()
        writer.write(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n")
        assert b"200" in await reader.readuntil(b"\r\n")
        writer.close()
        while not places.take("somebody else", 8, limited=False):
            await asyncio.sleep(0.01)

    serve(use, websocket=fail if installed else "auto")
    assert "pgrade" not in caplog.text
