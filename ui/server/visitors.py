"""Who sent a request."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any


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
