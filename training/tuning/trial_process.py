"""`trainer.fit` in a process of its own, which is replaced once it has grown.

On a CPU, TensorFlow keeps what oneDNN has prepared for each shape of a convolution, up to 1,024 of a kind in every
thread, and never lets go of it (`LRUCache` in tensorflow/core/util/mkl_util.h, 2.21). A training has few shapes; a
search meets new ones with each network, and grows by hundreds of megabytes. A process gives everything back when it
ends; and where the system ends one for want of memory, it is one trial that fails.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tqdm import tqdm

from model.errors import StreamError, TrazoError
from model.logs import log_to
from model.quiet import quiet
from training.config import TrainConfig
from training.data.parquet.hub_client import configure
from training.data.stream import HubStream
from training.tuning.system_memory import count_oom_kills

with quiet():  # in the process that others are forked from, too
    import keras
    import tensorflow as tf

    from model.config import CnnConfig
    from training.loop import trainer
    from training.loop.checkpoint import SAVE_INTERVAL_S
    from training.loop.trainer import Progress
    from training.tuning.tf_errors import summarize_tf_error, to_portable_error

GROWTH = 384 << 20  # bytes that a process may have gained since it began; with more, another takes over
CAN_FORK = sys.platform == "linux"  # elsewhere TensorFlow does without oneDNN's cache, or Python without `fork`


def fit_in_subprocess(
    config: CnnConfig,
    settings: TrainConfig,
    train: HubStream,
    validation: HubStream,
    *,
    checkpoint: Path,
    on_epoch: Callable[[Progress], None],
    save_every_s: float = SAVE_INTERVAL_S,
) -> Progress:
    """Do what `trainer.fit` does, for those who do not want the network; apart where that is of use, and possible.

    With a GPU it is done in this process: its memory belongs to the first process that asks.

    Raises:
        TrazoError: what `trainer.fit` raises; and when the process crashed, or was ended for want of memory.
        StreamError: when the process was ended by somebody else.
    """
    arguments = config, settings, train, validation
    if not CAN_FORK or tf.config.list_physical_devices("GPU"):
        try:
            return trainer.fit(*arguments, checkpoint=checkpoint, save_every_s=save_every_s, on_epoch=on_epoch)[1]
        except tf.errors.OpError as error:
            raise summarize_tf_error(error) from error
    kills = count_oom_kills()
    child = _child()
    try:
        news = _exchange(child, (arguments, checkpoint, save_every_s), kills)
        while isinstance(news, Progress):
            on_epoch(news)
            news = _exchange(child, True, kills)
    except BaseException:  # Ctrl-C, or what `on_epoch` raised: the checkpoint has all that is needed to go on
        child.process.kill()
        child.process.join()
        raise
    outcome, grown = news
    if grown:
        end()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def end() -> None:
    """End the process, if there is one; a next training starts another."""
    while _children:
        child = _children.pop()
        child.pipe.close()  # that is what it ends with
        child.process.join()


@dataclass
class _Child:
    process: Any  # of multiprocessing; its class depends on how it was started
    pipe: Connection


_children: list[_Child] = []  # none or one


def _child() -> _Child:
    if _children and not _children[0].process.is_alive():
        end()
    if not _children:
        # Forked from a process that has imported TensorFlow and not used it: one that has cannot be forked, and the
        # import takes seconds.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, dict(os.environ), GROWTH), daemon=True)
        with _without_main():
            process.start()
        theirs.close()
        _children.append(_Child(process, ours))
    return _children[0]


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep `multiprocessing` from running the person's script once more: the process needs nothing of it."""
    main: dict[str, Any] = vars(sys.modules["__main__"])
    kept: dict[str, Any] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(kept)


def _exchange(child: _Child, message: Any, kills: int) -> Any:
    """Say something to the process and return what it says next."""
    try:
        child.pipe.send(message)
        return child.pipe.recv()
    except (EOFError, ConnectionError):
        raise _end_of(child, kills) from None


def _end_of(child: _Child, kills: int) -> TrazoError:
    child.process.join()
    code = child.process.exitcode
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if code == -signal.SIGKILL and count_oom_kills() > kills:
        return TrazoError("the system ran out of memory and ended the process of this trial")
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        return StreamError(f"the process of the trial was ended from outside ({name}); the same command goes on")
    return TrazoError(f"the process of this trial crashed ({name})")


def _serve(pipe: Connection, environment: dict[str, str], most: int) -> None:
    """Train what comes through the pipe, until it ends."""
    tqdm.set_lock(threading.RLock())  # in place of one between processes, which nothing would take away
    tf.get_logger().setLevel("ERROR")  # it warns of many functions traced anew: each training has its own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the search, which ends this process
    os.environ.update(environment)
    log_to("stdout")
    configure()
    # A search that is killed must not leave a training behind, which would write into the next one's checkpoint.
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()

    def on_epoch(progress: Progress) -> None:
        pipe.send(progress)
        pipe.recv()

    began = _resident()
    with suppress(EOFError, ConnectionError):  # nobody asks any more
        grown = False
        while not grown:
            arguments, checkpoint, save_every_s = pipe.recv()
            outcome: Progress | Exception
            try:
                _, outcome = trainer.fit(
                    *arguments, checkpoint=checkpoint, save_every_s=save_every_s, on_epoch=on_epoch
                )
            except Exception as error:
                outcome = to_portable_error(error)
            keras.backend.clear_session()
            gc.collect()
            grown = _resident() - began > most
            pipe.send((outcome, grown))


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
