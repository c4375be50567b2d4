"""Addresses from which a visitor may have the server fetch, and all kinds of others."""

import asyncio
import socket

import pytest

from ui.i18n import UserError
from ui.server.public_address import is_public, resolve_public

PRIVATE = {
    "this machine": ["127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::"],
    "private networks": ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fc00::1", "fdff::1"],
    "link-local, also of clouds": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"],
    "carriers, Kubernetes, Tailscale": ["100.64.0.1", "100.127.255.255", "fd7a:115c:a1e0::1"],
    "site-local": ["fec0::1", "feff::1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.8", "192.0.0.170", "192.88.99.1", "4000::1", "100::1"],
    "documentation and benchmarks": [
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.9",
        "198.18.0.1",
        "2001:db8::1",
        "3fff::1",
    ],
    "mapped": ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:93.184.215.14"],
    "compatible, translated": ["::7f00:1", "::a9fe:a9fe", "::ffff:0:7f00:1"],
    "NAT64": ["64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "64:ff9b:1:ffff::1"],
    "6to4": ["2002:a9fe:a9fe::1", "2002:7f00:1::1", "2002:a00:1::"],
    "Teredo, ORCHID": ["2001:0:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:56fe:5601", "2001:10::1", "2001:20::1"],
    "ISATAP": ["2606:4700::5efe:a00:1", "2606:4700::200:5efe:a9fe:a9fe"],
    "none": ["", "localhost", "1", "0x7f.1", "93.184.215.14/32"],
}


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, many in PRIVATE.items() for one in many])
def test_is_public_other_addresses_are_not(kind, address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::6810:84e5", "2a00:1450:4001:80e::200e"])
def test_is_public_hosts_of_the_internet_are(address):
    assert is_public(address)


def test_is_public_an_address_of_this_machine_is_not(monkeypatch):
    """A server with a public address must not be reached through it, past its firewall."""
    monkeypatch.setattr(socket.socket, "bind", lambda self, address: None)
    assert not is_public("93.184.215.14")


def answers(monkeypatch, *addresses: str) -> None:
    async def getaddrinfo(self: object, host: str, *args: object, **options: object) -> list:
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def test_resolve_public_takes_the_public_address_among_others(monkeypatch):
    answers(monkeypatch, "10.0.0.1", "64:ff9b::a00:1", "93.184.215.14")
    assert asyncio.run(resolve_public("a.org")) == "93.184.215.14"


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["::ffff:93.184.215.14", "fe80::1%eth0"]])
def test_resolve_public_host_without_any_is_refused(monkeypatch, addresses):
    answers(monkeypatch, *addresses)
    with pytest.raises(UserError, match="could be fetched"):
        asyncio.run(resolve_public("a.org"))


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "0x7f000001", "2130706433", "017700000001", "0", "::ffff:7f00:1"]
)
def test_resolve_public_spellings_of_this_machine_are_refused(host):
    with pytest.raises((UserError, OSError)):
        asyncio.run(resolve_public(host))
