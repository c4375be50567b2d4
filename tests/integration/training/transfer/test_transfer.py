"""Trainings that start from weights of others, from the command line to the card."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model import CnnModel
from model.config import CnnConfig
from tests.support.backbones import random_tensors, write_backbone
from tests.support.datasets import random_images, write_dataset
from tests.support.fake_hub import LoopbackHub
from training.cli import main
from training.release.card import write_card
from training.transfer.backbone import open_backbone

LABELS = ["cat", "dog", "owl"]
SIDE = ["--image-size", "32", "--batch-size", "32"]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with a dataset and a backbone."""
    home = tmp_path_factory.mktemp("transfer")
    features = Features({"image": Image(), "label": ClassLabel(names=LABELS)})
    rows = {"image": random_images(90, shape=(32, 32, 3)), "label": [0, 1, 2] * 30}
    write_dataset(home / "pets", features, [rows])
    write_backbone(home / "lite")
    return home


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAZO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def run(home, cache) -> Path:
    """A finished run with a head on the frozen backbone."""
    assert main(["train", *_arguments(home, home / "run")]) == 0
    return home / "run"


def _arguments(home: Path, run: Path) -> list[str]:
    return ["--dataset", str(home / "pets"), "--backbone", str(home / "lite"), "--output", str(run), *SIDE]


def test_head_leaves_the_backbone_as_it_is(run):
    model, tensors = CnnModel.from_pretrained(run), random_tensors()
    assert model.config.backbone == "efficientnet_lite0" and model.config.image_shape == (32, 32, 3)
    np.testing.assert_array_equal(model.network.get_layer("bn1").beta.numpy(), tensors["bn1.bias"])
    assert np.abs(model.network.get_layer("head").kernel.numpy()).max() > 0
    assert model.predict(random_images(3, shape=(32, 32, 3))).shape == (3, 3)


@pytest.mark.parametrize("unlisted", [set(), {"size", "blobId", "lfs"}], ids=["the Hub", "a mirror without sizes"])
def test_backbone_is_taken_from(home, tmp_path, use_hub, unlisted):
    with LoopbackHub(tmp_path / "hub") as hub:
        commit = hub.add_repo("timm/lite", "model", home / "lite")
        hub.unlisted = unlisted
        use_hub(hub, tmp_path / "home", token=False)
        backbone = open_backbone("timm/lite")
    assert (backbone.about.name, backbone.about.revision) == ("timm/lite", commit.oid)
    assert (backbone.folder / "model.safetensors").read_bytes() == (home / "lite" / "model.safetensors").read_bytes()


def test_run_says_what_it_started_from(run):
    report = json.loads((run / "training.json").read_text())
    start = report["starting_point"]
    assert start["name"] == "lite" and start["architecture"] == "efficientnet_lite0" and start["frozen"]
    assert (
        start["license"] == "apache-2.0" and start["datasets"] == ["imagenet-1k"] and len(start["weights_sha256"]) == 64
    )
    assert len(report["history"]) == 1 and {"val_accuracy", "val_macro_f1", "loss"} <= report["history"][0].keys()
    card = (run / "README.md").read_text()
    assert "The backbone has the weights of `lite` (license apache-2.0, trained on `imagenet-1k`)." in card
    assert "Only the head was fitted" in card and "apart from those that its starting weights come from" in card
    assert "That of `lite`, whose weights it started from: apache-2.0." in card
    assert re.search(r"training train .*--backbone lite --batch-size 32", card) and "--finetune" not in card


def test_run_again_gives_the_same_model(run, home, capsys):
    before = (run / "model.safetensors").read_bytes()
    assert main(["train", *_arguments(home, run)]) == 0
    assert (run / "model.safetensors").read_bytes() == before
    (seconds,) = re.findall(r"([\d.]+) s for the features", capsys.readouterr().out)
    assert float(seconds) < 60


def test_published_model_names_its_base(run, home):
    report = json.loads((run / "training.json").read_text())
    report["starting_point"] |= {"name": "timm/lite", "revision": "0" * 40}
    folder = home / "published"
    CnnModel.from_pretrained(run).save_pretrained(folder)
    (folder / "training.json").write_text(json.dumps(report))
    write_card(folder)
    card = (folder / "README.md").read_text()
    assert "base_model: timm/lite" in card and "base_model_relation: finetune" in card
    assert "[`timm/lite`](https://huggingface.co/timm/lite) (revision `000" in card


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "3"], "--epochs: a head on frozen features has no such setting; add --finetune"),
        (["--preset", "fast"], "leave it out, or --backbone"),
        (["--color", "gray"], "takes RGB images of at least 32 pixels"),
        (["--image-size", "16"], "takes RGB images of at least 32 pixels"),
        (["--start-from", "x/y"], "--backbone and --start-from exclude each other"),
        (["--track", "tensorboard"], "--track: a head on frozen features has no such setting"),
    ],
)
def test_options_that_do_not_suit_a_head_are_refused(home, tmp_path, capsys, arguments, message):
    assert main(["train", *_arguments(home, tmp_path / "run"), *arguments]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_run_with_a_backbone_measures_without_a_search(home, cache, tmp_path, capsys):
    assert main(["run", *_arguments(home, tmp_path / "run"), "--test-fraction", "0.2"]) == 0
    output = capsys.readouterr().out
    assert "no search: the network is that of" in output and "accuracy" in output
    assert (tmp_path / "run" / "evaluation.json").exists() and not (tmp_path / "run" / "trials.json").exists()


@pytest.mark.parametrize("verb", ["run", "train"])
@pytest.mark.parametrize("mode", [[], ["--finetune"]], ids=["head", "finetune"])
def test_folder_of_another_training_is_refused(run, home, cache, tmp_path, capsys, verb, mode):
    """Its network must not be reported as the backbone's."""
    folder = tmp_path / "run"
    report = json.loads((run / "training.json").read_text()) | {"starting_point": None, "preset": "photo"}
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(report))
    (folder / "checkpoint.safetensors").touch()
    assert main([verb, *_arguments(home, folder), *mode]) == 2
    assert f"{folder} holds a training of the preset photo, which is not " in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {"training.json", "checkpoint.safetensors"}


def test_start_from_takes_the_network_and_the_shared_labels(home, tmp_path):
    config = CnnConfig(
        labels=("owl", "cat"), task="multiclass", filters=(4,), convolutions=1, dense_units=(), image_shape=(8, 8, 3)
    )
    old = CnnModel(config)
    old.save_pretrained(tmp_path / "old")
    arguments = ["train", "--dataset", str(home / "pets"), "--start-from", str(tmp_path / "old")]
    # So small that nothing changes.
    training = [
        "--epochs",
        "1",
        "--learning-rate",
        "1e-9",
        "--preset",
        "fast",
        "--ema-momentum",
        "0",
        "--weight-decay",
        "0",
    ]
    assert main([*arguments, "--output", str(tmp_path / "new"), *training]) == 0
    new = CnnModel.from_pretrained(tmp_path / "new")
    assert new.config.filters == (4,) and new.config.labels == tuple(LABELS) and new.config.image_shape == (8, 8, 3)
    kernels = [one.network.get_layer("block1_conv1").kernel.numpy() for one in (old, new)]
    np.testing.assert_allclose(*kernels, atol=1e-5)
    heads = [one.network.get_layer("head").kernel.numpy() for one in (old, new)]
    np.testing.assert_allclose(heads[1][:, [2, 0]], heads[0], atol=1e-5)  # owl, cat
    start = json.loads((tmp_path / "new" / "training.json").read_text())["starting_point"]
    assert start["name"] == "old" and start.get("architecture") is None
    assert "The network started from the weights of `old`" in (tmp_path / "new" / "README.md").read_text()


@pytest.mark.slow
def test_finetuning_takes_the_minutes_that_it_is_given(home, cache, tmp_path):
    arguments = [*_arguments(home, tmp_path / "run"), "--finetune", "--mirror", "0", "--test-fraction", "0.2"]
    assert main(["run", *arguments, "--minutes", "1", "--track", "tensorboard"]) == 0
    report = json.loads((tmp_path / "run" / "training.json").read_text())
    assert len(report["history"]) == json.loads((tmp_path / "run/tuner/plan.json").read_text())["training"]["epochs"]
    assert report["seconds"] < 120 and [*(tmp_path / "run" / "tensorboard").iterdir()]


@pytest.mark.slow
def test_finetuning_continues_from_the_head_and_resumes(home, cache, tmp_path, monkeypatch):
    """A training of a backbone takes a minute to trace."""
    from training.loop import trainer

    arguments = [*_arguments(home, tmp_path / "run"), "--finetune", "--epochs", "2", "--mirror", "0"]
    with monkeypatch.context() as patch:

        def stop(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(trainer, "finish_epoch", stop)
        assert main(["train", *arguments]) == 130
    assert json.loads((tmp_path / "run" / "training.json").read_text())["starting_point"]["frozen"]  # the head's run
    assert main(["train", *arguments]) == 0
    report = json.loads((tmp_path / "run" / "training.json").read_text())
    assert len(report["history"]) == 2 and not report["starting_point"]["frozen"]
    assert "The backbone started from the weights of `lite`" in (tmp_path / "run" / "README.md").read_text()
    kernel = CnnModel.from_pretrained(tmp_path / "run").network.get_layer("conv_stem").kernel.numpy()
    assert np.abs(kernel - random_tensors()["conv_stem.weight"].transpose(2, 3, 1, 0)).max() > 1e-5
