"""Where the page is served: Gradio's own variables, and PORT."""

import errno
import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from model.errors import TrazoError
from model.ports import parse_port

DEFAULT_PORT = 7860
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # all addresses of this machine -> one of them


class Address(NamedTuple):
    """Where a server listens."""

    host: str  # a name, an IPv4 address, or an IPv6 address without brackets
    port: int

    @property
    def server_name(self) -> str:
        """The host as Gradio takes it: it goes into a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        return f"http://{Address(self.reachable_host, self.port).server_name}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """A host at which this machine itself reaches the server."""
        return ANY_HOST.get(self.host, self.host)


def server_address(environ: Mapping[str, str]) -> Address:
    """Return where to serve the page.

    Args:
        environ: `GRADIO_SERVER_NAME` is the host; by default only this machine reaches the page, in a Space everyone.
            `GRADIO_SERVER_PORT` is the port, or else `PORT`.

    Raises:
        TrazoError: if a port is not one.

    Example:
        >>> server_address({"GRADIO_SERVER_NAME": "0.0.0.0", "PORT": "8000"})
        Address(host='0.0.0.0', port=8000)
    """
    host = environ.get("GRADIO_SERVER_NAME", "").strip() or ("0.0.0.0" if environ.get("SPACE_ID") else "127.0.0.1")
    name = "GRADIO_SERVER_PORT" if environ.get("GRADIO_SERVER_PORT") else "PORT"
    port = parse_port(environ.get(name) or str(DEFAULT_PORT), name)
    return Address(host[1:-1] if host.startswith("[") and host.endswith("]") else host, port)


def describe_address(address: Address, root_path: str = "", share_url: str | None = None) -> str:
    """Return one line that says where the page can be opened, once it is served.

    Args:
        address: where the server listens.
        root_path: `GRADIO_ROOT_PATH`, the path or the whole address at which a proxy serves the page; or empty.
        share_url: the public address of Gradio's tunnel, if there is one.

    Example:
        >>> describe_address(Address("127.0.0.1", 7860))
        'open http://127.0.0.1:7860'
    """
    if "://" in root_path:
        text = f"open {root_path} (a proxy in front of {address.url})"
    elif root_path.strip("/"):
        text = f"open /{root_path.strip('/')} at the proxy in front of {address.url}"
    else:
        text = f"open {address.url}"
        if address.host in ANY_HOST:
            text += f"; on other machines http://ADDRESS:{address.port}, with the address of this machine"
    return f"{text}; from anywhere {share_url}" if share_url else text


def check_free(address: Address) -> None:
    """Check that a server can listen there.

    Raises:
        TrazoError: if the host is not this machine, or the port is taken or reserved.
    """
    try:
        options = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, bound = options[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # on Windows this would allow a port that is taken
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(bound)
            probe.listen()
    except (OSError, UnicodeError) as error:
        raise TrazoError(_reason(address, error)) from None


def _reason(address: Address, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {address.port} is taken; choose another: PORT=8000 python app.py"
    if number == errno.EACCES:
        return f"port {address.port} is reserved for the system; choose one above 1023: PORT=8000 python app.py"
    return (
        f"GRADIO_SERVER_NAME is {address.host!r}, which is not an address of this machine ({error}); "
        "0.0.0.0 stands for all of them"
    )
