"""The model behind the page: its config at once, its network in a process of its own, which takes seconds to begin.

The page must not wait for it. Nothing that the page imports therefore imports TensorFlow: see `ui.inference.worker`.
"""

from __future__ import annotations

import atexit
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from model.config import CnnConfig
from model.errors import ModelError
from model.io.locate import locate_model
from ui.i18n import UserError
from ui.inference.worker import ModelProcess, WorkerDiedError

T = TypeVar("T")

LONGEST = 120.0  # seconds that a request waits for the network to be loaded
PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two processes that end before they have loaded it: doubled each time


class ModelSupervisor:
    """A model that is found, and a process that has loaded it; where that ends, another one takes its place.

    Attributes:
        folder: of the model, with the reports beside the weights.
        config: its `CnnConfig`.
    """

    def __init__(self, folder: Path, config: CnnConfig, missing: str | None = None) -> None:
        """Name the model, and why it is not the one that was asked for; `start` loads it."""
        self.folder, self.config, self._missing = folder, config, missing
        self._loaded: Future[ModelProcess | None] | None = None
        self._worker: ModelProcess | None = None
        self._lock, self._ended = Lock(), Event()

    @classmethod
    def find(cls, name: str | None, revision: str | None) -> ModelSupervisor:
        """Return the model of this name, or the bundled one, with the reason, where that one is not to be had.

        Raises:
            ModelError: when not even the bundled model is there.
        """
        try:
            return cls(*locate_model(name, revision))
        except ModelError as error:
            if name is None:
                raise
            _log(str(error))
            return cls(*locate_model(), str(error))

    @property
    def failure(self) -> str | None:
        """Why what answers is not the model that was asked for; None where it is, or where nothing answers."""
        loaded = self._loaded
        worker = loaded.result() if loaded and loaded.done() else None
        return self._missing or (worker.failure if worker else None)

    def start(self) -> Future[ModelProcess | None]:
        """Begin to load, unless that was begun; return what will hold the process, or None where no model is usable."""
        with self._lock:
            if self._loaded is None:
                self._loaded = Future()
                atexit.register(self.end)
                Thread(target=self._keep_one_running, daemon=True).start()
            return self._loaded

    def ask(self, work: Callable[..., T], *arguments: Any) -> T:
        """Have a function done where the network is, and return what it returns; waits for the network.

        Args:
            work: as `ModelProcess.do` takes it.
            *arguments: as `ModelProcess.do` takes them.

        Raises:
            UserError: the function's own, or that it failed; that the network takes too long to load, that none can be
                loaded, or that its process came to an end.
        """
        try:
            worker = self.start().result(LONGEST)
        except TimeoutError:
            raise UserError("network_loading") from None
        if worker is None:
            raise UserError("network_unusable")
        try:
            return worker.do(work, *arguments)
        except WorkerDiedError:
            raise UserError("network_restarted") from None

    def end(self) -> None:
        """End the process for good."""
        self._ended.set()
        if self._worker:
            self._worker.end()

    def _keep_one_running(self) -> None:
        if hasattr(signal, "pthread_sigmask"):  # inherited: Ctrl-C is for the page, from the other's first moment on
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        pause = 0.0
        while not self._ended.wait(pause):
            pause = min(2 * pause, LONGEST_PAUSE) or PAUSE
            try:
                self._worker = worker = ModelProcess(self.folder, self.config)
                worker.load()
            except ModelError as error:
                print(f"no network: {error}", file=sys.stderr)
                worker.end()
                self._tell(None)
                return
            except WorkerDiedError:
                worker.process.join()
                self._say(f"ended while it was loading, with code {worker.process.exitcode}")
            except Exception as error:  # of the system, which may have no room for it now
                self._say(f"could not be begun: {error}")
            else:
                if worker.failure:
                    _log(worker.failure)
                self._tell(worker)
                worker.process.join()
                with self._lock:
                    self._loaded = Future()
                self._say(f"ended with code {worker.process.exitcode}")
                pause = 0.0

    def _tell(self, worker: ModelProcess | None) -> None:
        assert self._loaded
        self._loaded.set_result(worker)

    def _say(self, what: str) -> None:
        if not self._ended.is_set():
            print(f"the network's process {what}; another one takes its place", file=sys.stderr)


def _log(failure: str) -> None:
    print(f"{failure}\nThe bundled model is used in its place.", file=sys.stderr)
