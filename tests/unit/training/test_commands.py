"""The steps refuse a folder of a run on other data before anything else, and measure only what can be measured."""

import json
import re
from pathlib import Path
from unittest.mock import Mock

from model.backend import tf
import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Image

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from tests.support.folders import write_files
from training import verbs
from training.cli import main
from training.config import DataConfig, WorkersConfig
from training.data.contents import CONTENTS_FILE, Contents
from training.data.splits import open_data

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


@pytest.fixture
def dataset(tmp_path) -> str:
    return write_dataset(tmp_path / "pets", CLASSES, [{"image": random_images(60), "label": [0, 1] * 30}])


@pytest.fixture
def run(tmp_path, dataset) -> Path:
    """The folder of a run that has started."""
    folder = tmp_path / "run"
    folder.mkdir()
    data = DataConfig(dataset)
    Contents.of(data, open_data(data)).save(folder / CONTENTS_FILE)
    (folder / "checkpoint.safetensors").touch()
    return folder


@pytest.mark.parametrize("verb", ["run", "tune", "train"])
def test_changed_labels_are_refused_before_anything_else(run, dataset, capsys, verb):
    (path,) = Path(dataset).rglob("*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, table.schema.field(1), [1 - table["label"].to_numpy()]), path)
    capsys.readouterr()
    assert main([verb, "--dataset", dataset, "--output", str(run)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "the labels or images of 'pets' changed since this run (content " in captured.err
    assert len(captured.err.splitlines()[-1].replace(str(run), "")) < 300


@pytest.mark.parametrize("verb", ["run", "tune", "train"])
def test_another_dataset_is_refused_before_anything_else(run, tmp_path, capsys, verb):
    names, images = ("bird", "fish", "owl"), random_images(60, seed=1)
    # A folder of images: what is found in it is reported when it is opened.
    files = {f"{name}/{number}.png": images[20 * k + number] for k, name in enumerate(names) for number in range(20)}
    other = write_files(tmp_path / "birds", files)
    capsys.readouterr()
    assert main([verb, "--dataset", other, "--output", str(run)]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "this folder holds a run on 'pets', not on 'birds'" in captured.err


@pytest.mark.parametrize("labels", [[-1] * 20, [None] * 20])
def test_run_test_split_without_labels_is_refused_before_the_search(dataset, tmp_path, capsys, monkeypatch, labels):
    monkeypatch.setattr("training.commands.run.tune", lambda *_: pytest.fail("searched"))
    write_dataset(Path(dataset), CLASSES, [{"image": random_images(20, seed=1), "label": labels}], split="test")
    assert main(["run", "--dataset", dataset, "--output", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert "split 'test' of" in error and "has no labels" in error and "--test-split held-out" in error
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_run_without_a_scan_split_that_cannot_be_decoded_is_refused_before_the_search(
    dataset, tmp_path, capsys, monkeypatch, split
):
    monkeypatch.setattr("training.commands.run.tune", lambda *_: pytest.fail("searched"))
    columns = {"image": [{"bytes": b"scribble", "path": None}] * 20, "label": [0, 1] * 10}
    write_dataset(Path(dataset), CLASSES, [columns], split=split)
    assert main(["run", "--dataset", dataset, "--no-scan", "--output", str(tmp_path / "new")]) == 2
    assert f"split '{split}', can be decoded: not an image of a known format" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_run_test_split_that_was_learned_from_is_refused_before_the_search(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("training.commands.run.tune", lambda *_: pytest.fail("searched"))
    columns = {"image": random_images(60), "label": [0, 1] * 30}
    dataset = write_dataset(tmp_path / "pets", CLASSES, [columns])
    write_dataset(tmp_path / "pets", CLASSES, [columns], split="test")
    assert main(["run", "--dataset", dataset, "--output", str(tmp_path / "new")]) == 2
    assert "60 of 60 rows of" in capsys.readouterr().err


@pytest.mark.parametrize("allocate", [lambda: np.empty(1 << 58, np.uint8), lambda: tf.zeros((1 << 20, 1 << 30))])
def test_train_without_enough_memory_is_one_line(dataset, tmp_path, capsys, monkeypatch, allocate):
    monkeypatch.setattr("training.planned.fit", lambda *_, **__: allocate())
    assert main(["train", "--dataset", dataset, "--output", str(tmp_path / "run"), "--preset", "default"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("trazo: out of memory") and "give a smaller --batch-size or --image-size" in error


def test_train_fault_of_the_program_is_not_hidden(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("training.planned.fit", lambda *_, **__: {}["missing"])
    with pytest.raises(KeyError):
        main(["train", "--dataset", dataset, "--output", str(tmp_path / "run"), "--preset", "default"])


def test_tune_short_trials_are_reported_with_the_images_that_there_are(dataset, tmp_path, capsys, monkeypatch):
    def stop(job):
        raise TrazoError(f"stopped with {job.train.rows} rows")

    monkeypatch.setattr("training.commands.tune.run_search", stop)
    assert main(["tune", "--dataset", dataset, "--output", str(tmp_path / "run"), "--epochs", "1"]) == 2
    captured = capsys.readouterr()
    rows = re.search(r"stopped with (\d+) rows", captured.err)[1]
    assert int(rows) < 60 and "trials of 1 epoch of 1 step\n" in captured.out


def test_run_from_a_model_loads_it_once(dataset, tmp_path, capsys, monkeypatch):
    network = {"filters": (3,), "convolutions": 1, "dense_units": (), "image_shape": (28, 28, 1)}
    CnnModel(CnnConfig(**network, labels=("cat", "dog"), task="binary")).save_pretrained(tmp_path / "model")
    load = Mock(side_effect=CnnModel.from_pretrained)
    monkeypatch.setattr(CnnModel, "from_pretrained", load)
    monkeypatch.setattr("training.planned.fit", Mock(side_effect=TrazoError("would train")))
    arguments = ["--start-from", str(tmp_path / "model"), "--mirror", "0", "--output", str(tmp_path / "run")]
    assert main(["run", "--dataset", dataset, *arguments]) == 2
    assert "would train" in capsys.readouterr().err and load.call_count == 1


def describe_workers(monkeypatch, index: int = 0) -> None:
    task = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))


@pytest.mark.parametrize("verb", ["run", "tune", "study"])
def test_what_one_process_does_is_refused_in_several_workers(tmp_path, monkeypatch, capsys, verb):
    describe_workers(monkeypatch)
    monkeypatch.delenv("KERASTUNER_TUNER_ID", raising=False)
    assert main([verb, "--dataset", "nowhere/nothing", "--output", str(tmp_path / "run")]) == 2
    expected = f"2 workers are described in the environment, and each would {verb} in one folder: `train` is"
    assert expected in capsys.readouterr().err
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
    assert main([verb, "--dataset", "nowhere/nothing", "--output", str(tmp_path / "run")]) == 2
    assert (expected in capsys.readouterr().err) is (verb == "study")


@pytest.mark.parametrize("index", [0, 1])
def test_what_follows_a_training_is_done_by_the_first_worker(tmp_path, monkeypatch, capsys, index):
    describe_workers(monkeypatch, index)
    assert main(["evaluate", "--model", str(tmp_path / "none"), "--dataset", "nowhere/nothing"]) == (0 if index else 2)
    captured = capsys.readouterr()
    assert ("worker 1 of 2 leaves this to worker 0" in captured.out) is bool(index)
    assert bool(captured.err) is not bool(index)


@pytest.mark.parametrize("index", [0, 1])
def test_train_checks_the_folder_in_the_first_worker_alone(tmp_path, monkeypatch, capsys, index):
    describe_workers(monkeypatch, index)
    monkeypatch.setattr(verbs, "_import_step", Mock(side_effect=TrazoError("would train")))
    (tmp_path / "file").touch()
    assert main(["train", "--dataset", "nowhere/nothing", "--output", str(tmp_path / "file" / "run")]) == 2
    assert ("would train" in capsys.readouterr().err) is (index == 1)


@pytest.mark.parametrize("given", [["--restarts", "3"], ["--restarts", "0"], ["--workers", "1", "--restarts", "0"]])
def test_restarts_without_several_workers_are_refused(capsys, given):
    assert main(["train", "--dataset", "nowhere/nothing", "--output", "run", *given]) == 2
    assert "--restarts starts the processes of --workers again: give --workers 2 or more" in capsys.readouterr().err


def test_train_with_several_workers_gives_the_other_options_to_each(monkeypatch):
    run_workers = Mock(return_value=75)
    monkeypatch.setattr("training.launch.run_workers", run_workers)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    arguments = [
        "--dataset",
        "a/b",
        "--dataset",
        "c/d",
        "--output",
        "runs/x y",
        "--classes",
        "cat",
        "dog",
        "--epochs",
        "3",
    ]
    assert main(["train", *arguments, "--workers", "2", "--restarts", "3", "--no-scan"]) == 75
    (words, processes), _ = run_workers.call_args
    of_data = ["--dataset=a/b", "--dataset=c/d", "--no-scan", "--classes", "cat", "dog"]
    assert words == ["train", "--output=runs/x y", *of_data, "--epochs=3"] and processes == WorkersConfig(2, 3)
