"""Processes that meet on the loopback address as the workers of a training, forked from one that has imported it."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from model.child_process import ChildProcess
from training.processes import exit_with, free_addresses


@dataclass(frozen=True)
class Worker:
    """A worker that runs, and the file that receives its output."""

    process: ChildProcess
    output: Path

    def wait(self, timeout_s: float = 280) -> int:
        """Wait for its end, and return its exit code."""
        code = self.process.wait(timeout_s)
        assert code is not None, f"still running after {timeout_s} s: {self.read()}"
        return code

    def read(self) -> str:
        """Return what it has printed so far."""
        return self.output.read_text()


def start_workers(
    count: int, folder: Path, function: Callable[..., int], *arguments: object, **environment: str
) -> list[Worker]:
    """Start workers, of which the first one is also the first here; the fixture `fork_server` must be in use.

    Args:
        count: how many; one is alone.
        folder: receives their output.
        function: of a module; returns the exit code.
        arguments: of the function.
        environment: variables of the processes.
    """
    folder.mkdir(exist_ok=True)
    addresses = free_addresses(count)
    workers = []
    for rank in range(count):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        variables = {"TF_CONFIG": json.dumps(task) if count > 1 else "", "TF_NUM_INTRAOP_THREADS": "1", **environment}
        output = folder / f"worker-{rank}-of-{count}.txt"
        output.touch()
        process = ChildProcess(_call, function, arguments, variables, output, fork_from="tests.support.forked")
        workers.append(Worker(process, output))
    return workers


def end_workers(workers: list[Worker]) -> None:
    """Kill those that still run."""
    for worker in workers:
        worker.process.kill()


def _call(
    _: list[Connection], function: Callable[..., int], arguments: tuple, variables: dict[str, str], output: Path
) -> None:
    os.environ.update(variables)
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
    exit_with(lambda: function(*arguments))
