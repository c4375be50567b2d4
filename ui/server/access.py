"""Who may ask: the names that the page answers to, its own origin, and the proxies whose word counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from model.errors import TrazoError
from ui.server.address import Address

THIS_MACHINE = ("127.0.0.0/8", "::1/128")
# A Space is reached through the Hub's proxies alone, whose addresses are private and change.
PRIVATE_NETWORKS = (*THIS_MACHINE, "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Access:
    """Which requests are answered.

    Attributes:
        names: host names, and hosts with a port, that are this page's besides those of this machine.
        any_name: whether other names are answered, too. A page for this machine alone answers to none: a site that has
            its name resolved to 127.0.0.1 could otherwise read the page in a visitor's browser (DNS rebinding).
        proxies: networks of the proxies whose `X-Forwarded-…` headers are believed.
    """

    names: frozenset[str] = frozenset()
    any_name: bool = True
    proxies: tuple[Network, ...] = field(default_factory=tuple)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], address: Address) -> Access:
        """Return what the environment says.

        Args:
            environ: `ALLOWED_HOSTS` names further hosts, `FORWARDED_ALLOW_IPS` the proxies. By default these are, in a
                Space, all private addresses, and this machine if `GRADIO_ROOT_PATH` or `GRADIO_SHARE` says that the
                page is behind a proxy.
            address: where the server listens.

        Raises:
            TrazoError: if `FORWARDED_ALLOW_IPS` holds anything that is not an address or network.
        """
        names = {name.strip().lower() for name in environ.get("ALLOWED_HOSTS", "").split(",")}
        names |= {environ.get("SPACE_HOST", "").lower(), urlsplit(environ.get("GRADIO_ROOT_PATH", "")).netloc.lower()}
        if environ.get("SPACE_ID"):
            names.add("huggingface.co")  # which shows the page in a frame
        is_shared = bool(environ.get("SPACE_ID")) or environ.get("GRADIO_SHARE", "").lower() == "true"
        return cls(
            frozenset(names - {""}),
            any_name="*" in names or is_shared or not _is_this_machine(address.host),
            proxies=tuple(_proxies(environ)),
        )

    def is_proxy(self, host: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        try:
            return any(ip_address(host) in network for network in self.proxies)
        except ValueError:
            return False

    def answers_to(self, host: str) -> bool:
        """Return whether a `Host` header is one of this page's names."""
        return self.any_name or _is_this_machine(_name(host)) or not self.names.isdisjoint({host.lower(), _name(host)})

    def is_own_origin(self, headers: Headers) -> bool:
        """Return whether a request that names its origin comes from this page, or from a page of an allowed host.

        Args:
            headers: of the request; without `X-Forwarded-Host`, unless a trusted proxy wrote it.
        """
        origin = urlsplit(headers.get("origin", "")).netloc.lower()
        own = {headers.get("host", "").lower(), headers.get("x-forwarded-host", "").partition(",")[0].strip().lower()}
        return bool(origin) and (origin in own - {""} or not self.names.isdisjoint({origin, _name(origin)} - {""}))

    def is_cross_site(self, method: str, headers: Headers) -> bool:
        """Return whether a page of another site has a visitor's browser send this request; following a link is fine.

        Browsers write `Sec-Fetch-Site` to secure addresses and to this machine, `Origin` with everything that can
        change something; pages can write neither. Other programs send none of them.
        """
        site = headers.get("sec-fetch-site")
        if site in ("same-origin", "none"):
            return False
        if "origin" in headers:
            return not self.is_own_origin(headers)
        is_link = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        return site == "cross-site" and not is_link


def _proxies(environ: Mapping[str, str]) -> list[Network]:
    given = environ.get("FORWARDED_ALLOW_IPS")
    listed: tuple[str, ...]
    if given is None:
        behind_one = environ.get("GRADIO_ROOT_PATH") or environ.get("GRADIO_SHARE")
        listed = PRIVATE_NETWORKS if environ.get("SPACE_ID") else THIS_MACHINE if behind_one else ()
    else:
        everyone = ("0.0.0.0/0", "::/0")
        listed = everyone if given.strip() == "*" else tuple(filter(None, map(str.strip, given.split(","))))
    try:
        return [ip_network(one, strict=False) for one in listed]
    except ValueError as error:
        raise TrazoError(
            f"FORWARDED_ALLOW_IPS is {given!r} ({error}); write the proxy's address or network: 127.0.0.1,10.0.0.0/8"
        ) from None


def _name(host: str) -> str:
    """Return the host of `host:port`, without the brackets of IPv6; empty if it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_this_machine(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
