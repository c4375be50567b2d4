"""What runs in a worker of `--parallel`: the trials that the chief gives to it."""

import os

from model.errors import TrazoError
from model.logs import show
from training.data.parquet.hub_client import configure
from training.devices import let_gpu_memory_grow
from training.tuning.search_job import SearchJob
from training.tuning.tuner import run_search


def run(job: SearchJob) -> int:
    """Run the trials of a job until there are no more; return the exit code."""
    configure()
    let_gpu_memory_grow()
    try:
        run_search(job)
    except TrazoError as error:
        show(f"trazo: {os.environ['KERASTUNER_TUNER_ID']}: {error}", "stderr")
        return 2
    return 0
