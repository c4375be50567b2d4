"""`--workers N`: a training by N processes of this machine, which the command starts, watches and ends."""

import json
import logging
import os
import subprocess
import time
from contextlib import ExitStack

from model.child_process import describe_exit
from model.errors import TrazoError
from model.quiet import quiet
from model.words import counted
from training.config import WorkersConfig
from training.loop.cluster import TF_CONFIG, WorkerLostError, find_task
from training.processes import GPUS, end_process, free_addresses, share_cores, start_process

COMMAND = "training.cli:main"
WATCH_INTERVAL_S = 0.2

logger = logging.getLogger("trazo")


def run_workers(arguments: list[str], config: WorkersConfig) -> int:
    """Run a command in several processes that train together, and return its exit code.

    If one of them is ended from outside, all are ended, and started again up to `config.restarts` times: the training
    continues from its checkpoint.

    Args:
        arguments: of the command, without the options of `config`; each process gets them.
        config: how many processes.

    Raises:
        TrazoError: if another launcher has described the workers already, or there are GPUs, but too few.
        WorkerLostError: if one was ended from outside, and may not be started again.
    """
    if find_task(os.environ):
        raise TrazoError("--workers starts the processes of a training itself: leave it out where a launcher does")
    gpus = _deal_gpus(config.workers)
    for starts_left in range(config.restarts or 0, -1, -1):
        ended = _run_once(arguments, gpus)
        if ended is None:
            return 0
        rank, code = ended
        if code > 0 and code != WorkerLostError.exit_code:
            return code  # it has said why
        lost = f"worker {rank + 1} of {config.workers} ended: {describe_exit(code)}"
        if not starts_left:
            raise WorkerLostError(f"{lost}; run the same command again, with any number of workers, to resume")
        logger.warning("%s; all are started again", lost)
    raise AssertionError("the last start returns or raises")


def _deal_gpus(count: int) -> list[dict[str, str]]:
    """Return the variables that give each worker one of the GPUs that CUDA_VISIBLE_DEVICES names; empty without one.

    Where nothing is named, workers choose by their ranks, and the launcher is spared TensorFlow, which counts GPUs.

    Raises:
        TrazoError: if there are GPUs, but fewer than workers.
    """
    if not os.environ.get(GPUS):
        return [{}] * count
    with quiet():
        from training.devices import visible_gpus

    gpus = visible_gpus()
    if gpus and len(gpus) < count:
        raise TrazoError(
            f"--workers {count}, but only {counted(len(gpus), 'GPU')} may be used ({', '.join(gpus)}): each worker "
            f"needs a separate one; give --workers {len(gpus)}"
        )
    return [{GPUS: gpus[rank]} if gpus else {} for rank in range(count)]


def _run_once(arguments: list[str], gpus: list[dict[str, str]]) -> tuple[int, int] | None:
    """Run all workers to their end; return (rank, exit code) of the first one that failed, None if none did.

    Args:
        arguments: of the command.
        gpus: the variables that give each worker its GPU.
    """
    count = len(gpus)
    addresses = free_addresses(count)
    logger.info(
        "%d workers listen at %s: TensorFlow opens these ports on every network interface, without a password",
        count,
        ", ".join(addresses),
    )
    processes: list[subprocess.Popen] = []
    with ExitStack() as running:
        for rank, cores in enumerate(share_cores(count)):
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
            environment = {**os.environ, **gpus[rank], TF_CONFIG: json.dumps(cluster)}
            processes.append(start_process(COMMAND, arguments, cores, environment))
            running.callback(end_process, processes[-1])
        while True:
            codes = [process.poll() for process in processes]
            if failed := [(rank, code) for rank, code in enumerate(codes) if code]:
                # The others end because of one that was killed, or that said why it ended.
                return min(failed, key=lambda one: (one[1] > 0, one[1] == WorkerLostError.exit_code))
            if None not in codes:
                return None
            time.sleep(WATCH_INTERVAL_S)
