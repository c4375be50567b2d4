"""Which processes train together, as a launcher describes them in the environment."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from model.errors import TrazoError

TF_CONFIG = "TF_CONFIG"  # as TensorFlow and Kubeflow's TFJob name it
SLURM_NODES = "SLURM_STEP_NODELIST"  # in each task that `srun` starts
SLURM_TASKS = "SLURM_STEP_NUM_TASKS"
JOBS = ("chief", "worker")  # in this order they are numbered


class WorkerLostError(TrazoError):
    """Another worker has ended or does not answer; the same command, with any number of workers, resumes."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again


class Task(NamedTuple):
    """A process of TF_CONFIG.

    Attributes:
        cluster: job -> the addresses of its tasks.
        job: of this process.
        number: of this process in its job.
    """

    cluster: dict[str, list[str]]
    job: str
    number: int


def is_described(environment: Mapping[str, str]) -> bool:
    """Return whether a launcher has described several workers."""
    return bool(parse_tf_config(environment)) or is_slurm_step(environment)


def is_slurm_step(environment: Mapping[str, str]) -> bool:
    """Return whether this is one of several tasks that `srun` started."""
    tasks = environment.get(SLURM_TASKS, "1")
    return bool(environment.get(SLURM_NODES)) and tasks.isdecimal() and int(tasks) > 1


def parse_tf_config(environment: Mapping[str, str]) -> Task | None:
    """Return which process of which cluster this is; None if TF_CONFIG is not set or names no cluster.

    Raises:
        TrazoError: if it is not as TensorFlow documents it, or has tasks that do not train.
    """
    text = environment.get(TF_CONFIG)
    if not text:
        return None
    try:
        config: Any = json.loads(text)
        if not config.get("cluster"):
            return None
        cluster = {job: [str(address) for address in tasks] for job, tasks in config["cluster"].items()}
        task = Task(cluster, config["task"]["type"], int(config["task"]["index"]))
        if not 0 <= task.number < len(cluster[task.job]):
            raise ValueError(f"there is no {task.job} {task.number}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrazoError(
            f'{TF_CONFIG} must be like {{"cluster": {{"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}}, "task": '
            f'{{"type": "worker", "index": 0}}}}; {type(error).__name__}: {error}'
        ) from None
    if unknown := sorted(cluster.keys() - {*JOBS}):
        raise TrazoError(f"{TF_CONFIG} names tasks of {', '.join(unknown)}: those of a training are chief and worker")
    return task
