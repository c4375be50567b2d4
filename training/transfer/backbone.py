"""A backbone's repo in timm's layout: what its config and card say, and its weights. Nothing in it is executed."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from model.backend import keras
import numpy as np
from safetensors import SafetensorError, safe_open

from model.artifacts import BACKBONE_CONFIG_FILE, CARD_FILE, WEIGHTS_FILE
from model.backbones.architecture import Architecture
from model.backbones.catalog import NAMES, get_architecture
from model.backbones.weights import assign_weights, tensor_names
from model.console import one_line
from model.errors import ModelError, TrazoError
from model.io.files import check_folder, descriptor_path, open_existing, read_file
from model.io.hub import download
from model.io.reports.training import MAX_DATASETS, StartingPoint
from model.io.weights import MAX_HEADER_BYTES, weights_hash
from model.scaling import OF_BACKBONE, Scaling
from training.data.folders.readme import read_front_matter

# Of a whole network with a pretrained backbone. The settings of the user take precedence.
FINETUNING: dict[str, Any] = {
    "epochs": 8,
    "patience": 8,
    "batch_size": 64,
    "optimizer": "adamw",
    "learning_rate": 5e-4,
    "weight_decay": 2e-2,
    "augment": 0.0,
    "label_smoothing": 0.1,
    "ema_momentum": 0.998,
    "precision": "bfloat16",
}
MAX_CLASSES = 22_000  # of the classifier in the file, which is not used
MAX_CARD_CHARS = 200


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its classifier.

    Attributes:
        folder: that holds its files.
        architecture: what it is made of.
        scaling: of the pixels, as it was trained with.
        about: what reports say of it.
    """

    folder: Path
    architecture: Architecture
    scaling: Scaling
    about: StartingPoint

    def assign_to(self, network: keras.Model) -> None:
        """Give the layers of a network that contains the backbone its weights.

        Raises:
            ModelError: if a tensor is missing, has another shape, or holds values that are not finite.
        """
        assign_weights(network, self.architecture, _read_tensors(self.folder, self.architecture))


def open_backbone(name: str, revision: str | None = None, token: str | bool | None = None) -> Backbone:
    """Return a backbone from a folder or from the Hub; everything is checked except the values of its weights.

    Args:
        name: `owner/name`, or a folder, with `config.json` and `model.safetensors` as timm writes them.
        revision: branch, tag or commit on the Hub; None for the main branch.
        token: of the Hub, as huggingface_hub takes it.

    Raises:
        ModelError: if a file is missing, too large or damaged, or there are no such layers for its architecture.
        TrazoError: if the Hub has no such repo, or cannot be reached.

    Example:
        >>> open_backbone("timm/efficientnet_lite0.ra_in1k").architecture.features
        784
    """
    is_folder = Path(name).is_dir()
    folder = Path(name) if is_folder else download(name, revision, token, _check_size, BACKBONE_CONFIG_FILE)[0]
    check_folder(folder, BACKBONE_CONFIG_FILE)
    config = _read_config(folder)
    architecture = get_architecture(config["architecture"])
    _check_size(folder, (folder / WEIGHTS_FILE).stat().st_size, str(folder / WEIGHTS_FILE))
    card = read_front_matter(folder / CARD_FILE)
    datasets = card.get("datasets")
    datasets = datasets if isinstance(datasets, list) else [datasets]
    about = StartingPoint(
        name=folder.resolve().name if is_folder else name,
        revision=None if is_folder else folder.name,
        architecture=architecture.name,
        license=short_text(card.get("license")),
        datasets=[short for one in datasets[:MAX_DATASETS] if (short := short_text(one))],
        weights_sha256=weights_hash(folder),
    )
    return Backbone(folder, architecture, _scaling(config, folder), about)


def short_text(value: Any) -> str | None:
    """Return a text of a card in one line and cut, since anyone may have written it; None for anything else."""
    return one_line(value)[:MAX_CARD_CHARS] if isinstance(value, str) else None


def _check_size(folder: Path, size: int | None, where: str) -> int:
    """Refuse weights that are smaller than the backbone, or larger than it is with any classifier.

    Returns:
        how many bytes they may have at most.
    """
    architecture = get_architecture(_read_config(folder)["architecture"])
    least = 4 * sum(map(prod, architecture.weight_shapes.values()))
    most = least + 4 * (architecture.features + 1) * MAX_CLASSES + MAX_HEADER_BYTES
    if size is not None and not least <= size <= most:
        raise ModelError(f"{where} has {size:,} bytes; {architecture.name} has {least:,} to {most:,}")
    return most


def _read_config(folder: Path) -> dict[str, Any]:
    """Return config.json, whose `architecture` is one of `NAMES`."""
    path = folder / BACKBONE_CONFIG_FILE
    try:
        config = json.loads(read_file(folder, BACKBONE_CONFIG_FILE) or b"")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    name = config.get("architecture") if isinstance(config, dict) else None
    if name not in NAMES:
        if isinstance(config, dict) and "class_name" in config:
            raise ModelError(f"{path} is Keras' own: give a model of Trazo to --start-from instead of --backbone")
        found = f"the architecture {one_line(name)[:MAX_CARD_CHARS]!r}" if isinstance(name, str) else "no architecture"
        raise ModelError(f"{path} names {found}; a backbone in timm's layout is one of {', '.join(NAMES)}")
    return config


def _scaling(config: dict[str, Any], folder: Path) -> Scaling:
    """Return timm's mean and standard deviation, which are shares of white, in gray levels."""
    pretrained = config.get("pretrained_cfg")
    values = [pretrained.get(key) if isinstance(pretrained, dict) else None for key in ("mean", "std")]
    try:
        offset, scale = (tuple(255 * float(one) for one in value) for value in values)  # type: ignore[union-attr]
        if len(offset) != 3:
            raise ValueError
        return Scaling(OF_BACKBONE, offset, scale)
    except (TypeError, ValueError, TrazoError):
        path = folder / BACKBONE_CONFIG_FILE
        raise ModelError(f"{path} has no usable pretrained_cfg.mean and pretrained_cfg.std") from None


def _read_tensors(folder: Path, architecture: Architecture) -> dict[str, np.ndarray]:
    path = folder / WEIGHTS_FILE
    try:
        with open_existing(folder, WEIGHTS_FILE) as content:
            if (header := int.from_bytes(content.read(8), "little")) > MAX_HEADER_BYTES:
                raise ModelError(f"{path} has a header of {header:,} bytes; at most {MAX_HEADER_BYTES:,} are read")
            with safe_open(descriptor_path(content, path), framework="numpy") as file:
                found = set(file.keys())
                tensors = {name: file.get_tensor(name) for name in tensor_names(architecture) if name in found}
    except (OSError, SafetensorError, TypeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds values that are not finite")
    return tensors
