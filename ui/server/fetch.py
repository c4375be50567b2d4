"""Files that a client names by URL: downloaded within limits, then treated like uploads.

Gradio's own download takes a body of any size into memory and has no time limit.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from model.io.atomic import atomic_write
from ui.i18n import UserError
from ui.server.gradio_compat import (
    PUBLIC_HOSTNAME_WHITELIST,
    AsyncSecureTransport,
    async_traverse,
    get_upload_folder,
    is_file_obj_with_meta,
    is_http_url_like,
    matches_domain_whitelist,
)

MAX_FILE_MB = 20  # uploaded or fetched
FETCH_TIMEOUT_S = 15
MAX_REDIRECTS = 5

TransportFor = Callable[[str], Awaitable[httpx.AsyncBaseTransport | None]]


async def transport_to_public_host(host: str) -> httpx.AsyncBaseTransport | None:
    """Return a transport to a host of the public internet; the server's own network is closed to visitors.

    The connection goes to the address that was checked, because a second lookup may return another one. The Hub's hosts
    pass without a check, as in Gradio: from within a Space they have private addresses.

    Raises:
        UserError: if the host has no public address.
    """
    if matches_domain_whitelist(host, PUBLIC_HOSTNAME_WHITELIST):
        return None
    for *_, address in await asyncio.get_running_loop().getaddrinfo(host, None):
        if ip_address(address[0]).is_global:
            return AsyncSecureTransport(address[0])
    raise UserError("address_unreachable")


async def fetch_files(inputs: Any, transport_for: TransportFor = transport_to_public_host) -> Any:
    """Return an event's inputs with every file that is given by URL replaced by a local copy.

    Raises:
        UserError: if one cannot be fetched, or is larger than `MAX_FILE_MB`.
    """

    async def localize(file: dict) -> dict:
        return {**file, "path": await fetch(file["path"], transport_for)} if is_http_url_like(file["path"]) else file

    return await async_traverse(inputs, localize, is_file_obj_with_meta)


async def fetch(
    url: str, transport_for: TransportFor = transport_to_public_host, timeout_s: float = FETCH_TIMEOUT_S
) -> str:
    """Download a file into Gradio's upload folder, where it is deleted like any upload, and return its path.

    Args:
        url: of the file.
        transport_for: returns the transport to a host.
        timeout_s: of the whole download.

    Raises:
        UserError: if it cannot be fetched in time, or is larger than `MAX_FILE_MB`.
    """
    try:
        async with asyncio.timeout(timeout_s):
            content = await _download(url, transport_for)
    except UserError:
        raise
    except Exception:  # unknown host, no answer, malformed URL, …
        raise UserError("address_unreachable") from None
    path = Path(get_upload_folder(), hashlib.sha256(content).hexdigest(), "fetched")
    path.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(atomic_write, path, content)
    return str(path.resolve())


async def _download(url: str, transport_for: TransportFor) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        transport = await transport_for(httpx.URL(url).host)
        # Not compressed, so that the content is not larger than what was counted.
        headers = {"Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(transport=transport, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            if response.has_redirect_location:
                url = urljoin(url, response.headers["Location"])
                continue
            response.raise_for_status()
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_FILE_MB * 1_000_000:
                    raise UserError("too_much", limit=MAX_FILE_MB)
            return bytes(content)
    raise UserError("address_unreachable")
