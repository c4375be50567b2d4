"""`run --on` against the Jobs of the loopback Hub: what is rented, its log, a second call, and what is refused."""

import json
import re
import signal
import stat
import sys
from importlib.metadata import version
from unittest.mock import Mock

import pytest

from tests.conftest import ROOT, RUN_OPTIONS
from tests.support.fake_hub import TOKEN, LoopbackHub
from tests.support.fake_hub.jobs import HARDWARE
from training.cli import main
from training.remote import launch
from training.remote.launch import name_of

OF_DATA = ["--classes", "a", "b c", "--image-size", "14", "--no-scan"]
RENTED = ["--on", "cpu-upgrade", "--push-to", "loopback/letters"]
ARGUMENTS = ["--dataset", "someone/letters", "--minutes", "30", *OF_DATA]


@pytest.fixture
def hub(tmp_path, use_hub):
    """A Hub whose machines have a `pip` that installs nothing, and a `python` that prints how it is called."""
    with LoopbackHub(tmp_path / "hub") as hub:
        use_hub(hub, tmp_path / "home", token=True)
        hub.programs.mkdir(parents=True)
        hub.add_repo("someone/letters")
        add_program(hub, "pip", 'echo "pip $@"')
        add_program(hub, "python", 'printf "<%s> " python "$@"; echo; pwd')
        yield hub


def add_program(hub: LoopbackHub, name: str, script: str) -> None:
    path = hub.programs / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def rent(hub, tmp_path, capfd):
    """Run `run` on a rented machine; returns its exit status, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main(["run", "--output", str(tmp_path / "letters"), *RENTED, *(arguments or [*ARGUMENTS, "--yes"])])
        return status, *capfd.readouterr()

    return call


def test_run_on_a_rented_machine_runs_this_code_with_these_options(hub, rent):
    status, output, error = rent()
    assert status == 0, error
    lines = output.splitlines()
    assert lines[0].startswith("cpu-upgrade: 8 vCPU, 32 GB; 0.0005 USD a minute. Search and training take 30 minutes")
    (job,) = hub.jobs.values()
    code = hub.root / "mounts" / hub.commits("loopback/trazo-code", "dataset")[-1].oid
    bucket = hub.root / "buckets" / "loopback" / "trazo-runs" / "letters"
    assert f"pip install --quiet --disable-pip-version-check -r {code}/requirements.txt" in lines
    assert f"tensorflow=={version('tensorflow')}\n" in (code / "requirements.txt").read_text(encoding="utf-8")
    words = ["--dataset=someone/letters", "--no-scan", "--classes", "a", "b c", "--image-size=14", "--minutes=30.0"]
    job_words = ["-m", "training.remote.job", "--name=letters", f"--store={bucket}", "--push-to=loopback/letters"]
    assert "".join(f"<{word}> " for word in ["python", *job_words, "--", *words]) in lines
    assert str(code) in lines  # where it runs
    assert (code / "training" / "remote" / "job.py").read_bytes() == (ROOT / "training/remote/job.py").read_bytes()
    assert lines[-1] == f"published: {hub.endpoint}/loopback/letters"
    assert job.spec["timeoutSeconds"] == 65 * 60 and hub.repos["dataset", "loopback/trazo-code"].private


def test_token_is_a_secret_of_the_job_and_nowhere_else(hub, rent, monkeypatch):
    add_program(hub, "python", 'echo "token of ${#HF_TOKEN} letters"')
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a password")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    rent(*ARGUMENTS, "--yes", "--track", "mlflow")
    status, output, error = rent()
    assert status == 0 and f"token of {len(TOKEN)} letters" in output
    first, second = (job.spec for job in hub.jobs.values())
    assert first.pop("secrets") == {"HF_TOKEN": TOKEN, "MLFLOW_TRACKING_PASSWORD": "a password"} | {
        "MLFLOW_TRACKING_URI": "https://mlflow.example"
    }
    assert second.pop("secrets") == {"HF_TOKEN": TOKEN}
    assert "mlflow" in first["command"][2] and "mlflow" not in second["command"][2]
    for text in (json.dumps([first, second]), output, error):
        assert TOKEN not in text and "a password" not in text


def test_run_that_is_on_a_machine_already_is_followed_and_not_rented_again(hub, rent, monkeypatch):
    add_program(hub, "python", f'echo started; while [ ! -e "{hub.root}/end" ]; do sleep 0.05; done; echo ended')
    show, interruptions = launch.show, iter([KeyboardInterrupt])

    def stop_once(text: str) -> None:
        show(text)
        if text == "started":
            if interruption := next(interruptions, None):
                raise interruption
            (hub.root / "end").touch()

    monkeypatch.setattr(launch, "show", stop_once)
    status, output, _ = rent()
    assert status == 130 and "`hf jobs cancel 000000000000000000000000` ends it" in output
    status, output, _ = rent(*ARGUMENTS)  # it does not ask: nothing is rented
    assert status == 0 and "is on a machine already" in output
    assert len(hub.jobs) == 1 and "started\nended\n" in output


def test_machine_that_ends_early_is_an_error_and_the_next_one_gets_the_same_bucket(hub, rent):
    add_program(hub, "python", "echo out of memory; exit 1")
    status, output, error = rent()
    assert status == 2 and "out of memory" in output
    assert "the machine ended before the run did: ERROR, see the log above; run the same command again" in error
    add_program(hub, "python", "exit 0")
    assert rent()[0] == 0
    status, output, _ = rent()
    assert status == 0 and "this run has ended, nothing is rented: " in output
    first, second = (job.spec["volumes"] for job in hub.jobs.values())
    assert first == second and len(hub.commits("loopback/trazo-code", "dataset")) == 2  # the code did not change


@pytest.mark.parametrize("other", ["--minutes 40", "--push-to me/b", "--dataset someone/others", "--license mit"])
def test_run_of_the_same_name_with_other_options_is_not_taken_for_this_one(hub, rent, monkeypatch, other):
    add_program(hub, "python", f'echo started; while [ ! -e "{hub.root}/end" ]; do sleep 0.05; done')
    monkeypatch.setattr(launch, "show", Mock(side_effect=KeyboardInterrupt))
    assert rent()[0] == 130
    status, _, error = rent(*ARGUMENTS, *other.split(), "--yes")
    (hub.root / "end").touch()
    assert status == 2 and "a run called letters with other options is on a machine" in error
    assert "hf jobs cancel 000000000000000000000000" in error and len(hub.jobs) == 1


@pytest.mark.slow
def test_machine_that_is_taken_away_continues_on_the_next_one_and_publishes(hub, rent, tmp_path, monkeypatch):
    """A real search and training by the code that was sent, in a process that is terminated within the training."""
    hub.add_repo("someone/sample", folder=ROOT / "training" / "sample")
    add_program(hub, "python", f'exec "{sys.executable}" "$@"')
    environment = {"HF_HUB_DISABLE_XET": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0", "NO_PROXY": "127.0.0.1"}
    show, terminations = launch.show, iter([signal.SIGTERM])

    def terminate_once(text: str) -> None:
        show(text)
        if text.startswith("epoch 1/") and (signal_number := next(terminations, None)):
            [*hub.jobs.values()][-1].process.send_signal(signal_number)

    monkeypatch.setattr(launch, "show", terminate_once)
    arguments = ["--dataset", "someone/sample", *RUN_OPTIONS, "--minutes", "9", "--yes"]
    outputs = []
    for machine in ("first", "second"):
        (tmp_path / machine).mkdir()
        hub.job_environment = environment | dict.fromkeys(("TMPDIR", "HF_HOME", "TRAZO_CACHE"), str(tmp_path / machine))
        outputs.append(rent(*arguments))
    assert [status for status, _, _ in outputs] == [2, 0], outputs
    assert "a new run\n" in outputs[0][1] and "continuing from the last copy of the run\n" in outputs[1][1]
    assert "the training has already started: no further trials" in outputs[1][1]
    files = hub.files("loopback/letters", "model")
    assert {"model.safetensors", "evaluation.json", "trials.json", "notebook.ipynb"} <= files.keys()
    assert [row["epoch"] for row in json.loads(files["training.json"])["history"]] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "a/b", "--yes"], "give --minutes"),
        (["--dataset", "a/b", "--yes", "--backbone", "timm/lite"], "or add --finetune and --minutes"),
        (["--dataset", str(ROOT / "training" / "sample"), "--minutes", "9", "--yes"], "a rented one cannot see it"),
        (["--dataset", "a/b", "--minutes", "9", "--start-from", str(ROOT / "model/pretrained")], "cannot see it"),
        (ARGUMENTS, "add --yes"),
        ([*ARGUMENTS, "--yes", "--on", "h200x99"], "t4-small (0.00667 USD a minute)"),
        (
            [*ARGUMENTS, "--yes", "--on", "inf2x6"],
            "has an accelerator (AWS Inferentia2), which TensorFlow",
        ),
        (["--dataset", "someone/nothing", "--minutes", "9", "--yes"], "neither a folder here nor a dataset on the Hub"),
        (["--dataset", "./imagse", "--minutes", "9", "--yes"], "'./imagse' is neither a folder here nor a dataset"),
        (
            [*ARGUMENTS, "--yes", "--backbone", "timm/nothing", "--finetune"],
            "'timm/nothing' is neither a folder here nor a repo",
        ),
        ([*ARGUMENTS, "--yes", "--push-to", "another/letters"], "this token can make repos of loopback only"),
        ([*ARGUMENTS, "--yes", "--push-to", "two words"], "'two words' is not a name of a repo on the Hub"),
        ([*ARGUMENTS, "--yes", "--track", "mlflow"], "set MLFLOW_TRACKING_URI to a place that the machine can reach"),
        ([*ARGUMENTS, "--yes", "--track", "trackio"], "set TRACKIO_SPACE_ID to a place that the machine can reach"),
    ],
)
def test_run_on_a_rented_machine_refuses_before_anything_is_rented(hub, rent, arguments, message):
    status, _, error = rent(*arguments)
    assert status == 2 and message in error and error.count("\n") == 1
    assert not hub.jobs and ("dataset", "loopback/trazo-code") not in hub.repos


def test_public_repo_of_code_is_refused(hub, rent):
    hub.add_repo("loopback/trazo-code")
    status, _, error = rent()
    assert status == 2 and "the dataset repo loopback/trazo-code is public" in error and not hub.jobs


def test_hub_that_is_offline_is_said_of_the_service(rent, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    status, _, error = rent()
    assert status == 2 and "Hugging Face Jobs at " in error and "cannot be reached" in error and "folder" not in error


def test_end_of_input_rents_nothing(hub, rent, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", Mock(side_effect=EOFError))
    status, _, error = rent(*ARGUMENTS)
    assert status == 2 and "nothing was rented" in error and not hub.jobs


def test_public_bucket_is_refused(hub, rent):
    hub.buckets["loopback/trazo-runs"] = False
    status, _, error = rent()
    assert status == 2 and "is public" in error and not hub.jobs


def test_gpu_gets_cuda_and_every_machine_a_label_of_the_run(hub, rent, tmp_path):
    assert rent(*ARGUMENTS, "--yes", "--on", "t4-small")[0] == 0
    (job,) = hub.jobs.values()
    assert "'tensorflow[and-cuda]'" in job.spec["command"][2] and job.spec["labels"]["trazo-run"] == "letters"
    assert "tensorflow[and-cuda]" not in launch.SCRIPT and job.spec["flavor"] == HARDWARE[1]["name"]
    assert job.spec["dockerImage"] == f"python:{sys.version_info.major}.{sys.version_info.minor}"


def test_name_of_a_folder_is_a_label_and_another_for_another_folder(tmp_path):
    names = ["letters", "época1", "últimas", "(mnist)", "数字", "文字", "-x", ".hidden", "my run.2", "my-run-2"]
    found = [name_of(tmp_path / name) for name in names]
    assert found[0] == "letters" and found[1].startswith("epoca1-") and found[-1] == "my-run-2"
    assert all(re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*", name) for name in found) and len({*found}) == len(found)
