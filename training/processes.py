"""Processes that a command starts on this machine: each has its share of the cores, and ends when the command does."""

import os
import pickle
import random
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from model.console import set_up_console
from model.errors import TrazoError
from model.folders import set_up_caches
from model.library_settings import set_up_libraries
from model.logs import log_to
from model.network_settings import set_up_network
from model.quiet import quiet

LOOPBACK = "127.0.0.1"
GPUS = "CUDA_VISIBLE_DEVICES"  # those that a process may use
PORTS = range(20_000, 32_000)
CODE = "import sys; sys.path[:0] = sys.argv[2:]; from training.processes import serve; serve(sys.argv[1])"


def share_cores(processes: int) -> list[list[int]]:
    """Return the ids of the cores of each process. They are dealt out in turn; with too few, some share one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]
    return [cores[number::processes] or [cores[number % len(cores)]] for number in range(processes)]


def free_addresses(count: int) -> list[str]:
    """Return addresses of this machine at which nothing listens, `127.0.0.1:port`.

    The ports are none of those that systems give to outgoing connections. One of these can be taken before it is used,
    even by the one who waits for it: a connection to it that is tried again and again may get it as its own port.
    """
    addresses: list[str] = []
    with ExitStack() as opened:
        for port in random.sample(PORTS, len(PORTS)):
            if len(addresses) == count:
                return addresses
            one = opened.enter_context(socket.socket())
            with suppress(OSError):  # taken
                one.bind((LOOPBACK, port))
                addresses.append(f"{LOOPBACK}:{port}")
    raise TrazoError(f"no {count} ports from {PORTS.start} to {PORTS.stop - 1} are free: end other programs")


def start_process(target: str, job: Any, cores: list[int], environment: Mapping[str, str]) -> subprocess.Popen:
    """Start a process that calls a function and ends with the exit code that this returns, or when this process ends.

    Args:
        target: `module:function`; the function takes the job.
        job: can be pickled.
        cores: ids of those that it may use.
        environment: of the process.
    """
    if not hasattr(os, "sched_setaffinity"):
        threads = str(len(cores))
        environment = {**environment, "TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, target, str(Path(__file__).parents[1]), *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches only the command, which ends its processes
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended, which is seen by the one that watches it
        pickle.dump(cores, process.stdin)
        pickle.dump(job, process.stdin)
        process.stdin.flush()
    return process


def end_process(process: subprocess.Popen) -> None:
    """Kill a process of `start_process`, unless it has ended."""
    process.kill()
    process.wait()
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


def serve(target: str) -> NoReturn:
    """In a started process: call the function with the job that comes in through standard input, and end."""
    set_up_console()
    log_to("stdout")
    set_up_libraries(os.environ)
    set_up_network(os.environ)
    set_up_caches(os.environ)
    # This process gets its cores before TensorFlow, which counts them, is imported.
    cores = pickle.load(sys.stdin.buffer)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    module, _, function = target.partition(":")
    with quiet():
        job = pickle.load(sys.stdin.buffer)
        call = getattr(import_module(module), function)
    threading.Thread(target=_end_with_command, daemon=True).start()
    exit_with(lambda: call(job))


def exit_with(call: Callable[[], int]) -> NoReturn:
    """Call a function, and end the process with the exit code that it returns; after an error, with a traceback and 1.

    Not by `sys.exit`, and not by the interpreter: if a thread of tf.data asks for it while it shuts down, it waits
    forever, and so do the other workers of a training.
    """
    try:
        status = call()
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _end_with_command() -> None:
    sys.stdin.buffer.read()
    os._exit(1)  # the decoders and a trial's process end with this one
