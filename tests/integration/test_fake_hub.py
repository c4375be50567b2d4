"""The loopback Hub against the real clients, each in a separate process: they read HF_ENDPOINT at import."""

import hashlib
import http.client
import io
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.fake_hub import TOKEN, Fault, LoopbackHub

ROOT = Path(__file__).parents[2]
ROWS = 12
CARD = """---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': zero
          '1': one
  splits:
  - name: train
    num_examples: 12
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
---
# Twelve gray squares
"""
# Ahead of every script: `outcome(f, *args)` is the name of the error that a call raises, or "ok".
PRELUDE = """
import json, os
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, hf_hub_download

def outcome(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
    return "ok"
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A dataset in a Hub repo's layout."""
    folder = tmp_path / "squares"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    images = []
    for gray in range(ROWS):
        file = io.BytesIO()
        Image.new("L", (8, 8), gray * 20).save(file, "PNG")
        images.append({"bytes": file.getvalue(), "path": None})
    table = pa.table({"image": images, "label": [row % 2 for row in range(ROWS)]})
    pq.write_table(table, folder / "data" / "train-00000-of-00001.parquet", row_group_size=4)
    return folder


def run(hub: LoopbackHub, tmp_path: Path, script: str, token: bool = False, **environ: str) -> dict:
    """Run a client script; what it prints last is its result, in JSON."""
    env = hub.environ(tmp_path / "home", token) | environ
    command = [sys.executable, "-c", PRELUDE + script]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def get(hub: LoopbackHub, path: str, headers: Mapping[str, str] = {}, method: str = "GET"):
    """A bare request, for what the clients hide."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=5)
    connection.request(method, path, headers=dict(headers))
    return connection.getresponse()


def test_fake_hub_serves_datasets_and_file_system(hub: LoopbackHub, squares: Path, tmp_path: Path) -> None:
    hub.add_repo("someone/squares", "dataset", squares)
    result = run(
        hub,
        tmp_path,
        """
from datasets import load_dataset
rows = list(load_dataset("someone/squares", split="train", streaming=True))
fs = HfFileSystem()
file = "datasets/someone/squares/data/train-00000-of-00001.parquet"
print(json.dumps({
    "pixels": [row["image"].getpixel((0, 0)) for row in rows],
    "labels": [row["label"] for row in rows],
    "glob": fs.glob("datasets/someone/squares/**/*.parquet"),
    "root": sorted(entry["name"] for entry in fs.ls("datasets/someone/squares")),
    "size": fs.info(file)["size"],
    "magic": [fs.cat_file(file, start=0, end=4, cache_type="none").decode(), fs.cat_file(file, start=-4).decode()],
}))
""",
    )
    parquet = squares / "data" / "train-00000-of-00001.parquet"
    assert result["pixels"] == [row * 20 for row in range(ROWS)]
    assert result["labels"] == [row % 2 for row in range(ROWS)]
    assert result["glob"] == ["datasets/someone/squares/data/train-00000-of-00001.parquet"]
    assert result["root"] == ["datasets/someone/squares/README.md", "datasets/someone/squares/data"]
    assert result["size"] == parquet.stat().st_size
    assert result["magic"] == ["PAR1", "PAR1"]
    ranged = [request for request in hub.log if request.range == "bytes=0-3"]
    assert [(request.status, request.sent) for request in ranged] == [(206, 4)]
    assert not [blob for blob in hub.root.iterdir() if blob.stat().st_size == parquet.stat().st_size]  # not copied


def test_fake_hub_create_commit_download(hub: LoopbackHub, tmp_path: Path) -> None:
    weights = bytes(range(256)) * 40
    (tmp_path / "model.safetensors").write_bytes(weights)
    lost_answers = [Fault(cut=0)]
    hub.fault = lambda method, path, headers: lost_answers.pop() if method == "PUT" and lost_answers else None
    result = run(
        hub,
        tmp_path,
        """
api = HfApi()
api.create_repo("someone/net", private=True)
exists = [outcome(api.create_repo, "someone/net"), outcome(api.create_repo, "someone/net", exist_ok=True)]
first = api.model_info("someone/net").sha
operations = [
    CommitOperationAdd("README.md", b"---\\nlicense: mit\\ntags: [digits]\\n---\\n# Net"),
    CommitOperationAdd("model.safetensors", "model.safetensors"),
    CommitOperationAdd("notes/old.txt", b"old"),
]
commit = api.create_commit("someone/net", operations, commit_message="Weights", parent_commit=first)
again = [CommitOperationAdd("README.md", b"# Later"), CommitOperationDelete("notes/", is_folder=True)]
late = outcome(api.create_commit, "someone/net", again, commit_message="Late", parent_commit=first)
unchanged = api.create_commit(
    "someone/net", [CommitOperationAdd("model.safetensors", "model.safetensors")], commit_message="Same"
)
api.create_commit("someone/net", again, commit_message="Later", parent_commit=commit.oid)
request = api.create_commit(
    "someone/net", [CommitOperationAdd("a.txt", b"a")], commit_message="Please", create_pr=True
)
bad_card = [CommitOperationAdd("README.md", b"---\\na: [\\n---")]
info = api.model_info("someone/net", revision=commit.oid, files_metadata=True)
with open(hf_hub_download("someone/net", "model.safetensors"), "rb") as file:
    weights = file.read().hex()
with open(hf_hub_download("someone/net", "notes/old.txt", revision=commit.oid)) as file:
    old = file.read()
print(json.dumps({
    "exists": exists, "first": first, "commit": commit.oid, "late": late, "unchanged": unchanged.oid, "old": old,
    "weights": weights, "sizes": {file.rfilename: file.size for file in info.siblings}, "private": info.private,
    "tags": info.card_data.tags, "bad_card": outcome(api.create_commit, "someone/net", bad_card, commit_message="Bad"),
    "pr": [request.pr_num, api.file_exists("someone/net", "a.txt", revision="refs/pr/1")],
    "history": [commit.title for commit in api.list_repo_commits("someone/net")],
    "files": api.list_repo_files("someone/net"), "user": api.whoami()["name"],
    "branches": [branch.name for branch in api.list_repo_refs("someone/net").branches],
    "delete": outcome(api.delete_file, "absent.txt", "someone/net"),
}))
""",
        token=True,
    )
    assert result["exists"] == ["HfHubHTTPError", "ok"]
    assert result["late"] == "HfHubHTTPError"
    assert [request.status for request in hub.log if request.path.endswith("/commit/main")] == [200, 412, 200, 200, 404]
    assert result["unchanged"] == result["commit"]
    assert bytes.fromhex(result["weights"]) == weights
    assert result["old"] == "old"
    assert result["sizes"]["model.safetensors"] == len(weights)
    assert result["private"] and result["tags"] == ["digits"] and result["user"] == "loopback"
    assert result["bad_card"] == "ValueError" and result["delete"] == "RemoteEntryNotFoundError"
    assert result["pr"] == [1, True] and result["branches"] == ["main"]
    assert result["history"] == ["Later", "Weights", "initial commit"]
    assert set(result["files"]) == {".gitattributes", "README.md", "model.safetensors"}

    files = hub.files("someone/net", "model")
    assert files["README.md"] == b"# Later" and files["model.safetensors"] == weights
    first, second, third = hub.commits("someone/net", "model")
    assert (first.oid, second.oid, third.parent) == (result["first"], result["commit"], result["commit"])
    assert second.files["model.safetensors"].sha256 == hashlib.sha256(weights).hexdigest()
    assert set(second.files) - set(third.files) == {"notes/old.txt"}
    uploads = [request for request in hub.log if request.method == "PUT"]
    assert len(uploads) == 2  # the second after the lost answer; README.md goes with the commit, unchanged weights not


def test_fake_hub_errors(hub: LoopbackHub, squares: Path, tmp_path: Path) -> None:
    hub.add_repo("someone/open", "dataset", squares)
    hub.add_repo("someone/hidden", "dataset", squares, private=True)
    hub.add_repo("someone/gated", "dataset", squares, gated=True)
    result = run(
        hub,
        tmp_path,
        """
token = os.environ.pop("HF_TOKEN")
def download(repo, file="README.md", revision=None, token=False):
    return outcome(hf_hub_download, repo, file, repo_type="dataset", revision=revision, token=token)

def info(repo, revision=None, token=False):
    return outcome(HfApi(token=token).dataset_info, repo, revision=revision)

write = dict(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="someone/open", repo_type="dataset")
print(json.dumps({
    "ok": [info("someone/open"), download("someone/open")],
    "repo": [info("someone/none"), info("none"), info("someone/none", token=token), download("someone/none")],
    "revision": [info("someone/open", "none"), download("someone/open", revision="refs/convert/parquet")],
    "entry": download("someone/open", "none.txt"),
    "private": [info("someone/hidden"), download("someone/hidden"), info("someone/hidden", token="hf_wrong")],
    "allowed": [info("someone/hidden", token=token), download("someone/hidden", token=token)],
    "gated": [info("someone/gated"), download("someone/gated"), download("someone/gated", token=token)],
    "write": [outcome(HfApi(token=False).upload_file, **write), outcome(HfApi(token="hf_wrong").upload_file, **write)],
}))
""",
        token=True,
    )
    assert result == {
        "ok": ["ok", "ok"],
        "repo": ["RepositoryNotFoundError"] * 4,
        "revision": ["RevisionNotFoundError"] * 2,
        "entry": "RemoteEntryNotFoundError",
        "private": ["RepositoryNotFoundError", "RepositoryNotFoundError", "HfHubHTTPError"],
        "allowed": ["ok", "ok"],
        "gated": ["ok", "GatedRepoError", "ok"],
        "write": ["RepositoryNotFoundError", "HfHubHTTPError"],
    }
    assert len(hub.commits("someone/open", "dataset")) == 1


def test_fake_hub_clients_survive_faults(hub: LoopbackHub, squares: Path, tmp_path: Path) -> None:
    hub.add_repo("someone/squares", "dataset", squares)
    parquet = (squares / "data" / "train-00000-of-00001.parquet").read_bytes()
    faults = {
        "bytes=0-9": Fault(status=503),
        "bytes=10-19": Fault(reset=True),
        "bytes=20-29": Fault(cut=3),
        "bytes=30-39": Fault(stall=1.5),
        None: Fault(cut=100),
    }

    def once(method: str, path: str, headers: Mapping[str, str]) -> Fault | None:
        data = method == "GET" and "/resolve/" in path
        return faults.pop(headers.get("range"), None) if data else None

    hub.fault = once
    result = run(
        hub,
        tmp_path,
        """
from concurrent.futures import ThreadPoolExecutor
file = "data/train-00000-of-00001.parquet"
fs = HfFileSystem()
fs.info("datasets/someone/squares/" + file)
def piece(start):
    return fs.cat_file("datasets/someone/squares/" + file, start=start, end=start + 10, cache_type="none").hex()

with ThreadPoolExecutor(5) as pool:
    whole = pool.submit(hf_hub_download, "someone/squares", file, repo_type="dataset")
    pieces = list(pool.map(piece, (0, 10, 20, 30)))
with open(whole.result(), "rb") as opened:
    print(json.dumps({"pieces": pieces, "whole": opened.read().hex()}))
""",
        HF_HUB_DOWNLOAD_TIMEOUT="1",
    )
    assert not faults
    assert "".join(result["pieces"]) == parquet[:40].hex()
    assert result["whole"] == parquet.hex()
    seen = {request.range: [r.status for r in hub.log if r.range == request.range] for request in hub.log}
    assert seen["bytes=0-9"] == [503, 206]
    assert seen["bytes=10-19"] == [0, 206]
    assert seen["bytes=20-29"] == [206, 206]
    assert len(seen["bytes=30-39"]) == 2
    # The client keeps nothing of a piece shorter than its 10 MiB buffer: the cut download starts afresh.
    downloads = [request for request in hub.log if request.method == "GET" and "/resolve/" in request.path]
    assert [request.sent for request in downloads if request.range is None] == [100, len(parquet)]


def test_fake_hub_faults_on_the_wire(hub: LoopbackHub, squares: Path) -> None:
    hub.add_repo("someone/squares", "dataset", squares)
    path = "/datasets/someone/squares/resolve/main/README.md"
    hub.fault = lambda method, path, headers: Fault(cut=10)
    with pytest.raises(http.client.IncompleteRead) as cut:
        get(hub, path).read()
    assert cut.value.partial == CARD.encode()[:10] and cut.value.expected == len(CARD) - 10
    assert hub.log[-1].sent == 10
    hub.fault = lambda method, path, headers: Fault(reset=True)
    with pytest.raises(ConnectionResetError):
        get(hub, path)
    hub.fault = lambda method, path, headers: Fault(cut=len(CARD))  # as long as the body: nothing is missing
    assert get(hub, path).read() == CARD.encode()


def test_fake_hub_ranges_and_endpoint(hub: LoopbackHub, squares: Path) -> None:
    hub.add_repo("someone/squares", "dataset", squares)
    path = "/datasets/someone/squares/resolve/main/README.md"
    head = get(hub, path, method="HEAD")
    assert head.headers["Accept-Ranges"] == "bytes" and int(head.headers["Content-Length"]) == len(CARD)
    assert head.headers["X-Repo-Commit"] == hub.commits("someone/squares", "dataset")[-1].oid
    tail = get(hub, path, {"Range": "bytes=-8"})
    assert (tail.status, tail.read()) == (206, CARD.encode()[-8:])
    assert tail.headers["Content-Range"] == f"bytes {len(CARD) - 8}-{len(CARD) - 1}/{len(CARD)}"
    assert get(hub, path, {"Range": f"bytes={len(CARD)}-"}).status == 416

    endpoint = hub.endpoint
    hub.__exit__()
    with pytest.raises(ConnectionRefusedError):
        get(hub, path)
    with hub:
        assert hub.endpoint == endpoint
        assert get(hub, path).read() == CARD.encode()


def test_fake_hub_program(squares: Path) -> None:
    command = [sys.executable, "-m", "tests.support.fake_hub", "--dataset", f"someone/squares={squares}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            endpoint = program.stdout.readline().strip()
            request = urllib.request.Request(f"{endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {TOKEN}"})
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
                assert json.load(answer)["type"] == "user"
        finally:
            program.send_signal(signal.SIGTERM)
    assert program.returncode == 0
