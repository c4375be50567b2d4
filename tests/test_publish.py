import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.conftest import ROOT, SAMPLE
from tests.hub import LoopbackHub
from training.stream import HubStream

REPO = "someone/digits"
PREDICT = (
    "import sys, numpy as np; from model import CnnModel; from training.stream import HubStream\n"
    "images = next(HubStream(sys.argv[1], 'test', batch_size=64).ordered()).images\n"
    "cnn = CnnModel.from_pretrained(sys.argv[2], revision=sys.argv[4] or None)\n"
    "np.save(sys.argv[3], cnn.predict(images)); print(cnn.folder)"
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


def python(hub: LoopbackHub, home: Path, *arguments: object, token: bool = True, **more: str):
    environment = {**hub.environ(home, token=token), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0", **more}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def published(hub, home, trained) -> str:
    answer = python(hub, home, "-m", "training", "publish", trained, "--repo", REPO)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_publishing_is_one_commit_of_the_runs_files(hub, trained, published):
    commits = hub.commits(REPO, "model")
    ours = [commit for commit in commits if commit.title == "Publish a Trazo model"]
    assert len(ours) == 1 and len(commits) <= 2  # the Hub itself makes a first commit when a repo is created
    files = hub.files(REPO, "model")
    for name in ("config.json", "model.safetensors", "training.json", "trials.json", "evaluation.json"):
        assert files[name] == (trained / name).read_bytes()
    assert not any(name.startswith(("checkpoint", "tuner")) for name in files)
    assert ours[0].oid[:7] in published


def test_the_card_names_the_data_the_result_and_how_to_load(hub, trained, published):
    card = hub.files(REPO, "model")["README.md"].decode()
    front = yaml.safe_load(card.split("---")[1])
    accuracy = json.loads((trained / "evaluation.json").read_text())["accuracy"]
    assert front["library_name"] == "keras" and front["pipeline_tag"] == "image-classification"
    result = front["model-index"][0]["results"][0]
    assert result["metrics"][0] == {"type": "accuracy", "value": accuracy}
    assert f'CnnModel.from_pretrained("{REPO}")' in card
    assert "PyTorch" not in card


def test_a_published_model_predicts_bit_for_bit_what_the_run_does(hub, home, trained, published, tmp_path):
    answers = []
    for number, (model, token) in enumerate([(trained, True), (REPO, False)]):
        out = tmp_path / f"{number}.npy"
        answer = python(hub, home, "-c", PREDICT, SAMPLE, model, out, "", token=token)
        assert answer.returncode == 0, answer.stderr
        answers.append(np.load(out))
    assert answers[0].shape == (64, 10) and (answers[0] == answers[1]).all()


def test_a_loaded_model_is_read_at_one_commit_and_then_from_the_cache(hub, home, published, tmp_path):
    oid = hub.commits(REPO, "model")[-1].oid
    if hub.commits(REPO, "model")[-1].title != "Publish a Trazo model":
        oid = hub.commits(REPO, "model")[0].oid
    first = python(hub, home, "-c", PREDICT, SAMPLE, REPO, tmp_path / "a.npy", oid, token=False)
    assert first.returncode == 0 and oid in first.stdout, first.stderr
    offline = python(hub, home, "-c", PREDICT, SAMPLE, REPO, tmp_path / "b.npy", "", token=False, HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert (np.load(tmp_path / "a.npy") == np.load(tmp_path / "b.npy")).all()


def test_mistakes_are_told_in_one_line(hub, home, trained, published):
    answer = python(hub, home, "-m", "training", "publish", trained, "--repo", "someone/other", token=False)
    assert answer.returncode == 2 and "HF_TOKEN" in answer.stderr and "Traceback" not in answer.stderr
    for model, revision, message in [
        ("someone/nothing", "", "neither a folder here nor a repo on the Hub"),
        (REPO, "v9", "has no revision 'v9'"),
    ]:
        answer = python(hub, home, "-c", PREDICT, SAMPLE, model, "unused.npy", revision)
        assert "ModelError" in answer.stderr and message in answer.stderr
        assert "\n\nDuring handling" not in answer.stderr
    answer = python(hub, home, "-m", "training", "evaluate", "--model", "someone/nothing", "--dataset", SAMPLE)
    assert answer.returncode == 2 and "Traceback" not in answer.stderr


def test_a_repo_of_pickles_alone_is_refused_by_name(hub, home, tmp_path):
    folder = tmp_path / "pickles"
    folder.mkdir()
    (folder / "model.h5").write_bytes(b"\x89HDF")
    (folder / "weights.pkl").write_bytes(b"\x80\x04.")
    hub.add_repo("someone/pickles", "model", folder=folder)
    answer = python(hub, home, "-c", PREDICT, SAMPLE, "someone/pickles", "unused.npy", "")
    assert "has no config.json: only config.json with safetensors is loaded" in answer.stderr


def test_the_stream_from_the_hub_is_the_stream_from_the_folder(hub, home, tmp_path):
    """Same order and bytes over HTTP, at the commit that was asked for, without reading more than twice the file."""
    hub.add_repo("someone/sample", folder=Path(SAMPLE))
    script = (
        "import sys, json; from training.stream import HubStream\n"
        "s = HubStream('someone/sample', seed=3, batch_size=100)\n"
        "ids = [b.index.tolist() for b in s.epoch(1)]\n"
        "images = [len(i) for b in s.epoch(1, start=30) for i in b.images]\n"
        "print(json.dumps([s.source.revision, ids, images]))"
    )
    before = len(hub.log)
    answer = python(hub, home, "-c", script, token=False)
    assert answer.returncode == 0, answer.stderr
    revision, ids, sizes = json.loads(answer.stdout.splitlines()[-1])
    local = HubStream(SAMPLE, seed=3, batch_size=100)
    assert ids == [batch.index.tolist() for batch in local.epoch(1)]
    assert sizes == [len(image) for batch in local.epoch(1, start=30) for image in batch.images]
    assert revision == hub.commits("someone/sample", "dataset")[0].oid
    requests = [entry for entry in hub.log[before:] if "resolve" in entry.path and entry.path.endswith(".parquet")]
    assert all(revision in entry.path for entry in requests)
    file_size = (Path(SAMPLE) / "data" / "train-00000-of-00001.parquet").stat().st_size
    assert sum(entry.sent for entry in requests if entry.method == "GET") < 2.2 * file_size
