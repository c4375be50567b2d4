"""Each backbone compared with timm: the same tensors by name, the same features for the same images.

    python -m benchmarks.backbones [--backbone REPO …] [--write]

Needs timm and torch (benchmarks/requirements.txt). An architecture without a repo gets random weights, in both alike.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from model.backend import keras
import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file

from benchmarks.common import about, report
from model.artifacts import CONFIG_FILE, WEIGHTS_FILE
from model.backbones.catalog import NAMES
from model.backbones.weights import tensor_names
from model.config import CnnConfig
from model.network import FEATURES, build_network
from training.transfer.backbone import Backbone, open_backbone

IMAGES, SIDES_PX = 8, (64, 96, 128, 224)


def main() -> None:
    """Compare and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbone", nargs="*", default=[], help="repos or folders with real weights")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    lines = [
        "| weights | architecture | tensors | of timm, named alike | largest difference | largest feature |",
        "|---|---|---:|---:|---:|---:|",
    ]
    backbones = [open_backbone(name) for name in options.backbone]
    with tempfile.TemporaryDirectory() as temporary:
        given = {backbone.architecture.name for backbone in backbones}
        for name in NAMES:
            if name not in given:
                backbones.append(open_backbone(str(write_random(name, Path(temporary) / f"{name} (random)"))))
        lines += [compare(backbone) for backbone in backbones]
    packages = f"timm {version('timm')}, torch {version('torch')}"
    images = f"{IMAGES} random images of each of {', '.join(map(str, SIDES_PX))} pixels, float32"
    report(
        "Backbones",
        "\n".join([*lines, "", f"{images}; {packages}; {about('benchmarks.backbones', None)}"]),
        options.write,
    )


def write_random(name: str, folder: Path) -> Path:
    """Write a repo as timm does, with random weights; returns the folder."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=10).train()
    with torch.no_grad():
        for _ in range(20):  # so that the averages of the normalizations are those of the features
            network(torch.randn(16, 3, 64, 64))
    folder.mkdir()
    save_file(network.state_dict(), folder / WEIGHTS_FILE)
    keep = ("mean", "std")
    config = {"architecture": name, "pretrained_cfg": {key: network.pretrained_cfg[key] for key in keep}}
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    return folder


def compare(backbone: Backbone) -> str:
    """Return the row of a backbone."""
    name = backbone.architecture.name
    tensors = load_file(backbone.folder / WEIGHTS_FILE)
    network = timm.create_model(name, num_classes=0).eval()
    ours = tensor_names(backbone.architecture)
    counters = "num_batches_tracked"
    theirs = {key for key in network.state_dict() if not key.endswith(counters)}
    network.load_state_dict({key: value for key, value in tensors.items() if key in network.state_dict()}, strict=False)
    difference = largest = 0.0
    for side in SIDES_PX:
        images = np.random.default_rng(side).integers(0, 256, (IMAGES, side, side, 3)).astype(np.float32)
        offset, scale = (np.array(one, np.float32) for one in (backbone.scaling.offset, backbone.scaling.scale))
        with torch.no_grad():
            expected = network(torch.from_numpy(((images - offset) / scale).transpose(0, 3, 1, 2).copy())).numpy()
        found = features(backbone, side)(images)
        difference, largest = max(difference, np.abs(found - expected).max()), max(largest, np.abs(expected).max())
    alike = f"{len(ours & theirs)} of {len(theirs)}"
    return f"| `{backbone.about.name}` | {name} | {len(ours)} | {alike} | {difference:.1e} | {largest:.2f} |"


def features(backbone: Backbone, side: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to the features of Trazo's network."""
    config = CnnConfig(
        backbone=backbone.architecture.name,
        filters=(),
        dense_units=(),
        image_shape=(side, side, 3),
        scaling=backbone.scaling,
    )
    network = build_network(config)
    backbone.assign_to(network)
    inner = keras.Model(network.input, network.get_layer(FEATURES).output)
    return lambda images: inner(images, training=False).numpy()


if __name__ == "__main__":
    main()
