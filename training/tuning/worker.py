"""What runs in a worker of `--parallel`: the trials that the chief gives to it."""

import os
import pickle
import sys
import threading
from typing import NoReturn

from model.console import set_up_console
from model.errors import TrazoError
from model.folders import set_up_caches
from model.library_settings import set_up_libraries
from model.logs import log_to, show
from model.network_settings import set_up_network
from model.quiet import quiet


def serve() -> NoReturn:
    """Run the trials of the job that comes in through standard input until there are no more, then end the process."""
    set_up_console()
    log_to("stdout")
    set_up_libraries(os.environ)
    set_up_network(os.environ)
    set_up_caches(os.environ)
    with quiet():
        job = _receive()
        from training.data.parquet.hub_client import configure
        from training.devices import let_gpu_memory_grow
    configure()
    let_gpu_memory_grow()
    threading.Thread(target=_end_with_chief, daemon=True).start()
    os._exit(_run(job))


def _receive() -> object:
    """Return the job. This process gets its cores before TensorFlow, which counts them, is imported."""
    cores = pickle.load(sys.stdin.buffer)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    return pickle.load(sys.stdin.buffer)


def _end_with_chief() -> None:
    sys.stdin.buffer.read()
    os._exit(1)  # its trial's process and the decoders end with this one


def _run(job: object) -> int:
    from training.tuning.search_job import SearchJob
    from training.tuning.tuner import run_search

    assert isinstance(job, SearchJob)
    try:
        run_search(job)
    except TrazoError as error:
        show(f"trazo: {os.environ['KERASTUNER_TUNER_ID']}: {error}", "stderr")
        return 2
    return 0
