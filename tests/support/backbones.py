"""A backbone's repo as timm lays it out, with random weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from model.backbones.catalog import get_architecture
from model.backbones.weights import PARTS

NAME = "efficientnet_lite0"
CONFIG = {"architecture": NAME, "pretrained_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]}}
CARD = "---\nlicense: apache-2.0\ndatasets:\n- imagenet-1k\nlibrary_name: timm\n---\n"


def random_tensors(name: str = NAME) -> dict[str, np.ndarray]:
    """Return tensors in timm's layout for each weight, and those of a classifier."""
    architecture, random = get_architecture(name), np.random.default_rng(0)
    tensors = {"classifier.weight": np.zeros((10, architecture.features), np.float32)}
    for path, shape in architecture.weight_shapes.items():
        layer, weight = path.split("/")
        if len(shape) == 4:
            height, width, inputs, filters = shape
            shape = (inputs, 1, height, width) if layer in architecture.depthwise else (filters, inputs, height, width)
        spread = np.sqrt(2 / np.prod(shape[1:])) if len(shape) == 4 else 0.1
        values = random.normal(0, spread, shape)
        tensors[f"{layer}.{PARTS[weight]}"] = (values + (weight in ("gamma", "moving_variance"))).astype(np.float32)
    return tensors


def write_backbone(
    folder: Path,
    config: dict[str, Any] | None = None,
    tensors: dict[str, np.ndarray] | None = None,
    card: str = CARD,
) -> Path:
    """Write a repo's files; returns the folder."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    (folder / "README.md").write_text(card)
    save_file(random_tensors() if tensors is None else tensors, folder / "model.safetensors")
    return folder
