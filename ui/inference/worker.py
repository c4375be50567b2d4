"""The process that the network lives in, and how the page's process asks it; `supervisor` keeps one running.

Python runs one thread of a process at a time, whatever its cores. In a process of its own, TensorFlow is imported while
the page is built; and the page goes on while the network answers. Nothing of Gradio is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

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

LANES = 24  # pipes, with a thread at each end: so much can be asked at once; the page lets no more people in
# Seconds that are waited for it: to load, from a slow disk; to answer, when it is taken for hung; to end by itself.
LOADS, ANSWERS, ENDS = 300.0, 60.0, 2.0


class WorkerDiedError(Exception):
    """The process came to an end, or had to be brought to it."""


class ModelProcess:
    """A process with a network, as the page's process sees it.

    Attributes:
        process: which ends with this one at the latest.
        failure: why its network is not the one that was asked for; None where it is. Known once it is loaded.
    """

    def __init__(self, folder: Path, config: CnnConfig) -> None:
        """Begin a process that loads a model.

        Raises:
            OSError: when the system has no room for it.
        """
        context = get_context("spawn")  # a copy of this process, with its threads, could hang
        ours, theirs = zip(*(context.Pipe() for _ in range(LANES)), strict=True)
        self.failure: str | None = None
        self.process = context.Process(target=run, args=(theirs, folder.absolute(), config), daemon=True)
        self.process.start()
        for lane in theirs:
            lane.close()  # else nobody would notice that the other process is gone
        self._first = ours[0]
        self._free: Queue[Connection] = Queue()
        for lane in ours:
            self._free.put(lane)

    def load(self) -> None:
        """Wait until the model is loaded; nothing may be asked before.

        Raises:
            ModelError: when no model can be loaded.
            WorkerDiedError: when the process ends before, or takes too long.
        """
        usable, self.failure = self._received(self._first, LOADS)
        if not usable:
            raise ModelError(self.failure)

    def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Have a function done in the process, and return what it returns.

        Args:
            work: of a module that imports nothing of Gradio; it is given the network's `Explainer` first.
            *arguments: which can be pickled.

        Raises:
            UserError: the function's own; `failed` for whatever else it trips over, which is logged.
            WorkerDiedError: when the process ends before it has answered, or takes too long.
        """
        lane = self._free.get()
        try:
            lane.send((work, arguments))
            done, value = self._received(lane, ANSWERS)
        except OSError:
            raise WorkerDiedError from None
        finally:
            self._free.put(lane)
        if not done:
            raise value
        return value

    def end(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.join(ENDS)
        self.process.kill()

    def _received(self, lane: Connection, longest: float) -> tuple[bool, Any]:
        try:
            if not lane.poll(longest):
                print(f"the network's process has said nothing for {longest:.0f} seconds: it is ended", file=sys.stderr)
                self.process.kill()
            return lane.recv()
        except (EOFError, OSError):
            raise WorkerDiedError from None


# --- What happens in the process ---


def run(lanes: Sequence[Connection], folder: Path, config: CnnConfig) -> None:
    """Load a model, say so on the first lane, and answer on all of them, until the page's process ends."""
    # One picture is too little to share among threads: with one, an answer comes in 0.6 of the time for half the work,
    # and people who ask at once share the cores instead. TensorFlow reads this when it is imported.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    log_to("stderr")
    configure_trim()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the page
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    loaded = Event()
    Thread(target=_serve, args=(lanes, folder, config, loaded), daemon=True).start()
    page = parent_process()
    assert page
    try:
        wait([page.sentinel])
    finally:
        if not loaded.is_set():
            os._exit(1)  # an import has no orderly end


def _serve(lanes: Sequence[Connection], folder: Path, config: CnnConfig, loaded: Event) -> None:
    with suppress(OSError):  # the page's process is gone
        try:
            explainer, failure = load(folder, config)
        except Exception as error:
            if not isinstance(error, ModelError):
                log_error(error)
            lanes[0].send((False, str(error)))
            return
        finally:
            loaded.set()
        lanes[0].send((True, failure))
        for lane in lanes:
            Thread(target=_answer, args=(lane, explainer), daemon=True).start()


def load(folder: Path, config: CnnConfig) -> tuple[Explainer, str | None]:
    """Return a model ready to answer; the bundled one where this one is damaged, and how.

    Raises:
        ModelError: when not even the bundled model is there.
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
    # TensorFlow compiles a function when it is first called: here, not while somebody waits for an answer.
    blank = np.zeros(model.config.image_shape, np.uint8)
    explainer.explain(blank)
    model.predict_and_reject([blank])
    return explainer, failure


def _answer(lane: Connection, explainer: Explainer) -> None:
    with suppress(EOFError, OSError):  # the page's process is gone
        while True:
            lane.send(_done(lane, explainer))


def _done(lane: Connection, explainer: Explainer) -> tuple[bool, Any]:
    try:
        work, arguments = lane.recv()
    except (EOFError, OSError):
        raise
    except Exception as error:  # a function that cannot be imported here
        return False, _told(error)
    try:
        return True, work(explainer, *arguments)
    except Exception as error:
        return False, _told(error)


def _told(error: Exception) -> UserError:
    if not isinstance(error, UserError):
        log_error(error)
    release_frames(error)
    return error if isinstance(error, UserError) else UserError("failed")
