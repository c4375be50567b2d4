"""model.safetensors <-> the weights of a Keras network, by name."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model import files
from model.errors import ModelError


def weights_to_bytes(network: keras.Model, further: Mapping[str, np.ndarray] = MappingProxyType({})) -> bytes:
    """Return the network's weights as safetensors; the tensors carry the variables' paths (`block1_conv1/kernel`).

    Args:
        network: whose weights.
        further: tensors that are kept beside them, by name.
    """
    tensors = {weight.path: weight.numpy() for weight in network.weights} | dict(further)
    return save(tensors, metadata={"format": "keras"})


def weights_hash(folder: Path) -> str:
    """Return the SHA-256 of a folder's weights: what an evaluation.json is about."""
    return hashlib.sha256((folder / files.WEIGHTS).read_bytes()).hexdigest()


def is_about(evaluation: dict[str, Any], folder: Path) -> bool:
    """Return whether an evaluation.json measured the weights in this folder; one that does not say so did not."""
    return (folder / files.WEIGHTS).is_file() and evaluation.get("weights_sha256") == weights_hash(folder)


def load_weights(
    network: keras.Model, path: Path, further: Mapping[str, tuple[int, ...]] = MappingProxyType({})
) -> dict[str, np.ndarray]:
    """Fill a network from a safetensors file; nothing is assigned unless everything fits.

    Args:
        network: whose weights.
        path: of the file.
        further: name -> shape of the float32 tensors that are kept beside them.

    Returns:
        these further tensors.

    Raises:
        ModelError: a file that is missing or damaged, a missing or unknown tensor, a wrong shape or dtype, NaN.
    """
    expected = {weight.path: tuple(weight.shape) for weight in network.weights} | dict(further)
    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            if names != expected.keys():
                missing, extra = sorted(expected.keys() - names), sorted(names - expected.keys())
                raise ModelError(f"{path} does not match config.json: missing {missing}, not asked for {extra}")
            for name, shape in expected.items():  # from the header alone, before any tensor is read
                header = file.get_slice(name)
                if tuple(header.get_shape()) != shape or header.get_dtype() != "F32":
                    found = f"{header.get_dtype()} {tuple(header.get_shape())}"
                    raise ModelError(f"{path}: {name} is {found}, config.json asks for F32 {shape}")
            tensors = {name: file.get_tensor(name) for name in expected}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    for weight in network.weights:
        weight.assign(tensors[weight.path])
    return {name: tensors[name] for name in further}
