"""Limits of request bodies."""

import asyncio

import pytest
from fastapi import HTTPException

from ui.server.bodies import LimitedBody

FORM = "multipart/form-data; boundary=part"
PART = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nimage\r\n'


def read(chunks: list[bytes], max_mb: int = 1, kind: str = "", **options) -> list[dict]:
    """Return the events of a body that arrives in chunks, followed by the client's leaving."""
    events = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    events.append({"type": "http.disconnect"})

    async def receive() -> dict:
        return events.pop(0)

    async def read_all() -> list[dict]:
        body, given = LimitedBody(receive, max_mb, kind, **options), []
        while not given or given[-1]["type"] == "http.request":
            given.append(await body())
        return given

    return asyncio.run(read_all())


def error_of(*args, **options) -> tuple[int, str]:
    with pytest.raises(HTTPException) as raised:
        read(*args, **options)
    return raised.value.status_code, raised.value.detail


def test_body_at_its_limit_is_given_and_above_it_refused():
    assert len(read([b" " * 500_000] * 2)) == 3
    assert error_of([b" " * 500_000] * 2 + [b" "]) == (413, "The request is too large: up to 1 MB are accepted.")
    assert error_of([b" "], max_mb=0)[0] == 413


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_form_of_one_part_is_given_and_of_two_refused(size):
    def in_chunks(form: bytes) -> list[bytes]:
        return [form[start : start + size] for start in range(0, len(form), size)]

    assert read(in_chunks(PART + b"--part--\r\n"), kind=FORM)
    assert error_of(in_chunks(PART * 2 + b"--part--\r\n"), kind=FORM) == (413, "Send one file at a time.")
    field = b'--part\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    assert error_of(in_chunks(field * 2 + PART + b"--part--\r\n"), kind=FORM)[0] == 413


@pytest.mark.parametrize("value", [b"1,", b"[", b'{"a":', b"{},", "1,".encode("utf-16-le")])
def test_call_of_very_many_values_is_refused_early(value):
    def passed(body: bytes) -> bytes:
        return body

    assert len(read([value * 2_000, value * 2_000], rewrite=passed)) == 2
    refused = (413, "The request holds too many values: up to 10000 are accepted.")
    assert error_of([value * 10_001, b"never read"], rewrite=passed) == refused
    assert read([value * 20_000], kind=FORM)  # a file


def test_form_of_endless_parts_is_refused_early():
    assert error_of([PART] * 3 + [b"never read"] * 1000, kind=FORM)[0] == 413


def test_silent_client_is_refused():
    async def never() -> dict:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(HTTPException) as raised:
        asyncio.run(LimitedBody(never, 1, silence_timeout_s=0.01)())
    assert raised.value.status_code == 408


def test_slow_client_is_refused_and_fast_one_not():
    async def receive() -> dict:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * size, "more_body": True}

    async def read_chunks(bytes_per_s: int) -> None:
        nonlocal size, now
        size, now = 10 * bytes_per_s, 0.0
        body = LimitedBody(receive, 100, clock=lambda: now)
        for _ in range(20):
            await body()
            now += 10

    size, now = 0, 0.0
    asyncio.run(read_chunks(25_000))
    with pytest.raises(HTTPException):
        asyncio.run(read_chunks(1_000))


def test_client_that_leaves_is_not_an_error_and_time_after_the_body_does_not_count():
    assert [event["type"] for event in read([b"{}"], silence_timeout_s=5)] == ["http.request", "http.disconnect"]


def test_rewritten_body_is_given_whole():
    given, *_ = read([b"up", b"lo", b"ad"], rewrite=bytes.upper)
    assert given == {"type": "http.request", "body": b"UPLOAD", "more_body": False}
