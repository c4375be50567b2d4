"""The routes of the Hub's HTTP protocol that its clients use: reading a repo, creating one, committing to it."""

import base64
import contextlib
import json
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote

import yaml
from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.convertors import StringConvertor, register_url_convertor

from tests.support.fake_hub.repos import Blob, Commit, Repo, RepoStore, is_lfs

TOKEN = "hf_loopback"  # the only token accepted
USER = "loopback"  # its owner, who may write to every namespace


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


async def _hub(request: Request) -> RepoStore:
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


async def find_repo(
    hub: Annotated[RepoStore, Depends(_hub)],
    token: Annotated[str, Depends(_token)],
    repo_type: str,
    repo_id: str,
) -> Repo:
    repo = hub.repos.get((repo_type, repo_id))
    if repo is None or (repo.private and not token):
        # Without access, a caller does not learn whether the repo exists.
        status, message = (404, "Repository not found") if token else (401, "Invalid username or password.")
        raise HubError(status, message, "RepoNotFound")
    return repo


async def _commit(repo: Annotated[Repo, Depends(find_repo)], revision: str = "main") -> Commit:
    commit = repo.find(unquote(revision))
    if commit is None:
        raise HubError(404, f"Invalid rev id: {unquote(revision)}", "RevisionNotFound")
    return commit


AnyHub = Annotated[RepoStore, Depends(_hub)]
AnyRepo = Annotated[Repo, Depends(find_repo)]
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
        repo.secrets = {one["key"]: one["value"] for one in wanted.get("secrets") or []}
        repo.hardware = wanted.get("hardware", repo.hardware)
    about = {"url": f"{hub.endpoint}/{repo.url_path}", "name": repo_id, "id": repo_id}
    if existing:
        return JSONResponse(about | {"error": f"You already created this {repo_type} repo"}, 409)
    return JSONResponse(about)


# ---- upload and commit ----


@routes.post(API + "/preupload/{revision}", dependencies=NEEDS_TOKEN)
async def preupload(request: Request, commit: AnyCommit) -> dict[str, Any]:
    """How to send each file, and which content is there already, so that unchanged files are left out."""
    answer = []
    for file in (await request.json())["files"]:
        path, known = file["path"], commit.files.get(file["path"])
        mode = "lfs" if is_lfs(path, file["size"]) else "regular"
        oid = known.etag if known else None
        answer.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": answer}


@routes.post(PAGE + ".git/info/lfs/objects/batch", dependencies=NEEDS_TOKEN)
async def lfs_batch(request: Request, hub: AnyHub, repo: AnyRepo) -> dict[str, Any]:
    objects = [{"oid": wanted["oid"], "size": wanted["size"]} for wanted in (await request.json())["objects"]]
    for wanted in objects:
        if wanted["oid"] not in hub.lfs:
            # The upload carries no token, as with the real Hub's signed addresses.
            hub.announced_uploads.add(wanted["oid"])
            upload = {"href": f"{hub.endpoint}/lfs-upload/{wanted['oid']}"}
            verify = {"href": f"{hub.endpoint}/{repo.url_path}.git/info/lfs/verify"}
            wanted["actions"] = {"upload": upload, "verify": verify}
    return {"transfer": "basic", "objects": objects}


@routes.put("/lfs-upload/{oid}")
async def lfs_upload(request: Request, hub: AnyHub, oid: str) -> None:
    if oid not in hub.announced_uploads:
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


def _apply(hub: RepoStore, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
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


@routes.get(API + "/auth-check")
async def may_read(repo: AnyRepo) -> None:
    """The dependency answers."""


@routes.get(API + "/auth-check/write", dependencies=NEEDS_TOKEN)
async def may_write(repo: AnyRepo) -> None:
    """The dependencies answer: the owner of the token may write to every namespace."""


@routes.get(API)
@routes.get(API + "/revision/{revision}")
async def repo_info(hub: AnyHub, repo: AnyRepo, commit: AnyCommit) -> dict[str, Any]:
    card = {}
    if readme := commit.files.get("README.md"):
        with contextlib.suppress(yaml.YAMLError, ValueError):
            card = _front_matter(readme.path.read_text())
    siblings = [
        {"rfilename": path, "size": blob.size, "blobId": blob.oid, **blob.lfs()}
        for path, blob in sorted(commit.files.items())
    ]
    siblings = [{key: one[key] for key in one.keys() - hub.unlisted} for one in siblings]
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
        **({"host": repo.host} if repo.repo_type == "space" else {}),
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


def _front_matter(card: str) -> dict[str, Any]:
    """The metadata at the head of a README.md."""
    found = re.match(r"---\s*\n(.*?)^---\s*$", card, flags=re.DOTALL | re.MULTILINE)
    metadata = yaml.safe_load(found[1]) if found else {}
    if not isinstance(metadata or {}, dict):
        raise ValueError("the metadata must be a mapping")
    return metadata or {}
