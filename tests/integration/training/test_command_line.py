"""The command line, from arguments to files: whole runs, user errors, rows that cannot be used."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from datasets import ClassLabel, Features, Image, Value

from model import CnnModel, __version__
from tests.conftest import ROOT, RUN_OPTIONS, SAMPLE
from tests.support.datasets import random_images, write_dataset
from tests.support.fake_hub import Fault, LoopbackHub
from tests.support.tiny_space import TinySpace
from training.cli import main
from training.config import DataConfig
from training.data.splits import open_data
from training.data.subset import Subset
from training.tuning import trial_process

pytestmark = pytest.mark.usefixtures("tiny_fast_preset")

QUICK = ["--preset", "fast", "--epochs", "1", "--steps-per-epoch", "3"]


def test_run_writes_every_file(trained):
    reports = ("training.json", "trials.json", "evaluation.json", "data.json")
    assert {"trazo.json", "model.safetensors", "README.md", *reports} <= {path.name for path in trained.iterdir()}
    training, trials, evaluation, data = (json.loads((trained / name).read_text()) for name in reports)
    assert training["data"]["rows"] == {"train": 3152, "validation": 348}
    best = next(t for t in trials["trials"] if t["trial_id"] == trials["best_trial"])
    used, found = training["hyperparameters"], best["hyperparameters"]
    assert used["preset"] == found["preset"] and used["learning_rate"] == found["learning_rate_adamw"]
    assert (
        len(training["history"]) == 2
        and training["parameters"] == CnnModel.from_pretrained(trained).network.count_params()
    )
    assert evaluation["rows"] == 1000 and evaluation["split"] == "test"
    assert [part["rows"] for part in data["plan"]["parts"]] == [3152, 348, 1000]
    card = (trained / "README.md").read_text()
    assert f"{100 * evaluation['accuracy']:.2f} %" in card and "3,152 rows to train on" in card


def test_run_finished_changes_nothing(trained, capsys):
    before = {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    assert main(["run", "--dataset", SAMPLE, "--output", str(trained), *RUN_OPTIONS]) == 0
    after = {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    assert before == after
    assert "epoch" not in capsys.readouterr().out
    # Another trial might be the best, of another network than the one that is trained.
    assert main(["run", "--dataset", SAMPLE, "--output", str(trained), *RUN_OPTIONS, "--trials", "2"]) == 0
    assert {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()} == before
    assert "the training has already started: no further trials" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--dataset", SAMPLE, "--split", "dev"], "no split 'dev'; it has train, test"),
        (["run", "--dataset", SAMPLE, "--test-split", "dev"], "no split 'dev'; it has train, test"),
        (["train", "--dataset", SAMPLE, "--config", "big"], "'big' not found"),
        (["train", "--dataset", SAMPLE, "--label-column", "digit"], "no label column 'digit'; possible: label"),
        (["train", "--dataset", SAMPLE, "--image-column", "digit"], "no image column 'digit'; it has image"),
        (["run", "--dataset", SAMPLE, "--test-split", "train"], "what is measured must not be learned from"),
        (["train", "--dataset", SAMPLE, "--loss", "mse"], "'mse' does not suit a multiclass task; these suit it"),
        (["train", "--dataset", SAMPLE, "--task", "regression"], "'label' holds class names: binary or multiclass"),
        (["train", "--dataset", SAMPLE, "--task", "binary"], "has 10 classes: multiclass, not binary"),
        (["train", "--dataset", SAMPLE, "--epochs", "0"], "epochs must be a whole number from 1 to"),
        (["train", "--dataset", SAMPLE, "--validation-fraction", "2"], "above 0 and below 1"),
        (["tune", "--dataset", SAMPLE, "--trials", "0"], "at least 1"),
    ],
)
def test_user_error_is_one_line_and_writes_nothing(tmp_path, capsys, arguments, message):
    output = tmp_path / "run"
    assert main([*arguments, "--output", str(output)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("trazo: ") and error.count("\n") == 1
    assert not output.exists()


def test_unknown_preset_lists_known_presets(capsys):
    assert main(["train", "--dataset", SAMPLE, "--output", "x", "--preset", "huge"]) == 2
    error = capsys.readouterr().err
    assert "invalid choice: 'huge'" in error and "fast" in error
    assert error.startswith("trazo: ") and error.count("\n") == 1


def test_version_and_help_come_without_tensorflow_and_with_status_0(training):
    answer = training("--version")
    assert (answer.returncode, answer.stdout) == (0, f"trazo {__version__}\n")
    check = "import sys; from training.cli import main; s = main(['--help']); print(s, 'tensorflow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert answer.stdout.splitlines()[-1] == "0 False"


def test_missing_model_or_run_is_named(tmp_path, capsys):
    assert main(["evaluate", "--model", str(tmp_path), "--dataset", SAMPLE]) == 2
    assert "has no trazo.json" in capsys.readouterr().err
    (tmp_path / "checkpoint.safetensors").touch()
    assert main(["evaluate", "--model", str(tmp_path), "--dataset", SAMPLE]) == 2
    assert "its training has not ended; run its command again to resume" in capsys.readouterr().err
    assert main(["publish", str(tmp_path / "none"), "--repo", "a/b"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["publish", str(tmp_path), "--repo", "a/b"]) == 2
    assert (
        "has no model.safetensors, training.json, evaluation.json: train and evaluate it first"
        in capsys.readouterr().err
    )


def test_hub_unreachable_error_names_the_sample(tmp_path, use_hub, capfd):
    use_hub(LoopbackHub(tmp_path / "hub", port=9), tmp_path)  # it does not run: nobody listens on the discard port
    assert main(["train", "--dataset", "ylecun/mnist", "--output", str(tmp_path / "run")]) == 2
    error = capfd.readouterr().err
    assert "cannot be reached for 'ylecun/mnist'" in error and "--dataset training/sample" in error
    assert "Traceback" not in error and not (tmp_path / "run").exists()


def test_hub_dataset_missing_or_private_is_an_error(tmp_path, use_hub, capfd):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/secret", folder=Path(SAMPLE), private=True)
        use_hub(hub, tmp_path, token=False)
        for dataset in ("nobody/nothing", "someone/secret"):
            assert main(["train", "--dataset", dataset, "--output", str(tmp_path / "run")]) == 2
            error = capfd.readouterr().err
            assert f"'{dataset}' is neither a folder here nor a dataset on the Hub" in error
            assert "HF_TOKEN" in error and "Traceback" not in error


@pytest.mark.slow
def test_hub_dataset_private_is_read_with_token_at_existing_revision(tmp_path, training):
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/secret", folder=Path(SAMPLE), private=True)
        options = ["--output", tmp_path / "run", *QUICK]
        answer = training("train", "--dataset", "someone/secret", *options, env=hub.environ(tmp_path, token=True))
        assert answer.returncode == 0, answer.stderr
        answer = training(
            "train", "--dataset", "someone/secret", "--revision", "v9", *options, env=hub.environ(tmp_path, token=True)
        )
        assert answer.returncode == 2 and "has no revision 'v9'" in answer.stderr


@pytest.fixture
def damaged(tmp_path) -> str:
    columns = {"image": [{"bytes": image, "path": None} for image in random_images(40)], "label": [0, 1] * 20}
    columns["image"][3] = {"bytes": b"scribble", "path": None}
    columns["image"][7] = None
    columns["label"][11] = None
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    return write_dataset(tmp_path / "damaged", features, [columns])


def test_train_unusable_rows_are_reported_by_id(tmp_path, damaged, capsys):
    options = [
        "--dataset",
        damaged,
        "--preset",
        "fast",
        "--epochs",
        "1",
        "--validation-fraction",
        "0.3",
        "--batch-size",
        "8",
    ]
    assert main(["train", *options, "--output", str(tmp_path / "run")]) == 0
    skipped = json.loads((tmp_path / "run" / "training.json").read_text())["data"]["skipped_rows"]
    assert skipped.keys() <= {"3", "7", "11"} and skipped
    output = capsys.readouterr().out
    assert all(f"{row} ({reason})" in output for row, reason in skipped.items())
    assert main(["train", *options, "--on-error", "raise", "--output", str(tmp_path / "strict")]) == 2
    assert "row " in capsys.readouterr().err


def test_train_reports_few_steps_and_why_it_stopped(tmp_path, damaged, capsys):
    options = [
        "--dataset",
        damaged,
        "--preset",
        "fast",
        "--epochs",
        "9",
        "--validation-fraction",
        "0.3",
        "--patience",
        "1",
    ]
    assert main(["train", *options, "--learning-rate", "1", "--output", str(tmp_path / "run")]) == 0
    output = capsys.readouterr().out
    report = json.loads((tmp_path / "run" / "training.json").read_text())
    assert datetime.fromisoformat(report["ended"]).tzinfo is UTC
    assert "only 9 steps of training" in output
    assert f"stopped after epoch {len(report['history'])} of 9: none was better since {report['best_epoch']}" in output


def test_train_strict_unusable_validation_row_is_one_line_error(tmp_path, capfd):
    columns = {"image": [{"bytes": image, "path": None} for image in random_images(60)], "label": [0, 1] * 30}
    held_out = np.flatnonzero(Subset().split(DataConfig.test_fraction)[0].split(0.3)[1].mask(np.arange(60)))
    columns["image"][held_out[2]] = {"bytes": b"scribble", "path": None}
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    dataset = write_dataset(tmp_path / "damaged", features, [columns])
    arguments = ["train", "--dataset", dataset, "--on-error", "raise", "--validation-fraction", "0.3", *QUICK]
    assert main([*arguments, "--output", str(tmp_path / "run")]) == 2
    error = capfd.readouterr().err
    assert error.splitlines()[-1].startswith(f"trazo: row {held_out[2]} of ") and "not an image" in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_hub_failing_during_training_is_one_line_error(tmp_path, training):
    requests: list[str] = []
    most = 0

    def gone(method: str, path: str, headers: dict) -> Fault | None:
        requests.extend([path] if method == "GET" and path.endswith(".parquet") else [])
        return Fault(status=404) if most and len(requests) > most else None

    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/sample", folder=Path(SAMPLE))
        hub.fault = gone
        arguments = ["train", "--dataset", "someone/sample", *QUICK, "--window-rows", "500", "--batch-size", "32"]
        environment = hub.environ(tmp_path)
        assert training(*arguments, "--output", tmp_path / "whole", env=environment).returncode == 0
        most, _ = len(requests) - 12, requests.clear()  # the last requests are those of training and validation
        answer = training(*arguments, "--output", tmp_path / "cut", env=environment)
    assert answer.returncode == 2 and "404 Not Found" in answer.stderr
    assert (tmp_path / "cut" / "pixels.json").exists(), "it failed before the training"
    assert "Traceback" not in answer.stderr


def test_train_numbers_are_classes_or_targets_by_task(tmp_path, capsys):
    features = Features({"image": Image(), "label": Value("int32")})
    dataset = write_dataset(tmp_path / "ages", features, [{"image": random_images(60), "label": [1, 2, 3] * 20}])
    for task, labels in (("regression", ["label"]), ("multiclass", ["1", "2", "3"])):
        output = tmp_path / task
        assert main(["train", "--dataset", dataset, "--task", task, "--output", str(output), *QUICK]) == 0
        config = json.loads((output / "trazo.json").read_text())
        assert config["task"] == task and config["labels"] == labels
        assert main(["evaluate", "--model", str(output), "--dataset", dataset]) == 0
    assert "mean_absolute_error" in capsys.readouterr().out


def test_open_data_task_holds_for_every_dataset(tmp_path):
    features = Features({"image": Image(), "label": Value("int32")})
    columns = {"image": random_images(60), "label": [1, 2, 3] * 20}
    first, second = (write_dataset(tmp_path / name, features, [columns]) for name in ("old", "young"))
    opened = open_data(DataConfig(first, extra_datasets=(second,), task="regression"))
    assert opened.train.task == "regression" and 60 < opened.train.rows + opened.validation.rows < 120


def test_train_image_size_is_as_requested_or_bounded(tmp_path, capsys):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    photos = [PIL.Image.effect_noise((300, 200), 50) for _ in range(20)]
    dataset = write_dataset(tmp_path / "photos", features, [{"image": photos, "label": [0, 1] * 10}])
    arguments = ["train", "--dataset", dataset, *QUICK, "--validation-fraction", "0.4", "--batch-size", "4"]
    for options, side in (([], 128), (["--image-size", "32"], 32)):
        output = tmp_path / str(side)
        assert main([*arguments, *options, "--output", str(output)]) == 0
        assert json.loads((output / "trazo.json").read_text())["image_shape"] == [round(side * 2 / 3), side, 1]
        assert f"images of 300×200 pixels are resized to {side}×{round(side * 2 / 3)}" in capsys.readouterr().out


@pytest.mark.slow
def test_train_full_disk_is_an_error_and_next_start_resumes(tmp_path, training):
    """The process may write files of 20 kB at most, which its checkpoint exceeds: what a full disk looks like."""
    script = tmp_path / "limited.py"
    script.write_text(
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from training.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    output = tmp_path / "run"
    arguments = ["train", "--dataset", SAMPLE, "--output", str(output), *QUICK]
    full = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert full.returncode == 2 and "File too large" in full.stderr and "Traceback" not in full.stderr
    assert not (output / "model.safetensors").exists() and not list(output.glob("*checkpoint*"))
    assert training(*arguments).returncode == 0
    assert CnnModel.from_pretrained(output).config.labels == tuple("0123456789")


def test_evaluate_writes_to_model_folder_or_output(trained, tmp_path, capsys):
    output, before = tmp_path / "new" / "folder", (trained / "evaluation.json").read_bytes()
    assert main(["evaluate", "--model", str(trained), "--output", str(output)]) == 0  # on the dataset of its training
    report = json.loads((output / "evaluation.json").read_text())
    assert (report["dataset"], report["rows"], report["comparison"]["compared"]) == (SAMPLE, 1000, True)
    assert "test: accuracy" in capsys.readouterr().out
    for name in (SAMPLE, os.path.relpath(SAMPLE)):
        assert main(["evaluate", "--model", str(trained), "--dataset", name, "--split", "train"]) == 2
        error = capsys.readouterr().err
        assert "3,500 of 3,500 rows of" in error and "were used in training (348 of them for validation)" in error
    assert (trained / "evaluation.json").read_bytes() == before
    damaged = shutil.copytree(trained, tmp_path / "damaged")
    (damaged / "training.json").write_text("[1]")
    assert main(["evaluate", "--model", str(damaged), "--dataset", SAMPLE]) == 2
    assert "training.json has a wrong value (it should be an object): delete it" in capsys.readouterr().err


def test_evaluate_dataset_with_only_a_test_split(trained, tmp_path):
    folder = tmp_path / "exam"
    (folder / "data").mkdir(parents=True)
    shutil.copyfile(f"{SAMPLE}/data/test-00000-of-00001.parquet", folder / "data" / "test-00000-of-00001.parquet")
    assert main(["evaluate", "--model", str(trained), "--dataset", str(folder), "--output", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "evaluation.json").read_text())["rows"] == 1000


def test_run_dataset_with_one_split_tests_on_held_out_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trial_process, "CAN_FORK", False)  # another process would import TensorFlow again
    monkeypatch.setattr("training.commands.tune.SearchSpace", TinySpace)
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    columns = {"image": random_images(200), "label": [0, 1] * 100}
    dataset = write_dataset(tmp_path / "one", features, [columns])
    options = ["--dataset", dataset, "--output", str(tmp_path / "run")]
    short = ["--trials", "1", "--trial-epochs", "1", "--epochs", "1", "--batch-size", "16", "--augment", "0"]
    assert main(["run", *options, *short]) == 0
    training, evaluation = (
        json.loads((tmp_path / "run" / name).read_text()) for name in ("training.json", "evaluation.json")
    )
    assert evaluation["split"] == "train, 10% held out by content"
    assert 5 < evaluation["rows"] < 40
    assert sum(training["data"]["rows"].values()) + evaluation["rows"] == 200
    assert main(["run", *options, "--test-split", "exam"]) == 2
    assert "no split 'exam'; it has train" in capsys.readouterr().err
