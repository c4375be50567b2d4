"""Files that a program names by an address: fetched within limits, then treated as if they had been uploaded.

Gradio's own fetch takes a body of any size into memory, however long that takes.
"""

import asyncio
import hashlib
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from gradio.processing_utils import PUBLIC_HOSTNAME_WHITELIST
from gradio.utils import get_upload_folder
from gradio_client.utils import async_traverse, is_file_obj_with_meta, is_http_url_like
from safehttpx import AsyncSecureTransport, matches_domain_whitelist

from model.io.atomic import atomic_write
from ui.i18n import UserError

LARGEST = 20  # megabytes of a file, uploaded or fetched
LONGEST = 15  # seconds
REDIRECTS = 5


async def with_files(inputs: Any) -> Any:
    """Return what an event was sent with every file that it names by an address fetched.

    Raises:
        UserError: where one cannot be had, or is larger than `LARGEST`.
    """

    async def local(file: dict) -> dict:
        return {**file, "path": await fetch(file["path"])} if is_http_url_like(file["path"]) else file

    return await async_traverse(inputs, local, is_file_obj_with_meta)


async def fetch(address: str) -> str:
    """Fetch a file into Gradio's folder of uploads, from which it is cleared away like these; returns its path."""
    try:
        async with asyncio.timeout(LONGEST):
            content = await _body(address)
    except UserError:
        raise
    except Exception:  # no such host, no answer, an address that is none, …
        raise UserError("address_unreachable") from None
    path = Path(get_upload_folder(), hashlib.sha256(content).hexdigest(), "fetched")
    path.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(atomic_write, path, content)
    return str(path.resolve())


async def _body(address: str) -> bytes:
    for _ in range(REDIRECTS + 1):
        transport = await _transport(httpx.URL(address).host)
        # Not compressed, so that what arrives is no larger than what was counted.
        headers = {"Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(transport=transport, headers=headers) as client,
            client.stream("GET", address) as response,
        ):
            if response.has_redirect_location:
                address = urljoin(address, response.headers["Location"])
                continue
            response.raise_for_status()
            content = bytearray()
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > LARGEST * 1_000_000:
                    raise UserError("too_much", limit=LARGEST)
            return bytes(content)
    raise UserError("address_unreachable")


async def _transport(host: str) -> httpx.AsyncBaseTransport | None:
    """Return a way to a host of the public net, and to no other: the server's own net is not for strangers.

    The address that was looked at is the one connected to, for a second look-up may find another one. The Hub's hosts
    are let through unseen, as by Gradio: from within a Space they are on a private net.
    """
    if matches_domain_whitelist(host, PUBLIC_HOSTNAME_WHITELIST):
        return None
    for *_, address in await asyncio.get_running_loop().getaddrinfo(host, None):
        if ip_address(address[0]).is_global:
            return AsyncSecureTransport(address[0])
    raise UserError("address_unreachable")
