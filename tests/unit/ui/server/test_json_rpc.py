"""What MCP clients send is checked before MCP's library parses it."""

import json

import pytest
from fastapi import HTTPException

from ui.server.json_rpc import MAX_SHORT_BYTES, check_message

LONG = "a" * 2 * MAX_SHORT_BYTES


def message(**fields) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1} | fields).encode()


def call(**params) -> bytes:
    return message(method="tools/call", params=params)


@pytest.mark.parametrize(
    "body",
    [
        message(method="initialize", params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}),
        message(method="tools/list"),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode(),
        message(result={}),
        message(id="b7", error={"code": 1, "message": "a"}),
        call(name="edges", arguments={"image": LONG}),
        call(name="edges", arguments={"image": LONG}, _meta={"progressToken": 1}),
    ],
)
def test_check_message_of_a_client_passes_unchanged(body):
    assert check_message(body) == body


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b"\x00\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"jsonrpc": "2.0", "id": ' + b"9" * 100_000 + b"}", "not JSON"),
        (b"[]", "not a JSON-RPC message"),
        (b'{"data": [NaN]}', "not a JSON-RPC message"),
        (message(jsonrpc="1.0"), "not a JSON-RPC message"),
        (message(id=LONG), "not a JSON-RPC message"),
        (message(id=[LONG]), "not a JSON-RPC message"),
        (message(method=LONG), "Only a call of a tool"),
        (message(result={"a": LONG}), "Only a call of a tool"),
        (message(method="tools/list", params={"cursor": LONG}), "Only a call of a tool"),
        (call(name=LONG, arguments={}), "Only a call of a tool"),
        (call(name="edges", arguments=[LONG]), "Only a call of a tool"),
        (call(name="edges", arguments={"image": LONG}, other=1), "Only a call of a tool"),
        (call(name="edges", arguments={}, _meta={"a": LONG}), "Only a call of a tool"),
    ],
)
def test_check_message_of_nobody_is_refused(body, named):
    with pytest.raises(HTTPException, match=named) as caught:
        check_message(body)
    assert caught.value.status_code == 400
