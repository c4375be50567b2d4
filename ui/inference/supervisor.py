"""The model behind the page: its config immediately, its network in a separate process, which takes seconds to load.

The page must not wait for it. So nothing that the page imports may import TensorFlow: see `ui.inference.worker`.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from model.artifacts import REPORT_FILES
from model.child_process import ChildDiedError, describe_exit
from model.config import CnnConfig
from model.errors import ModelError
from model.io.locate import locate_model
from ui.i18n import UserError
from ui.inference.worker import ModelProcess

T = TypeVar("T")

MAX_LOAD_WAIT_S = 120.0  # that a request waits for the network to be loaded
RESTART_PAUSE_S = 1.0  # after a process that ended before it was ready; doubled each time
MAX_RESTART_PAUSE_S = 60.0

logger = logging.getLogger("trazo")


class State(Enum):
    """What a supervisor's process does."""

    LOADING = "loading"  # the first process loads the model, or is about to be started
    READY = "ready"
    FAILED = "failed"  # no model can be loaded; this is final
    RESTARTING = "restarting"  # a process has ended, and another one is started


class ModelSupervisor:
    """A model and the process that has loaded it; if that process ends, another one is started.

    Attributes:
        folder: of the model, which may also hold reports.
        config: the model's `CnnConfig`.
        repo: its id on the Hub; None for a folder or the bundled model.
        state: what the process does at this moment.
        reports_folder: of the reports: the model's, or that of a search that has not led to a model yet.
        reports_change: whether they may change while the page is served: they are in a folder of this machine.
    """

    def __init__(
        self,
        folder: Path,
        config: CnnConfig,
        missing: str | None = None,
        *,
        reports_folder: Path | None = None,
        repo: str | None = None,
        start_process: Callable[[Path, CnnConfig], ModelProcess] = ModelProcess,
        max_load_wait_s: float = MAX_LOAD_WAIT_S,
        restart_pause_s: float = RESTART_PAUSE_S,
    ) -> None:
        """Keep the model; `start` loads it.

        Args:
            folder: of the model.
            config: the model's.
            missing: why this is not the requested model; None if it is.
            reports_folder: a folder of this machine whose reports are shown, which may change; None: the model's.
            repo: its id on the Hub.
            start_process: makes each process.
            max_load_wait_s: how long `ask` waits for the network to be loaded.
            restart_pause_s: the first pause after a process that ended before it was ready.
        """
        self.folder, self.config, self.state = folder, config, State.LOADING
        self.reports_folder, self.reports_change = reports_folder or folder, reports_folder is not None
        self.repo = repo
        self._missing = missing
        self._start_process = start_process
        self._max_load_wait_s, self._restart_pause_s = max_load_wait_s, restart_pause_s
        # Done in the states READY, with the process, and FAILED, with None; there is none before `start`.
        self._ready: Future[ModelProcess | None] | None = None
        self._process: ModelProcess | None = None
        self._lock, self._closed = Lock(), Event()

    @classmethod
    def find(cls, name: str | None, revision: str | None, **options: Any) -> ModelSupervisor:
        """Return the model of this name; if it is not available, the bundled one with the reason.

        The reports of a folder are shown even if it does not hold a model yet.

        Args:
            name: a folder, a Hub id, or None for the bundled model.
            revision: of a Hub repo.
            **options: of the constructor.

        Raises:
            ModelError: if not even the bundled model is available.
        """
        reports = Path(name) if name and Path(name).is_dir() else None
        try:
            located = locate_model(name, revision)
            return cls(*located, reports_folder=reports, repo=None if reports else name, **options)
        except ModelError as error:
            if name is None:
                raise
            _log_replacement(str(error))
            if reports and not any((reports / file).is_file() for file in REPORT_FILES):
                reports = None
            return cls(*locate_model(), str(error), reports_folder=reports, **options)

    @property
    def failure(self) -> str | None:
        """Why the model that answers is not the requested one; None if it is, or if none answers."""
        return self._missing or self._process_failure

    @property
    def is_replaced(self) -> bool:
        """Whether the bundled model answers because the one in `folder` could not be loaded."""
        return self._process_failure is not None

    @property
    def _process_failure(self) -> str | None:
        process = self._ready.result() if self._ready and self._ready.done() else None
        return process.failure if process else None

    @property
    def pid(self) -> int | None:
        """The id of the latest process; None before the first one."""
        return self._process.child.pid if self._process else None

    def start(self) -> Future[ModelProcess | None]:
        """Start to load the model, unless that was done before.

        Returns:
            a future of the process that has loaded it; of None if no model can be loaded.
        """
        with self._lock:
            if self._ready is None:
                self._ready = Future()
                atexit.register(self.close)
                Thread(target=self._keep_process_running, daemon=True).start()
            return self._ready

    def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the network's process and return its result; waits until the network is loaded.

        Args:
            function: see `ModelProcess.call`.
            *arguments: see `ModelProcess.call`.

        Raises:
            UserError: the function's own, or that it failed; that the network takes too long to load, that no network
                can be loaded, or that its process has ended.
        """
        try:
            process = self.start().result(self._max_load_wait_s)
        except TimeoutError:
            raise UserError("network_loading") from None
        if process is None:
            raise UserError("network_unusable")
        try:
            return process.call(function, *arguments)
        except ChildDiedError:
            raise UserError("network_restarted") from None

    def close(self) -> None:
        """End the process, and start no other one."""
        self._closed.set()
        atexit.unregister(self.close)
        if self._process:
            self._process.close()

    def _keep_process_running(self) -> None:
        pause_s = 0.0
        while not self._closed.wait(pause_s):
            pause_s = min(2 * pause_s, MAX_RESTART_PAUSE_S) or self._restart_pause_s
            try:
                self._process = process = self._start_process(self.folder, self.config)
                process.wait_until_loaded()
            except ModelError as error:
                logger.error("no network: %s", error)
                process.close()
                self._enter(State.FAILED)
                return
            except ChildDiedError as error:
                self._restart(f"ended while it was loading ({error})")
            except Exception as error:  # of the system, which may have no room for it now
                self._restart(f"could not be started ({error})")
            else:
                if process.failure:
                    _log_replacement(process.failure)
                self._enter(State.READY, process)
                exit_code = process.child.wait()
                self._restart(f"ended ({describe_exit(exit_code or 0)})")
                pause_s = 0.0

    def _enter(self, state: State, process: ModelProcess | None = None) -> None:
        """Change the state, and let those continue who wait for the process."""
        with self._lock:
            assert self._ready
            if state is State.RESTARTING:
                if self._ready.done():
                    self._ready = Future()
                self.state = state
            else:
                self.state = state
                self._ready.set_result(process)

    def _restart(self, reason: str) -> None:
        self._enter(State.RESTARTING)
        if not self._closed.is_set():
            logger.warning("the network's process %s; another one is started", reason)


def _log_replacement(failure: str) -> None:
    logger.warning("%s\nThe bundled model is used instead.", failure)
