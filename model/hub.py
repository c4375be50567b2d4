"""The Hub's side of a model: one download at one commit, one commit up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from model import files
from model.errors import TrazoError

MAX_BYTES = 1 << 30  # a file above 1 GiB belongs to no network of this package; refused before the download


def download(repo_id: str, revision: str | None = None, token: str | bool | None = None) -> Path:
    """Download a model repo's known files, all at one commit, into the Hub's cache.

    Without a network, or with HF_HUB_OFFLINE=1, what the cache holds is used.

    Args:
        repo_id: `owner/name`.
        revision: branch, tag or commit; None for the main branch.
        token: as huggingface_hub takes it.

    Returns:
        the snapshot's folder.

    Raises:
        TrazoError: in one line: no such repo or revision, no network and no cache, files too large.
    """
    wanted = [files.CONFIG, files.WEIGHTS, files.CARD, *files.REPORTS]
    with plain_errors(repo_id, revision):
        if not constants.HF_HUB_OFFLINE:
            try:
                info = HfApi(token=token).model_info(repo_id, revision=revision, files_metadata=True, timeout=20)
                sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or []}
                files.check_complete(repo_id, sizes.keys())
                for name in wanted:
                    if sizes.get(name, 0) > MAX_BYTES:
                        raise TrazoError(f"{repo_id}: {name} has {sizes[name]:,} bytes; at most {MAX_BYTES:,} are read")
            except (httpx2.TransportError, OfflineModeIsEnabled):
                pass  # no network: snapshot_download turns to the cache, and says so when that is empty
        # It resolves the revision to a commit once and reads every file there.
        return Path(snapshot_download(repo_id, revision=revision, allow_patterns=wanted, token=token))


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
    """Upload a model folder's known files in one atomic commit; the repo is made where there is none.

    Reports of the repo that the folder does not have are deleted by the same commit: they describe other weights.
    The commit names the one it was made upon: should somebody else commit in between, the Hub refuses it.

    Raises:
        TrazoError: in one line: a damaged report, no token or no right to write, another's commit in between,
            no network.
    """
    api = HfApi(token=token)
    names = [name for name in (files.CONFIG, files.WEIGHTS, files.CARD, *files.PICTURES) if (folder / name).exists()]
    operations = [CommitOperationAdd(name, folder / name) for name in names]
    reports = {name: report for name in files.REPORTS if (report := files.read_report(folder / name)) is not None}
    for name, report in reports.items():
        operations.append(CommitOperationAdd(name, files.json_text(files.without_paths(report)).encode()))
    with plain_errors(repo_id, revision):
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        try:
            parent = api.model_info(repo_id, revision=revision)
        except RevisionNotFoundError:  # a branch that is new begins where the main one is
            api.create_branch(repo_id, branch=revision)
            parent = api.model_info(repo_id, revision=revision)
        old = {sibling.rfilename for sibling in parent.siblings or []}
        stale = old & {*files.PICTURES, *files.REPORTS} - {operation.path_in_repo for operation in operations}
        operations += [CommitOperationDelete(name) for name in sorted(stale)]
        return api.create_commit(
            repo_id,
            operations,
            commit_message=message,
            parent_commit=parent.sha,
            revision=revision,
            create_pr=create_pr,
        )


@contextmanager
def plain_errors(repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn what huggingface_hub raises about a repo into a TrazoError of one line."""
    try:
        yield
    except GatedRepoError:
        raise TrazoError(f"{repo_id!r} is gated: ask for access on its page and set HF_TOKEN") from None
    except RepositoryNotFoundError:
        raise TrazoError(
            f"{repo_id!r} is neither a folder here nor a repo on the Hub that you may read; "
            "check the name, or set HF_TOKEN if it is private"
        ) from None
    except RevisionNotFoundError:
        raise TrazoError(f"{repo_id!r} has no revision {revision!r}") from None
    except HFValidationError:
        raise TrazoError(f"{repo_id!r} is neither a folder here nor a repo id (owner/name)") from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, httpx2.TransportError) as error:
        raise TrazoError(
            f"the Hub cannot be reached for {repo_id!r} and the cache does not hold it ({type(error).__name__})"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        reason = {
            401: "no valid token: set HF_TOKEN or run `hf auth login`",
            403: "this token may not do that; it needs write access",
            412: "somebody else committed in between; look at their commit, then publish again",
        }.get(status, str(error).splitlines()[0])
        raise TrazoError(f"the Hub refused {repo_id!r} ({status}): {reason}") from None
    except OSError as error:  # the disk's: many of the Hub's errors are OSErrors too, so this one comes last
        raise TrazoError(
            f"the files of {repo_id!r} cannot be read or written here: {error} (the cache is {constants.HF_HUB_CACHE})"
        ) from None
