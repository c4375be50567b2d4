"""Proxies and certificates from the environment: never between the processes of this machine, never a failed start.

Schools and companies set `http_proxy` and the like for every program. The proxy cannot reach 127.0.0.1 of this machine,
where the page, its clients and the workers of a search are. The Hub is reached through it as before.
"""

import logging
import os
import ssl
from collections.abc import MutableMapping
from ipaddress import ip_address

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
EXCEPTIONS = ("no_proxy", "NO_PROXY", "no_grpc_proxy")  # the last is gRPC's, which prefers it if it is set
EXAMPLE = "http://proxy.example:8080"

logger = logging.getLogger("trazo")


def set_up_network(environ: MutableMapping[str, str], *hosts: str) -> None:
    """Make the network's settings usable; for programs, which call it once at their start.

    Args:
        environ: `os.environ`; changed.
        hosts: further names and addresses that are reached directly.
    """
    drop_missing_certificates(environ)
    drop_unusable(environ)
    # Exceptions alone would switch off the proxies that some systems have outside of the environment.
    if _proxy_names(environ):
        exempt(environ, *LOOPBACK, *hosts)


def exempt(environ: MutableMapping[str, str], *hosts: str) -> None:
    """Add hosts to those that are reached without a proxy, in the spellings of all clients.

    Example:
        >>> environ = {"NO_PROXY": "intranet"}
        >>> exempt(environ, "localhost")
        >>> environ
        {'NO_PROXY': 'intranet,localhost', 'no_proxy': 'intranet,localhost'}
    """
    given = [one.strip().strip("[]") for name in EXCEPTIONS for one in environ.get(name, "").split(",")]
    entries = [one for one in (*given, *hosts) if one and _is_accepted(one)]
    value = "*" if "*" in entries else ",".join(dict.fromkeys(entries))  # some clients know * only alone
    for name in EXCEPTIONS:
        if name in environ or name != "no_grpc_proxy":
            environ[name] = value


def drop_unusable(environ: MutableMapping[str, str]) -> None:
    """Delete proxies that no client here could use, and log which; each client would fail on them, also on loopback."""
    for name in _proxy_names(environ):
        import httpx  # takes a tenth of a second

        address = environ[name]
        try:
            url = httpx.URL(address if "://" in address else f"http://{address}")
            if not url.host or " " in address or not 0 <= (url.port or 0) < 1 << 16:
                raise ValueError(name)
            httpx.HTTPTransport(proxy=httpx.Proxy(url), verify=False).close()
        except (ValueError, TypeError, httpx.InvalidURL):  # the address may hold a password: it is not shown
            logger.warning("%s is not an address like %s, and is not used", name, EXAMPLE)
            del environ[name]
        except ImportError:
            logger.warning("%s is a SOCKS proxy, and is not used: that needs `pip install 'httpx[socks]'`", name)
            del environ[name]


def drop_missing_certificates(environ: MutableMapping[str, str]) -> None:
    """Delete a setting of certificates that does not exist or holds none, and log it; each client would fail on it."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if (path := environ.get(name)) and not os.path.exists(path):
            logger.warning("%s is %r, which does not exist, and is not used", name, path)
            del environ[name]
    if path := environ.get("SSL_CERT_FILE"):
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # such as `ssl.SSLError`
            logger.warning("SSL_CERT_FILE is %r, which holds no certificates, and is not used (%s)", path, error)
            del environ["SSL_CERT_FILE"]


def _is_accepted(entry: str) -> bool:
    """Return whether httpx accepts an exception; on others, such as a range of IPv6 addresses, each client fails."""
    import httpx

    try:
        ip_address(entry)
    except ValueError:
        try:
            httpx.URL(entry if "://" in entry else f"all://*{entry}")
        except httpx.InvalidURL:
            return False
    return True


def _proxy_names(environ: MutableMapping[str, str]) -> list[str]:
    return [name for name in environ if name.lower() in PROXIES and environ[name]]
