"""The network that a config builds."""

from itertools import product

import keras
import numpy as np
import pytest

from model import CnnConfig
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.errors import TrazoError
from model.network import build_network

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1)).astype(np.float32)
SMALL = {"image_shape": (12, 12, 1), "filters": (3,), "convolutions": 1, "dense_units": (4,)}


@pytest.mark.parametrize(("activation", "normalization"), list(product(ACTIVATIONS, NORMALIZATIONS)))
def test_network_any_activation_and_normalization_gives_probabilities(activation, normalization):
    network = build_network(CnnConfig(**SMALL, activation=activation, normalization=normalization))
    outputs = network(PIXELS).numpy()
    assert outputs.shape == (3, 10) and (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_network_each_block_halves_the_image(pooling):
    network = build_network(CnnConfig(filters=(2, 3, 4), pooling=pooling, image_shape=(24, 16, 3)))
    assert network.get_layer("flatten").input.shape == (None, 3, 2, 4)


@pytest.mark.parametrize(
    ("task", "labels", "loss", "low", "high"),
    [
        ("binary", ("a", "b"), "", 0, 1),
        ("regression", ("x",), "", -np.inf, np.inf),
        ("regression", ("x",), "poisson", 0, np.inf),
    ],
)
def test_network_binary_and_regression_have_one_unit(task, labels, loss, low, high):
    outputs = build_network(CnnConfig(**SMALL, task=task, labels=labels, loss=loss))(PIXELS).numpy()
    assert outputs.shape == (3, 1) and (outputs >= low).all() and (outputs <= high).all()


def test_network_penalty_is_l1_l2_or_their_sum():
    def penalty(**regularization: float) -> float:
        keras.utils.set_random_seed(0)
        network = build_network(CnnConfig(**SMALL, **regularization))
        kernels = [w.numpy() for w in network.weights if w.path in ("block1_conv1/kernel", "dense1/kernel")]
        l1, l2 = sum(np.abs(k).sum() for k in kernels), sum((k**2).sum() for k in kernels)
        expected = regularization.get("l1", 0) * l1 + regularization.get("l2", 0) * l2
        assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4)
        return expected

    assert penalty() == 0
    assert penalty(l1=0.01, l2=0.02) == pytest.approx(penalty(l1=0.01) + penalty(l2=0.02))
    names = [CnnConfig(l1=a, l2=b).regularization for a, b in ((0, 0), (0.1, 0), (0, 0.1), (0.1, 0.1))]
    assert names == ["none", "l1", "l2", "elastic net"]


def test_network_blocks_have_their_number_of_convolutions():
    network = build_network(CnnConfig(filters=(2, 3), convolutions=(1, 3)))
    names = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert names == ["block1_conv1", "block2_conv1", "block2_conv2", "block2_conv3"]


RESIDUAL = {"image_shape": (12, 12, 1), "filters": (3, 4), "convolutions": (1, 3), "dense_units": (), "stem_filters": 2}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_network_residual_weights_are_those_of_the_config(pooling, normalization):
    config = CnnConfig(**RESIDUAL, blocks="residual", pooling=pooling, normalization=normalization)
    network = build_network(config)
    assert {weight.path: tuple(weight.shape) for weight in network.weights} == config.weight_shapes
    assert network.get_layer("mean").input.shape == (None, 3, 3, 4)
    assert [network.get_layer(name).output.shape[-1] for name in config.block_outputs] == [3, 4]


def test_network_residual_block_adds_its_input():
    network = build_network(CnnConfig(**RESIDUAL, blocks="residual"))
    for weight in network.weights:
        if weight.path.startswith(("block2_conv2/", "block2_conv3/")):
            weight.assign(weight * 0)
    before, after = (network.get_layer(name).output for name in ("block2_conv1_relu", "block2_add1"))
    first, last = keras.Model(network.input, [before, after])(PIXELS)
    assert np.ptp(first) > 0
    np.testing.assert_array_equal(first, last)


def test_network_residual_block_of_two_convolutions_is_refused():
    with pytest.raises(TrazoError, match="1, 3, 5"):
        CnnConfig(blocks="residual", convolutions=2)


def test_network_temperature_divides_scores():
    cold, warm = (build_network(CnnConfig(**SMALL, temperature=temperature)) for temperature in (1.0, 2.0))
    for new, old in zip(warm.weights, cold.weights, strict=True):
        new.assign(old)
    logs, halved = np.log(cold(PIXELS / 255).numpy()), np.log(warm(PIXELS / 255).numpy())
    differences = lambda values: values - values[:, :1]  # noqa: E731
    np.testing.assert_allclose(differences(halved), differences(logs) / 2, atol=1e-5)


def test_network_dropout_acts_in_training_only():
    network = build_network(CnnConfig(**SMALL, dropout=0.5))
    assert (network(PIXELS, training=False).numpy() == network(PIXELS, training=False).numpy()).all()
    assert not (network(PIXELS, training=True).numpy() == network(PIXELS, training=True).numpy()).all()


def test_network_dropout_rates_are_those_of_the_config():
    network = build_network(CnnConfig(**SMALL, dropout=0.5, dense_dropout=0.3))
    rates = {layer.name: layer.rate for layer in network.layers if layer.name.endswith("_dropout")}
    assert rates == {"block1_dropout": 0.5, "dense1_dropout": 0.3}


def test_network_weight_names_are_the_file_format():
    network = build_network(CnnConfig(**SMALL))
    assert [weight.path for weight in network.weights] == [
        "block1_conv1/kernel",
        *(f"block1_conv1_norm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        "dense1/kernel",
        *(f"dense1_norm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        "head/kernel",
        "head/bias",
    ]


def test_network_equal_seeds_give_equal_weights():
    networks = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        networks.append(build_network(CnnConfig(**SMALL)).get_weights())
    assert all((a == b).all() for a, b in zip(networks[0], networks[1], strict=True))
    assert not all((a == b).all() for a, b in zip(networks[0], networks[2], strict=True))
