"""What MCP clients send: JSON-RPC messages, checked before MCP's own library parses them.

That library describes what it refuses by the whole of it, several times: for a few megabytes this takes the interpreter
a second. It also fails on numbers, text and depths that Python's JSON cannot read.
"""

import json
from typing import Any

from fastapi import HTTPException

MAX_SHORT_BYTES = 10_000  # of every message but the call of a tool, which may bring an image
MAX_NAME_CHARS = 200


def check_message(body: bytes) -> bytes:
    """Return a body if it is one JSON-RPC message of an MCP client.

    Raises:
        HTTPException: 400 if it is not, and for a long one that does not call a tool.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is not JSON.") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not _is_name(message.get("id", "")):
        raise HTTPException(400, 'The body is not a JSON-RPC message: {"jsonrpc": "2.0", "id": …, "method": …}.')
    if len(body) > MAX_SHORT_BYTES and not _calls_tool(message):
        raise HTTPException(400, f"Only a call of a tool may be longer than {MAX_SHORT_BYTES:,} bytes.")
    return body


def _calls_tool(message: dict[str, Any]) -> bool:
    params = message.get("params")
    return (
        message.keys() <= {"jsonrpc", "id", "method", "params"}
        and message.get("method") == "tools/call"
        and isinstance(params, dict)
        and params.keys() <= {"name", "arguments", "_meta"}
        and isinstance(params.get("name"), str)
        and _is_name(params["name"])
        and isinstance(params.get("arguments"), dict)
        and len(json.dumps(params.get("_meta", {}))) <= MAX_SHORT_BYTES
    )


def _is_name(value: Any) -> bool:
    """Return whether a value is short text or a number."""
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= MAX_NAME_CHARS)
