"""Deploy: what a Space holds, that it starts without the packages of training, its upload and its build on the Hub."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from model.artifacts import KERAS_FILES
from model.card.demo import with_demo
from model.io.locate import PRETRAINED
from tests.conftest import ROOT
from tests.support.app_server import running
from tests.support.fake_hub import Fault, LoopbackHub
from training.cli import main
from training.release import space_hub
from training.release.space_files import DEMO_REQUIREMENTS, THUMBNAIL, assemble

MODEL = "someone/digits"
SPACE = "someone/demo"
NOT_INSTALLED = ("datasets", "pyarrow", "keras_tuner", "sklearn", "scipy", "tensorboard", "training")


@pytest.fixture
def hub(tmp_path):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo(MODEL, "model", PRETRAINED)
        yield hub


@pytest.fixture
def deploy(hub, tmp_path, use_hub, monkeypatch):
    """Deploy the model to the Space; returns the exit status."""
    use_hub(hub, tmp_path / "home")
    monkeypatch.setattr(space_hub, "POLL_S", 0.01)
    return lambda *arguments: main(["deploy", "--repo", SPACE, "--model", MODEL, *arguments])


def front_matter(hub: LoopbackHub) -> dict:
    return yaml.safe_load(hub.files(SPACE, "space")["README.md"].decode().split("---")[1])


def variables(hub: LoopbackHub) -> dict[str, str]:
    return hub.repos["space", SPACE].variables


def test_deploy_space_holds_demo_without_training(hub, tmp_path, training):
    environment = hub.environ(tmp_path / "home", token=True) | {"HF_HUB_OFFLINE": "0"}
    answer = training("deploy", "--repo", SPACE, "--model", MODEL, env=environment)
    assert answer.returncode == 0, answer.stderr
    assert "deployed: https://someone-demo.hf.space" in answer.stdout
    assert [commit.title for commit in hub.commits(SPACE, "space")][1:] == ["Deploy the demo"]
    files = hub.files(SPACE, "space")
    assert {name.split("/")[0] for name in files} == {
        ".gitattributes", "README.md", "app.py", "model", "requirements.txt", "ui",
    }  # fmt: skip
    assert files["app.py"] == (ROOT / "app.py").read_bytes()
    for name in ("trazo.json", "model.safetensors", *KERAS_FILES):
        assert files[f"model/pretrained/{name}"] == (PRETRAINED / name).read_bytes()
    assert not any("__pycache__" in name for name in files)
    front = front_matter(hub)
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["models"] == [MODEL]
    repo, names = front["preload_from_hub"][0].split(" ")
    assert repo == MODEL and {"trazo.json", "model.safetensors"} <= set(names.split(","))
    assert not set(KERAS_FILES) & set(names.split(","))  # the demo does not read them
    assert len(front["short_description"]) <= 60  # what the Hub takes
    assert front["datasets"] == ["ylecun/mnist"] and "mcp-server" in front["tags"]
    assert front["thumbnail"] == f"https://huggingface.co/spaces/{SPACE}/resolve/main/{THUMBNAIL}"
    assert files[THUMBNAIL] == (ROOT / THUMBNAIL).read_bytes()
    assert variables(hub) == {"MODEL_ID": MODEL, "GRADIO_MCP_SERVER": "True"}
    assert "hf_loopback" not in answer.stdout + answer.stderr


def test_deploy_again_pins_commit_and_deletes_only_old_modules(hub, deploy, tmp_path):
    space = tmp_path / "old"
    (space / "ui").mkdir(parents=True)
    for name in ("ui/gone.py", "notes.txt"):
        (space / name).write_text("old\n")
    hub.add_repo(SPACE, "space", space)
    theirs = {"THEIRS": "kept", "GRADIO_MCP_SERVER": "False"}
    variables(hub).update({"MODEL_ID": "someone/else", **theirs})
    commit = hub.commits(MODEL, "model")[-1].oid
    assert deploy("--revision", "main") == 0
    files = hub.files(SPACE, "space")
    assert "ui/gone.py" not in files and files["notes.txt"] == b"old\n"
    assert variables(hub) == {"MODEL_ID": MODEL, "MODEL_REVISION": commit, **theirs}
    assert front_matter(hub)["preload_from_hub"][0].endswith(f" {commit}")
    assert deploy() == 0
    assert variables(hub) == {"MODEL_ID": MODEL, **theirs}


def test_deploy_failed_upload_leaves_space_unchanged(hub, deploy, capsys):
    assert deploy() == 0
    before, set_before = hub.commits(SPACE, "space"), dict(variables(hub))
    hub.fault = lambda method, path, _: Fault(status=412) if path.endswith("/commit/main") else None
    assert deploy("--revision", "main") == 2
    assert "somebody else committed in between" in capsys.readouterr().err
    assert hub.commits(SPACE, "space") == before and variables(hub) == set_before


def test_deploy_links_the_space_from_the_models_card_once(hub, deploy):
    before = hub.files(MODEL, "model")["README.md"].decode()
    assert deploy() == 0 and deploy() == 0
    assert [commit.title for commit in hub.commits(MODEL, "model")][1:] == ["Link the demo"]
    assert hub.files(MODEL, "model")["README.md"].decode() == with_demo(before, SPACE)


def test_deploy_of_a_model_that_may_not_be_written_says_that_it_is_not_linked(hub, deploy, capsys):
    hub.fault = lambda method, path, _: Fault(status=403) if f"{MODEL}/commit/" in path else None
    assert deploy() == 0
    assert f"the card of {MODEL} does not link the Space: this token may not write there" in capsys.readouterr().out
    assert len(hub.commits(MODEL, "model")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--repo", SPACE, "--model", "someone/nothing"], "neither a folder here nor a repo on the Hub"),
        (["--repo", SPACE, "--model", PRETRAINED], "publish it first"),
        (["--model", MODEL], "--repo owner/name"),
        (["--local", "--model", PRETRAINED, "--output", ROOT], "does not belong to a Space"),
        (["--repo", SPACE, "--model", MODEL, "--hardware", "gpu"], "the Hub has cpu-basic, cpu-upgrade, t4-small"),
        (["--repo", SPACE, "--model", MODEL, "--models", "digits"], "--models digits: write owner/name"),
        (["--local", "--model", PRETRAINED, "--hardware", "t4-small"], "--hardware is for a Space"),
        (["--local", "--model", PRETRAINED, "--secret", "A=b"], "--secret is for a Space"),
        (["--local", "--model", PRETRAINED, "--repo", SPACE], "--repo is for a Space"),
        (["--repo", SPACE, "--model", MODEL, "--secret", "NOT_SET"], "NOT_SET is not set here"),
        (["--repo", SPACE, "--model", MODEL, "--secret", "hf_secret value"], "--secret takes NAME or NAME=VALUE"),
    ],
)
def test_deploy_user_error_is_one_line(hub, use_hub, tmp_path, capsys, arguments, message):
    use_hub(hub, tmp_path / "home")
    assert main(["deploy", *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert ("space", SPACE) not in hub.repos


@pytest.mark.parametrize("closed", ["private", "gated"])
def test_deploy_of_a_closed_model_needs_a_token_and_fetches_nothing_in_the_build(hub, deploy, capsys, closed):
    setattr(hub.repos["model", MODEL], closed, True)
    assert deploy("--no-wait") == 2
    assert f"{MODEL} is private or gated" in capsys.readouterr().err and ("space", SPACE) not in hub.repos
    assert deploy("--no-wait", "--secret", "HF_TOKEN=hf_reads") == 0
    assert "preload_from_hub" not in front_matter(hub)
    assert deploy("--no-wait") == 0  # the Space has it


@pytest.mark.parametrize(("fault", "reason"), [(404, "it does not exist"), (412, "somebody else committed in between")])
def test_deploy_that_cannot_link_the_card_still_deploys(hub, deploy, capsys, fault, reason):
    if fault == 404:
        model = hub.repos["model", MODEL]
        files = {name: blob for name, blob in model.find("main").files.items() if name != "README.md"}
        model.add("main", "no card", files)
    hub.fault = lambda method, path, _: Fault(status=412) if f"{MODEL}/commit/" in path else None
    assert deploy() == 0
    shown = capsys.readouterr().out
    assert f"the card of {MODEL} does not link the Space: " in shown and reason in shown and "deployed: " in shown


def test_deploy_to_a_space_that_is_paused_says_how_to_start_it(hub, deploy, capsys):
    start_space(hub, "PAUSED")
    assert deploy() == 2
    error = capsys.readouterr().err
    assert "does not run (PAUSED): start it in the settings there" in error and "log" not in error


def start_space(hub, *stages: str, build=(), run=(), error: str = "") -> None:
    """Add the Space with what its next build will go through."""
    hub.add_repo(SPACE, "space")
    space = hub.repos["space", SPACE]
    space.stages, space.error = list(stages), error
    space.logs = {"build": list(build), "run": list(run)}


def test_deploy_waits_for_the_build_of_its_commit_and_prints_its_log(hub, deploy, capsys):
    stages = ("OLD RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "RUNNING")
    start_space(hub, *stages, build=["Collecting gradio==6\n", "\x1b[2Jdone\n"])
    assert deploy() == 0
    shown = capsys.readouterr()
    assert "deployed: https://someone-demo.hf.space\n" in shown.out
    assert "Collecting gradio==6\n" in shown.err and "done" in shown.err and "\x1b[2J" not in shown.err
    assert shown.out.index("RUNNING_BUILDING") < shown.out.index("RUNNING_APP_STARTING")


@pytest.mark.parametrize(
    ("stages", "which"),
    [(("BUILDING", "BUILD_ERROR"), "build"), (("BUILDING", "APP_STARTING", "RUNTIME_ERROR"), "run")],
)
def test_deploy_failed_build_is_an_error_with_its_log(hub, deploy, capsys, stages, which):
    start_space(hub, *stages, **{which: ["No matching distribution\n"]}, error="exit code 1")
    assert deploy() == 2
    error = capsys.readouterr().err
    assert "No matching distribution" in error and f"{stages[-1]}: exit code 1" in error and "Traceback" not in error


def test_deploy_no_wait_asks_for_no_build(hub, deploy, capsys):
    start_space(hub, "BUILDING")
    assert deploy("--no-wait") == 0
    assert f"deployed: {hub.endpoint}/spaces/{SPACE}\n" in capsys.readouterr().out
    assert not any("/runtime" in request.path for request in hub.log)


@pytest.mark.parametrize("is_new", [True, False])
def test_deploy_sets_hardware_secrets_and_models(hub, deploy, monkeypatch, capsys, is_new):
    if not is_new:
        start_space(hub, "RUNNING")
    monkeypatch.setenv("READ_TOKEN", "hf_mine")
    secrets = ("--secret", "READ_TOKEN", "--secret", "KEY=a=b")
    assert deploy("--hardware", "t4-small", *secrets, "--models", "class/*", "--models", "someone/letters") == 0
    space = hub.repos["space", SPACE]
    assert space.hardware == "t4-small" and space.secrets == {"READ_TOKEN": "hf_mine", "KEY": "a=b"}
    assert space.variables["MODELS"] == "class/*,someone/letters"
    shown = capsys.readouterr()
    assert "$0.006667 for each minute" in shown.out and "hf_mine" not in shown.out + shown.err


def test_deploy_secrets_and_hardware_are_those_of_the_owner_unless_given(hub, deploy):
    start_space(hub, "RUNNING")
    space = hub.repos["space", SPACE]
    space.secrets, space.hardware = {"HF_TOKEN": "theirs"}, "cpu-upgrade"
    assert deploy() == 0
    assert space.secrets == {"HF_TOKEN": "theirs"} and space.hardware == "cpu-upgrade"


def test_demo_requirements_are_flat_pinned_and_without_training(tmp_path):
    wanted = "".join(path.read_text() for path in DEMO_REQUIREMENTS)
    assert all(name in wanted for name in ("gradio[mcp]", "tensorflow", "safetensors", "plotly"))
    assert not any(name in wanted for name in ("datasets", "keras-tuner", "pyarrow", "scikit-learn", "-r "))
    assert "-r ui/requirements.txt" in (ROOT / "requirements.txt").read_text()
    assemble(tmp_path / "space", None, [])
    lines = [line for line in (tmp_path / "space" / "requirements.txt").read_text().splitlines() if line[:1] != "#"]
    assert len(lines) == sum(bool(line) and line[0] != "#" for line in wanted.splitlines())
    for one in map(Requirement, lines):
        (pin,) = one.specifier
        assert pin.operator == "==" and pin.version == version(one.name)


def test_space_folder_starts_without_training_packages(tmp_path):
    """Importing a package of training fails, as if it was not installed."""
    folder, missing = tmp_path / "space", tmp_path / "missing"
    assemble(folder, None, [])
    missing.mkdir()
    (missing / "sitecustomize.py").write_text(
        "import sys\n"
        f"class Missing:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {NOT_INSTALLED!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    probe = [sys.executable, "-c", "import datasets"]
    assert subprocess.run(probe, env={"PYTHONPATH": str(missing)}, capture_output=True).returncode  # it does block
    with running(tmp_path / "log.txt", folder=folder, PYTHONPATH=str(missing)) as app:
        client = app.client()
        answer = client.predict(seven(tmp_path), api_name="/classify")
        assert answer["label"] in "0123456789"
        assert client.predict(api_name="/trials")["data"]


def seven(folder: Path) -> dict:
    from gradio_client import handle_file
    from PIL import Image, ImageDraw

    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).line([(60, 50), (140, 50), (90, 160)], fill=0, width=14)
    image.save(folder / "seven.png")
    return handle_file(folder / "seven.png")


@pytest.mark.slow
def test_deploy_local_serves_from_a_separate_environment(hub, tmp_path):
    with running(
        tmp_path / "log.txt",
        "-m", "training", "deploy", "--local", "--model", MODEL, "--output", str(tmp_path / "space"),
        seconds=900,
        **hub.environ(tmp_path / "home") | {"HF_HUB_OFFLINE": "0"},
    ) as app:  # fmt: skip
        assert app.client().predict(seven(tmp_path), api_name="/classify")["label"] == "7"
    packages = {path.name for path in (tmp_path / "space" / ".venv").glob("lib/*/site-packages/*")}
    assert "gradio" in packages and not packages & {"datasets", "keras_tuner", "sklearn"}
