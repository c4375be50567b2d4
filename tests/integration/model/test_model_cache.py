"""The Hub's cache: used without a network, repaired with one, and filled by many at once."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from model import CnnConfig
from model.artifacts import CARD_FIGURES, KERAS_FILES
from tests.support.fake_hub import Fault, LoopbackHub
from tests.support.load_process import Loader

REPO = "someone/digits"
CONFIG, WEIGHTS = "trazo.json", "model.safetensors"
NAMES = {CONFIG, WEIGHTS, "README.md", "evaluation.json"}


def write_model(folder: Path, value: float, **changes: object) -> Path:
    config = CnnConfig(filters=(4,), **changes)
    folder.mkdir()
    (folder / CONFIG).write_text(config.to_json())
    tensors = {name: np.full(shape, value, np.float32) for name, shape in config.weight_shapes.items()}
    save_file(tensors, folder / WEIGHTS)
    (folder / "README.md").write_text(f"# Digits {value}")
    (folder / "evaluation.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("source") / "model", 1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as hub:
        hub.add_repo(REPO, "model", source)
        yield hub


@pytest.fixture(autouse=True)
def no_fault(hub: LoopbackHub) -> Iterator[None]:
    yield
    hub.fault, hub.unlisted = None, set()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def online(hub: LoopbackHub, home: Path) -> Iterator[Loader]:
    with Loader(hub, home) as loader:
        yield loader


@pytest.fixture(scope="module")
def offline(hub: LoopbackHub, home: Path) -> Iterator[Loader]:
    with Loader(hub, home, HF_HUB_OFFLINE="1") as loader:
        yield loader


@pytest.fixture
def loaded(online: Loader, home: Path) -> dict:
    """A first load into an empty cache."""
    shutil.rmtree(home / "hub", ignore_errors=True)
    return online.load(REPO)


def fetched(hub: LoopbackHub, start: int) -> list[str]:
    return sorted(Path(one.path).name for one in hub.log[start:] if one.method == "GET" and "/resolve/" in one.path)


def test_cache_second_load_needs_no_hub(hub, loaded, online, offline):
    start, commit = len(hub.log), hub.commits(REPO, "model")[0].oid
    for revision in (None, "main", commit):
        assert offline.load(REPO, revision) | {"memory": 0} == loaded | {"memory": 0}
    assert hub.log[start:] == []
    assert "error" not in online.load(REPO)
    assert [one.path for one in hub.log[start:]] == [f"/api/models/{REPO}"]  # asked once whether it is the same still


def test_cache_holds_the_figures_of_the_card(hub, online, source, tmp_path):
    """Otherwise a loaded model would be published with a card without its images."""
    folder = shutil.copytree(source, tmp_path / "model")
    for name in CARD_FIGURES:
        (folder / name).write_bytes(name.encode())
    hub.add_repo("someone/pictured", "model", folder)
    snapshot = Path(online.load("someone/pictured")["folder"])
    assert [(snapshot / name).read_bytes() for name in CARD_FIGURES] == [name.encode() for name in CARD_FIGURES]


@pytest.mark.parametrize("fault", [Fault(reset=True), Fault(status=503), Fault(stall=4)], ids=lambda fault: str(fault))
def test_cache_is_used_while_the_hub_is_down(hub, loaded, online, fault):
    hub.fault = lambda *request: fault
    assert online.load(REPO)["weights"] == loaded["weights"]


def test_model_is_asked_for_again_if_the_connection_was_closed(hub, source, online):
    hub.add_repo("someone/fresh", "model", source)
    asked = len(hub.log)
    hub.fault = lambda *request: Fault(reset=True) if len(hub.log) == asked + 1 else None
    assert "error" not in online.load("someone/fresh")


def test_cache_missing_model_is_reported(hub, offline, online):
    reason = (
        "cannot be reached for 'someone/else' (OfflineModeIsEnabled), which is neither a folder here nor in the cache"
    )
    assert offline.load("someone/else")["error"] == f"the Hub ({hub.endpoint}) {reason}"
    hub.fault = lambda *request: Fault(status=503)
    assert online.load("someone/else")["error"].startswith("the Hub refused 'someone/else' (503): ")


def cut(folder: Path, name: str) -> None:
    os.truncate(folder / name, (folder / name).stat().st_size // 2)


def garble(folder: Path, name: str) -> None:
    """Turn bytes of the blob, under the same size."""
    (folder / name).write_bytes(bytes(255 - byte for byte in (folder / name).read_bytes()))


def lose(folder: Path, name: str) -> None:
    """Delete the blob; the snapshot's link to it stays."""
    (folder / name).resolve().unlink()


def copy(folder: Path, name: str) -> None:
    """Put a damaged file in the link's place, as in a cache that was copied without its links."""
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).unlink()
    (folder / name).write_bytes(content)


BROKEN = [
    (cut, WEIGHTS, "model.safetensors does not match trazo.json, which asks for "),
    (garble, WEIGHTS, "model.safetensors has a header of "),
    (lose, WEIGHTS, "model.safetensors is a link that leads nowhere"),
    (copy, WEIGHTS, None),  # one number is another: only the Hub can tell
    (cut, CONFIG, "trazo.json is not valid JSON: "),
    (garble, CONFIG, "trazo.json cannot be read: "),
    (lose, CONFIG, "trazo.json is a link that leads nowhere"),
    (copy, CONFIG, "trazo.json is not valid JSON: "),
    (lose, "evaluation.json", "evaluation.json is a link that leads nowhere"),
]


@pytest.mark.parametrize(("how", "name", "reason"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_cache_damaged_file_is_reported_offline_and_repaired_online(hub, loaded, online, offline, how, name, reason):
    folder = Path(loaded["folder"])
    how(folder, name)
    if reason:
        error = offline.load(REPO)["error"]
        assert error.startswith(f"{folder}/{reason}")
        assert error.endswith(
            "; this is the cached copy: load the model once with a connection to the Hub to repair it"
        )
    start = len(hub.log)
    repaired = online.load(REPO)
    assert (repaired["folder"], repaired["weights"]) == (loaded["folder"], loaded["weights"])
    assert fetched(hub, start) == [name]
    assert all((folder / file).read_bytes() == hub.files(REPO, "model")[file] for file in NAMES)
    assert offline.load(REPO)["weights"] == loaded["weights"]


@pytest.mark.parametrize("text", ["", "../../../elsewhere", "0" * 40], ids=["empty", "leads out", "unknown"])
def test_cache_damaged_ref_is_reported_offline_and_repaired_online(loaded, home, online, offline, text):
    ref = home / "hub" / "models--someone--digits" / "refs" / "main"
    ref.write_text(text)
    assert "error" in offline.load(REPO)
    assert online.load(REPO)["weights"] == loaded["weights"]
    assert offline.load(REPO)["weights"] == loaded["weights"]


def test_download_is_of_one_commit_despite_a_new_one_meanwhile(hub, home, online, tmp_path):
    repo = "someone/moving"
    old = hub.add_repo(repo, "model", write_model(tmp_path / "old", 2))
    new = {
        path.name: replace(old.files[path.name], path=path, size=path.stat().st_size, oid="1" * 40, sha256=None)
        for path in write_model(tmp_path / "new", 3, dense_units=(7,)).iterdir()
    }

    def push(method: str, path: str, headers: object) -> None:
        if path.endswith(CONFIG) and hub.repos["model", repo].find("main") is old:
            hub.repos["model", repo].add("main", "Others", new)

    hub.fault = push
    folder = Path(online.load(repo)["folder"])
    assert folder.name == old.oid != hub.repos["model", repo].find("main").oid
    assert all((folder / name).read_bytes() == (tmp_path / "old" / name).read_bytes() for name in NAMES)


@pytest.mark.parametrize("unlisted", [{"size"}, {"size", "blobId", "lfs"}], ids=["no sizes", "names alone"])
def test_download_from_a_mirror_that_gives_no_sizes_works(hub, home, online, unlisted):
    hub.unlisted = unlisted
    shutil.rmtree(home / "hub", ignore_errors=True)
    first = online.load(REPO)
    assert all((Path(first["folder"]) / name).read_bytes() == hub.files(REPO, "model")[name] for name in NAMES)
    start = len(hub.log)
    assert online.load(REPO) | {"memory": 0} == first | {"memory": 0} and fetched(hub, start) == []


def test_cache_damaged_file_is_reported_with_a_mirror_that_gives_no_hashes(hub, loaded, online):
    hub.unlisted = {"size", "blobId", "lfs"}
    folder = Path(loaded["folder"])
    cut(folder, WEIGHTS)
    remedy = f"; {hub.endpoint} announces no hashes: delete {folder.parents[1]} to download it again"
    assert online.load(REPO)["error"].endswith(remedy)
    shutil.rmtree(folder.parents[1])
    assert online.load(REPO)["weights"] == loaded["weights"]


def test_cache_files_for_keras_are_neither_fetched_nor_missed(hub, online, offline, source, tmp_path):
    """Who loads the same repo with Keras has them in the same folder of the cache, whole or not."""
    folder = shutil.copytree(source, tmp_path / "model")
    for name in KERAS_FILES:
        (folder / name).write_text("{")
    hub.add_repo("someone/keras", "model", folder)
    start = len(hub.log)
    snapshot = Path(online.load("someone/keras")["folder"])
    assert fetched(hub, start) == sorted(NAMES)
    for name in KERAS_FILES:
        (snapshot / name).symlink_to("../../blobs/0000")
    assert "error" not in online.load("someone/keras") and "error" not in offline.load("someone/keras")


def test_cache_eight_processes_share_an_empty_and_a_damaged_one(hub, tmp_path):
    large = write_model(tmp_path / "large", 4, dense_units=(512,))  # so that downloads overlap
    hub.add_repo("someone/large", "model", large)
    snapshots = tmp_path / "home" / "hub" / "models--someone--large" / "snapshots"
    with ExitStack() as stack:
        loaders = [stack.enter_context(Loader(hub, tmp_path / "home")) for _ in range(8)]
        for breaking in (None, cut, lose):
            if breaking:
                breaking(next(snapshots.iterdir()), WEIGHTS)
            for loader in loaders:
                loader.ask("someone/large")
            answers = [loader.answer() for loader in loaders]
            assert [answer.get("error") for answer in answers] == [None] * 8
            assert len({(answer["folder"], answer["weights"]) for answer in answers}) == 1
    assert (next(snapshots.iterdir()) / WEIGHTS).read_bytes() == (large / WEIGHTS).read_bytes()
    assert not list((tmp_path / "home").rglob("*.incomplete"))
