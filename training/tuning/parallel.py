"""`--parallel N`: a search with N workers on this machine, which this process starts, watches and ends.

This process is KerasTuner's chief. Each worker is a separate process, with its share of the cores or a separate GPU. A
worker ends when the pipe to it does, however this process ends, and its training ends with it.
"""

import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from model.child_process import describe_exit
from model.errors import StreamError, TrazoError
from training.devices import visible_gpus
from training.processes import GPUS, end_process, free_addresses, share_cores, start_process
from training.tuning.distributed import ORACLE_IP, ORACLE_PORT, TUNER_ID, detect_role
from training.tuning.search_job import SearchJob
from training.tuning.tuner import SearchOutcome, run_search

MAX_STARTS = 3  # of a worker
EXIT_TIMEOUT_S = 10.0  # for a worker that has no further trial; then it is killed

logger = logging.getLogger("trazo")


def run_parallel(job: SearchJob, workers: int) -> SearchOutcome:
    """Do what `run_search` does, with several trials at the same time.

    Args:
        job: what is searched.
        workers: trials at the same time.

    Raises:
        TrazoError: as `run_search`; or if this process is already one of a search of several processes.
        StreamError: as `run_search`; or if a worker was ended from outside repeatedly.
    """
    if detect_role() != "alone":
        raise TrazoError(
            f"--parallel starts a chief and its workers itself: unset {TUNER_ID}, {ORACLE_IP} and the like"
        )
    with _chief_environment() as environment, TrialWorkers(job, workers, environment) as running:
        return run_search(job, running.watch)


@contextmanager
def _chief_environment() -> Iterator[dict[str, str]]:
    """Make this process a chief on a free port; gives the environment of its workers, without their names."""
    host, _, port = free_addresses(1)[0].partition(":")
    address = {ORACLE_IP: host, ORACLE_PORT: port}
    os.environ.update(address | {TUNER_ID: "chief"})
    try:
        yield {**os.environ, **address}
    finally:
        for name in (ORACLE_IP, ORACLE_PORT, TUNER_ID):
            os.environ.pop(name, None)


class TrialWorkers:
    """The workers of a search. They start when the chief first watches them."""

    def __init__(self, job: SearchJob, count: int, environment: dict[str, str]) -> None:
        """Prepare them.

        Args:
            job: what is searched.
            count: how many there are.
            environment: of all of them.
        """
        self._job, self._environment = job, environment
        self._shares = share_machine(count)
        self._starts = [0] * count
        self._processes: list[subprocess.Popen | None] = [None] * count

    def __enter__(self) -> Self:
        """Return the workers."""
        return self

    def watch(self) -> bool:
        """Start the workers, or those again that were ended from outside; return whether all have ended.

        Raises:
            StreamError: if one was ended from outside `MAX_STARTS` times, or could not start.
        """
        for number, process in enumerate(self._processes):
            code = process.poll() if process else -1
            if code is None or code == 0:
                continue
            if process:
                logger.warning("worker %d ended: %s", number + 1, describe_exit(code))
                if self._starts[number] == MAX_STARTS or code > 0:  # it has said why
                    raise StreamError(f"worker {number + 1} ended; run the same command again to resume")
            self._processes[number] = self._start(number)
        return all(process is not None and process.poll() == 0 for process in self._processes)

    def _start(self, number: int) -> subprocess.Popen:
        self._starts[number] += 1
        cores, gpu = self._shares[number]
        environment = self._environment | {TUNER_ID: f"worker-{number + 1}"} | ({GPUS: gpu} if gpu is not None else {})
        return start_process("training.tuning.worker:run", self._job, cores, environment)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let them end what they are doing if the search is over; end them if it was interrupted."""
        for process in filter(None, self._processes):
            with suppress(subprocess.TimeoutExpired):
                if kind is None:
                    process.wait(EXIT_TIMEOUT_S)
            end_process(process)


def share_machine(workers: int) -> list[tuple[list[int], str | None]]:
    """Return (ids of its cores, its GPU as in CUDA_VISIBLE_DEVICES or None) for each worker.

    Cores and GPUs are dealt out in turn; if there are fewer than workers, some share one.
    """
    gpus = visible_gpus()
    return [(cores, gpus[number % len(gpus)] if gpus else None) for number, cores in enumerate(share_cores(workers))]
