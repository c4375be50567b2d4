"""Limits for the clients of the Hub: how long they wait and how often they repeat.

`huggingface_hub` waits without limit by default, and its HTTP client belongs to the whole process. `limited_hub_calls`
therefore sets the limits only while a dataset is opened and restores the old values afterwards. A program that owns its
process, like the command line, calls `configure` once instead.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import httpx2
import pyarrow as pa

from training.data.parquet.datasets_compat import limited_retries
from training.data.parquet.hf_compat import HTTP_LOGGER, get_client_factory, get_current_client, replace_client_factory

DEFAULT_TIMEOUT_S = 10.0  # for requests that set no timeout themselves: listing files, reading a card
MAX_SILENCE_S = 45.0  # without any response, after which opening a dataset is given up

T = TypeVar("T")


class _HubLimits:
    """The limits, set as long as at least one thread needs them."""

    def __init__(self) -> None:
        self.last_response_s = 0.0  # on the monotonic clock
        self._lock = threading.Lock()
        self._users = 0
        self._undo = ExitStack()

    def acquire(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._set()

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._undo.close()

    def _set(self) -> None:
        self._undo.enter_context(limited_retries())
        factory = get_client_factory()

        def create_limited_client() -> httpx2.Client:  # after a failed connection the client is replaced
            client = factory()
            self._limit(client)
            return client

        def restore_factory() -> None:
            if get_client_factory() is create_limited_client:
                replace_client_factory(factory)

        replace_client_factory(create_limited_client)
        self._undo.callback(restore_factory)
        if (client := get_current_client()) is not None:
            self._limit(client)

    def _limit(self, client: httpx2.Client) -> None:
        timeout, hooks = client.timeout, client.event_hooks

        def restore() -> None:
            client.timeout, client.event_hooks = timeout, hooks

        if timeout == httpx2.Timeout(None):  # otherwise the user has chosen one
            client.timeout = httpx2.Timeout(DEFAULT_TIMEOUT_S)
        client.event_hooks = {**hooks, "response": [*hooks.get("response", []), self._note_response]}
        self._undo.callback(restore)

    def _note_response(self, _: httpx2.Response) -> None:
        self.last_response_s = time.monotonic()


_limits = _HubLimits()
_configured = False


def configure() -> None:
    """Set up this process for streaming; for programs, which call it once at their start.

    `HubStream` works without it. It makes the limits permanent, silences the Hub client's messages about retries, which
    would break a progress bar, and lets Arrow allocate with `malloc`: its default allocator keeps freed memory, so that
    two epochs of MNIST peak at 280 MB instead of 240 MB.
    """
    global _configured
    if not _configured:
        _limits.acquire()
        _configured = True
    logging.getLogger(HTTP_LOGGER).setLevel(logging.ERROR)
    pa.set_memory_pool(pa.system_memory_pool())


@contextmanager
def limited_hub_calls() -> Iterator[None]:
    """Limit how long `huggingface_hub` and `datasets` wait inside this block; the old values are restored after it."""
    _limits.acquire()
    try:
        yield
    finally:
        _limits.release()


def call_with_silence_timeout(call: Callable[[], T]) -> T:
    """Return what a call returns, or give up if the Hub does not respond for too long; inside `limited_hub_calls`.

    Raises:
        ConnectionError: after `MAX_SILENCE_S`; the call is abandoned in its thread.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    _limits.last_response_s = time.monotonic()
    threading.Thread(target=run, name="trazo-open", daemon=True).start()
    while not future.done():
        wait([future], timeout=1)
        if not future.done() and time.monotonic() - _limits.last_response_s > MAX_SILENCE_S:
            raise ConnectionError("the Hub does not respond")
    return future.result()
