"""A Hugging Face Hub on loopback, for tests and benchmarks with the unmodified Hub clients.

It speaks the parts of the Hub's HTTP protocol that `huggingface_hub` and `datasets` use to read a repo, to create
one and to commit to it: JSON API, Git LFS uploads, ranged downloads, error codes. Xet is not offered, so the clients
use plain LFS. A request can be made to fail in the ways a network does (see `Fault`).

    python -m tests.support.fake_hub --dataset ylecun/mnist=FOLDER --port 8000     # serve a folder until killed
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote

import uvicorn
import yaml
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TOKEN = "hf_loopback"  # the only token accepted
USER = "loopback"  # whose token it is; it may write to every namespace
LFS_SIZE = 10 * 1024**2
LFS_SUFFIXES = (".arrow", ".bin", ".gz", ".h5", ".jpeg", ".jpg", ".keras", ".npz", ".parquet", ".png", ".safetensors")
GITATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


@dataclass(frozen=True)
class Fault:
    """How one request fails. Several fields may be set; a `Fault()` changes nothing.

    `stall` is in seconds: silence before the answer, or with `cut` before the connection closes.
    `cut` lets that many bytes of the body through, under the Content-Length of the whole.
    """

    status: int | None = None  # answered in place of the real one, such as 503
    location: str | None = None  # where a redirecting status leads
    reset: bool = False  # TCP reset before anything is answered
    cut: int | None = None
    stall: float = 0


FaultPolicy = Callable[[str, str, Mapping[str, str]], Fault | None]  # method, path, headers (lower-case names)


@dataclass
class LoggedRequest:
    """One request; `status` is 0 until answered, `sent` counts the bytes of the body given to the network."""

    method: str
    path: str
    range: str | None
    status: int = 0
    sent: int = 0


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
            return cls(path, size, _git_oid(path.read_bytes()))
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path, size, _git_oid(_lfs_pointer(sha256, size)), sha256)

    @property
    def etag(self) -> str:
        return self.sha256 or self.oid

    def lfs(self) -> dict[str, Any]:
        """The `lfs` entry of the API; the tree calls the hash `oid`, the repo's siblings call it `sha256`."""
        if self.sha256 is None:
            return {}
        pointer_size = len(_lfs_pointer(self.sha256, self.size))
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
        return {"type": "directory", "path": path, "size": 0, "oid": _git_oid(repr(below).encode())}

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
    variables: dict[str, str] = field(default_factory=dict)  # of a Space

    @property
    def url_path(self) -> str:
        return self.repo_id if self.repo_type == "model" else f"{self.repo_type}s/{self.repo_id}"

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
        oid = _git_oid(repr((self.url_path, parent, len(self.commits), title, content)).encode())
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits[oid] = Commit(oid, title, parent, files, date)
        self.branches[branch] = oid
        return self.commits[oid]


class LoopbackHub:
    """The Hub; `with LoopbackHub(tmp_path) as hub:` serves it on 127.0.0.1 until the block is left.

    `log` lists the requests in order of arrival. `fault`, called in the server's thread with each request's method,
    path and headers, says how it fails. Repos outlive the block: entered again, the hub is back at the same endpoint.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root = root
        self.port = port  # 0: a free one, known once the hub serves
        self.log: list[LoggedRequest] = []
        self.fault: FaultPolicy | None = None
        self.repos: dict[tuple[str, str], Repo] = {}  # by type and id
        self.lfs: dict[str, Blob] = {}  # by sha256
        self.awaited: set[str] = set()  # sha256 of announced uploads
        root.mkdir(parents=True, exist_ok=True)
        self._app = FastAPI(openapi_url=None)
        self._app.add_exception_handler(HubError, HubError.answer)
        self._app.include_router(routes)
        self._app.state.hub = self

    # ---- serving ----

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "LoopbackHub":
        listener = socket.create_server(("127.0.0.1", self.port))  # accepts connections from here on
        self.port = listener.getsockname()[1]
        config = {"interface": "asgi3", "http": _Connection, "lifespan": "off", "log_level": "error"}
        self._server = uvicorn.Server(uvicorn.Config(self._serve, **config, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def environ(self, home: Path, token: bool = False) -> dict[str, str]:
        """The environment for a client's process, which reads it at import; `home` becomes HF_HOME."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING_FACE_", "HUGGINGFACE_"))}
        env |= {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        env |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        env |= {"HF_UPDATE_DOWNLOAD_COUNTS": "0"}  # a request of `datasets` to another host than the Hub
        env |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return env | ({"HF_TOKEN": TOKEN} if token else {})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request, let the fault (if any) happen, else pass it on to the routes."""
        # The clients quote a slash inside a revision or folder as %2F, which must not split the route.
        path = unquote(re.sub("%2f", "%252F", scope["raw_path"].decode(), flags=re.IGNORECASE))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = LoggedRequest(scope["method"], path, headers.get("range"))
        self.log.append(request)
        fault = (self.fault and self.fault(request.method, path, headers)) or Fault()
        transport: asyncio.Transport = scope["state"]["transport"]
        hung_up = False

        async def faulty_send(message: Message) -> None:
            nonlocal hung_up
            if hung_up:
                return
            if message["type"] == "http.response.start":
                request.status = message["status"]
            elif request.method != "HEAD":
                left = len(message["body"]) if fault.cut is None else fault.cut - request.sent
                hung_up = len(message["body"]) > left
                request.sent += min(left, len(message["body"]))
                message = message | {"body": message["body"][:left]} | ({"more_body": True} if hung_up else {})
            await send(message)
            if hung_up:
                await asyncio.sleep(fault.stall)
                transport.close()

        if fault.cut is None:
            await asyncio.sleep(fault.stall)
        if fault.reset:
            # With a zero linger time the kernel sends RST in place of FIN.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            hung_up = True
        elif fault.status is not None:
            headers = {"Location": fault.location} if fault.location else None
            await JSONResponse({"error": "injected fault"}, fault.status, headers)(scope, receive, faulty_send)
        else:
            await self._app(scope | {"path": path}, receive, faulty_send)
        # uvicorn reports an unfinished response as an error unless the connection is already gone.
        while hung_up and (await receive())["type"] != "http.disconnect":
            pass

    # ---- content ----

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
            lfs = _is_lfs(name, path.stat().st_size)
            files[name] = blob = Blob.of(path, lfs=True) if lfs else self.store(path.read_bytes())
            if lfs:
                self.lfs[blob.etag] = blob
        return repo.add("main", "initial commit", files)

    def store(self, content: bytes) -> Blob:
        """Keep the content of a file that is not in LFS."""
        path = self.root / _git_oid(content)
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


class HubError(Exception):
    """An error answer as the clients expect it: its class comes from `X-Error-Code`, its text from the message."""

    def __init__(self, status: int, message: str, code: str | None = None, commit: Commit | None = None) -> None:
        self.status = status
        self.message = message
        self.headers = {"X-Error-Message": message.encode("ascii", "replace").decode()}
        self.headers |= {"X-Error-Code": code} if code else {}
        self.headers |= {"X-Repo-Commit": commit.oid} if commit else {}

    @staticmethod
    async def answer(_: Request, error: "HubError") -> JSONResponse:
        return JSONResponse({"error": error.message}, error.status, error.headers)


class _Connection(H11Protocol):
    """uvicorn's connection, which hands its transport to the application so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # Not the default for a socket made by hand; without it each answer waits 40 ms for an acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {"transport": transport}


class _RepoId(StringConvertor):
    """`owner/name`, or the bare name of an old repo."""

    regex = "[^/]+(?:/[^/]+)?"


class _TypePrefix(StringConvertor):
    """What precedes a repo's id in its page's address -> the repo's type."""

    regex = "(?:datasets/|spaces/)?"

    def convert(self, value: str) -> str:
        return value.removesuffix("s/") or "model"


register_url_convertor("repo", _RepoId())
register_url_convertor("prefix", _TypePrefix())


# ---- what the routes share ----


async def _hub(request: Request) -> LoopbackHub:
    return request.app.state.hub


async def _token(request: Request) -> str:
    """The caller's token; like the real Hub, refuse a wrong one even where none is needed."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in ("", TOKEN):
        raise HubError(401, "Invalid credentials in Authorization header")
    return token


async def _writer(request: Request, token: Annotated[str, Depends(_token)]) -> None:
    if not token:
        # The clients take every 401 at the address of a repo for RepoNotFound, but know these addresses by https.
        raise HubError(401, "Invalid username or password.", "RepoNotFound" if request.path_params else None)


async def _repo(
    hub: Annotated[LoopbackHub, Depends(_hub)],
    token: Annotated[str, Depends(_token)],
    repo_type: str,
    repo_id: str,
) -> Repo:
    repo = hub.repos.get((repo_type, repo_id))
    if repo is None or (repo.private and not token):
        # A stranger is not told whether the repo exists.
        status, message = (404, "Repository not found") if token else (401, "Invalid username or password.")
        raise HubError(status, message, "RepoNotFound")
    return repo


async def _commit(repo: Annotated[Repo, Depends(_repo)], revision: str = "main") -> Commit:
    commit = repo.find(unquote(revision))
    if commit is None:
        raise HubError(404, f"Invalid rev id: {unquote(revision)}", "RevisionNotFound")
    return commit


AnyHub = Annotated[LoopbackHub, Depends(_hub)]
AnyRepo = Annotated[Repo, Depends(_repo)]
AnyCommit = Annotated[Commit, Depends(_commit)]
NEEDS_TOKEN = [Depends(_writer)]
API = "/api/{repo_type}s/{repo_id:repo}"
PAGE = "/{repo_type:prefix}{repo_id:repo}"
routes = APIRouter()

# ---- account, creation ----


@routes.get("/api/whoami-v2", dependencies=NEEDS_TOKEN)
async def whoami() -> dict[str, Any]:
    access = {"type": "access_token", "accessToken": {"displayName": "tests", "role": "write"}}
    return {"type": "user", "id": USER, "name": USER, "fullname": USER, "orgs": [], "auth": access}


@routes.post("/api/validate-yaml")
async def validate_yaml(request: Request) -> JSONResponse:
    """Checks the syntax only; the real Hub also knows the fields."""
    try:
        _front_matter((await request.json())["content"])
    except (yaml.YAMLError, ValueError) as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


@routes.post("/api/repos/create", dependencies=NEEDS_TOKEN)
async def create_repo(request: Request, hub: AnyHub) -> JSONResponse:
    wanted = await request.json()
    repo_type, repo_id = wanted.get("type") or "model", f"{wanted.get('organization') or USER}/{wanted['name']}"
    existing = hub.repos.get((repo_type, repo_id))
    if not existing:
        hub.add_repo(repo_id, repo_type, private=wanted.get("visibility") == "private")
    repo = hub.repos[repo_type, repo_id]
    if not existing:
        repo.variables = {one["key"]: one["value"] for one in wanted.get("variables") or []}
    about = {"url": f"{hub.endpoint}/{repo.url_path}", "name": repo_id, "id": repo_id}
    if existing:
        return JSONResponse(about | {"error": f"You already created this {repo_type} repo"}, 409)
    return JSONResponse(about)


@routes.get("/api/spaces/{repo_id:repo}/variables", dependencies=NEEDS_TOKEN)
async def variables(hub: AnyHub, repo_id: str) -> dict[str, dict[str, str]]:
    space = await _repo(hub, TOKEN, "space", repo_id)
    return {key: {"key": key, "value": value} for key, value in space.variables.items()}


@routes.post("/api/spaces/{repo_id:repo}/variables", dependencies=NEEDS_TOKEN)
@routes.delete("/api/spaces/{repo_id:repo}/variables", dependencies=NEEDS_TOKEN)
async def change_variable(request: Request, hub: AnyHub, repo_id: str) -> dict[str, dict[str, str]]:
    space, change = await _repo(hub, TOKEN, "space", repo_id), await request.json()
    space.variables.pop(change["key"], None)
    if request.method == "POST":
        space.variables[change["key"]] = change["value"]
    return await variables(hub, repo_id)


# ---- upload and commit ----


@routes.post(API + "/preupload/{revision}", dependencies=NEEDS_TOKEN)
async def preupload(request: Request, commit: AnyCommit) -> dict[str, Any]:
    """How to send each file, and which content is there already, so that unchanged files are left out."""
    answer = []
    for file in (await request.json())["files"]:
        path, known = file["path"], commit.files.get(file["path"])
        mode = "lfs" if _is_lfs(path, file["size"]) else "regular"
        oid = known.etag if known else None
        answer.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": answer}


@routes.post(PAGE + ".git/info/lfs/objects/batch", dependencies=NEEDS_TOKEN)
async def lfs_batch(request: Request, hub: AnyHub, repo: AnyRepo) -> dict[str, Any]:
    objects = [{"oid": wanted["oid"], "size": wanted["size"]} for wanted in (await request.json())["objects"]]
    for wanted in objects:
        if wanted["oid"] not in hub.lfs:
            # The upload carries no token, as with the real Hub's signed addresses.
            hub.awaited.add(wanted["oid"])
            upload = {"href": f"{hub.endpoint}/lfs-upload/{wanted['oid']}"}
            verify = {"href": f"{hub.endpoint}/{repo.url_path}.git/info/lfs/verify"}
            wanted["actions"] = {"upload": upload, "verify": verify}
    return {"transfer": "basic", "objects": objects}


@routes.put("/lfs-upload/{oid}")
async def lfs_upload(request: Request, hub: AnyHub, oid: str) -> None:
    if oid not in hub.awaited:
        raise HubError(403, "no such upload was announced")
    with tempfile.NamedTemporaryFile(dir=hub.root, delete=False) as file:
        async for chunk in request.stream():
            file.write(chunk)
    blob = Blob.of(Path(file.name), lfs=True)
    if blob.sha256 != oid:
        blob.path.unlink()
        raise HubError(400, "the content does not have the announced hash")
    hub.lfs[oid] = blob  # it may be sent again, should this answer be lost


@routes.post(PAGE + ".git/info/lfs/verify", dependencies=NEEDS_TOKEN)
async def lfs_verify(request: Request, hub: AnyHub) -> None:
    wanted = await request.json()
    blob = hub.lfs.get(wanted["oid"])
    if blob is None or blob.size != wanted["size"]:
        raise HubError(404, "no such object of that size")


@routes.post(API + "/commit/{revision}", dependencies=NEEDS_TOKEN)
async def commit(
    request: Request, hub: AnyHub, repo: AnyRepo, revision: str, create_pr: bool = False
) -> dict[str, Any]:
    """One JSON object a line: a header, then the operations; all of them are applied or none."""
    header, *operations = [json.loads(line) for line in (await request.body()).splitlines()]
    # From here on nothing waits, so of two commits on the same parent the second one is refused.
    head = await _commit(repo, revision)
    branch, pull_request = unquote(revision), None
    if not head.oid.startswith(header["value"].get("parentCommit", "")):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    files = dict(head.files)
    for operation in operations:
        _apply(hub, files, operation["key"], operation["value"])
    if create_pr:
        number = 1 + sum(name.startswith("refs/pr/") for name in repo.branches)
        branch, pull_request = f"refs/pr/{number}", f"{hub.endpoint}/{repo.url_path}/discussions/{number}"
        repo.branches[branch] = head.oid
    elif branch not in repo.branches:
        raise HubError(400, "only a branch can be committed to")
    new = repo.add(branch, header["value"]["summary"], files)
    url = f"{hub.endpoint}/{repo.url_path}/commit/{new.oid}"
    return {"success": True, "commitOid": new.oid, "commitUrl": url, "pullRequestUrl": pull_request}


def _apply(hub: LoopbackHub, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
    """Apply one operation of a commit to a snapshot."""
    path = value["path"].rstrip("/")
    if key == "file":
        files[path] = hub.store(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        if value["oid"] not in hub.lfs:
            raise HubError(400, f"{path}: the LFS pointer points to a file that does not exist")
        files[path] = hub.lfs[value["oid"]]
    elif key in ("deletedFile", "deletedFolder"):
        gone = [name for name in files if name == path or (key == "deletedFolder" and name.startswith(f"{path}/"))]
        if not gone:
            raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
        for name in gone:
            del files[name]
    else:
        raise HubError(400, f"unknown operation {key}")


# ---- reading ----


@routes.get(API + "/tree/{revision}")
@routes.get(API + "/tree/{revision}/{path:path}")
async def tree(commit: AnyCommit, path: str = "", recursive: bool = False) -> list[dict[str, Any]]:
    entries = commit.tree(unquote(path), recursive)
    if entries is None:
        raise HubError(404, f"{unquote(path)} does not exist", "EntryNotFound", commit)
    return entries


@routes.post(API + "/paths-info/{revision}")
async def paths_info(request: Request, commit: AnyCommit) -> list[dict[str, Any]]:
    paths = parse_qs((await request.body()).decode()).get("paths", [])
    return [entry for path in paths if (entry := commit.describe(path))]


@routes.get(API + "/commits/{revision}")
async def commits(repo: AnyRepo, commit: AnyCommit) -> list[dict[str, Any]]:
    return [
        {"id": past.oid, "title": past.title, "message": "", "date": past.date, "authors": [{"user": USER}]}
        for past in repo.history(commit)
    ]


@routes.get(API + "/refs")
async def refs(repo: AnyRepo) -> dict[str, Any]:
    listed: dict[str, Any] = {"branches": [], "pullRequests": [], "tags": [], "converts": []}
    for name, oid in repo.branches.items():
        kind, ref = ("pullRequests", name) if name.startswith("refs/pr/") else ("branches", f"refs/heads/{name}")
        listed[kind].append({"name": name, "ref": ref, "targetCommit": oid})
    return listed


@routes.post(API + "/branch/{branch}", dependencies=NEEDS_TOKEN)
async def create_branch(request: Request, repo: AnyRepo, branch: str) -> None:
    start = await _commit(repo, (await request.json()).get("startingPoint", "main"))
    if repo.branches.setdefault(unquote(branch), start.oid) != start.oid:
        raise HubError(409, f"Reference {unquote(branch)} already exists")


@routes.get(API)
@routes.get(API + "/revision/{revision}")
async def repo_info(repo: AnyRepo, commit: AnyCommit) -> dict[str, Any]:
    card = {}
    if readme := commit.files.get("README.md"):
        with contextlib.suppress(yaml.YAMLError, ValueError):
            card = _front_matter(readme.path.read_text())
    siblings = [
        {"rfilename": path, "size": blob.size, "blobId": blob.oid, **blob.lfs()}
        for path, blob in sorted(commit.files.items())
    ]
    first = list(repo.history(commit))[-1]
    return {
        "_id": first.oid[:24],
        "id": repo.repo_id,
        "author": repo.repo_id.split("/")[0],
        "sha": commit.oid,
        "createdAt": first.date,
        "lastModified": commit.date,
        "private": repo.private,
        "gated": "auto" if repo.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": card.get("tags") or [],
        "cardData": card,
        "sdk": card.get("sdk"),
        "siblings": siblings,
    }


@routes.api_route(PAGE + "/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
async def resolve(repo: AnyRepo, commit: AnyCommit, path: str, token: Annotated[str, Depends(_token)]) -> FileResponse:
    """A file's content, at once where the real Hub redirects to its storage."""
    if repo.gated and not token:
        raise HubError(401, f"Access to {repo.repo_type} {repo.repo_id} is restricted.", "GatedRepo", commit)
    blob = commit.files.get(path)
    if blob is None:
        raise HubError(404, "Entry not found", "EntryNotFound", commit)
    headers = {"ETag": f'"{blob.etag}"', "X-Repo-Commit": commit.oid}
    if blob.sha256:
        headers |= {"X-Linked-ETag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size)}
    return _File(blob.path, headers=headers, media_type="application/octet-stream")


class _File(FileResponse):
    chunk_size = 1 << 20  # a storage's server reads ahead too; each chunk costs a change of threads here


# ---- formats ----


def _git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _lfs_pointer(sha256: str, size: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def _is_lfs(path: str, size: int) -> bool:
    return size > LFS_SIZE or (size > 0 and path.lower().endswith(LFS_SUFFIXES))


def _front_matter(card: str) -> dict[str, Any]:
    """The metadata at the head of a README.md."""
    found = re.match(r"---\s*\n(.*?)^---\s*$", card, flags=re.DOTALL | re.MULTILINE)
    metadata = yaml.safe_load(found[1]) if found else {}
    if not isinstance(metadata or {}, dict):
        raise ValueError("the metadata must be a mapping")
    return metadata or {}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.fake_hub", description="Serve folders as repos of a Hub."
    )
    for repo_type in ("dataset", "model", "space"):
        parser.add_argument(f"--{repo_type}", action="append", default=[], metavar="ID=FOLDER")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    options = parser.parse_args(arguments)
    # Blocked before the server's thread starts, so that the signal waits here and the folder is cleared away.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with tempfile.TemporaryDirectory() as root, LoopbackHub(Path(root), options.port) as hub:
        for repo_type in ("dataset", "model", "space"):
            for repo_id, _, folder in (given.partition("=") for given in getattr(options, repo_type)):
                hub.add_repo(repo_id, repo_type, Path(folder))
        print(hub.endpoint, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
