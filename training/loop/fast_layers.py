"""A network for training, with layers that compute the same as Keras' own in less time."""

from typing import Any

from model.backend import keras, keras_defaults

from training.devices import has_gpu
from training.loop.normalization import FusedBatchNormalization
from training.loop.wide_convolution import WideConvolution

PROCESSOR_LAYERS: dict[type, type] = {keras.layers.Conv2D: WideConvolution}
FAST_LAYERS: dict[type, type] = {keras.layers.BatchNormalization: FusedBatchNormalization} | PROCESSOR_LAYERS


def with_fast_layers(network: keras.Model) -> keras.Model:
    """Return the same network, with the same weights, whose layers are fast ones where there are some.

    On a GPU, only the normalization is another one: the rest avoids what is slow on processors.

    Args:
        network: from `build_network`; its layers' names and the order of its weights are kept.

    Example:
        >>> with_fast_layers(build_network(CnnConfig(), "mixed_bfloat16"))
    """
    return replace_layers(network, {keras.layers.BatchNormalization: FusedBatchNormalization} | processor_layers())


def processor_layers() -> dict[type, type]:
    """Return what avoids the layers that are slow on processors, class -> subclass; nothing on a GPU."""
    return {} if has_gpu() else PROCESSOR_LAYERS


def replace_layers(network: keras.Model, kinds: dict[type, type]) -> keras.Model:
    """Return the same network, with the same weights, some of whose layers are of other classes.

    Args:
        network: from `build_network`; its layers' names and the order of its weights are kept.
        kinds: class of a layer -> a subclass of it.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind: Any = type(layer)
        return kinds.get(kind, kind).from_config(layer.get_config())

    with keras_defaults():
        replaced = keras.models.clone_model(network, clone_function=clone)
    replaced.set_weights(network.get_weights())
    return replaced
