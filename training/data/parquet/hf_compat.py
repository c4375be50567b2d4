"""The private names of `huggingface_hub` that are used, all in one place.

`training/requirements.txt` holds its exact version; `tests/unit/training/data/parquet/test_compat.py` checks the names.
"""

from collections.abc import Callable

import httpx2
from huggingface_hub.utils import _http

HTTP_LOGGER = "huggingface_hub.utils._http"  # reports each retry


def get_client_factory() -> Callable[[], httpx2.Client]:
    """Return what creates the HTTP client that all calls of `huggingface_hub` share."""
    return _http._GLOBAL_CLIENT_FACTORY


def replace_client_factory(factory: Callable[[], httpx2.Client]) -> None:
    """Set what creates the next client. Unlike `set_client_factory`, this does not close the one in use."""
    _http._GLOBAL_CLIENT_FACTORY = factory


def get_current_client() -> httpx2.Client | None:
    """Return the client that is in use. Unlike `get_session`, this does not create one, which takes 50 ms."""
    return _http._GLOBAL_CLIENT
