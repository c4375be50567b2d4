"""The content of the loopback Hub: repos with their commits, and the files in them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

MIN_LFS_BYTES = 10 * 1024**2
LFS_SUFFIXES = (".arrow", ".bin", ".gz", ".h5", ".jpeg", ".jpg", ".keras", ".npz", ".parquet", ".png", ".safetensors")
GITATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


@dataclass(frozen=True)
class Blob:
    """The content of one file. `oid` is Git's: for an LFS file that of its pointer."""

    path: Path
    size: int
    oid: str
    sha256: str | None = None  # LFS files only

    @classmethod
    def of(cls, path: Path, lfs: bool) -> "Blob":
        size = path.stat().st_size
        if not lfs:
            return cls(path, size, git_oid(path.read_bytes()))
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path, size, git_oid(lfs_pointer(sha256, size)), sha256)

    @property
    def etag(self) -> str:
        return self.sha256 or self.oid

    def lfs(self) -> dict[str, Any]:
        """The `lfs` entry of the API; the tree calls the hash `oid`, the repo's siblings call it `sha256`."""
        if self.sha256 is None:
            return {}
        pointer_size = len(lfs_pointer(self.sha256, self.size))
        about = {"oid": self.sha256, "sha256": self.sha256, "size": self.size, "pointerSize": pointer_size}
        return {"lfs": about}


@dataclass(frozen=True)
class Commit:
    """A snapshot of the whole repo."""

    oid: str
    title: str
    parent: str | None
    files: dict[str, Blob]
    date: str

    def describe(self, path: str) -> dict[str, Any] | None:
        """The API's entry for a file or folder, None if there is no such path."""
        if blob := self.files.get(path):
            return {"type": "file", "path": path, "size": blob.size, "oid": blob.oid, **blob.lfs()}
        below = [(name, blob.oid) for name, blob in sorted(self.files.items()) if name.startswith(f"{path}/")]
        if not below:
            return None
        return {"type": "directory", "path": path, "size": 0, "oid": git_oid(repr(below).encode())}

    def tree(self, folder: str, recursive: bool) -> list[dict[str, Any]] | None:
        """The entries below a folder ("" is the root), None if there is no such folder."""
        inside = [PurePosixPath(name) for name in self.files if not folder or name.startswith(f"{folder}/")]
        if folder and not inside:
            return None
        depth = len(PurePosixPath(folder).parts)
        paths = {"/".join(name.parts[:end]) for name in inside for end in range(depth + 1, len(name.parts) + 1)}
        return [self.describe(path) for path in sorted(paths) if recursive or path.count("/") == depth]


@dataclass
class Repo:
    repo_id: str
    repo_type: str
    private: bool
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    # Of a Space:
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    hardware: str = "cpu-basic"
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])  # still to come; `OLD …`: of the commit before
    error: str = ""  # what the Hub says of a stage that ends in ERROR
    logs: dict[str, list[str]] = field(default_factory=lambda: {"build": [], "run": []})

    @property
    def url_path(self) -> str:
        return self.repo_id if self.repo_type == "model" else f"{self.repo_type}s/{self.repo_id}"

    @property
    def host(self) -> str:
        """The address of a Space's demo."""
        return f"https://{self.repo_id.replace('/', '-').lower()}.hf.space"

    def find(self, revision: str) -> Commit | None:
        return self.commits.get(self.branches.get(revision, revision))

    def history(self, commit: Commit) -> Iterator[Commit]:
        """The commit and what came before it, newest first."""
        oid: str | None = commit.oid
        while oid is not None:
            yield self.commits[oid]
            oid = self.commits[oid].parent

    def add(self, branch: str, title: str, files: dict[str, Blob]) -> Commit:
        parent = self.branches.get(branch)
        content = sorted((path, blob.etag) for path, blob in files.items())
        # Without the date, equal histories have equal oids: a test that fails can be repeated.
        oid = git_oid(repr((self.url_path, parent, len(self.commits), title, content)).encode())
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits[oid] = Commit(oid, title, parent, files, date)
        self.branches[branch] = oid
        return self.commits[oid]


class RepoStore:
    """The repos of a Hub and their files.

    Attributes:
        root: folder of the files that are not served from the folder they were added from.
        port: of the Hub; 0 until it serves.
        repos: by type and id.
        lfs: contents by SHA-256.
        announced_uploads: SHA-256 of the contents that may be uploaded.
        unlisted: what the listing of a repo's files leaves out, as mirrors do: `size`, `blobId`, `lfs`.
        jobs: by their ids, see `tests.support.fake_hub.jobs`.
        buckets: id -> whether it is private.
        programs: folder that comes first in the PATH of a job.
        job_environment: more variables of a job's process.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root, self.port = root, port
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lfs: dict[str, Blob] = {}
        self.announced_uploads: set[str] = set()
        self.unlisted: set[str] = set()
        self.jobs: dict[str, Any] = {}
        self.buckets: dict[str, bool] = {}
        self.programs, self.job_environment = root / "programs", dict[str, str]()
        root.mkdir(parents=True, exist_ok=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_repo(
        self,
        repo_id: str,
        repo_type: str = "dataset",
        folder: Path | None = None,
        private: bool = False,
        gated: bool = False,
    ) -> Commit:
        """Add a repo whose first commit holds the files of `folder`, or only the Hub's `.gitattributes`.

        A private repo is hidden from those without the token, a gated one only keeps its files from them.
        Files kept in LFS are not copied but served from `folder`, where they must not change.
        """
        repo = self.repos[repo_type, repo_id] = Repo(repo_id, repo_type, private, gated)
        if folder is None:
            return repo.add("main", "initial commit", {".gitattributes": self.store(GITATTRIBUTES)})
        files = {}
        folder = folder.resolve(strict=True)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name.startswith((".git/", ".cache/")):
                continue
            lfs = is_lfs(name, path.stat().st_size)
            files[name] = blob = Blob.of(path, lfs=True) if lfs else self.store(path.read_bytes())
            if lfs:
                self.lfs[blob.etag] = blob
        return repo.add("main", "initial commit", files)

    def store(self, content: bytes) -> Blob:
        """Keep the content of a file that is not in LFS."""
        path = self.root / git_oid(content)
        if not path.exists():
            path.write_bytes(content)
        return Blob.of(path, lfs=False)

    def files(self, repo_id: str, repo_type: str) -> dict[str, bytes]:
        """Path -> content at the head of `main`."""
        head = self.commits(repo_id, repo_type)[-1]
        return {path: blob.path.read_bytes() for path, blob in head.files.items()}

    def commits(self, repo_id: str, repo_type: str) -> list[Commit]:
        """The history of `main`, oldest first."""
        repo = self.repos[repo_type, repo_id]
        return list(repo.history(repo.commits[repo.branches["main"]]))[::-1]


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def is_lfs(path: str, size: int) -> bool:
    return size > MIN_LFS_BYTES or (size > 0 and path.lower().endswith(LFS_SUFFIXES))
