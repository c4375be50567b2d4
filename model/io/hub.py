"""Download a model at one commit of its Hub repo, and upload it in one commit."""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import (
    CommitInfo,
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import tqdm

from model.artifacts import (
    CARD_FIGURES,
    CARD_FILE,
    CONFIG_FILE,
    EXPORT_FILES,
    EXPORTS_FILE,
    HUB_ID,
    KERAS_FILES,
    MAX_FILE_BYTES,
    NOTEBOOK_FILE,
    REPORT_FILES,
    WEIGHTS_FILE,
    check_complete,
)
from model.config import CnnConfig
from model.errors import ModelError, TrazoError
from model.io.atomic import atomic_write, json_text
from model.io.files import check_folder, find_file
from model.io.hub_errors import repeat_if_closed, status_of, translate_hub_errors, translate_service_errors
from model.io.reports import read_report, redact_local_paths
from model.io.weights import check_size

logger = logging.getLogger("trazo")

DOWNLOADED_FILES = (WEIGHTS_FILE, CARD_FILE, *CARD_FIGURES, *REPORT_FILES)  # next to the config
COMMIT_HASH = re.compile(r"[0-9a-f]{40}")
REPAIR_ONLINE = "this is the cached copy: load the model once with a connection to the Hub to repair it"


# Takes the folder with the config, the announced size of the weights (None: unknown) and their name; returns how many
# bytes they may have at most.
Check = Callable[[Path, int | None, str], int]


def check_model(folder: Path, size: int | None, where: str) -> int:
    """Refuse weights of another size than a Trazo model's config asks for; return how many bytes they may have.

    Raises:
        ModelError: if the config is damaged, or the size does not fit.
    """
    return check_size(CnnConfig.from_file(folder / CONFIG_FILE), size, where)


def check_at_most(max_bytes: int) -> Check:
    """Return a check like `check_model` that also refuses weights of more bytes."""

    def check(folder: Path, size: int | None, where: str) -> int:
        most = check_model(folder, size, where)
        if (size or most) > max_bytes:
            raise ModelError(f"{where} has {size or most:,} bytes; at most {max_bytes:,} are downloaded here")
        return most

    return check


def download(
    repo_id: str,
    revision: str | None = None,
    token: str | bool | None = None,
    check: Check = check_model,
    config_file: str = CONFIG_FILE,
    cache: Path | None = None,
) -> tuple[Path, str]:
    """Download a model repo's known files, all at one commit, into a cache as the Hub's.

    Files in the cache are compared with what the Hub announces, and downloaded again if they differ. Without a
    network, or with HF_HUB_OFFLINE=1, the files in the cache are used as they are. A mirror may announce neither sizes
    nor hashes: a download then stops at what the file may have at most.

    Args:
        repo_id: `owner/name`.
        revision: branch, tag or commit; None for the main branch.
        token: of the Hub, as huggingface_hub takes it; None for the environment's.
        check: called once the config is there: it is small, and says how large the weights are. If it raises, no
            further file is downloaded.
        config_file: which file says what the weights are.
        cache: the cache's folder; None for the Hub's own.

    Returns:
        the snapshot's folder, and what to do if a file in it is damaged; empty if all were compared with the Hub.

    Raises:
        TrazoError: if there is no such repo or revision, no network and nothing in the cache, or a file is missing, too
            large or not the one announced.
    """
    with translate_hub_errors(repo_id, revision):
        try:
            timeout = constants.HF_HUB_ETAG_TIMEOUT  # without it, a silent Hub would block forever
            ask = partial(
                HfApi(token=token).model_info, repo_id, revision=revision, files_metadata=True, timeout=timeout
            )
            info = repeat_if_closed(ask)
        except (httpx2.RequestError, OfflineModeIsEnabled, HfHubHTTPError) as error:
            if isinstance(error, HfHubHTTPError) and status_of(error) < 500:
                raise  # the Hub responds, and refuses
            try:
                cached = snapshot_download(repo_id, revision=revision, local_files_only=True, cache_dir=cache)
                return Path(cached), REPAIR_ONLINE
            except LocalEntryNotFoundError:
                raise error from None
        commit = info.sha or ""
        if not COMMIT_HASH.fullmatch(commit):  # it becomes a folder's name
            raise TrazoError(f"{constants.ENDPOINT} is not a Hub: it calls {info.sha!r} a commit of {repo_id!r}")
        announced = {file.rfilename: file for file in info.siblings or []}
        known = {name: announced[name] for name in (config_file, *DOWNLOADED_FILES) if name in announced}
        check_complete(repo_id, {name: file.size or 0 for name, file in known.items()}, announced, config_file)
        is_compared = all(map(_has_hash, known.values()))
        fetch = partial(_fetch, repo_id, commit, token, cache)
        folder = fetch(MAX_FILE_BYTES, known.pop(config_file)).parent
        most = check(folder, known[WEIGHTS_FILE].size, f"{repo_id}/{WEIGHTS_FILE}")
        with ThreadPoolExecutor(len(known)) as pool:
            list(pool.map(partial(fetch, MAX_FILE_BYTES | {WEIGHTS_FILE: most}), known.values()))
        _cache_ref(folder, revision or constants.DEFAULT_REVISION)
        remedy = f"{constants.ENDPOINT} announces no hashes: delete {folder.parents[1]} to download it again"
        return folder, "" if is_compared else remedy


def _fetch(
    repo_id: str,
    commit: str,
    token: str | bool | None,
    cache: Path | None,
    limits: Mapping[str, int],
    file: RepoSibling,
) -> Path:
    """Return the cached copy of a file; it is downloaded if it is missing or not what the Hub announces.

    Args:
        repo_id: the repo.
        commit: of it.
        token: as for `download`.
        cache: as for `download`.
        limits: the most bytes of each file, by name, where the Hub announces no size.
        file: what the Hub announces.
    """
    name = f"{repo_id}/{file.rfilename}"
    most = limits[file.rfilename] if file.size is None else file.size

    class SizeGuard(tqdm):
        """A progress bar that stops the download of a file that is larger than it may be."""

        received = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self.received > most:
                is_announced = file.size is not None
                what = f"announced {most:,} bytes and sends more" if is_announced else f"sends more than {most:,} bytes"
                raise TrazoError(f"{name}: the Hub {what}")
            return super().update(n)

    for again in (False, True):
        path = hf_hub_download(
            repo_id,
            file.rfilename,
            revision=commit,
            token=token,
            cache_dir=cache,
            force_download=again,
            tqdm_class=SizeGuard,
        )
        if _matches(Path(path), file):
            return Path(path)
        # Wrong twice, the file is useless; and on a system without links huggingface_hub would not replace it.
        if again or not os.path.islink(path):
            os.unlink(path)
    raise TrazoError(f"{name} is not what the Hub announced")


def _has_hash(file: RepoSibling) -> bool:
    return bool(file.lfs or file.blob_id)


def _matches(path: Path, file: RepoSibling) -> bool:
    if not _has_hash(file):
        return True
    with path.open("rb") as content:
        if file.lfs:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.lfs.sha256
        git = hashlib.file_digest(content, lambda: hashlib.sha1(b"blob %d\0" % path.stat().st_size))
        return git.hexdigest() == file.blob_id


def _cache_ref(folder: Path, revision: str) -> None:
    """Store the commit of a branch or tag in the cache, so that loading works without a network.

    All files are downloaded by commit, so huggingface_hub does not store it. This does what its private
    `file_download._cache_commit_hash_for_specific_revision` does; `snapshot_download` reads the result.
    """
    ref = folder.parents[1] / "refs" / revision
    with suppress(OSError):  # the cache may be read-only
        if not COMMIT_HASH.fullmatch(revision) and not (
            ref.is_file() and ref.read_text(encoding="utf-8") == folder.name
        ):
            ref.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(ref, folder.name)


def with_owner(repo_id: str, token: str | bool | None = None) -> str:
    """Return `owner/name` of a repo: a name alone belongs to the account of the token.

    Raises:
        TrazoError: if it is not a repo's name, or the account has to be asked and the token or the network is missing.
    """
    if HUB_ID.fullmatch(repo_id):
        return repo_id
    if not HUB_ID.fullmatch(f"owner/{repo_id}"):
        raise TrazoError(f"{repo_id!r} is not a name of a repo on the Hub: write owner/name")
    with translate_service_errors(f"your account, to which {repo_id!r} would belong"):
        return f"{HfApi(token=token).whoami()['name']}/{repo_id}"


def log_files(repo_id: str, operations: Iterable[CommitOperationAdd | CommitOperationDelete]) -> None:
    """List the files that a commit sends, before it does."""
    sent = [one for one in operations if isinstance(one, CommitOperationAdd)]
    names = ", ".join(f"{one.path_in_repo} ({one.upload_info.size:,} bytes)" for one in sent)
    logger.info("sent to %s: %s", repo_id, names)


def commit_folder(
    folder: Path,
    repo_id: str,
    *,
    private: bool | None = None,
    token: str | bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    message: str = "Publish a Trazo model",
) -> CommitInfo:
    """Upload a model folder's known files in one atomic commit; the repo is created if it does not exist.

    Only files of the folder are sent, under the names that a model folder has; they are listed before. Nobody else may
    be changing the folder: `CnnModel.push_to_hub` and `publish` send a separate copy.

    Reports, figures, the notebook, exports and files of Keras in the repo that the folder does not have are deleted by
    the same commit, since they belong to other weights. The commit names its parent, so the Hub refuses it if somebody
    else commits in between.

    Raises:
        TrazoError: if a report is damaged, a token, the right to write or the network is missing, or somebody else
            committed in between.
    """
    api = HfApi(token=token)
    extra = (*KERAS_FILES, *CARD_FIGURES, NOTEBOOK_FILE, EXPORTS_FILE, *EXPORT_FILES)
    check_folder(folder)
    for name in KERAS_FILES:
        find_file(folder, name)  # which refuses a link out of the folder
    reports = {name: report for name in REPORT_FILES if (report := read_report(folder / name)) is not None}
    contents = {name: json_text(redact_local_paths(report)).encode() for name, report in reports.items()}
    names = [name for name in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, *extra) if (folder / name).is_file()]
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationAdd(name, folder / name) for name in names),
        *(CommitOperationAdd(name, content) for name, content in contents.items()),
    ]
    log_files(repo_id, operations)
    with translate_hub_errors(repo_id, revision):
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        try:
            parent = api.model_info(repo_id, revision=revision)
        except RevisionNotFoundError:  # a new branch starts at the main one
            if revision is None:
                raise
            api.create_branch(repo_id, branch=revision)
            parent = api.model_info(repo_id, revision=revision)
        old = {sibling.rfilename for sibling in parent.siblings or []}
        stale = old & {*extra, *REPORT_FILES} - {operation.path_in_repo for operation in operations}
        operations += [CommitOperationDelete(name) for name in sorted(stale)]
        return api.create_commit(
            repo_id,
            operations,
            commit_message=message,
            parent_commit=parent.sha,
            revision=revision,
            create_pr=create_pr,
        )
