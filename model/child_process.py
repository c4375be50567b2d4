"""Child processes: how one is started, called and ended, and how it ends with its parent.

The page's network and the trials of a search each run in a `ChildProcess`, which sends pickled objects through pipes.
Ctrl-C reaches only the parent, which ends its children. A child ends when its parent does, however that happens.

The decoders (`training.data.decoder_process`) take only `describe_exit` from here. They are started with `subprocess`,
because `multiprocessing` allows no children of a daemonic process, and a trial or a user's data loader is one.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from model.console import set_up_console

EXIT_TIMEOUT_S = 2.0  # for a process that was asked to end, or has closed its pipe; then it is killed

logger = logging.getLogger("trazo")


class ChildDiedError(Exception):
    """A child process has ended, or was killed because it did not answer; the text is that of `describe_exit`.

    Attributes:
        exit_code: as `subprocess.Popen.returncode`: negative if a signal ended the process.
    """

    def __init__(self, exit_code: int) -> None:
        """Keep the exit code."""
        super().__init__(describe_exit(exit_code))
        self.exit_code = exit_code


def describe_exit(exit_code: int) -> str:
    """Return how a process ended, for a message: `SIGKILL`, `exit code 3`."""
    if -exit_code in set(signal.Signals):
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


class ChildProcess:
    """A process that runs one function, and the pipes to it.

    Attributes:
        connections: this process' ends of the pipes. Several threads may call at the same time, each on another one.
        pid: the process' id.
    """

    def __init__(
        self,
        target: Callable[..., None],
        *args: Any,
        name: str = "a child process",
        connections: int = 1,
        fork_from: str | None = None,
    ) -> None:
        """Start a process that calls `target(its ends of the pipes, *args)` and ends when that returns.

        Args:
            target: a function of a module. For an orderly end it may handle SIGTERM, which also comes when the parent
                has ended.
            *args: can be pickled.
            name: of the process in messages.
            connections: number of pipes.
            fork_from: a module. If given, the process is forked from one that has only imported this module, which
                saves it an import of seconds; it knows nothing of the program's main module. If None, a new
                interpreter is started: a fork of this process, with its threads, could hang.

        Raises:
            OSError: if the system has no room for a process.
        """
        context: Any = get_context("forkserver" if fork_from else "spawn")
        if fork_from:
            context.set_forkserver_preload([fork_from])
        pipes = [context.Pipe() for _ in range(connections)]
        self.connections: list[Connection] = [ours for ours, _ in pipes]
        theirs = [theirs for _, theirs in pipes]
        # A forked process has the environment that its server was started with.
        environment = dict(os.environ) if fork_from else {}
        self._name = name
        self._process = context.Process(target=_run, args=(target, theirs, args, environment), daemon=True)
        with _blocked_interrupts(), _hidden_main_module(bool(fork_from)), _shared_import_path(bool(fork_from)):
            self._process.start()
        self.pid: int = self._process.pid
        for connection in theirs:
            connection.close()  # otherwise a read would not fail when the child is gone
        self._exit_code: int | None = None
        self._exit_code_lock = threading.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.wait(0) is None

    def call(self, message: Any, connection: Connection | None = None, timeout_s: float | None = None) -> Any:
        """Send a message and return the answer to it.

        Args:
            message: can be pickled.
            connection: one of `connections`, which no other thread uses meanwhile; None for the first.
            timeout_s: how long to wait for the answer; after that the process is killed.

        Raises:
            ChildDiedError: if the process ends before it answers, or takes too long.
        """
        return self._exchange([message], connection or self.connections[0], timeout_s)

    def receive(self, connection: Connection | None = None, timeout_s: float | None = None) -> Any:
        """Return the next message of the process; arguments and errors are those of `call`."""
        return self._exchange([], connection or self.connections[0], timeout_s)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait until the process has ended and return its exit code; None if it has not ended in that time."""
        if self._exit_code is None and not wait([self._process.sentinel], timeout_s):
            return None
        with self._exit_code_lock:  # only one thread can collect it
            if self._exit_code is None:
                self._process.join()
                # None for a moment if `Process.start` in another thread has collected it.
                self._exit_code = self._process.exitcode or 0
            return self._exit_code

    def close(self) -> None:
        """End the process with SIGTERM, and kill it if it has not ended after `EXIT_TIMEOUT_S`."""
        self._process.terminate()
        if self.wait(EXIT_TIMEOUT_S) is None:
            self.kill()

    def kill(self) -> int:
        """Kill the process, unless it has ended, and return its exit code."""
        self._process.kill()
        return self.wait() or 0

    def _exchange(self, messages: list[Any], connection: Connection, timeout_s: float | None) -> Any:
        """Send messages and return the next one of the process."""
        try:
            for message in messages:
                connection.send(message)
            if not connection.poll(timeout_s):
                logger.warning("%s has not answered for %.0f seconds and is killed", self._name, timeout_s)
                self._process.kill()
            return connection.recv()
        except (EOFError, OSError):
            exit_code = self.wait(EXIT_TIMEOUT_S)
            raise ChildDiedError(self.kill() if exit_code is None else exit_code) from None
        except Exception:  # of pickling: nothing was sent, or everything was received
            raise
        except BaseException:  # Ctrl-C, after which the next answer would be taken for that of another call
            self.kill()
            raise


@contextmanager
def _blocked_interrupts() -> Iterator[None]:
    """Block SIGINT in this thread. A child inherits that, so Ctrl-C does not reach it even before it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # would unblock the signal when it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _hidden_main_module(hide: bool) -> Iterator[None]:
    """Keep `multiprocessing` from running the user's script again in the child."""
    main: dict[str, Any] = vars(sys.modules["__main__"]) if hide else {}
    kept: dict[str, Any] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(kept)


@contextmanager
def _shared_import_path(share: bool) -> Iterator[None]:
    """Let a fork server find the modules that this process finds; Python 3.11 leaves it its own path."""
    before = os.environ.get("PYTHONPATH")
    if share:
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        yield
    finally:
        if before is not None:
            os.environ["PYTHONPATH"] = before
        elif share:
            os.environ.pop("PYTHONPATH", None)


# --- What happens in the child ---


def _run(
    target: Callable[..., None], connections: list[Connection], args: tuple[Any, ...], environment: dict[str, str]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    set_up_console()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    target(connections, *args)


def _end_with_parent() -> None:
    """End this process when its parent ends: immediately, unless the target handles SIGTERM.

    Otherwise a training could write into a checkpoint that the next search has already taken over.
    """
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
