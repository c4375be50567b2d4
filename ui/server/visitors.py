"""Who sent a request."""

import secrets
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from starlette.types import Scope

VISITOR_HEADER = b"x-trazo-visitor"


class OwnRequests:
    """Whose requests those are that the page sends to itself.

    A tool of MCP runs by a request from this machine, with the headers of the visitor's own. One of them, which only
    this process can write, names the visitor, who would otherwise share the places of all others who use MCP.
    """

    def __init__(self) -> None:
        """Choose a secret."""
        self._secret = secrets.token_hex(16)

    def sign(self, scope: Scope, visitor: str) -> None:
        """Name the visitor in a request of theirs."""
        scope["headers"] = [
            *scope["headers"],
            (VISITOR_HEADER, f"{self._secret} {visitor}".encode("latin-1", "replace")),
        ]

    def reveal(self, scope: Scope) -> None:
        """Set the sender of a request to the visitor that it names, if this process wrote the name."""
        given = [value for name, value in scope["headers"] if name == VISITOR_HEADER]
        if given:
            scope["headers"] = [one for one in scope["headers"] if one[0] != VISITOR_HEADER]
            secret, _, visitor = given[-1].decode("latin-1").partition(" ")
            if secrets.compare_digest(secret.encode(), self._secret.encode()):
                scope["client"] = visitor, 0


def visitor_of(request: Any) -> str:
    """Return a name for the sender of a request, which is FastAPI's, Gradio's or None."""
    client = getattr(request, "client", None)
    return visitor_at(client.host if client else "")


def visitor_at(host: str) -> str:
    """Return who is at an address: itself, or its /64 network, of which an IPv6 visitor has all addresses.

    Example:
        >>> visitor_at("::ffff:192.0.2.1"), visitor_at("2001:db8::1:2")
        ('192.0.2.1', '2001:db8::/64')
    """
    try:
        address = ip_address(host)
    except ValueError:  # a Unix socket, or what a proxy wrote
        return host[:64]
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((int(address) >> 64 << 64, 64)))
