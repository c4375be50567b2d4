"""timm's tensors -> the weights of Keras' layers."""

from collections.abc import Mapping

import numpy as np

from model.backend import keras
from model.errors import ModelError

# Part of a tensor's name in timm -> the weight's name in Keras, for layers with one of these.
PARTS = {"running_mean": "moving_mean", "running_var": "moving_variance"}


def assign_weights(network: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Give each layer of a backbone the tensors of its name.

    Args:
        network: its layers have timm's names. Layers without weights, and those that no tensor is named after, such as
            a new head, are left as they are.
        tensors: name -> float array, as in the `model.safetensors` of a timm repo. Others, such as the classifier's,
            are ignored.

    Raises:
        ModelError: if a tensor is missing or has another shape; nothing is assigned then.
    """
    values = [
        (variable, _find(layer, variable, tensors))
        for layer in network.layers
        if any(name.startswith(f"{layer.name}.") for name in tensors)
        for variable in layer.weights
    ]
    for variable, value in values:
        variable.assign(value)


def _find(layer: keras.Layer, variable: keras.Variable, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    part = {"kernel": "weight", "gamma": "weight", "beta": "bias"}.get(variable.name)
    part = part or {keras_name: name for name, keras_name in PARTS.items()}[variable.name]
    name = f"{layer.name}.{part}"
    if name not in tensors:
        raise ModelError(f"the backbone's weights have no tensor {name!r}")
    value = np.asarray(tensors[name], np.float32)
    if value.ndim == 4:  # (outputs, inputs, height, width); of a depthwise convolution (maps, 1, height, width)
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        value = value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    if value.shape != tuple(variable.shape):
        raise ModelError(f"the backbone's tensor {name!r} has the shape {tensors[name].shape}, which does not fit")
    return value
