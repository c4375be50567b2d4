"""Rent a machine for a run, follow its log, and find both again when the command is repeated."""

import logging
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from huggingface_hub import HfApi, JobHardwareInfo, JobInfo, Volume, constants, get_token

from model.console import one_line
from model.errors import TrazoError
from model.io.hub import with_owner
from model.io.hub_errors import translate_hub_errors, translate_service_errors
from model.logs import show
from training.config import DataConfig, RemoteConfig, TransferConfig
from training.remote.checks import check_on_hub
from training.remote.code import REQUIREMENTS, upload_code
from training.remote.hardware import SERVICE, choose_hardware, describe, estimate

CODE_PATH, RUN_PATH = "/trazo/code", "/trazo/runs"  # where the code and the whole bucket are mounted
CODE_REPO, BUCKET = "trazo-code", "trazo-runs"  # of the user
# Of a job: the name of the run, and a hash of what it was asked for.
LABEL, COMMAND_LABEL = "trazo-run", "trazo-command"
ACTIVE, COMPLETED = ("SCHEDULING", "RUNNING"), "COMPLETED"
SCRIPT = """\
set -e
pip install --quiet --disable-pip-version-check {packages}
cd {code}
exec python -m training.remote.job "$@"
"""
HOSTED = "https://huggingface.co"  # the endpoint that a rented machine uses by itself

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class RemoteRun:
    """A run on a rented machine.

    Attributes:
        name: of the run; the same name continues it.
        words: the arguments of `run` on the machine, without `--output`.
        data: of them.
        transfer: of them.
        minutes: of search and training.
        track: trackers that it reports to.
        push_to: what it publishes to.
        config: which machine, and how it publishes.
    """

    name: str
    words: Sequence[str]
    data: DataConfig
    transfer: TransferConfig
    minutes: float
    track: Sequence[str]
    push_to: str
    config: RemoteConfig

    @property
    def command_hash(self) -> str:
        """Return a hash of what the machine is to do, by which a repeated command is recognized."""
        asked = [*self.words, "", self.push_to, *self.track, str(self.config.license), str(self.config.private)]
        return sha256("\0".join(asked).encode()).hexdigest()[:16]


def name_of(folder: Path) -> str:
    """Return the name of a run from that of its folder, in letters, digits, `-` and `_`, as labels take them.

    If characters had to be replaced, a hash of the folder's name tells apart those that would become the same.

    Example:
        >>> name_of(Path("runs/época 1"))
        'epoca-1-74d149'
    """
    given = folder.resolve().name
    letters = unicodedata.normalize("NFKD", given).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-zA-Z0-9_]+", "-", letters).strip("-") or "run"
    return name if name == given else f"{name}-{sha256(given.encode()).hexdigest()[:6]}"


def launch(run: RemoteRun) -> None:
    """Rent a machine unless one runs already, follow its log, and report where the model was published.

    Raises:
        TrazoError: if the token is missing, the user does not agree, or the run fails.
    """
    token = get_token()
    if not token:
        raise TrazoError("a rented machine needs your token of the Hub: set HF_TOKEN or run `hf auth login`")
    api = HfApi(token=token)
    run = replace(run, push_to=with_owner(run.push_to, token))
    with translate_service_errors(SERVICE):
        owner = api.whoami()["name"]
        jobs = [*api.list_jobs(status=[*ACTIVE, COMPLETED], labels={LABEL: run.name}, namespace=owner)]
    active = [job for job in jobs if job.status.stage in ACTIVE]
    same = [job for job in jobs if (job.labels or {}).get(COMMAND_LABEL) == run.command_hash]
    if other := next((job for job in active if job not in same), None):
        raise TrazoError(
            f"a run called {run.name} with other options is on a machine: {other.url}; give another --output, or end "
            f"it with `hf jobs cancel {other.id}`"
        )
    if not active and same:
        logger.info("this run has ended, nothing is rented: %s; give another --output to run it again", same[0].url)
        return
    if active:
        logger.info("the run %s is on a machine already: %s", run.name, active[0].url)
    _follow(run, owner, active[0] if active else _rent(run, owner, token, api), api)


def _rent(run: RemoteRun, owner: str, token: str, api: HfApi) -> JobInfo:
    assert run.config.on is not None
    check_on_hub(run.data, run.transfer, run.push_to, api)
    hardware = choose_hardware(run.config.on, api)
    logger.info(describe(hardware, run.minutes))
    _ask(run.config)
    code, bucket = f"{owner}/{CODE_REPO}", f"{owner}/{BUCKET}"
    with translate_hub_errors(code, repo_type="dataset"):
        commit = upload_code(api, code)
    with translate_hub_errors(bucket):
        api.create_bucket(bucket, private=True, exist_ok=True)
        if not api.bucket_info(bucket).private:
            raise TrazoError(f"the bucket {bucket} is public, and would hold your run: make it private, or rename it")
        job = api.run_job(
            image=f"python:{sys.version_info.major}.{sys.version_info.minor}",
            command=make_command(run, hardware),
            env={"PYTHONUNBUFFERED": "1"}
            | ({"HF_ENDPOINT": constants.ENDPOINT} if constants.ENDPOINT != HOSTED else {}),
            secrets={"HF_TOKEN": token} | _tracker_settings(run.track),
            flavor=hardware.name,
            timeout=60 * estimate(hardware, run.minutes).limit_minutes,
            name=f"trazo-{run.name}",
            labels={LABEL: run.name, COMMAND_LABEL: run.command_hash},
            volumes=[
                Volume(type="dataset", source=code, mount_path=CODE_PATH, revision=commit, read_only=True),
                Volume(type="bucket", source=bucket, mount_path=RUN_PATH, read_only=False),
            ],
            namespace=owner,
        )
    logger.info("rented: %s", job.url)
    return job


def make_command(run: RemoteRun, hardware: JobHardwareInfo) -> list[str]:
    """Return what the machine executes: install the packages, then `training.remote.job`. It holds no secret."""
    cuda = ["'tensorflow[and-cuda]'"] if hardware.accelerator else []
    trackers = [name for name in run.track if name != "tensorboard"]
    script = SCRIPT.format(packages=" ".join([f"-r {CODE_PATH}/{REQUIREMENTS}", *cuda, *trackers]), code=CODE_PATH)
    publish = ["--private"] if run.config.private else []
    publish += ["--license", run.config.license] if run.config.license else []
    options = [f"--name={run.name}", f"--store={RUN_PATH}/{run.name}", f"--push-to={run.push_to}"]
    options += [f"--publish={word}" for word in publish]
    return ["bash", "-c", script, "job", *options, "--", *run.words]


def _tracker_settings(track: Sequence[str]) -> dict[str, str]:
    """Return the environment's variables of the trackers; they may hold passwords, and become secrets of the job."""
    prefixes = tuple(f"{name.upper()}_" for name in track)
    return {name: value for name, value in os.environ.items() if prefixes and name.startswith(prefixes)}


def _ask(config: RemoteConfig) -> None:
    """Ask whether to rent it, unless the user has agreed already."""
    if config.yes:
        return
    if not sys.stdin.isatty():
        raise TrazoError("to rent it, add --yes")
    try:
        answer = input("Rent it? [y/N] ")
    except EOFError:  # Ctrl-D
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise TrazoError("nothing was rented")


def _follow(run: RemoteRun, owner: str, job: JobInfo, api: HfApi) -> None:
    """Show the log until the machine has ended."""
    try:
        with translate_service_errors(SERVICE):
            for line in api.fetch_job_logs(job_id=job.id, namespace=owner, follow=True):
                show(one_line(line))
            ended = api.wait_for_job(job.id, namespace=owner)
    except KeyboardInterrupt:
        logger.info(
            "the machine continues, and is paid: the same command follows it again, `hf jobs cancel %s` ends it", job.id
        )
        raise
    except TrazoError as error:
        raise TrazoError(f"{error}; the machine continues: the same command follows it again") from None
    if ended.status.stage != COMPLETED:
        why = f" ({one_line(ended.status.message)})" if ended.status.message else ""
        raise TrazoError(
            f"the machine ended before the run did: {ended.status.stage}{why}, see the log above; "
            "run the same command again to continue on another one"
        )
    logger.info("published: %s/%s", constants.ENDPOINT, run.push_to)
