"""Which addresses belong to the public internet: a visitor may have the server fetch from these and no others."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ui.i18n import UserError

# From IANA's registries of special-purpose addresses, what Python's `is_global` calls global in at least one version.
NOT_PUBLIC_V4 = [ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24")]
# All of IPv6 that is assigned to hosts. Outside lie ::/96, mapped IPv4 (::ffff:0:0/96), NAT64 (64:ff9b::/96 and
# 64:ff9b:1::/48), site-local (fec0::/10) and multicast addresses.
PUBLIC_V6 = ip_network("2000::/3")
# Inside: protocols such as Teredo and benchmarks, documentation, 6to4, documentation again.
NOT_PUBLIC_V6 = [ip_network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
ISATAP = 0x5EFE  # the last 32 bits after this, or after this and the bit "universal", are an IPv4 address


def is_public(text: str) -> bool:
    """Return whether an IP address is of a host on the public internet, other than this machine.

    An IPv6 address that contains an IPv4 address is not: a gateway would lead to that one, which nobody has checked.

    Example:
        >>> is_public("93.184.215.14"), is_public("64:ff9b::a9fe:a9fe")
        (True, False)
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or address.is_reserved or _is_this_machine(address):
        return False
    if isinstance(address, IPv4Address):
        return not any(address in net for net in NOT_PUBLIC_V4)
    return address in PUBLIC_V6 and not _is_isatap(address) and not any(address in net for net in NOT_PUBLIC_V6)


async def resolve_public(host: str) -> str:
    """Return a public IP address of a host, to which the connection must go: a second lookup may return another one.

    Raises:
        UserError: if it has none.
        OSError: if there is no such host.
    """
    for *_, address in await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM):
        if is_public(str(address[0])):
            return str(address[0])
    raise UserError("address_unreachable")


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFDFF_FFFF == ISATAP


def _is_this_machine(address: IPv4Address | IPv6Address) -> bool:
    """Return whether a socket can be bound to the address, which works for a machine's own only."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
