"""Whether the page answers: `python -m ui.server.health`, as a container's health check. Exit code 0 means yes."""

import http.client
import os
import sys
from collections.abc import Mapping

from model.errors import TrazoError
from ui.server.address import server_address

TIMEOUT_S = 5.0


def is_healthy(environ: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> bool:
    """Return whether the page that is served with this environment answers; no proxy is asked."""
    try:
        address = server_address(environ)
        connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=timeout_s)
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, TrazoError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(os.environ) else 1)
