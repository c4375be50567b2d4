"""The process that the network lives in; `ui.network` begins it, and asks it what people ask.

Python runs one thread of a process at a time, whatever its cores. Beside the page's, TensorFlow is imported while the
page is built; and the page goes on while the network answers. Nothing of Gradio is imported here.

    python -m ui.worker     what it needs to know comes pickled on its standard input, which is closed to end it
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.managers import BaseManager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from model.config import CnnConfig
from model.errors import ModelError
from model.quiet import quiet
from ui.faults import forget, log
from ui.memory import give_back_large
from ui.text import Message

if TYPE_CHECKING:
    from model.explain import Explainer

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "ui.worker"]


class Worker:
    """Does what is asked of the network, in a thread for each thread that asks."""

    def __init__(self, explainer: Explainer) -> None:
        """Take the network, with what looks inside it."""
        self._explainer = explainer

    def do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function says, which is given the network's `Explainer` before the arguments.

        Raises:
            Message: the function's own; `failed` for whatever else it trips over, which is logged.
        """
        try:
            return work(self._explainer, *arguments)
        except Exception as error:
            if not isinstance(error, Message):
                log(error)
            forget(error)
            raise (error if isinstance(error, Message) else Message("failed")) from None


# --- The page's side ---


@dataclass(frozen=True)
class Begun:
    """A process that has loaded a network; it ends with this one at the latest."""

    worker: Worker  # what stands for it here
    failure: str | None  # why it is not the model that was asked for; None where it is
    process: subprocess.Popen[bytes]
    address: str  # of the socket, in a folder of its own, where it speaks

    def end(self) -> None:
        """End the process, and take away what one that was killed has left."""
        self.process.kill()
        if Path(self.address).is_socket():
            shutil.rmtree(Path(self.address).parent, ignore_errors=True)


def begin(folder: Path, config: CnnConfig) -> Begun:
    """Begin a process with a model, and wait until it is loaded.

    Raises:
        ModelError: when no model can be loaded, or the process ended before.
    """
    key = secrets.token_bytes(32)
    process = subprocess.Popen(COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        pickle.dump((key, folder.absolute(), config), process.stdin)
        process.stdin.flush()
        address, failure = pickle.load(process.stdout)
        if address is None:
            raise ModelError(failure)
        return Begun(reach(address, key), failure, process, address)
    except (EOFError, OSError) as error:
        raise ModelError(f"the network's process ended before it answered: {error!r}") from None


def reach(address: str, key: bytes) -> Worker:
    """Return what stands in this process for the worker that is served at an address.

    Raises:
        multiprocessing.AuthenticationError: for another key than the server's.
    """
    manager = _Reached(address, key)
    manager.connect()
    return manager.worker()  # type: ignore[attr-defined] # registered above


class _Reached(BaseManager):
    """Carries calls to another process."""


_Reached.register("worker", exposed=["do"])


# --- Its own side ---


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


class _Served(BaseManager):
    """Takes calls from another process."""


def serve(worker: Worker, key: bytes) -> str:
    """Begin to take calls from whoever knows the key, and return the address, which is this user's alone."""
    _Served.register("worker", lambda: worker, exposed=["do"])
    server = _Served(None, key).get_server()
    Thread(target=server.serve_forever, daemon=True).start()
    return str(server.address)


def main() -> None:
    """Load, say where the worker is to be found, or what is wrong; work until the page's process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal both get it; this one ends with its input
    # One picture is too little to share among threads: with one, an answer comes in 0.6 of the time for half the work,
    # and people who ask at once share the cores instead. TensorFlow reads this when it is imported.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    give_back_large()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come in between
    key, folder, config = pickle.load(sys.stdin.buffer)
    try:
        explainer, failure = load(folder, config)
    except ModelError as error:
        pickle.dump((None, str(error)), output)
        output.flush()
        return
    with suppress(BrokenPipeError):
        pickle.dump((serve(Worker(explainer), key), failure), output)
        output.flush()
        sys.stdin.buffer.read()  # nothing comes: until the page's process has ended, or lets go of this one


if __name__ == "__main__":
    main()
