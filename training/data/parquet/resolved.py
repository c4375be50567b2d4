"""Which files a dataset on the Hub has at a commit, kept on disk: what is known is not asked again, and works offline.

resolved/<hash of endpoint, dataset, config and revision>.json    one under the requested revision, one under its commit
"""

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_hub import constants
from pydantic import BaseModel, ConfigDict, ValidationError

from model.io.atomic import atomic_write
from training.data.folders.report import FolderReport
from training.data.parquet.byte_ranges import cache_folder

VERSION = 1  # of these files and of how a dataset's files are found
COMMIT = re.compile(r"[0-9a-f]{40}")


class KnownRepo(BaseModel):
    """A dataset repo at one commit.

    Attributes:
        commit: the hash.
        names: paths of its files.
        declares_files: whether its README says which files are its data.
    """

    model_config = ConfigDict(extra="forbid")

    commit: str
    names: tuple[str, ...]
    declares_files: bool


class ResolvedDataset(BaseModel):
    """A dataset on the Hub at one commit.

    Attributes:
        dataset: its id.
        commit: its hash.
        config: name of the config.
        splits: split -> addresses of its files.
        features: the schema that its README declares, as `datasets` writes it; None if it declares none.
        problems: column -> why its declaration is not known.
        folder: files that no split uses.
    """

    model_config = ConfigDict(extra="forbid")

    dataset: str
    commit: str
    config: str
    splits: dict[str, tuple[str, ...]]
    features: dict[str, Any] | None
    problems: dict[str, str]
    folder: FolderReport | None


def is_commit(revision: str | None) -> bool:
    """Return whether a revision is the whole hash of a commit, whose files never change."""
    return bool(revision and COMMIT.fullmatch(revision))


def load_repo(dataset: str, revision: str | None) -> KnownRepo | None:
    """Return what is known of a repo; None if it was never found at this revision.

    Args:
        dataset: id on the Hub.
        revision: as it was requested, or a commit; for a branch or tag the commit that it was last.
    """
    with suppress(OSError, ValidationError):
        return KnownRepo.model_validate_json(_path("repo", dataset, revision).read_bytes())
    return None


def save_repo(dataset: str, revision: str | None, repo: KnownRepo) -> None:
    """Keep what was found, under the requested revision and under the commit."""
    for name in {revision, repo.commit}:
        _write(_path("repo", dataset, name), repo)


def load_resolved(dataset: str, config: str | None, commit: str) -> ResolvedDataset | None:
    """Return the files of a dataset at a commit; None if they are not known.

    Args:
        dataset: id on the Hub.
        config: as it was requested.
        commit: the whole hash.
    """
    with suppress(OSError, ValidationError):
        return ResolvedDataset.model_validate_json(_path("files", dataset, commit, config).read_bytes())
    return None


def save_resolved(found: ResolvedDataset, config: str | None) -> None:
    """Keep the files that were found for a config, as it was requested."""
    _write(_path("files", found.dataset, found.commit, config), found)


def _write(path: Path, value: BaseModel) -> None:
    with suppress(OSError):  # without a cache it is asked again
        content = value.model_dump_json().encode()
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, content)


def _path(kind: str, dataset: str, revision: str | None, config: str | None = None) -> Path:
    key = repr((VERSION, kind, constants.ENDPOINT, dataset, config, revision or constants.DEFAULT_REVISION))
    return cache_folder() / "resolved" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
