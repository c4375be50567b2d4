"""The files that Keras itself reads: its own layers alone, the same predictions, the same bytes."""

import json
from itertools import cycle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.artifacts import KERAS_FILES
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.io.keras_files import write_keras_files
from model.network import build_network
from model.scaling import Scaling
from model.target_scaling import TargetScaling

SMALL = {"image_shape": (12, 12, 1), "filters": (3, 4), "convolutions": 1, "dense_units": (4,), "dropout": 0.1}
COLORS = Scaling("z-score", (100.0, 110.0, 120.0), (50.0, 60.0, 70.0))
OF_BACKBONE = {"filters": (), "convolutions": 2, "dense_units": (), "image_shape": (32, 32, 3), "scaling": COLORS}
CONFIGS = [
    *(
        {"activation": activation, "normalization": normalization, "pooling": pooling}
        for activation, normalization, pooling in zip(ACTIVATIONS, cycle(NORMALIZATIONS), cycle(POOLINGS))
    ),
    {"dense_units": (), "blocks": "residual", "convolutions": (1, 3), "stem_filters": 2},
    {"image_shape": (12, 12, 3), "scaling": COLORS, "l1": 0.1, "l2": 0.1, "dense_dropout": 0.5},
    {"labels": ("a", "b"), "task": "binary", "temperature": 1.7},
    {"labels": ("year",), "task": "regression", "target_scaling": TargetScaling(1987.5, 12.0)},
    OF_BACKBONE | {"backbone": "efficientnet_lite0"},
]


def modules(value: Any) -> set[str]:
    """Return the modules that a config of Keras names anywhere in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    named = {value["module"]} if isinstance(value, dict) and value.get("module") else set()
    return named.union(*map(modules, inside))


@pytest.mark.parametrize("changes", CONFIGS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_write_keras_files_any_network_loads_with_keras_own_layers(tmp_path, changes):
    config = CnnConfig(**SMALL | changes)
    network = build_network(config)
    for weight in network.weights:  # an average that is still 0 would hide an exchange
        weight.assign(np.random.default_rng(0).uniform(0.5, 1, weight.shape) * weight + 0.01)
    write_keras_files(config, network, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(KERAS_FILES)
    named = modules(json.loads((tmp_path / "config.json").read_text()))
    assert named and all(name == "keras" or name.startswith("keras.") for name in named)
    loaded = keras.saving.load_model(tmp_path)
    pixels = np.random.default_rng(0).uniform(0, 255, (3, *config.image_shape)).astype(np.float32)
    assert (loaded(pixels).numpy() == network(pixels).numpy()).all()


def test_write_keras_files_of_the_same_weights_are_the_same_bytes(tmp_path):
    cnn = CnnModel(CnnConfig(**SMALL))
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        write_keras_files(cnn.config, cnn.network, folder)
    for name in KERAS_FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_write_keras_files_of_a_bfloat16_network_compute_in_float32(tmp_path):
    config = CnnConfig(**SMALL)
    write_keras_files(config, build_network(config, "mixed_bfloat16"), tmp_path)
    assert {layer.compute_dtype for layer in keras.saving.load_model(tmp_path).layers} == {"float32"}


def test_save_pretrained_writes_them_next_to_the_weights(tmp_path):
    CnnModel(CnnConfig(**SMALL)).save_pretrained(tmp_path)
    assert {"trazo.json", "model.safetensors", *KERAS_FILES} <= {path.name for path in tmp_path.iterdir()}


def test_bundled_files_are_those_of_its_weights(tmp_path):
    cnn = CnnModel.from_pretrained()
    write_keras_files(cnn.config, cnn.network, tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype(np.float32)
    (ours, theirs) = (keras.saving.load_model(one)(pixels).numpy() for one in (tmp_path, cnn.folder))
    assert (ours == theirs).all()
    for name in ("config.json", "metadata.json"):
        assert json.loads((tmp_path / name).read_text()).keys() == json.loads(Path(cnn.folder, name).read_text()).keys()
