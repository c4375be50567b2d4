"""The model behind the page: its config at once, its network in a process of its own, which takes seconds to begin.

The page must not wait for it. Nothing that the page imports therefore imports TensorFlow: see `ui.worker`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

from model.config import CnnConfig
from model.errors import ModelError
from model.folder import find
from ui.text import Message
from ui.worker import Begun, begin

T = TypeVar("T")

LONGEST = 120.0  # seconds that a request waits for the network


class Network:
    """A model that is found, and loaded by a process of its own.

    Attributes:
        folder: of the model, with the reports beside the weights.
        config: its `CnnConfig`.
        failure: why it is not the model that was asked for; None where it is.
    """

    def __init__(self, folder: Path, config: CnnConfig, failure: str | None = None) -> None:
        """Name the model; `start` loads it."""
        self.folder, self.config, self.failure = folder, config, failure
        self._loaded: Future[Begun] | None = None
        self._starting = Lock()

    @classmethod
    def find(cls, name: str | None, revision: str | None) -> Network:
        """Return the model of this name, or the bundled one, with the reason, where that one is not to be had.

        Raises:
            ModelError: when not even the bundled model is there.
        """
        try:
            return cls(*find(name, revision))
        except ModelError as error:
            if name is None:
                raise
            _log(error)
            return cls(*find(), str(error))

    @property
    def ready(self) -> bool:
        """Whether answers need not wait."""
        return self._loaded is not None and self._loaded.done()

    def start(self) -> Future[Begun]:
        """Begin to load, unless that was begun; return what will hold the result."""
        with self._starting:
            if self._loaded is None:
                self._loaded = Future()
                Thread(target=self._load, args=[self._loaded], daemon=True).start()
            return self._loaded

    def wait(self) -> None:
        """Wait until answers need not wait.

        Raises:
            Message: when it takes too long, or no model can be loaded.
        """
        _result(self.start())

    def ask(self, work: Callable[..., T], *arguments: Any) -> T:
        """Have a function done where the network is, and return what it returns; waits for the network.

        Args:
            work: of a module that imports nothing of Gradio; it is given the network's `Explainer` first.
            *arguments: which can be pickled.

        Raises:
            Message: as `wait`; the function's own, or that it failed; that the network's process came to an end,
                which then is begun anew.
        """
        loaded = self.start()
        begun = _result(loaded)
        try:
            return begun.worker.do(work, *arguments)
        except (EOFError, OSError) as error:  # of the connection: what the function trips over comes as a message
            self._begin_anew(loaded, error)
            raise Message("network_restarted") from None

    def _load(self, loaded: Future[Begun]) -> None:
        try:
            begun = begin(self.folder, self.config)
        except ModelError as error:
            print(f"no network: {error}", file=sys.stderr)
            loaded.set_exception(error)
            return
        if begun.failure:
            self.failure = begun.failure
            _log(begun.failure)
        loaded.set_result(begun)

    def _begin_anew(self, loaded: Future[Begun], error: Exception) -> None:
        with self._starting:
            if self._loaded is not loaded:
                return  # somebody else has noticed
            self._loaded = None
        loaded.result().end()
        print(f"the network's process came to an end ({error!r}); another one takes its place", file=sys.stderr)
        self.start()


def _result(loaded: Future[Begun]) -> Begun:
    try:
        return loaded.result(LONGEST)
    except TimeoutError:
        raise Message("network_loading") from None
    except ModelError:
        raise Message("network_unusable") from None


def _log(error: ModelError | str) -> None:
    print(f"{error}\nThe bundled model is used in its place.", file=sys.stderr)
