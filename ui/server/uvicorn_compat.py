"""The names of uvicorn that are not part of its public interface; its version is exact in `ui/requirements.txt`.

Gradio starts uvicorn with settings that it does not let others choose; here they are given to it from outside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["H11Protocol", "ProxyHeadersMiddleware", "server_settings"]


@contextmanager
def server_settings(**settings: Any) -> Iterator[None]:
    """Have the server that is started in this block use settings of `uvicorn.Config`."""
    config = uvicorn.Config
    uvicorn.Config = partial(config, **settings)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        uvicorn.Config = config  # type: ignore[misc]
