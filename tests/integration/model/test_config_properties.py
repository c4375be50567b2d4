"""Configs from any JSON: each is read and builds what it says, or is refused in one line."""

import json
import tempfile
from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model import CnnConfig, ModelError
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
        assert str(error).startswith("trazo.json") and str(error).isprintable() and len(str(error)) < 2100
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
