"""The code that a rented machine runs: the files of this installation, in a private repo of the user."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "training")
REQUIREMENTS = ("ui/requirements.txt", "training/requirements.txt")
SUFFIXES = (".py", ".json", ".md", ".typed")
LEFT_OUT = ("model/pretrained/",)


def list_code() -> dict[str, Path]:
    """Return the path in the repo of each file -> where it is here."""
    files = {
        path.relative_to(ROOT).as_posix(): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.is_file() and path.suffix in SUFFIXES
    }
    files = {name: path for name, path in files.items() if not name.startswith(LEFT_OUT)}
    return files | {name: ROOT / name for name in REQUIREMENTS}


def upload_code(api: HfApi, repo_id: str) -> str:
    """Commit the code to a private dataset repo, unless it is there already; return the commit.

    Args:
        api: with the user's token.
        repo_id: `owner/name`; created if it does not exist.
    """
    api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
    info = api.dataset_info(repo_id)
    files = list_code()
    stale = {one.rfilename for one in info.siblings or []} - files.keys()
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationAdd(name, path) for name, path in files.items()),
        *(CommitOperationDelete(name) for name in sorted(stale) if name.startswith((*PACKAGES, "ui"))),
    ]
    commit = api.create_commit(
        repo_id, operations, commit_message="The code of a run", repo_type="dataset", parent_commit=info.sha
    )
    return commit.oid
