"""A training without a preset takes the one that suits the images, and decides whether they may be mirrored."""

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from tests.conftest import SAMPLE
from tests.support.datasets import png, write_dataset
from tests.support.tiny_training import ARCHITECTURE
from training import recipe
from training.cli import main
from training.evaluation import mirroring
from training.presets import PRESETS, Preset

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["up", "down"])})


@pytest.fixture
def tiny_photo(monkeypatch) -> None:
    """Let `photo` and the network that decides about mirroring train for a few steps."""
    training = {"epochs": 1, "augment": 0.0, "cutmix": 0.5, "batch_size": 100}
    tiny = Preset(ARCHITECTURE | {"scaling": "z-score"}, training, mirrors_if_it_may=True)
    monkeypatch.setitem(PRESETS, "photo", lambda: tiny)
    monkeypatch.setattr(mirroring, "PROBE_STEPS", 24)


@pytest.fixture
def photographs(tmp_path) -> str:
    """Return images in color, brighter at their top or at their bottom."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (400, 12, 12, 3), np.uint8)
    pixels[::2, :5] += 100
    pixels[1::2, 7:] += 100
    return write_dataset(tmp_path / "data", CLASSES, [{"image": list(map(png, pixels)), "label": [0, 1] * 200}])


def train(folder: Path, *options: str) -> dict:
    assert main(["train", "--output", str(folder), *options]) == 0
    return json.loads((folder / "training.json").read_text())


def test_train_photographs_take_photo_and_mirror_as_the_validation_rows_allow(
    tiny_photo, photographs, tmp_path, capsys
):
    report = train(tmp_path / "run", "--dataset", photographs)
    assert report["preset"] == "photo" and report["hyperparameters"]["mirror"] == recipe.MIRRORED_SHARE
    assert report["hyperparameters"]["batch_size"] == 100
    assert report["decisions"][0] == "preset photo, because 100 % of the images are in color"
    assert report["decisions"][1].startswith(
        "mirrored images are learned from: a small network that saw none recognizes"
    )
    printed = capsys.readouterr().out
    assert "preset that suits: photo, because" in printed and "(overrule with --mirror)" in printed
    plan = json.loads((tmp_path / "run" / "data.json").read_text())["plan"]
    assert plan["preset"] == "photo" and plan["batches"] == 4
    card = (tmp_path / "run" / "README.md").read_text()
    assert "Decided from the data: preset photo, because 100 % of the images are in color; mirrored images" in card


def test_train_again_after_a_kill_decides_nothing_again(tiny_photo, photographs, tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.planned.fit", killed)
        assert main(["train", "--output", str(tmp_path / "run"), "--dataset", photographs]) == 130
    monkeypatch.setattr(mirroring, "fit", lambda *_, **__: pytest.fail("trained again"))
    assert train(tmp_path / "run", "--dataset", photographs)["hyperparameters"]["mirror"] == recipe.MIRRORED_SHARE


@pytest.mark.parametrize("options", [("--mirror", "0.25"), ("--preset", "fast", "--mirror", "0.25")])
def test_train_with_a_given_share_of_mirrored_images_decides_nothing(
    tiny_photo, tiny_fast_preset, photographs, tmp_path, monkeypatch, options
):
    monkeypatch.setattr(mirroring, "fit", lambda *_, **__: pytest.fail("trained"))
    report = train(tmp_path / "run", "--dataset", photographs, "--epochs", "1", *options)
    assert report["hyperparameters"]["mirror"] == 0.25 and len(report["decisions"]) == int("--preset" not in options)


def test_train_writing_takes_default(monkeypatch, tmp_path):
    tiny = Preset(ARCHITECTURE | {"scaling": "z-score"}, {"epochs": 1, "steps_per_epoch": 2, "augment": 0.0})
    monkeypatch.setitem(PRESETS, "default", lambda: tiny)
    report = train(tmp_path / "run", "--dataset", SAMPLE)
    assert report["preset"] == "default" and report["hyperparameters"]["mirror"] == 0
    assert report["decisions"] == ["preset default, because 100 % of the images are gray on a flat background"]
