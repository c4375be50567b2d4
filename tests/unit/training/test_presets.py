"""Presets: network sizes, commands in their docstrings, and the accuracy of the bundled model."""

import json
import re
import shlex
from dataclasses import fields

import keras
import numpy as np
import pytest

from model.config import MAX_BLOCKS, CnnConfig
from model.io.locate import PRETRAINED
from model.limits import MAX_SIDE_PX
from model.network import build_network
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.augmentation.config import AugmentConfig
from training.cli import build_parser
from training.config import TrainConfig
from training.pipeline import make_train_data
from training.presets import PRESETS, choose_preset, photo
from training.stream import HubStream

BUDGETS = {"fast": 120_000, "small": 7_000, "default": 500_000, "drawings": 500_000, "photo": 4_500_000}
SHAPES = {"photo": (32, 32, 3)}  # that the docstring is about, if it is not MNIST's
# Mean of an augmented batch, the same with growing weights, and such a mean of a fresh network's answers to it, as they
# were when the presets were measured.
RECORDED = {
    "fast": (31.7217, 16.3495, 0.049953),
    "small": (31.642, 16.2468, 0.049912),
    "default": (31.2114, 15.8682, 0.050186),
    "drawings": (32.96, 16.4165, 0.050184),
}


def config_of(architecture: dict, **options) -> CnnConfig:
    return CnnConfig(**architecture | {"scaling": Scaling("min-max", (0.0,), (255.0,))}, **options)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_docstring_has_right_size_and_valid_command(name):
    preset = PRESETS[name]()
    TrainConfig(**preset.training)
    config = config_of(preset.architecture, image_shape=SHAPES.get(name, (28, 28, 1)))
    parameters = build_network(config).count_params()
    text = PRESETS[name].__doc__
    assert parameters <= BUDGETS[name] and f"{parameters:,} parameters" in text.replace("\n    ", " ")
    command = re.search(
        r"python -m training (train .*?)\n\s*(?:\"|$)", text.replace("\\\n", " ") + "\n", re.DOTALL
    ).group(1)
    assert build_parser().parse_args(shlex.split(command)).preset == name


def test_bundled_model_meets_promised_accuracy():
    measured = json.loads((PRETRAINED / "evaluation.json").read_text())
    assert measured["dataset"] == "ylecun/mnist" and measured["rows"] == 10_000
    assert measured["accuracy"] >= 0.996 and measured["calibration"]["ece"] <= 0.003
    drawings = {one["dataset"]: one for one in measured["extra_datasets"]}
    assert set(drawings) == {"optdigits", "pendigits", "hwd1000"}
    for one in drawings.values():
        assert one["sketches"] and one["accuracy"] >= 0.98


@pytest.mark.parametrize("name", RECORDED)
def test_preset_that_was_measured_has_the_same_images_and_network(name):
    preset = PRESETS[name]()
    given = {
        field.name: preset.training[field.name] for field in fields(AugmentConfig) if field.name in preset.training
    }
    stream = HubStream(SAMPLE, seed=1, batch_size=32)
    images = next(iter(make_train_data(stream, 2, start=3, augment=AugmentConfig(**given))))[0].numpy()
    keras.utils.set_random_seed(0)
    answers = build_network(config_of(preset.architecture))(images).numpy()
    found = [
        images.mean(),
        *(np.mean(one * np.linspace(0, 1, one.size).reshape(one.shape)) for one in (images, answers)),
    ]
    assert found == pytest.approx(RECORDED[name], rel=2e-4)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(
    ("size", "last"),
    [((2, 2), 1), ((8, 8), 2), ((16, 16), 2), ((28, 28), 3), ((32, 32), 4), ((47, 47), 5), ((48, 48), 3), ((64, 64), 4),
     ((128, 96), 3), ((227, 227), 3), ((4, 128), 2), ((MAX_SIDE_PX, MAX_SIDE_PX), 4), ((2, MAX_SIDE_PX), 1)],
)  # fmt: skip
def test_photo_images_of_any_size_get_blocks_that_suit(size, last, task):
    preset = photo(task, (*size, 3))
    labels = {"regression": ("y",), "binary": ("a", "b"), "multiclass": ("a", "b", "c")}[task]
    config = config_of(preset.architecture, image_shape=(*size, 3), task=task, labels=labels)
    assert len(config.filters) <= MAX_BLOCKS and min(size) >> len(config.filters) == last
    assert ("cutmix" in preset.training) == (task != "regression")
    TrainConfig(**preset.training)


def test_photo_few_images_get_a_narrower_network():
    few, many = (config_of(photo(rows=rows).architecture, image_shape=(32, 32, 3)) for rows in (9_999, 10_000))
    assert (few.stem_filters, few.filters) == (32, (64, 128, 256))
    assert (many.stem_filters, many.filters) == (48, (96, 192, 384))
    for config in (few, many):
        assert f"{build_network(config).count_params():,}" in photo.__doc__


def test_photo_many_images_with_classes_learn_by_sgd():
    for task, rows, optimizer in [
        ("multiclass", 9_999, "adamw"),
        ("multiclass", 10_000, "sgd"),
        ("binary", 10_000, "sgd"),
        ("regression", 10_000, "adamw"),  # whose errors have no bound
    ]:
        preset = photo(task, rows=rows)
        assert preset.training["optimizer"] == optimizer
        assert ("l2" in preset.architecture) == (optimizer == "sgd") != ("weight_decay" in preset.training)


def test_photo_few_images_are_seen_more_often():
    epochs = [photo(rows=rows).training["epochs"] for rows in (100, 5_800, 20_000, 1_000_000)]
    assert epochs == [100, 87, 80, 80]


def test_preset_for_photographs_is_photo_and_otherwise_default():
    assert choose_preset(True) == "photo" and choose_preset(False) == "default"
    assert PRESETS["default"]().fit_to("multiclass", (128, 128, 3), 9) == PRESETS["default"]()
