"""The decoders' processes, as the page's process sees them; it never decodes an image itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import LifoQueue
from typing import Any

from model.child_process import ChildDiedError, ChildProcess
from ui.decoding.pauses import Pauses
from ui.decoding.worker import Answer, Outcome, Size, Task, run
from ui.i18n import UserError
from ui.server.turns import Turns

PROCESSES = 2  # of each lane; a visitor uses one of them at a time, so one is left for others
LARGE_NICENESS = 10  # drawings come first when cores are busy
MAX_SMALL_BYTES = 2_000_000  # encoded; a canvas sends no more
IMAGE_ERRORS = "image_"  # how the keys of messages about an image itself start
CALL_TIMEOUT_S = 30.0  # the limit of CPU time ends a decoder before; this one is for a process that waits

logger = logging.getLogger("trazo")


class Lane:
    """Processes that take images of one size. They are started when they are needed, and replaced when they end."""

    def __init__(self, target: Callable[..., None], size: Size, niceness: int, processes: int = PROCESSES) -> None:
        """Start nothing yet; see `worker.run` for the arguments."""
        self._target, self._size, self._niceness = target, size, niceness
        self._turns = Turns(processes)
        self._idle: LifoQueue[ChildProcess | None] = LifoQueue()
        for _ in range(processes):
            self._idle.put(None)

    def start(self) -> None:
        """Start one process, before the first image comes."""
        process = self._idle.get()
        try:
            process = process or self._start_process()
        except OSError as error:  # it is tried again with the first image
            logger.warning("a decoder could not be started (%s)", error)
        finally:
            self._idle.put(process)

    def ask(self, task: Task, visitor: str) -> Answer:
        """Have a task done in a process.

        Raises:
            ChildDiedError: if the process was ended, for example because the image took too long.
        """
        with self._turns.turn_of(visitor):
            process = self._idle.get()
            try:
                if process is None or not process.is_alive:
                    process = self._start_process()
                return process.call(task, timeout_s=CALL_TIMEOUT_S)
            except ChildDiedError:
                process = None
                raise
            finally:
                self._idle.put(process)

    def close(self) -> None:
        """End the processes that are idle."""
        while not self._idle.empty():
            if process := self._idle.get():
                process.kill()

    def _start_process(self) -> ChildProcess:
        # Forked from a process that has imported everything: a new one takes milliseconds.
        return ChildProcess(self._target, self._size, self._niceness, name="a decoder", fork_from="ui.decoding.worker")


class Decoders:
    """Decodes images of visitors, small ones apart from large ones: who draws does not wait for photographs."""

    def __init__(self, target: Callable[..., None] = run, pauses: Pauses | None = None) -> None:
        """Start nothing yet.

        Args:
            target: what runs in the processes.
            pauses: of visitors; None for new ones.
        """
        self._small, self._large = Lane(target, Size.SMALL, 0), Lane(target, Size.ANY, LARGE_NICENESS)
        self._pauses = pauses or Pauses()

    def start(self) -> None:
        """Start a process of each lane, before the first image comes."""
        self._small.start()
        self._large.start()

    def close(self) -> None:
        """End the processes."""
        self._small.close()
        self._large.close()

    def apply(
        self,
        function: Callable[..., Any],
        source: str | bytes | None,
        *arguments: Any,
        visitor: str = "",
        target: tuple[int, int] | None = None,
        missing_key: str = "image_missing",
    ) -> Any:
        """Decode an image in another process, and return there what a function makes of it.

        Args:
            function: of a module that imports nothing of Gradio; called with the pixels, uint8 or uint16 (h, w),
                (h, w, 3) or (h, w, 4), upright and scaled down by `downscale`, and the arguments.
            source: a path or the encoded bytes.
            *arguments: can be pickled, as the result can.
            visitor: see `Turns.turn_of`.
            target: height and width that the image will be fitted into, if that is all; see `read_pixels`.
            missing_key: key of the message for None.

        Raises:
            UserError: if the image is missing, damaged, in another format, too large or made to harm; or the function's
                own.
        """
        if source is None:
            raise UserError(missing_key)
        return self._ask(Task(source, function, arguments, target), visitor)

    def megapixels(self, source: str | bytes, visitor: str = "") -> float:
        """Return the size that a file announces, 0 if it is not found.

        Raises:
            UserError: as `apply`.
        """
        return self._ask(Task(source, None), visitor)

    def _ask(self, task: Task, visitor: str) -> Any:
        answer: Answer = Outcome.TOO_LARGE_HERE, None
        self._pauses.wait(visitor)
        try:
            if _may_be_small(task.source):
                answer = self._small.ask(task, visitor)
            if answer[0] is Outcome.TOO_LARGE_HERE:
                answer = self._large.ask(task, visitor)
        except ChildDiedError as error:
            logger.warning("a decoder was ended by an image (%s); another one is started", error)
            self._pauses.add(visitor)
            raise UserError("image_too_costly") from None
        except OSError as error:  # the system has no room for a process
            logger.warning("a decoder could not be started (%s)", error)
            raise UserError("busy") from None
        outcome, value = answer
        if outcome is Outcome.REFUSED:
            if value.key.startswith(IMAGE_ERRORS):  # others are those of the function: nothing drawn, for example
                self._pauses.add(visitor)
            raise value
        return value


def _may_be_small(source: str | bytes) -> bool:
    try:
        return (len(source) if isinstance(source, bytes) else Path(source).stat().st_size) <= MAX_SMALL_BYTES
    except OSError:  # reported by the process that reads it
        return True


@cache
def decoders() -> Decoders:
    """Return the decoders of this program."""
    return Decoders()
