"""Several processes that train one network: which one this is, and the sums that they share.

TensorFlow's `MultiWorkerMirroredStrategy` serves as the transport alone: each process has plain variables, which stay
equal because every worker starts from those of the first and takes each step with the same summed gradients.
"""

import logging
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from model.backend import tf
import numpy as np

from model.errors import TrazoError
from model.network_settings import set_up_network
from model.words import counted
from training.loop.cluster import MAX_START_WAIT_S, WorkerLostError, find_task, wait_until_all_listen
from training.loop.tensorflow_compat import limit_registration
from training.pipeline import without_autograph
from training.processes import GPUS
from training.tf_errors import summarize_tf_error

logger = logging.getLogger("trazo")

# What TensorFlow says of a worker that has ended, does not answer or was started again. Names of devices, as in
# "/job:worker/task:0", and of nodes, as in "CollectiveReduceV2", are in the errors of this worker as well.
LOST_PEER = re.compile(
    "collective ops is aborted|remote target|heartbeat|coordination service|incarnation|socket closed|connection re",
    re.IGNORECASE,
)
LEAVING_S = 2.0  # for the last values to arrive everywhere


class Workers:
    """The processes that train one network together; without arguments this process alone.

    Attributes:
        rank: this process, from 0. The first one decides, writes and logs.
        size: how many there are.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None, rank: int = 0, size: int = 1) -> None:
        """Set who takes part.

        Args:
            strategy: the transport; None for one process.
            rank: this process, from 0.
            size: how many there are.
        """
        self._strategy, self.rank, self.size = strategy, rank, size
        self._sum_array = tf.function(lambda x: self.run(self.sum_tensors, x), reduce_retracing=True, autograph=False)

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that decides, writes and logs."""
        return self.rank == 0

    # --- In a TensorFlow graph ---

    def run(self, function: Callable, *args: Any) -> Any:
        """Call a function in which `sum_tensors` may be used; all workers call it, in the same order."""
        return self._strategy.run(without_autograph(function), args) if self._strategy else function(*args)

    def sum_tensors(self, tensors: Any) -> Any:
        """Return the sum over all workers, to the same bits in each of them; inside `run`.

        Args:
            tensors: one, or a list of the same type, which makes one message; of the same shapes in every worker, and
                not int32, which TensorFlow keeps out of a GPU's memory.
        """
        if not self._strategy:
            return tensors
        # `identity`: a sum is placed where its tensor is computed, and an argument is computed nowhere.
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.nest.map_structure(tf.identity, tensors))

    # --- Outside of one ---

    def sum_array(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array over all workers; of the same shape in each of them."""
        return self._sum_array(tf.constant(values)).numpy() if self._strategy else values

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Return the rows of all workers, one worker after the other.

        Args:
            values: of any number of rows.
        """
        if not self._strategy:
            return values
        counts = np.zeros(self.size, np.int64)
        counts[self.rank] = len(values)
        ends = np.cumsum(self.sum_array(counts))
        rows = np.zeros((ends[-1], *values.shape[1:]), values.dtype)
        rows[ends[self.rank] - len(values) : ends[self.rank]] = values
        return self.sum_array(rows)

    def gather_texts(self, text: str) -> list[str]:
        """Return a text of each worker."""
        data = text.encode()
        lengths = self.gather(np.array([len(data)], np.int64))
        everything = self.gather(np.frombuffer(data, np.uint8).astype(np.int64)).astype(np.uint8).tobytes()
        ends = np.cumsum(lengths).tolist()
        return [everything[end - length : end].decode() for end, length in zip(ends, lengths, strict=True)]

    def broadcast(self, data: bytes) -> bytes:
        """Return the bytes of the first worker; those of the others are not used."""
        if not self._strategy:
            return data
        padded = data + bytes(-len(data) % 8) if self.is_first else b""
        words = self.gather(np.frombuffer(padded, np.int64))
        length = self.sum_array(np.array([len(data) if self.is_first else 0], np.int64))
        return words.tobytes()[: length[0]]

    def wait(self) -> None:
        """Wait until every worker has come here."""
        self.sum_array(np.zeros(1, np.int64))

    def leave(self) -> None:
        """Wait for the others before this process ends, which would look like a failure to one that still receives."""
        try:
            self.wait()
        except tf.errors.OpError:
            if not self.is_first:
                raise
            return  # everything is written: the first worker needs no other any more
        if self.size > 1:
            time.sleep(LEAVING_S)


ALONE = Workers()


@contextmanager
def report_lost_workers(workers: Workers) -> Iterator[None]:
    """Say in one sentence that another worker has ended or does not answer.

    Raises:
        WorkerLostError: instead of the errors of TensorFlow's collective operations.
    """
    try:
        yield
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.FailedPreconditionError,
        tf.errors.InternalError,
    ) as error:
        if workers.size == 1 or not LOST_PEER.search(error.message or ""):
            raise
        raise WorkerLostError(
            f"worker {workers.rank + 1} of {workers.size}: another one has ended or does not answer; run the same "
            f"command again, with any number of workers, to resume ({summarize_tf_error(error)})"
        ) from None


def connect() -> Workers:
    """Meet the other workers, and return which one this process is.

    They are found by TF_CONFIG, as TensorFlow defines it, or in a step of Slurm with several tasks; without either
    this process is alone. Each worker uses one GPU of its machine if there are some. Nothing may have been computed
    with TensorFlow before.

    Raises:
        TrazoError: if the description of the workers has a mistake, or there are fewer GPUs than workers of a machine.
        WorkerLostError: if this one cannot listen, or the others do not come.
    """
    task = find_task(os.environ)
    if task is None:
        return ALONE
    addresses, rank = task.addresses, task.rank
    gpus = {"GPU": 1} if _choose_gpu(addresses, rank) else {}
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(task.cluster),
        task_type=task.job,
        task_id=task.number,
        num_accelerators=gpus,
        rpc_layer="grpc",
    )
    hosts = [address.rpartition(":")[0].strip("[]") for address in addresses]
    set_up_network(os.environ, *hosts)  # gRPC would ask a proxy for them
    others = [address for address in addresses if address != addresses[rank]]
    logger.info("waiting for %s at %s", counted(len(others), "other worker"), ", ".join(others))
    if rank == 0:
        wait_until_all_listen(others)  # TensorFlow would wait forever
    limit_registration(MAX_START_WAIT_S)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    except tf.errors.OpError as error:
        raise WorkerLostError(
            f"worker {rank + 1} of {len(addresses)}, {addresses[rank]}, cannot meet the others: "
            f"{summarize_tf_error(error)}"
        ) from None
    # TensorFlow takes it as a notice that it passes on. Here it ends the process, as everywhere: nothing is lost.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return Workers(strategy, rank, len(addresses))


def _choose_gpu(addresses: list[str], rank: int) -> bool:
    """Let TensorFlow use one GPU of this machine, if there are some; return whether it does.

    The workers of a machine take them in turn.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return False
    hosts = [address.rpartition(":")[0] for address in addresses]
    here, number = hosts.count(hosts[rank]), hosts[:rank].count(hosts[rank])
    if len(gpus) == 1 and GPUS in os.environ:  # a launcher has chosen it
        return True
    if here > len(gpus):
        raise TrazoError(
            f"{here} workers on {hosts[rank]}, which has {len(gpus)} GPUs: each worker needs a separate one"
        )
    tf.config.set_visible_devices(gpus[number], "GPU")
    return True
