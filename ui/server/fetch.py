"""An image that a client names by URL: downloaded within limits, then treated like an upload.

Gradio's own download takes any number of files of any size, without a time limit, wherever they are named. No URL
reaches it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import gradio as gr
import httpx

from ui.i18n import UserError
from ui.server.gradio_compat import PUBLIC_HOSTNAME_WHITELIST, is_http_url_like, matches_domain_whitelist
from ui.server.public_address import resolve_public
from ui.server.shares import Shares
from ui.server.temp_files import TEMP_FILES, is_disk_full
from ui.server.upload import drawn_image

MAX_FILE_MB = 20  # uploaded or fetched
FETCH_TIMEOUT_S = 15
MAX_REDIRECTS = 5
# At a time, one visitor half of them. A slow address holds one of the places for events with images
# (`upload.IMAGE_EVENTS`); others stay free.
MAX_FETCHES = 4
_places = Shares(MAX_FETCHES)

Resolve = Callable[[str], Awaitable[str]]
Fetch = Callable[[str], Awaitable[str]]


async def fetch(
    url: str,
    resolve: Resolve = resolve_public,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = FETCH_TIMEOUT_S,
    visitor: str = "",
) -> str:
    """Download a file into the folder of uploads, and return its path.

    Args:
        url: of the file.
        resolve: returns the IP address to which the connection for a host goes.
        transport: of httpx; None for the network.
        timeout_s: of the whole download, redirects included.
        visitor: who asks for it.

    Raises:
        UserError: if it cannot be fetched in time, is larger than `MAX_FILE_MB`, or too many others are being fetched.
    """
    try:
        with _place(visitor):
            async with asyncio.timeout(timeout_s):
                content = await _download(url, resolve, transport)
            return str(await asyncio.to_thread(TEMP_FILES.save, content, "fetched", visitor))
    except Exception as error:  # unknown host, no answer, malformed URL, …
        if isinstance(error, UserError) or is_disk_full(error):
            raise
        raise UserError("address_unreachable") from None


async def fetch_image(
    inputs: Sequence[Any], components: Sequence[gr.blocks.Block], fetch_file: Fetch = fetch
) -> list[Any]:
    """Return an event's inputs with the image that is given by URL replaced by a local copy.

    Args:
        inputs: as the client sent them.
        components: of the inputs; only a `gr.Image` takes a URL.
        fetch_file: downloads a URL and returns the path.

    Raises:
        UserError: if there is more than one URL, or one anywhere else, or it cannot be fetched.
    """
    given, found = list(inputs), []
    for number, value in enumerate(inputs):
        if any(_urls(value)):
            is_image = number < len(components) and isinstance(components[number], gr.Image)
            given[number] = drawn_image(value) if is_image else value
            found += [(number, is_image, url) for url in _urls(given[number])]
    for number, is_image, url in found:
        image = given[number]
        if len(found) > 1 or not is_image or not isinstance(image, dict) or image.get("path") != url:
            raise UserError("address_limit")
        given[number] = {**image, "path": await fetch_file(url)}
    return given


@contextmanager
def _place(visitor: str) -> Iterator[None]:
    if not _places.take(visitor):
        raise UserError("busy")
    try:
        yield
    finally:
        _places.release(visitor)


def _urls(value: Any) -> Iterator[str]:
    """Yield every URL that stands where Gradio would download it, at any depth."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            if is_http_url_like(one.get("path")):
                yield one["path"]
            rest.extend(one.values())
        elif isinstance(one, list | tuple):
            rest.extend(one)


async def _download(url: str, resolve: Resolve, transport: httpx.AsyncBaseTransport | None) -> bytearray:
    for _ in range(MAX_REDIRECTS + 1):
        address = httpx.URL(url)
        # Not compressed, so that the content is not larger than what was counted.
        headers = {"Accept-Encoding": "identity", "Host": address.netloc.decode()}
        # The Hub's hosts pass without a check, as in Gradio: from within a Space they have private addresses.
        host = address.raw_host.decode()
        is_hub = matches_domain_whitelist(host, PUBLIC_HOSTNAME_WHITELIST)
        # The connection goes to the address that was checked; TLS and the server get the name.
        target = address if is_hub else address.copy_with(host=await resolve(host))
        async with (
            httpx.AsyncClient(transport=transport, trust_env=is_hub) as client,  # a proxy would look the name up again
            client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as response,
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
            return content
    raise UserError("address_unreachable")
