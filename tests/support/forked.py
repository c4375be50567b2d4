"""Processes that are forked from one that has imported what a training needs, which takes seconds."""

import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

from model.child_process import ChildProcess
from training import cli  # noqa: F401 - else each fork would import it
from training.commands import run  # noqa: F401
from training.tuning import trial_process


def run_forked(function: Callable[..., int], *arguments: object) -> int:
    """Call a function of a module in a forked process, and return its exit code: the function's value, or a signal.

    The product forks its own processes from the first server that is started. So the fixture `fork_server` must have
    started this one.
    """
    return ChildProcess(_call, function, arguments, fork_from=__name__).wait()


def _call(_: list[Connection], function: Callable[..., int], arguments: tuple) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # A process of `multiprocessing` may have no such processes itself.
    trial_process.CAN_FORK = False
    status = function(*arguments)
    sys.stdout.flush()
    os._exit(status)
