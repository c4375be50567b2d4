"""The code that a rented machine runs: the files of this installation, in a private repo of the user."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from model.errors import TrazoError
from training.release.space_files import pin_versions

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "training")
LISTS = ("ui/requirements.txt", "training/requirements.txt")
REQUIREMENTS = "requirements.txt"  # in the repo: both lists, with the versions that are installed here
SUFFIXES = (".py", ".json", ".md", ".typed")
LEFT_OUT = ("model/pretrained/",)


def list_code() -> dict[str, Path | bytes]:
    """Return the path in the repo of each file -> where it is here, or its content."""
    found = {
        path.relative_to(ROOT).as_posix(): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.is_file() and not path.is_symlink() and path.suffix in SUFFIXES
    }
    files: dict[str, Path | bytes] = {
        name: path for name, path in found.items() if not name.startswith(LEFT_OUT) and "/." not in name
    }
    lists = "".join((ROOT / name).read_text(encoding="utf-8") for name in LISTS)
    return files | {REQUIREMENTS: pin_versions(lists).encode()}


def upload_code(api: HfApi, repo_id: str) -> str:
    """Commit the code to a private dataset repo, unless it is there already; return the commit.

    Args:
        api: with the user's token.
        repo_id: `owner/name`; created if it does not exist.

    Raises:
        TrazoError: if the repo is public.
    """
    api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
    info = api.dataset_info(repo_id)
    if not info.private:
        raise TrazoError(
            f"the dataset repo {repo_id} is public, and would hold this code: make it private, or rename it"
        )
    files = list_code()
    stale = {one.rfilename for one in info.siblings or []} - files.keys()
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationAdd(name, path) for name, path in files.items()),
        *(CommitOperationDelete(name) for name in sorted(stale) if name.split("/")[0] in PACKAGES),
    ]
    commit = api.create_commit(
        repo_id, operations, commit_message="The code of a run", repo_type="dataset", parent_commit=info.sha
    )
    return commit.oid
