"""A Space on the Hub: its files in one commit, its variables, secrets and machine, and how its build goes."""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceRuntime
from huggingface_hub.errors import HfHubHTTPError

from model.errors import TrazoError
from model.io.hub import log_files
from model.io.hub_errors import repeat_if_closed, translate_hub_errors
from model.logs import show
from training.release.space_files import CODE, SPACE_FILES

POLL_S = 5.0
MAX_BUILD_S = 2400.0  # the Hub itself gives up a start after 30 minutes
STALE_S = 60.0  # that the Hub may still report how the commit before went
LOG_END_S = 2.0  # within which the rest of a log arrives
BUSY_STAGES = ("BUILDING", "RUNNING_BUILDING", "APP_STARTING", "RUNNING_APP_STARTING")
BUILDING_STAGES = BUSY_STAGES[:2]
SWITCHED_OFF = ("STOPPED", "PAUSED", "DELETING")  # by its owner, or after days without visitors

logger = logging.getLogger("trazo")


@dataclass(frozen=True)
class SpaceSettings:
    """What a Space has besides its files.

    Attributes:
        variables: which the Space gets, and those that it loses (empty).
        defaults: variables that it gets if it does not have them yet.
        secrets: which nobody can read again; they are never printed.
        hardware: its machine; None for the one that it has.
        private: whether a new Space is private; None for the account's default.
    """

    variables: Mapping[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hardware: str | None = None
    private: bool | None = None


def upload(api: HfApi, folder: Path, repo_id: str, settings: SpaceSettings) -> tuple[str, str]:
    """Create or update a Space in one commit; return its full id and the commit.

    Raises:
        TrazoError: if the token is missing or insufficient, the hardware is unknown or not paid for, someone else
            committed meanwhile, or the Hub cannot be reached.
    """
    paths = [path for name in sorted(SPACE_FILES) for path in _files_under(folder / name)]
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    with translate_hub_errors(repo_id, repo_type="space"):
        if settings.hardware:
            _check_hardware(api, settings.hardware)
        repo_id, is_new = _create(api, repo_id, settings)
        parent = api.space_info(repo_id)
        # Delete only what an earlier version of our packages left, not the owner's files.
        existing = {sibling.rfilename for sibling in parent.siblings or []}
        stale = [name for name in sorted(existing - files.keys()) if name.split("/")[0] in CODE]
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(name, path) for name, path in files.items()),
            *(CommitOperationDelete(name) for name in stale),
        ]
        log_files(repo_id, operations)
        commit = api.create_commit(
            repo_id, operations, commit_message="Deploy the demo", repo_type="space", parent_commit=parent.sha
        )
        if not is_new:
            _apply(api, repo_id, settings)
    return repo_id, commit.oid


def _create(api: HfApi, repo_id: str, settings: SpaceSettings) -> tuple[str, bool]:
    """Create the Space with all its settings unless it exists; return its full id and whether it is new."""
    variables = dict(settings.defaults) | {key: value for key, value in settings.variables.items() if value}
    try:
        address = api.create_repo(
            repo_id,
            repo_type="space",
            space_sdk="gradio",
            private=settings.private,
            space_variables=_as_list(variables),
            space_secrets=_as_list(settings.secrets) or None,
            space_hardware=settings.hardware,  # type: ignore[arg-type] # newer machines than the client lists
        )
    except HfHubHTTPError as error:
        if error.response is None or error.response.status_code != 409:  # 409: it exists
            raise
        address = api.create_repo(repo_id, repo_type="space", space_sdk="gradio", exist_ok=True)
        return address.repo_id, False
    return address.repo_id, True


def _as_list(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _check_hardware(api: HfApi, hardware: str) -> None:
    """Refuse a machine that the Hub does not have; print what one that it has costs."""
    found = {one.name: one for one in api.list_spaces_hardware()}
    if hardware not in found:
        raise TrazoError(f"--hardware {hardware!r}: the Hub has {', '.join(found)}")
    chosen = found[hardware]
    price = f"${chosen.unit_cost_usd:g} for each {chosen.unit_label}" if chosen.unit_cost_usd else "free"
    show(f"{chosen.pretty_name}, {chosen.cpu}, {chosen.ram}: {price}, until the Space is paused or gets other hardware")


def _apply(api: HfApi, repo_id: str, settings: SpaceSettings) -> None:
    """Give an existing Space its settings; each of them that differs has the Hub start it again."""
    existing = {key: variable.value for key, variable in api.get_space_variables(repo_id).items()}
    defaults = {key: value for key, value in settings.defaults.items() if key not in existing}
    for key, value in (defaults | dict(settings.variables)).items():
        if value and existing.get(key) != value:
            api.add_space_variable(repo_id, key, value)
        elif not value and key in existing:
            api.delete_space_variable(repo_id, key)
    for key, value in settings.secrets.items():
        api.add_space_secret(repo_id, key, value)
    if settings.hardware and api.get_space_runtime(repo_id).requested_hardware != settings.hardware:
        api.request_space_hardware(repo_id, settings.hardware)  # type: ignore[arg-type] # see `_create`


def _files_under(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]


# --- The build ---


def follow_build(api: HfApi, repo_id: str, commit: str) -> str:
    """Print the log of a Space's build until the demo runs; return the address of the demo itself.

    Args:
        api: with the token of the Space's owner.
        repo_id: of the Space.
        commit: that is built.

    Raises:
        TrazoError: if the build or the start fails, or takes longer than `MAX_BUILD_S` seconds.
    """
    page = f"{api.endpoint}/spaces/{repo_id}"
    with translate_hub_errors(repo_id, repo_type="space"):
        runtime = _wait_until_settled(api, repo_id, commit, page)
        if runtime.stage == "RUNNING":
            return str(api.space_info(repo_id).host or page)
        if runtime.stage in SWITCHED_OFF:
            raise TrazoError(
                f"the files are in {page}, but the demo does not run ({runtime.stage}): start it in the settings there"
            )
        _start_log(api, repo_id, is_build=False).join(LOG_END_S)
    reason = runtime.raw.get("errorMessage")
    raise TrazoError(
        f"the files are in {page}, but the demo does not run ({runtime.stage}{f': {reason}' if reason else ''}); "
        "its log is above and on that page"
    )


def _wait_until_settled(api: HfApi, repo_id: str, commit: str, page: str) -> SpaceRuntime:
    """Wait until the Space of a commit runs or has failed; the build's log is printed meanwhile."""
    started, stage, log = time.monotonic(), None, None
    while True:
        runtime = repeat_if_closed(lambda: api.get_space_runtime(repo_id))
        if runtime.stage != stage:
            stage = runtime.stage
            logger.info("%s: %s", repo_id, stage)
        waited = time.monotonic() - started
        is_this_commit = runtime.raw.get("sha") in (None, commit) or waited > STALE_S
        is_settled = stage not in BUSY_STAGES and is_this_commit
        if log is None and (stage in BUILDING_STAGES or (stage == "BUILD_ERROR" and is_settled)):
            log = _start_log(api, repo_id, is_build=True)  # not before: it would be the log of an earlier build
        if is_settled:
            if log:
                log.join(LOG_END_S)
            return runtime
        if waited > MAX_BUILD_S:
            raise TrazoError(f"after {waited / 60:.0f} minutes the Space is still {stage}; its log is at {page}")
        time.sleep(POLL_S)


def _start_log(api: HfApi, repo_id: str, *, is_build: bool) -> Thread:
    """Print a log as it arrives, in a thread."""

    def follow() -> None:
        with suppress(HfHubHTTPError, httpx2.HTTPError, ValueError, KeyError):  # the stages also say how it goes
            for line in api.fetch_space_logs(repo_id, build=is_build, follow=True):
                show(line.rstrip("\n"), "stderr")

    thread = Thread(target=follow, daemon=True)
    thread.start()
    return thread
