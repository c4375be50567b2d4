"""Which processes train together, as a launcher describes them in the environment."""

import json
import re
import socket
import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from model.errors import TrazoError
from model.ports import parse_port
from training.processes import PORTS

TF_CONFIG = "TF_CONFIG"  # as TensorFlow and Kubeflow's TFJob name it
SLURM_NODES = "SLURM_STEP_NODELIST"  # in each task that `srun` starts
SLURM_TASKS = "SLURM_STEP_NUM_TASKS"
SLURM_TASKS_PER_NODE = "SLURM_STEP_TASKS_PER_NODE"
SLURM_RANK = "SLURM_PROCID"
SLURM_JOB = "SLURM_JOB_ID"
SLURM_DISTRIBUTION = "SLURM_DISTRIBUTION"
PORTS_PER_JOB = 64  # of Slurm; jobs that follow each other on a machine do not share ports
TUNER_ID = "KERASTUNER_TUNER_ID"  # of the processes of a search
MAX_START_WAIT_S = 600.0  # for the other workers to start
CONNECT_TIMEOUT_S = 5.0
CONNECT_INTERVAL_S = 0.2
JOBS = ("chief", "worker")  # in this order they are numbered


class WorkerLostError(TrazoError):
    """Another worker has ended or does not answer; the same command, with any number of workers, resumes."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again


class Task(NamedTuple):
    """A process of a cluster.

    Attributes:
        cluster: job -> the addresses of its tasks.
        job: of this process.
        number: of this process in its job.
    """

    cluster: dict[str, list[str]]
    job: str
    number: int

    @property
    def addresses(self) -> list[str]:
        """Those of all workers, `host:port`, in the order of their ranks."""
        return [address for job in JOBS for address in self.cluster.get(job, [])]

    @property
    def rank(self) -> int:
        """The number of this process among all workers."""
        return self.number + (len(self.cluster.get("chief", [])) if self.job == "worker" else 0)


def find_task(environment: Mapping[str, str]) -> Task | None:
    """Return which of several workers this process is; None if it is alone.

    Raises:
        TrazoError: if the description of the workers has a mistake.
    """
    task = parse_tf_config(environment) or (parse_slurm_step(environment) if is_slurm_step(environment) else None)
    return task if task and len(task.addresses) > 1 else None


def wait_until_all_listen(addresses: Sequence[str], timeout_s: float = MAX_START_WAIT_S) -> None:
    """Wait until something listens at each address, `host:port`.

    Raises:
        WorkerLostError: if nothing does within `timeout_s` seconds; it names the address.
    """
    deadline = time.monotonic() + timeout_s
    for address in addresses:
        host, _, port = address.rpartition(":")
        while True:
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT_S).close()
                break
            except OSError as error:  # also a name that is not known yet
                if time.monotonic() > deadline:
                    raise WorkerLostError(
                        f"no worker listens at {address} after {timeout_s:.0f} s ({error}): see why it has not "
                        "started, and run the same command again"
                    ) from None
                time.sleep(CONNECT_INTERVAL_S)


def is_slurm_step(environment: Mapping[str, str]) -> bool:
    """Return whether this is one of several tasks that `srun` started."""
    tasks = environment.get(SLURM_TASKS, "1")
    return bool(environment.get(SLURM_NODES)) and tasks.isdecimal() and int(tasks) > 1


def parse_slurm_step(environment: Mapping[str, str]) -> Task:
    """Return which task of a step of Slurm this is: tasks are numbered machine by machine.

    Raises:
        TrazoError: if Slurm's variables have a form that is not known here, or the tasks are numbered otherwise.
    """
    try:
        hosts = expand_hosts(environment[SLURM_NODES])
        counts = expand_counts(environment[SLURM_TASKS_PER_NODE])
        rank, start = int(environment[SLURM_RANK]), int(environment.get(SLURM_JOB, "0")) * PORTS_PER_JOB
        tasks = [(host, number) for host, count in zip(hosts, counts, strict=True) for number in range(count)]
        if not 0 <= rank < len(tasks):
            raise ValueError(f"task {rank} does not exist")
    except (ValueError, KeyError) as error:
        names = (SLURM_NODES, SLURM_TASKS_PER_NODE, SLURM_RANK, SLURM_JOB)
        given = ", ".join(f"{name}={environment.get(name, '')}" for name in names)
        raise TrazoError(
            f"the step of Slurm is not understood ({type(error).__name__}: {error}; {given}): describe the workers in "
            f"{TF_CONFIG} instead"
        ) from None
    distribution = environment.get(SLURM_DISTRIBUTION, "")
    if max(counts) > 1 and re.match("cyclic|plane|arbitrary", distribution):
        raise TrazoError(
            f"{SLURM_DISTRIBUTION} is {distribution}: the workers of a machine must be numbered one after the other; "
            "give srun --distribution=block"
        )
    return Task(
        {"worker": [f"{host}:{PORTS[(start + number) % len(PORTS)]}" for host, number in tasks]}, "worker", rank
    )


def expand_hosts(text: str) -> list[str]:
    """Return the names in a list of hosts as Slurm writes it, in its order.

    Raises:
        ValueError: if the text is not such a list.

    Example:
        >>> expand_hosts("n[9-10,12],m1")
        ['n9', 'n10', 'n12', 'm1']
    """
    numbers = r"\d+(-\d+)?"
    host = rf"([^][,]|\[{numbers}(,{numbers})*])+"
    if not re.fullmatch(f"{host}(,{host})*", text):
        raise ValueError(f"{text!r} is not a list of hosts")
    hosts: list[str] = []
    for part in re.findall(r"(?:[^][,]|\[[^]]*])+", text):
        pieces = re.split(r"\[([^]]*)]", part)  # every second one was in brackets
        choices = [_expand_numbers(piece) if place % 2 else [piece] for place, piece in enumerate(pieces)]
        hosts += map("".join, product(*choices))
    return hosts


def _expand_numbers(text: str) -> list[str]:
    """Return the numbers of `08-10,12`, with their leading zeros."""
    numbers: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += [f"{number:0{len(first)}}" for number in range(int(first), int(last or first) + 1)]
    return numbers


def expand_counts(text: str) -> list[int]:
    """Return the tasks of each machine, as Slurm writes them.

    Raises:
        ValueError: if the text has another form.

    Example:
        >>> expand_counts("2(x2),1")
        [2, 2, 1]
    """
    counts: list[int] = []
    for part in text.split(","):
        if not (match := re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)):
            raise ValueError(f"{text!r} is not a list of tasks per machine")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts


def parse_tf_config(environment: Mapping[str, str]) -> Task | None:
    """Return which process of which cluster this is; None if TF_CONFIG is not set or names no cluster.

    Raises:
        TrazoError: if it is not as TensorFlow documents it, has tasks that do not train, or an address that cannot be.
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
    if len(cluster.get("chief", [])) > 1:
        raise TrazoError(
            f"{TF_CONFIG} names {len(cluster['chief'])} chiefs: there is one at most; list the others as worker"
        )
    for address in task.addresses:
        host, _, port = address.rpartition(":")
        if not host:
            raise TrazoError(f"{TF_CONFIG} names a worker at {address!r}: give host and port, such as 10.0.0.1:2222")
        parse_port(port, f"the port of {address} in {TF_CONFIG}")
        if task.addresses.count(address) > 1:
            raise TrazoError(f"{TF_CONFIG} names {address} more than once: each worker needs a separate one")
    return task
