"""Validation of configs, and their JSON."""

import math
from dataclasses import replace

import pytest

from model import CnnConfig, ModelError, TrazoError
from model.network import build_network
from model.pixel_format import PixelFormat
from model.scaling import Scaling

FULL = CnnConfig(
    labels=("no", "yes"),
    task="binary",
    image_shape=(32, 48, 3),
    scaling=Scaling("robust", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
    pixel_format=PixelFormat(background=0, white_level=4095),
    filters=(8, 16, 32),
    convolutions=1,
    kernel_size=5,
    pooling="stride",
    activation="prelu",
    normalization="layer",
    dense_units=(),
    dropout=0.3,
    l1=1e-5,
    l2=1e-4,
    title="Sí o no",
    versions={"keras": "3"},
)


@pytest.mark.parametrize("config", [CnnConfig(), FULL], ids=["defaults", "everything"])
def test_config_json_round_trip(config):
    assert CnnConfig.from_json(config.to_json()) == config
    assert CnnConfig().loss == "sparse_categorical_crossentropy" and FULL.loss == "binary_crossentropy"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "mish"}, "unknown activation 'mish'; there are relu, leaky_relu"),
        ({"normalization": "group"}, "there are none, batch, layer"),
        ({"pooling": "min"}, "there are max, average, stride"),
        ({"task": "ranking"}, "there are binary, multiclass, regression"),
        ({"loss": "mse"}, "does not suit a multiclass task; these suit it: sparse_categorical"),
        ({"loss": "brier"}, "is unknown"),
        ({"labels": ("a",)}, "2 to 16,384 labels"),
        ({"labels": tuple(f"{n:0500}" for n in range(3000))}, "too long: trazo.json would have 1,5"),
        ({"labels": ("a", "a")}, "'a' appears twice"),
        ({"labels": "abc"}, "must be a list"),
        ({"labels": ("a", 3)}, "labels must be a text, not 3"),
        ({"task": "binary", "loss": ""}, "exactly 2 labels"),
        ({"task": "regression", "loss": ""}, "one name"),
        ({"filters": (8,) * 5}, "at most 4 do not"),
        ({"filters": ()}, "filters is empty: a network needs blocks, or a backbone"),
        ({"filters": (10**9,)}, "filters must be a whole number from 1 to 4096"),
        ({"filters": (8.5,)}, "whole number"),
        ({"filters": (True,)}, "whole number"),
        ({"kernel_size": 29}, "from 1 to 28"),
        ({"kernel_size": 99}, "from 1 to 31"),
        ({"loss": None}, "loss must be a text"),
        ({"convolutions": 0}, "convolutions"),
        ({"convolutions": (1, 2, 3)}, "3 numbers for 2 blocks; give one for each block"),
        ({"convolutions": (1, 0)}, "convolutions must be a whole number"),
        ({"temperature": 0}, "temperature must be a number from 1e-09 to 1e\\+09"),
        ({"temperature": float("inf")}, "temperature must be a number from 1e-09 to 1e\\+09"),
        ({"ood_threshold": -1.0}, "ood_threshold must be a number from 1e-09"),
        ({"dense_units": (10**9,)}, "dense_units"),
        ({"dense_units": (1,) * 9}, "the number of dense_units must be a whole number from 0 to 8"),
        ({"image_shape": (1024, 1024, 1), "filters": (65,)}, "68,157,440 numbers in one layer; at most 67,108,864"),
        ({"image_shape": (28, 28)}, "height, width, channels"),
        ({"image_shape": (10**6, 28, 1)}, "from 1 to 1024"),
        ({"image_shape": (28, 28, 7)}, "channel"),
        ({"image_shape": (28, 28, 4)}, "1 channel .gray. or 3"),
        ({"image_shape": (28, 28, True)}, "channel"),
        ({"dropout": 1.0}, "from 0 to 0.95"),
        ({"dropout": float("nan")}, "dropout"),
        ({"l1": -1.0}, "l1 must be"),
        ({"l2": "much"}, "l2 must be"),
        ({"title": "\ud800"}, "half a character, which UTF-8 cannot hold"),
        ({"title": "a\nb"}, "title, .*holds a line break"),
        ({"versions": {"keras": "3\x1b[2J"}}, "a text of versions, .*control character"),
        ({"versions": {str(n): "1" for n in range(101)}}, "versions has 101 entries, at most 100"),
        ({"scaling": {"offset": [False], "scale": [True]}}, "scaling needs as many finite offsets"),
        ({"title": 5}, "title must be a text, not 5"),
        ({"versions": 7}, "versions must be an object of texts, not 7"),
        ({"versions": {"keras": 3}}, "versions must be an object of texts"),
        ({"pixel_format": {"background": 30}}, "background must be one of 0, 128, 255, not 30"),
        ({"pixel_format": {"background": False}}, "background must be one of 0, 128, 255, not False"),
        ({"pixel_format": {"white_level": 4096}}, "white_level must be one of 255, 511, 1023"),
        ({"pixel_format": {"white_level": [255]}}, "white_level must be one of"),
        ({"pixel_format": {"gray": 1}}, "pixel_format has unknown keys: gray"),
        ({"pixel_format": 255}, "must be an object with background and white_level, not 255"),
        ({"scaling": {"method": "log"}}, "there are min-max, z-score, robust"),
        ({"scaling": {"offset": [0.0], "scale": [0.0]}}, "non-zero"),
        ({"scaling": {"offset": [0.0], "scale": [1e-10]}}, "none of extreme size"),
        ({"scaling": {"offset": ["1"], "scale": [1.0]}}, "scaling needs as many finite offsets"),
        ({"scaling": {"offset": 0, "scale": 1}}, "scaling needs as many finite offsets"),
        ({"task": []}, "unknown task .*; there are binary, multiclass, regression"),
        ({"scaling": {"offset": [0.0, 1.0, 2.0], "scale": [1.0, 1.0, 1.0]}}, "3 channels, image_shape 1"),
    ],
)
def test_config_wrong_value_is_reported_with_what_is_allowed(change, message):
    with pytest.raises(TrazoError, match=message) as caught:
        replace(CnnConfig(), **change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "must hold a JSON object"),
        pytest.param("[" * 100_000, "not valid JSON", id="nested too deep"),
        ("{}", "format_version None; this Trazo reads 1"),
        ('{"format_version": 2}', "format_version 2"),
        ('{"format_version": true}', "format_version True; this Trazo reads 1"),
        ('{"format_version": 1.0}', "format_version 1.0; this Trazo reads 1"),
        ('{"format_version": 1, "lambda": "import os"}', "unknown keys: lambda"),
        ('{"format_version": 1, "filters": null}', "must be a list"),
        ('{"format_version": 1, "scaling": {"code": 1}}', "scaling has unknown keys: code"),
    ],
)
def test_config_damaged_file_is_refused_by_name_and_reason(text, message):
    with pytest.raises(ModelError, match=message) as caught:
        CnnConfig.from_json(text, "some/trazo.json")
    assert str(caught.value).startswith("some/trazo.json")


@pytest.mark.parametrize(
    "config",
    [
        CnnConfig(),
        FULL,
        CnnConfig(image_shape=(29, 17, 1), pooling="stride", normalization="none", dense_units=(7, 5)),
        CnnConfig(image_shape=(29, 17, 1), pooling="average", convolutions=3, dense_units=(7,)),
        CnnConfig(labels=("x",), task="regression", filters=(4,)),
        CnnConfig(filters=(3, 5), convolutions=(3, 1), dense_units=()),
    ],
)
def test_config_weight_shapes_are_those_of_the_built_network(config):
    built = {weight.path: tuple(weight.shape) for weight in build_network(config).weights}
    assert config.weight_shapes == built
    kernels = [math.prod(shape) for path, shape in built.items() if path.endswith("/kernel")]
    assert config.kernel_parameters == sum(kernels)
