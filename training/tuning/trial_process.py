"""`trainer.fit` in a separate process, which is replaced when its memory has grown.

On a CPU, TensorFlow keeps what oneDNN has prepared for each shape of a convolution, up to 1,024 shapes per kind and
thread, and never frees it (`LRUCache` in tensorflow/core/util/mkl_util.h, 2.21). A training has few shapes. A search
meets new ones with each network and grows by hundreds of megabytes. A process returns all of its memory when it ends;
and if the system kills one for lack of memory, only one trial fails.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tqdm import tqdm

from model.child_process import ChildDiedError, ChildProcess
from model.errors import StreamError, TrazoError
from model.logs import log_to
from model.quiet import quiet
from training.config import TrainConfig
from training.data.parquet.hub_client import configure
from training.data.stream import HubStream
from training.tuning.system_memory import count_oom_kills

with quiet():  # also in the process that trials are forked from
    from model.backend import keras, tf

    from model.config import CnnConfig
    from training.loop import trainer
    from training.loop.checkpoint import SAVE_INTERVAL_S
    from training.loop.trainer import Progress
    from training.tf_errors import summarize_tf_error, to_portable_error

MAX_GROWTH_BYTES = 384 << 20  # that a process may gain; after the training in which it gains more, it is replaced
CAN_FORK = sys.platform == "linux"  # elsewhere TensorFlow lacks oneDNN's cache, or Python `fork`


def fit_in_subprocess(
    config: CnnConfig,
    settings: TrainConfig,
    train: HubStream,
    validation: HubStream,
    *,
    checkpoint: Path,
    on_epoch: Callable[[Progress], None],
    save_every_s: float = SAVE_INTERVAL_S,
    max_growth_bytes: int = MAX_GROWTH_BYTES,
) -> Progress:
    """Do what `trainer.fit` does without returning the network, in a separate process where that helps and is possible.

    With a GPU it is done in this process: a GPU's memory belongs to the first process that uses it.

    Raises:
        TrazoError: from `trainer.fit`; or if the process crashed or was killed for lack of memory.
        StreamError: if the process was killed by someone else.
    """
    arguments = config, settings, train, validation
    if not CAN_FORK or tf.config.list_physical_devices("GPU"):
        try:
            return trainer.fit(*arguments, checkpoint=checkpoint, save_every_s=save_every_s, on_epoch=on_epoch)[1]
        except tf.errors.OpError as error:
            raise summarize_tf_error(error) from error
    kills = count_oom_kills()
    child = _running_child()
    try:
        message = child.call((arguments, checkpoint, save_every_s, max_growth_bytes))
        while isinstance(message, Progress):
            on_epoch(message)
            message = child.call("continue")
    except ChildDiedError as died:
        raise _explain_death(died, kills) from None
    except BaseException:  # Ctrl-C, or raised by `on_epoch`: the checkpoint holds all that is needed to resume
        child.kill()
        raise
    outcome, has_grown = message
    if has_grown:
        close_trial_process()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def close_trial_process() -> None:
    """End the process if there is one; the next training starts another."""
    while _children:
        child = _children.pop()
        child.connections[0].close()  # at which it exits in an orderly way: TensorFlow deletes its temporary files
        child.wait()


_children: list[ChildProcess] = []  # none or one


def _running_child() -> ChildProcess:
    if _children and not _children[0].is_alive:
        close_trial_process()
    if not _children:
        # Forked from a process that has imported TensorFlow but not used it. The import takes seconds, and a process
        # that has used TensorFlow cannot be forked.
        _children.append(ChildProcess(_serve, fork_from=__name__))
    return _children[0]


def _explain_death(died: ChildDiedError, kills: int) -> TrazoError:
    if died.exit_code == -signal.SIGKILL and count_oom_kills() > kills:
        return TrazoError("the system ran out of memory and killed the process of this trial")
    if died.exit_code in (-signal.SIGKILL, -signal.SIGTERM):
        return StreamError(
            f"the process of the trial was ended from outside ({died}); run the same command again to resume"
        )
    return TrazoError(f"the process of this trial crashed ({died})")


def _serve(connections: list[Connection]) -> None:
    """Run one training per request until the parent closes the pipe."""
    (connection,) = connections
    tqdm.set_lock(threading.RLock())  # instead of one that processes share, which would be left behind
    tf.get_logger().setLevel("ERROR")  # it warns of many traced functions: each training has its own
    log_to("stdout")
    configure()

    def on_epoch(progress: Progress) -> None:
        connection.send(progress)
        connection.recv()

    resident_at_start = _resident_bytes()
    with suppress(EOFError, ConnectionError):  # the parent has ended
        while True:
            arguments, checkpoint, save_every_s, max_growth_bytes = connection.recv()
            outcome: Progress | Exception
            try:
                _, outcome = trainer.fit(
                    *arguments, checkpoint=checkpoint, save_every_s=save_every_s, on_epoch=on_epoch
                )
            except Exception as error:
                outcome = to_portable_error(error)
            keras.backend.clear_session()
            gc.collect()
            connection.send((outcome, _resident_bytes() - resident_at_start > max_growth_bytes))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
