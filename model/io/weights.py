"""model.safetensors <-> the weights of a Keras network, by name; checked without TensorFlow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model.artifacts import CONFIG_FILE, WEIGHTS_FILE
from model.config import CnnConfig
from model.errors import ModelError
from model.io.files import descriptor_path, open_existing

if TYPE_CHECKING:
    from model.backend import keras

MAX_HEADER_BYTES = 1 << 20  # the header says where the tensors are; the largest network needs a tenth of this


def weights_to_bytes(network: keras.Model, extra: Mapping[str, np.ndarray] = MappingProxyType({})) -> bytes:
    """Return the network's weights as safetensors; the tensors carry the variables' paths (`block1_conv1/kernel`).

    Args:
        network: the network that has the weights.
        extra: further tensors to store with them, by name.
    """
    tensors = {weight.path: weight.numpy() for weight in network.weights} | dict(extra)
    return save(tensors, metadata={"format": "keras"})


def weights_hash(folder: Path) -> str:
    """Return the SHA-256 of a folder's weights, by which an evaluation.json names them."""
    with open_existing(folder, WEIGHTS_FILE) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def matches_weights(sha256: str | None, folder: Path) -> bool:
    """Return whether the hash that a report gives is that of the weights in this folder."""
    return (folder / WEIGHTS_FILE).is_file() and sha256 == weights_hash(folder)


def check_size(config: CnnConfig, size: int | None, where: str) -> int:
    """Refuse a file of weights that is smaller or larger than the config asks for, by its size alone.

    Args:
        config: of the network.
        size: of the file in bytes; None if it is unknown.
        where: the file, for messages.

    Returns:
        how many bytes it may have at most.

    Raises:
        ModelError: if the size does not fit.
    """
    least = 4 * sum(map(prod, (config.weight_shapes | config.extra_tensor_shapes).values()))
    most = least + MAX_HEADER_BYTES
    if size is not None and not least <= size <= most:
        raise ModelError(
            f"{where} does not match {CONFIG_FILE}, which asks for {least // 4:,} float32: it has {size:,} bytes"
        )
    return most


def check_weights(config: CnnConfig, path: Path) -> None:
    """Refuse a file of weights whose tensors are not those that the config asks for, without reading them.

    Raises:
        ModelError: if the file is missing or damaged, or a tensor is missing, unknown, or of a wrong shape or dtype.
    """
    with _open_checked(config, path):
        pass


def read_weights(config: CnnConfig, path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a file of weights, float32 by name, of the shapes that the config asks for.

    Raises:
        ModelError: as `check_weights`, or if a tensor holds NaN or infinities.
    """
    with _open_checked(config, path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    return tensors


@contextmanager
def _open_checked(config: CnnConfig, path: Path) -> Iterator[Any]:
    expected = config.weight_shapes | config.extra_tensor_shapes
    try:
        with open_existing(path.parent, path.name) as content:
            check_size(config, os.fstat(content.fileno()).st_size, str(path))
            header = int.from_bytes(content.read(8), "little")
            if header > MAX_HEADER_BYTES:  # safetensors would read up to 100 MB, which takes several times the memory
                raise ModelError(f"{path} has a header of {header:,} bytes; at most {MAX_HEADER_BYTES:,} are read")
            opened = safe_open(descriptor_path(content, path), framework="numpy")
        with opened as file:
            names = set(file.keys())
            if names != expected.keys():
                missing, extra = sorted(expected.keys() - names), sorted(names - expected.keys())
                raise ModelError(f"{path} does not match {CONFIG_FILE}: missing {missing}, not asked for {extra}")
            for name, shape in expected.items():
                about = file.get_slice(name)
                if tuple(about.get_shape()) != shape or about.get_dtype() != "F32":
                    found = f"{about.get_dtype()} {tuple(about.get_shape())}"
                    raise ModelError(f"{path}: {name} is {found}, {CONFIG_FILE} asks for F32 {shape}")
            yield file
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
