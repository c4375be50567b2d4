"""The process that the network runs in, and how the page's process calls it; `supervisor` keeps one running.

Python runs one thread of a process at a time, regardless of the number of cores. In a separate process, TensorFlow is
imported while the page is built, and the page responds while the network computes. Nothing of Gradio is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from model.child_process import ChildProcess
from model.config import CnnConfig
from model.errors import ModelError
from model.logs import log_to
from model.quiet import quiet
from ui.i18n import UserError
from ui.server.error_log import log_error, release_frames
from ui.server.malloc import configure_trim

if TYPE_CHECKING:
    from model.explain import Explainer

T = TypeVar("T")

MAX_CONCURRENT_CALLS = 24  # pipes, with a thread at each end; the page allows no more requests at the same time
LOAD_TIMEOUT_S = 300.0  # from a slow disk
CALL_TIMEOUT_S = 60.0  # after which the process is considered to hang


class ModelProcess:
    """A process with a network, as the page's process sees it.

    Attributes:
        child: the process.
        failure: why its network is not the requested one; None if it is. Known after `wait_until_loaded`.
    """

    def __init__(
        self,
        folder: Path,
        config: CnnConfig,
        *,
        target: Callable[..., None] | None = None,
        call_timeout_s: float = CALL_TIMEOUT_S,
    ) -> None:
        """Start a process that loads a model.

        Args:
            folder: of the model.
            config: the model's.
            target: what runs in the process; None for `run`.
            call_timeout_s: the limit for one call.

        Raises:
            OSError: if the system has no room for a process.
        """
        self.child = ChildProcess(
            target or run, folder.absolute(), config, name="the network's process", connections=MAX_CONCURRENT_CALLS
        )
        self.failure: str | None = None
        self._call_timeout_s = call_timeout_s
        self._free_connections: Queue[Connection] = Queue()
        for connection in self.child.connections:
            self._free_connections.put(connection)

    def wait_until_loaded(self) -> None:
        """Wait until the model is loaded; `call` must not be used before.

        Raises:
            ModelError: if no model can be loaded.
            ChildDiedError: if the process ends before that, or takes too long.
        """
        is_loaded, self.failure = self.child.receive(timeout_s=LOAD_TIMEOUT_S)
        if not is_loaded:
            raise ModelError(self.failure or "")

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the process and return its result.

        Args:
            function: of a module that imports nothing of Gradio; its first argument is the network's `Explainer`.
            *arguments: can be pickled.

        Raises:
            UserError: the function's own; `failed` for every other exception of it, which is logged.
            ChildDiedError: if the process ends before it answers, or takes too long.
        """
        connection = self._free_connections.get()
        try:
            succeeded, value = self.child.call((function, arguments), connection, self._call_timeout_s)
        finally:
            self._free_connections.put(connection)
        if not succeeded:
            raise value
        return value

    def close(self) -> None:
        """End the process."""
        self.child.close()


# --- What happens in the process ---


def run(
    connections: Sequence[Connection],
    folder: Path,
    config: CnnConfig,
    load: Callable[[Path, CnnConfig], tuple[Explainer, str | None]] | None = None,
) -> None:
    """Load a model, report it on the first connection, and answer calls on all of them.

    Args:
        connections: to the page's process.
        folder: of the model.
        config: the model's.
        load: makes the first argument of all calls; None for `load_explainer`.
    """
    # One image is too little work to share among threads: with one thread, an answer takes 0.6 of the time and half the
    # work, and concurrent users share the cores instead. TensorFlow reads this when it is imported.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    log_to("stderr")
    configure_trim()
    try:
        explainer, failure = (load or load_explainer)(folder, config)
    except Exception as error:
        if not isinstance(error, ModelError):
            log_error(error)
        with suppress(OSError):  # the page's process has ended
            connections[0].send((False, str(error)))
        return
    # TensorFlow deletes its temporary files in an orderly exit. Before this, SIGTERM ends the process immediately: an
    # import cannot be interrupted in an orderly way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with suppress(OSError):
        connections[0].send((True, failure))
    threads = [threading.Thread(target=_answer_calls, args=(one, explainer), daemon=True) for one in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def load_explainer(folder: Path, config: CnnConfig) -> tuple[Explainer, str | None]:
    """Return a model that is ready to answer; if it is damaged, the bundled one and the reason.

    Raises:
        ModelError: if not even the bundled model can be loaded.
    """
    with quiet():
        from model.cnn import CnnModel
        from model.explain import Explainer

    failure = None
    try:
        model = CnnModel.from_folder(folder, config)
    except ModelError as error:
        failure = str(error)
        model = CnnModel.from_pretrained()
    explainer = Explainer(model)
    # TensorFlow compiles a function at its first call: do it here, not while a user waits for an answer.
    blank = np.zeros(model.config.image_shape, np.uint8)
    explainer.explain(blank)
    model.predict_and_reject([blank])
    return explainer, failure


def _answer_calls(connection: Connection, explainer: Explainer) -> None:
    with suppress(EOFError, OSError):  # the page's process has ended
        while True:
            connection.send(_answer_next_call(connection, explainer))


def _answer_next_call(connection: Connection, explainer: Explainer) -> tuple[bool, Any]:
    """Return whether the next call succeeded, and its result or a `UserError`."""
    try:
        function, arguments = connection.recv()
    except (EOFError, OSError):
        raise
    except Exception as error:  # a function that cannot be imported here
        return False, _to_user_error(error)
    try:
        return True, function(explainer, *arguments)
    except Exception as error:
        return False, _to_user_error(error)


def _to_user_error(error: Exception) -> UserError:
    if not isinstance(error, UserError):
        log_error(error)
    release_frames(error)
    return error if isinstance(error, UserError) else UserError("failed")
