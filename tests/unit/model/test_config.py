"""Validation of configs, and their JSON."""

import json
import math
import tempfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import CnnConfig, ModelError, TrazoError
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.network import build_network
from model.scaling import Scaling

FULL = CnnConfig(
    labels=("no", "yes"),
    task="binary",
    image_shape=(32, 48, 3),
    scaling=Scaling("robust", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
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
        ({"labels": tuple("a" * n for n in range(2000))}, "too long: config.json would have 2,0"),
        ({"labels": ("a", "a")}, "each once"),
        ({"labels": "abc"}, "must be a list"),
        ({"labels": ("a", 3)}, "must be names"),
        ({"task": "binary", "loss": ""}, "exactly 2 labels"),
        ({"task": "regression", "loss": ""}, "one name"),
        ({"filters": (8,) * 5}, "at most 4 do not"),
        ({"filters": ()}, "number of blocks"),
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
        ({"title": "\ud800"}, "must be texts that UTF-8 can hold"),
        ({"title": 5}, "title must be a text, not 5"),
        ({"versions": 7}, "versions must be an object of texts, not 7"),
        ({"versions": {"keras": 3}}, "versions must be an object of texts"),
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
        ('{"format_version": 1, "lambda": "import os"}', "unknown keys: lambda"),
        ('{"format_version": 1, "filters": null}', "must be a list"),
        ('{"format_version": 1, "scaling": {"code": 1}}', "scaling has unknown keys: code"),
    ],
)
def test_config_damaged_file_is_refused_by_name_and_reason(text, message):
    with pytest.raises(ModelError, match=message) as caught:
        CnnConfig.from_json(text, "some/config.json")
    assert str(caught.value).startswith("some/config.json")


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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
# Nearly all of these are allowed: most of the others end at the first check.
heads = st.sampled_from([{}, {"task": "binary", "labels": ["a", "b"]}, {"task": "regression", "labels": ["x"]}])
floats = st.lists(st.floats(), min_size=1, max_size=1)
bodies = st.fixed_dictionaries(
    {"image_shape": st.tuples(st.integers(4, 12), st.integers(4, 12), st.sampled_from([1, 3]))},
    optional={
        "scaling": st.fixed_dictionaries({}, optional={"offset": floats, "scale": floats}),
        "filters": st.lists(st.integers(1, 3), min_size=1, max_size=2),
        "convolutions": st.integers(1, 2),
        "kernel_size": st.integers(1, 4),
        "pooling": st.sampled_from(POOLINGS),
        "activation": st.sampled_from(ACTIVATIONS),
        "normalization": st.sampled_from(NORMALIZATIONS),
        "dense_units": st.lists(st.integers(1, 3), max_size=2),
        "dropout": st.floats(0, 0.9),
        "temperature": st.floats(0),
    },
)
near_values = st.builds(lambda head, body: {"format_version": 1, **head, **body}, heads, bodies)
some_values = st.dictionaries(st.sampled_from([f.name for f in fields(CnnConfig)]), json_values, max_size=4)


@settings(max_examples=400, deadline=None)
@given(near_values, some_values)
def test_config_any_json_is_read_or_refused(near, other):
    try:
        config = CnnConfig.from_json(json.dumps(near | other))
    except ModelError as error:
        assert str(error).startswith("config.json") and str(error).isprintable() and len(str(error)) < 2100
        return
    assert CnnConfig.from_json(config.to_json()) == config


@settings(max_examples=40, deadline=None)
@given(near_values)
def test_config_any_valid_one_builds_a_network_with_finite_outputs(values):
    try:
        config = CnnConfig.from_json(json.dumps(values))
    except ModelError:
        return
    network = build_network(config)
    assert {weight.path: tuple(weight.shape) for weight in network.weights} == config.weight_shapes
    assert np.isfinite(network(np.full((1, *config.image_shape), 255, np.float32)).numpy()).all()


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=4), st.integers(0, 400), st.integers(0, 20))
def test_config_any_damaged_text_is_read_or_refused(new, start, length):
    text = FULL.to_json().encode()
    with tempfile.NamedTemporaryFile() as file:
        file.write(text[:start] + new + text[start + length :])
        file.flush()
        try:
            config = CnnConfig.from_file(file.name)
        except ModelError as error:
            assert str(error).startswith(file.name)
            return
    assert CnnConfig.from_json(config.to_json()) == config
