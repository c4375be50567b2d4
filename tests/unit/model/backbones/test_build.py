"""Backbones: their layers are those that their architecture describes, and do what PyTorch's do."""

from math import prod

import keras
import numpy as np
import pytest

from model import CnnConfig
from model.backbones.architecture import Architecture, Block, Unit
from model.backbones.build import add_backbone
from model.backbones.catalog import NAMES, get_architecture
from model.backbones.weights import assign_weights, tensor_names
from model.errors import ModelError, TrazoError
from model.network import build_network

BACKBONE = {"filters": (), "dense_units": (), "image_shape": (64, 45, 3)}
# 11,689,512 and 4,652,008 parameters in the papers' and timm's lists, without the classifier of 1,000 classes, and
# without the convolution of the second one that only the classifier needs.
TRAINABLE = {"resnet18": 11_689_512 - 513_000, "efficientnet_lite0": 4_652_008 - 1_281_000 - 320 * 1280 - 2 * 1280}


@pytest.fixture(scope="module", params=NAMES)
def network(request) -> keras.Model:
    built = build_network(CnnConfig(**BACKBONE, backbone=request.param))
    built.name = request.param
    return built


def of_timm(network: keras.Model, architecture: Architecture) -> dict[str, np.ndarray]:
    """Return random tensors in timm's layout for each weight of a backbone."""
    random, tensors = np.random.default_rng(0), {}
    for name in tensor_names(architecture):
        layer, part = name.rsplit(".", 1)
        keras_name = {"weight": ("kernel", "gamma"), "bias": ("beta",)}.get(part, (part.replace("running", "moving"),))
        path = [v for v in network.weights if v.path in {f"{layer}/{one}" for one in (*keras_name, "moving_variance")}]
        shape = path[0].shape
        if len(shape) == 4:
            height, width, inputs, filters = shape
            shape = (inputs, 1, height, width) if layer in architecture.depthwise else (filters, inputs, height, width)
        tensors[name] = random.uniform(0.5, 1, shape).astype(np.float32)
    return tensors


def test_backbone_has_the_weights_and_maps_of_its_architecture(network):
    architecture = get_architecture(network.name)
    config = CnnConfig(**BACKBONE, backbone=network.name)
    assert {w.path: tuple(w.shape) for w in network.weights} == config.weight_shapes
    head = 10 * (architecture.features + 1)
    assert sum(prod(w.shape) for w in network.trainable_weights) == TRAINABLE[network.name] + head
    maps = [network.get_layer(name).output for name in architecture.outputs]
    assert all(one is network.get_layer(f"mean{number}").input for number, one in enumerate(maps, 1))
    assert sum(one.shape[3] for one in maps) == architecture.features == network.get_layer("features").output.shape[1]
    assert maps[-1].shape[1:3] == (2, 2) and architecture.shrinking == 32
    sizes = [prod(layer.output.shape[1:]) for layer in network.layers if "Padding" not in type(layer).__name__]
    assert max(sizes) == config.largest_map


def test_backbone_stride_pads_all_sides_alike():
    unit = Unit("conv", "norm", 1, 3, 2)
    inputs = keras.Input((6, 6, 3))
    block = Block("stem", (unit,), ends_stage=True)
    network = keras.Model(inputs, add_backbone(inputs, Architecture("tiny", (block,))))
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[1, 1, 0] = 1  # copies the pixel under its middle
    network.get_layer("conv").kernel.assign(kernel)
    image = np.random.default_rng(0).random((1, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(network(image)[0, ..., 0], image[0, ::2, ::2, 0] / np.sqrt(1 + 1e-5), rtol=1e-6)


def test_weights_are_those_of_timms_layout(network):
    architecture = get_architecture(network.name)
    tensors = of_timm(network, architecture)
    head = network.get_layer("head").kernel.numpy()
    assign_weights(network, architecture, tensors | {"classifier.weight": np.zeros((1000, 1280), np.float32)})
    np.testing.assert_array_equal(network.get_layer("head").kernel.numpy(), head)
    first = next(iter(architecture.kernel_shapes))
    np.testing.assert_array_equal(network.get_layer(first).kernel[1, 0, 2, 5], tensors[f"{first}.weight"][5, 2, 1, 0])
    for name in list(architecture.depthwise)[:2]:
        kernel = network.get_layer(name).kernel
        np.testing.assert_array_equal(kernel[0, 2, 7, 0], tensors[f"{name}.weight"][7, 0, 0, 2])
    norm = architecture.blocks[0].units[0].normalization
    layer = network.get_layer(norm)
    for weight, part in (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean")):
        np.testing.assert_array_equal(getattr(layer, weight).numpy(), tensors[f"{norm}.{part}"])
    np.testing.assert_array_equal(layer.moving_variance.numpy(), tensors[f"{norm}.running_var"])


def test_weights_missing_or_of_another_shape_assign_nothing(network):
    architecture = get_architecture(network.name)
    before = [w.numpy() for w in network.weights]
    tensors = of_timm(network, architecture)
    last = architecture.blocks[-1].units[-1].convolution
    with pytest.raises(ModelError, match=f"no tensor '{last}.weight'"):
        assign_weights(network, architecture, {k: v for k, v in tensors.items() if k != f"{last}.weight"})
    with pytest.raises(ModelError, match=f"'{last}.weight' has the shape .1, 2, 3, 4., which does not fit"):
        assign_weights(network, architecture, tensors | {f"{last}.weight": np.zeros((1, 2, 3, 4))})
    for weight, value in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "vgg"}, "unknown backbone 'vgg'; there are .*efficientnet_lite0, resnet18"),
        ({"image_shape": (64, 64, 1)}, "takes RGB images with sides of at least 32 pixels, not image_shape"),
        ({"image_shape": (64, 31, 3)}, "sides of at least 32 pixels"),
        ({"filters": (8,)}, "filters describes blocks, which a network with a backbone does not have"),
        ({"convolutions": (1,)}, "convolutions describes blocks"),
        ({"pooling": "stride"}, "pooling describes blocks"),
        ({"stem_filters": 3}, "stem_filters describes blocks"),
    ],
)
def test_config_that_does_not_suit_a_backbone_is_refused(change, message):
    with pytest.raises(TrazoError, match=message):
        CnnConfig(**BACKBONE | {"backbone": "resnet18"} | change)
