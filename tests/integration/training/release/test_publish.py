"""Publish: what a commit holds, what the card says, and models and datasets read back from the Hub."""

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard
from PIL import Image

from model import CnnConfig, CnnModel, ModelError, TrazoError
from model.artifacts import KERAS_FILES
from model.card.card import render_card
from model.card.demo import demo_line, with_demo
from model.card.reproduce import list_commands
from model.io.locate import PRETRAINED
from model.io.reports import redact_local_paths
from model.io.reports.evaluation import EvaluationReport
from model.io.reports.training import TrainingReport
from model.preprocess.inputs import images_to_inputs
from tests.conftest import ROOT, SAMPLE
from tests.support.fake_hub import TOKEN, Fault, LoopbackHub
from training.cli import build_parser, main
from training.release.card import write_card
from training.release.export import export
from training.release.publish import publish
from training.stream import HubStream

REPO = "someone/digits"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with LoopbackHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def published(hub, home, trained) -> str:
    environment = {**hub.environ(home, token=True), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "training", "publish", str(trained), "--repo", REPO]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def predictions(model: str | Path, revision: str | None = None) -> tuple[np.ndarray, Path]:
    """Load a model; return what it predicts for 64 images of the sample, and the folder that it was loaded from."""
    images = next(HubStream(SAMPLE, "test", batch_size=64).ordered()).images
    cnn = CnnModel.from_pretrained(model, revision=revision)
    return cnn.predict(images), cnn.folder


@pytest.fixture
def run(tmp_path) -> Path:
    """A run that may be damaged: the bundled model's files."""
    return shutil.copytree(PRETRAINED, tmp_path / "run")


@pytest.fixture
def upload(hub, home, use_hub, capfd) -> Callable[..., tuple[int, str, str]]:
    """Run `publish` in this process; returns its exit status, standard output and standard error."""

    def call(*arguments: object, token: bool = True) -> tuple[int, str, str]:
        use_hub(hub, home, token)
        capfd.readouterr()
        status = main(["publish", *map(str, arguments)])
        return status, *capfd.readouterr()

    return call


def test_publish_is_one_commit_of_the_runs_files(hub, trained, published):
    commits = hub.commits(REPO, "model")
    ours = [commit for commit in commits if commit.title == "Publish a Trazo model"]
    assert len(ours) == 1 and len(commits) <= 2  # the Hub itself makes a first commit when a repo is created
    files = hub.files(REPO, "model")
    for name in ("trazo.json", "model.safetensors", *KERAS_FILES):
        assert files[name] == (trained / name).read_bytes()
    for name in ("data.json", "training.json", "trials.json", "evaluation.json"):
        ours_here = (trained / name).read_text().replace(json.dumps(SAMPLE), '"sample"')
        ours_here = ours_here.replace('"path": "sample",', "")
        assert json.loads(files[name]) == json.loads(ours_here)
    assert not any(name.startswith(("checkpoint", "tuner")) for name in files)
    assert ours[0].oid[:7] in published


def test_card_has_data_result_and_how_to_load(hub, trained, published):
    card = hub.files(REPO, "model")["README.md"].decode()
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "keras" and front["pipeline_tag"] == "image-classification"
    assert (
        "trained with Trazo on `sample`" in card
        and "of the split `test` of `sample`.\nTheir images took no part" in card
    )
    assert f'CnnModel.from_pretrained("{REPO}")' in card and f'keras.saving.load_model("hf://{REPO}")' in card
    assert "PyTorchModelHubMixin" not in card


@pytest.mark.parametrize(("channels", "drawings"), [(1, True), (3, False)])
def test_card_mentions_drawings_if_the_network_takes_them(channels, drawings):
    card = str(render_card(CnnConfig(image_shape=(32, 32, channels), filters=(4,))))
    assert ("predict_sketch" in card) is drawings and "cnn.predict(images)" in card


def test_card_code_runs(hub, home, use_hub, published):
    use_hub(hub, home, token=False)
    card = hub.files(REPO, "model")["README.md"].decode()
    with_keras, with_trazo = (block.split("```")[0] for block in card.split("```python\n")[1:])
    images = next(HubStream(SAMPLE, "test", batch_size=8).ordered()).images
    variables = {"images": images, "drawings": images}
    exec(with_trazo, variables)
    predicted = variables["cnn"].predict(images)
    assert predicted.shape == (8, 10)
    config = variables["cnn"].config
    variables["pixels"] = np.stack([*images_to_inputs(images, config.image_shape, config.pixel_format)])
    exec(with_keras, variables)
    np.testing.assert_allclose(variables["answers"], predicted, rtol=0, atol=1e-6)


def test_card_has_commands_to_reproduce_the_model(hub, published):
    card = hub.files(REPO, "model")["README.md"].decode()
    tune, train, evaluate = card.split("```sh\n")[1].split("```")[0].splitlines()
    assert tune.startswith(
        "python -m training tune --output runs/again --dataset sample --image-size 14 --strategy bayesian --trials 1 "
    )
    assert "--trial-steps 2" in tune and "--max-params" not in tune
    assert train == (
        "python -m training train --output runs/again --dataset sample --image-size 14 --epochs 2 --steps-per-epoch 4"
    )
    assert evaluate == "python -m training evaluate --model runs/again --dataset sample --split test"
    for line in (tune, train, evaluate):
        build_parser().parse_args(shlex.split(line)[3:])  # else it exits


def test_card_command_keeps_as_many_mistakes(run):
    training, evaluation = TrainingReport.read(run / "training.json"), EvaluationReport.read(run / "evaluation.json")
    assert f" --mistakes {len(evaluation.mistakes)}" in list_commands(training, None, evaluation)[-1]
    evaluation = evaluation.model_copy(update={"mistakes": []})
    assert "--mistakes" not in list_commands(training, None, evaluation)[-1]


def test_card_names_preset_with_and_without_search(run):
    for text in ("a bayesian search of\n62 completed trials, which they do not come from.", "## Evaluation"):
        write_card(run)
        card = (run / "README.md").read_text()
        assert text in card.split("Network and recipe are those of the preset `drawings`.")[1]
        (run / "trials.json").unlink(missing_ok=True)


def test_card_figures_show_its_evaluation(run, hub, published):
    files = hub.files(REPO, "model")
    for name in ("confusion.png", "calibration.png"):
        assert f"({name})" in files["README.md"].decode()
        assert Image.open(io.BytesIO(files[name])).size > (300, 300)
    write_card(run)
    before = (run / "confusion.png").read_bytes()
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation["confusion_matrix"][3][8] += 100
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    write_card(run)
    assert (run / "confusion.png").read_bytes() != before
    (run / "evaluation.json").unlink()
    write_card(run)
    assert not (run / "confusion.png").exists() and "confusion.png" not in (run / "README.md").read_text()


def test_card_lists_every_seed(hub, upload, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    results = json.loads((other / "evaluation.json").read_text()) | {"accuracy": 0.9876}
    (other / "evaluation.json").write_text(json.dumps(results))
    arguments = [run, "--repo", "someone/seeds", "--seeds", other]
    status, _, error = upload(*arguments)
    assert status == 2 and "the same seed" in error
    report = json.loads((other / "training.json").read_text())
    report["seed"] = report["hyperparameters"]["seed"] = 7
    (other / "training.json").write_text(json.dumps(report))
    status, _, error = upload(*arguments, "--license", "apache-2.0")
    assert status == 0, error
    files = hub.files("someone/seeds", "model")
    seeds = json.loads(files["evaluation.json"])["seeds"]
    assert [one["seed"] for one in seeds] == [0, 7] and seeds[1]["accuracy"] == 0.9876
    card = files["README.md"].decode()
    assert "| 7 | 98.76 % (98.52 to 98.96) |" in card
    assert yaml.safe_load(card.split("---")[1])["license"] == "apache-2.0"
    report["hyperparameters"]["learning_rate"] = 1.0
    (other / "training.json").write_text(json.dumps(report))
    status, _, error = upload(*arguments)
    assert status == 2 and "its recipe or its data is different" in error


def test_publish_to_branch_or_pull_request_leaves_main_branch(hub, upload, run):
    hub.add_repo("someone/guarded", "model")
    before = hub.commits("someone/guarded", "model")
    for option, where in (["--revision", "v2"], "v2"), (["--create-pr"], "refs/pr/1"):
        status, output, error = upload(run, "--repo", "someone/guarded", *option)
        assert status == 0, error
        repo = hub.repos["model", "someone/guarded"]
        assert "model.safetensors" in repo.find(where).files
        assert hub.commits("someone/guarded", "model") == before
    assert "/discussions/1" in output


def test_publish_commit_in_between_is_an_error_and_kept(hub, upload, run):
    """Someone else commits while our files are uploaded, after we read the branch."""
    hub.add_repo("someone/shared", "model")
    repo = hub.repos["model", "someone/shared"]

    def commit_theirs(method: str, path: str, headers: object) -> None:
        if path == "/api/models/someone/shared/commit/main" and len(repo.commits) == 1:
            repo.add("main", "somebody else's", dict(repo.find("main").files) | {"theirs.txt": hub.store(b"kept")})

    hub.fault = commit_theirs
    try:
        status, output, error = upload(run, "--repo", "someone/shared")
    finally:
        hub.fault = None
    assert status == 2 and "somebody else committed in between" in error
    assert TOKEN not in output + error
    assert set(hub.files("someone/shared", "model")) == {".gitattributes", "theirs.txt"}


@pytest.mark.parametrize("step", ["/preupload/main", ".git/info/lfs", "/commit/main"])
def test_publish_failed_upload_leaves_repo_unchanged(hub, upload, run, step):
    name = f"someone/failed{step.count('/')}{len(step)}"
    hub.add_repo(name, "model")
    before = hub.commits(name, "model")
    hub.fault = lambda method, path, _: Fault(status=403) if step in path else None
    try:
        status, output, error = upload(run, "--repo", name)
    finally:
        hub.fault = None
    assert status == 2 and "the Hub refused" in error and "Traceback" not in error
    assert hub.commits(name, "model") == before
    assert TOKEN not in output + error


def test_publish_local_paths_are_removed(hub, trained, published):
    files = hub.files(REPO, "model")
    for name in ("README.md", "trazo.json", "data.json", "training.json", "trials.json", "evaluation.json"):
        assert str(ROOT) not in files[name].decode(), name
    front = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert "datasets" not in front and "model-index" not in front  # nobody else has that folder
    assert str(ROOT) not in (trained / "README.md").read_text()


def test_redact_local_paths_keeps_folder_name(tmp_path, monkeypatch):
    (tmp_path / "home" / "digits").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home")
    reason = f"{tmp_path}/home/digits/data/train.parquet is damaged"
    trial = {"score": 0.5, "reason": "digits/data/train.parquet is damaged"}
    for dataset in ("digits", "../home/digits", f"{tmp_path}/home/digits"):
        report = {"dataset": dataset, "revision": None, "trials": [{"score": 0.5, "reason": reason}]}
        assert redact_local_paths(report) == {"dataset": "digits", "revision": None, "trials": [trial]}
    assert redact_local_paths({"data": {"dataset": f"{tmp_path}/elsewhere/"}}) == {"data": {"dataset": "elsewhere"}}
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    assert redact_local_paths({"reason": f"{tmp_path}/home/.cache/x"}) == {"reason": "~/.cache/x"}
    for dataset, revision in [("ylecun/mnist", None), ("mnist", "a" * 40)]:
        about = {"dataset": dataset, "revision": revision}
        assert redact_local_paths(about) == about


def test_publish_sends_files_for_keras_that_fit_the_weights(hub, upload, run):
    """Those of the run may be missing, or older: a kill may come between two files."""
    expected = {name: (run / name).read_bytes() for name in KERAS_FILES}
    (run / "model.weights.h5").write_bytes(b"of other weights")
    (run / "config.json").unlink()
    status, _, error = upload(run, "--repo", "someone/fresh")
    assert status == 0, error
    files = hub.files("someone/fresh", "model")
    assert {name: files[name] for name in KERAS_FILES} == expected


def test_publish_run_of_an_earlier_trazo_needs_one_new_name(hub, upload, run, tmp_path):
    for name in KERAS_FILES:
        (run / name).unlink()
    (run / "trazo.json").rename(run / "config.json")
    hub.add_repo("someone/earlier", "model", folder=Path(shutil.copytree(run, tmp_path / "earlier")))
    status, _, error = upload(run, "--repo", "someone/earlier")
    assert status == 2 and "rename config.json to trazo.json" in error
    with pytest.raises(ModelError, match=r"^someone/earlier has no trazo.json: .* rename config.json to trazo.json"):
        CnnModel.from_pretrained("someone/earlier")
    (run / "config.json").rename(run / "trazo.json")
    status, _, error = upload(run, "--repo", "someone/earlier")
    assert status == 0, error
    ours, theirs = CnnModel.from_pretrained(run), CnnModel.from_pretrained("someone/earlier")
    assert ours.config == theirs.config and {"trazo.json", *KERAS_FILES} <= hub.files("someone/earlier", "model").keys()


def test_publish_again_deletes_missing_reports(hub, upload, run, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(run, before)
    (before / "notes.txt").write_text("somebody's own")
    hub.add_repo("someone/again", "model", folder=before)
    (run / "trials.json").unlink()
    commits = len(hub.commits("someone/again", "model"))
    status, _, error = upload(run, "--repo", "someone/again")
    assert status == 0, error
    assert len(hub.commits("someone/again", "model")) == commits + 1
    files = hub.files("someone/again", "model")
    assert "trials.json" not in files and files["notes.txt"] == b"somebody's own"
    for name in ("model.safetensors", "training.json", "evaluation.json"):
        assert files[name] == (run / name).read_bytes()


@pytest.mark.parametrize("about", [{"weights_sha256": "0" * 64}, {}], ids=["others", "unknown"])
def test_evaluation_of_other_weights_is_not_published_and_not_in_card(run, about):
    evaluation = json.loads((run / "evaluation.json").read_text())
    del evaluation["weights_sha256"]
    (run / "evaluation.json").write_text(json.dumps(evaluation | about))
    with pytest.raises(TrazoError, match=f"is about other weights; run `python -m training evaluate --model {run} "):
        publish(run, "someone/never")
    write_card(run)
    card = (run / "README.md").read_text()
    assert "## Training" in card and "## Evaluation" not in card and "model-index" not in card


def test_card_says_whether_rows_were_trained_on(run):
    compared = {"compared": True, "training_images": 54_000, "validation_images": 6_000}
    evaluation = json.loads((run / "evaluation.json").read_text()) | {"config": "mnist", "comparison": compared}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    write_card(run)
    card = (run / "README.md").read_text()
    assert "of the split `test` of `ylecun/mnist`.\nTheir images took no part in training" in card
    front = yaml.safe_load(card.split("---")[1])
    result = front["model-index"][0]["results"][0]
    assert front["datasets"] == ["ylecun/mnist"]
    assert (result["dataset"]["type"], result["dataset"]["config"]) == ("ylecun/mnist", "mnist")
    assert result["metrics"][0] == {"type": "accuracy", "value": evaluation["accuracy"]}
    assert all(f"| `{one['dataset']}`, {one['split']}" in card for one in evaluation["extra_datasets"])

    for comparison, reason in (
        ({"compared": False, "reason": "no scan"}, "learned from (no scan)"),
        (None, "not checked"),
    ):
        (run / "evaluation.json").write_text(json.dumps(evaluation | {"comparison": comparison}))
        write_card(run)
        card = (run / "README.md").read_text()
        assert reason in card and "took no part" not in card.partition("On other datasets")[0]
        assert "model-index" not in card


@pytest.mark.parametrize("name", ["training.json", "trials.json", "evaluation.json"])
@pytest.mark.parametrize(
    "text", ["{", "[1]", "{}", "[" * 100_000, "\xff"], ids=["cut", "list", "empty", "deep", "bytes"]
)
def test_damaged_report_is_named(run, name, text):
    (run / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(TrazoError, match=f"{name} .*delete it and run the command that wrote it again") as caught:
        publish(run, "someone/never")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["training.json", "trials.json"])
def test_report_without_fields_of_card_is_an_error(run, name):
    (run / name).write_text('{"data": {"dataset": "a/b", "split": "train"}, "trials": [{}]}')
    with pytest.raises(TrazoError, match=f"{name} lacks "):
        publish(run, "someone/never")


def test_notebook_runs_with_keras_alone_and_measures_what_trazo_measures(hub, home, upload, run):
    commit = hub.add_repo("someone/rows", folder=Path(SAMPLE))
    about = {"dataset": "someone/rows", "config": "default", "revision": commit.oid, "extra_datasets": []}
    evaluation = json.loads((run / "evaluation.json").read_text()) | about
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    assert upload(run, "--repo", "someone/measured")[0] == 0
    notebook = nbformat.reads(hub.files("someone/measured", "model")["notebook.ipynb"], as_version=4)
    blocked = "import sys; sys.modules |= dict.fromkeys(['model', 'training', 'ui'], None)"  # as if not installed
    cells = [blocked, *(cell.source for cell in notebook.cells if cell.cell_type == "code")]
    environment = hub.environ(home, token=False) | {"HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", "\n".join(cells)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, cwd=home)
    assert answer.returncode == 0, answer.stderr
    batches = [(batch.images, batch.labels) for batch in HubStream(SAMPLE, "test", batch_size=500).ordered()]
    cnn = CnnModel.from_pretrained(run)
    right = sum(int((cnn.predict(images).argmax(axis=1) == labels).sum()) for images, labels in batches)
    measured = sum(len(labels) for _, labels in batches)
    assert f"{right:,} of {measured:,} rows right: {right / measured:.2%} (" in answer.stdout
    assert len(re.findall(r"^ +\d -> \d$", answer.stdout, flags=re.MULTILINE)) == 8


def test_publish_again_keeps_the_link_to_a_space(hub, upload, run):
    card = with_demo(str(render_card(CnnConfig())), "someone/demo").encode()
    hub.add_repo("someone/shown", "model")
    hub.repos["model", "someone/shown"].add("main", "a card", {"README.md": hub.store(card)})
    assert upload(run, "--repo", "someone/shown")[0] == 0
    assert demo_line("someone/demo") in hub.files("someone/shown", "model")["README.md"].decode()


def test_push_to_hub_writes_a_card_of_its_own_repo(hub, home, use_hub, run):
    card = ModelCard((run / "README.md").read_text(encoding="utf-8"))
    card.data["license"] = "cc0-1.0"
    (run / "README.md").write_text(str(card), encoding="utf-8")
    export(run, ["c"], SAMPLE)
    linked = with_demo(str(render_card(CnnConfig())), "someone/demo").encode()
    hub.add_repo("loopback/pushed", "model")
    hub.repos["model", "loopback/pushed"].add("main", "a card", {"README.md": hub.store(linked)})
    use_hub(hub, home, token=True)
    CnnModel.from_pretrained(run).push_to_hub("pushed")
    pushed = hub.files("loopback/pushed", "model")
    text = pushed["README.md"].decode()
    assert 'keras.saving.load_model("hf://loopback/pushed")' in text
    assert 'from_pretrained("loopback/pushed")' in text and "loopback/pushed" in pushed["notebook.ipynb"].decode()
    assert ModelCard(text).data["license"] == "cc0-1.0" and demo_line("someone/demo") in text
    assert "exports.json" in pushed and "model.h" in pushed and "`model.h`" in text
    images = next(HubStream(SAMPLE, "test", batch_size=8).ordered()).images
    variables = {"pixels": np.stack([*images_to_inputs(images, (28, 28, 1))])}
    exec(text.split("```python\n")[1].split("```")[0], variables)
    expected = CnnModel.from_pretrained(run).predict(images)
    np.testing.assert_allclose(variables["answers"], expected, rtol=0, atol=1e-6)


def test_publish_to_a_name_alone_completes_it_in_the_card(hub, upload, run):
    assert upload(run, "--repo", "alone")[0] == 0
    files = hub.files("loopback/alone", "model")
    assert 'load_model("hf://loopback/alone")' in files["README.md"].decode()
    assert "hf://loopback/alone" in files["notebook.ipynb"].decode()


def test_publish_to_a_name_alone_without_a_token_asks_for_one(upload, run):
    status, _, error = upload(run, "--repo", "alone", token=False)
    assert status == 2 and "your account, to which 'alone' would belong: no valid token: set HF_TOKEN" in error


def test_push_to_hub_works_when_the_folder_is_gone(hub, home, use_hub, run):
    use_hub(hub, home, token=True)
    cnn = CnnModel.from_pretrained(run)
    shutil.rmtree(run)
    cnn.push_to_hub("someone/gone")
    assert 'load_model("hf://someone/gone")' in hub.files("someone/gone", "model")["README.md"].decode()


@pytest.mark.parametrize("name", ["two words", "a/b/c", "../up"])
def test_publish_to_what_is_no_name_is_refused(upload, run, name):
    status, _, error = upload(run, "--repo", name)
    assert status == 2 and f"{name!r} is not a name of a repo on the Hub: write owner/name" in error


@pytest.mark.parametrize("option", [("--create-pr",), ("--revision", "next")])
def test_publish_supersedes_only_from_the_main_branch(upload, run, option):
    status, _, error = upload(run, "--repo", "someone/new", "--supersedes", "someone/old", *option)
    assert status == 2 and f"--supersedes links the main branch, and {option[0]} leaves it as it is" in error


def test_publish_supersedes_an_older_model(hub, upload, run, tmp_path):
    old = hub.add_repo("someone/old", "model", Path(shutil.copytree(run, tmp_path / "old")))
    status, output, error = upload(run, "--repo", "someone/new", "--supersedes", "someone/old")
    assert status == 0, error
    assert "the card of someone/old names someone/new as its newer version" in output
    before = ModelCard(old.files["README.md"].path.read_text())
    after, new = (ModelCard(hub.files(name, "model")["README.md"].decode()) for name in ("someone/old", "someone/new"))
    assert after.data.new_version == "someone/new" and after.text == before.text
    assert new.data.get("new_version") is None


@pytest.mark.parametrize(
    ("old", "message"), [("someone/nothing", "neither a folder here nor a repo"), ("someone/unmade", "name the older")]
)
def test_publish_that_cannot_supersede_uploads_nothing(hub, upload, run, old, message):
    status, _, error = upload(run, "--repo", "someone/unmade", "--supersedes", old)
    assert status == 2 and message in error
    assert ("model", "someone/unmade") not in hub.repos


def test_card_states_emissions_only_with_the_intensity_of_a_grid(hub, upload, run):
    assert upload(run, "--repo", "someone/green", "--grid-intensity", "230", "--place", "Spain")[0] == 0
    card = ModelCard(hub.files("someone/green", "model")["README.md"].decode())
    assert card.data.co2_eq_emissions["geographical_location"] == "Spain"
    assert card.data.co2_eq_emissions["emissions"] > 0 and "With 230 g of CO₂e per kWh (Spain)" in card.text
    status, _, error = upload(run, "--repo", "someone/green", "--place", "Spain")
    assert status == 2 and "give both" in error


def test_published_model_predicts_the_same_bits(hub, home, use_hub, trained, published):
    use_hub(hub, home, token=False)
    (ours, _), (theirs, _) = predictions(trained), predictions(REPO)
    assert ours.shape == (64, 10) and (ours == theirs).all()


def test_model_is_read_at_one_commit_then_from_cache(hub, home, use_hub, published):
    oid = hub.commits(REPO, "model")[-1].oid
    if hub.commits(REPO, "model")[-1].title != "Publish a Trazo model":
        oid = hub.commits(REPO, "model")[0].oid
    use_hub(hub, home, token=False)
    first, folder = predictions(REPO, oid)
    assert oid in str(folder)
    use_hub(hub, home, token=False, offline=True)
    requests = len(hub.log)
    offline, _ = predictions(REPO)
    assert (first == offline).all() and len(hub.log) == requests


def test_user_error_is_one_line(upload, trained, published, capfd):
    status, _, error = upload(trained, "--repo", "someone/other", token=False)
    assert status == 2 and "HF_TOKEN" in error and "Traceback" not in error
    for name, revision, message in (
        ("someone/nothing", None, "neither a folder here nor a repo on the Hub"),
        (REPO, "v9", "has no revision 'v9'"),
    ):
        with pytest.raises(ModelError, match=message) as caught:
            CnnModel.from_pretrained(name, revision=revision)
        assert caught.value.__suppress_context__
    assert main(["evaluate", "--model", "someone/nothing", "--dataset", SAMPLE]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_stream_from_hub_equals_stream_from_folder(hub, home, use_hub):
    """Same order and bytes over HTTP, at the requested commit, reading at most 2.2 times the file."""
    hub.add_repo("someone/sample", folder=Path(SAMPLE))
    use_hub(hub, home, token=False)
    before = len(hub.log)
    remote, local = (HubStream(name, seed=3, batch_size=100) for name in ("someone/sample", SAMPLE))
    for one, other in zip(remote.epoch(1), local.epoch(1), strict=True):
        assert one.index.tolist() == other.index.tolist()
    for one, other in zip(remote.epoch(1, start=30), local.epoch(1, start=30), strict=True):
        assert one.images == other.images
    revision = remote.source.revision
    assert revision == hub.commits("someone/sample", "dataset")[0].oid
    requests = [entry for entry in hub.log[before:] if "resolve" in entry.path and entry.path.endswith(".parquet")]
    assert all(revision in entry.path for entry in requests)
    file_size = (Path(SAMPLE) / "data" / "train-00000-of-00001.parquet").stat().st_size
    assert sum(entry.sent for entry in requests if entry.method == "GET") < 2.2 * file_size
