"""timm's tensors -> the weights of Keras' layers."""

from collections.abc import Mapping

from model.backend import keras
import numpy as np

from model.backbones.architecture import Architecture
from model.errors import ModelError

# A weight's name in Keras -> the last part of the tensor's name in timm.
PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def tensor_names(architecture: Architecture) -> set[str]:
    """Return timm's names of all tensors of a backbone."""
    return {_tensor_name(path) for path in architecture.weight_shapes}


def assign_weights(network: keras.Model, architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> None:
    """Give the layers of a backbone their weights.

    Args:
        network: contains the backbone. Its other layers, such as a new head, are left as they are.
        architecture: of the backbone.
        tensors: name -> float array, as in the `model.safetensors` of a timm repo. Those of other layers, such as the
            classifier's, are ignored.

    Raises:
        ModelError: if a tensor is missing or has another shape; nothing is assigned then.
    """
    variables = {variable.path: variable for variable in network.weights}
    values = {path: _to_keras(path, shape, architecture, tensors) for path, shape in architecture.weight_shapes.items()}
    for path, value in values.items():
        variables[path].assign(value)


def _tensor_name(path: str) -> str:
    layer, weight = path.split("/")
    return f"{layer}.{PARTS[weight]}"


def _to_keras(
    path: str, shape: tuple[int, ...], architecture: Architecture, tensors: Mapping[str, np.ndarray]
) -> np.ndarray:
    name = _tensor_name(path)
    if name not in tensors:
        raise ModelError(f"the backbone's weights have no tensor {name!r}")
    value = np.asarray(tensors[name], np.float32)
    if value.ndim == 4:  # (outputs, inputs, height, width); of a depthwise convolution (maps, 1, height, width)
        value = value.transpose((2, 3, 0, 1) if path.split("/")[0] in architecture.depthwise else (2, 3, 1, 0))
    if value.shape != shape:
        raise ModelError(f"the backbone's tensor {name!r} has the shape {tensors[name].shape}, which does not fit")
    return value
