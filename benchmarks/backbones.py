"""Each backbone compared with timm: the same tensors by name, the same features for the same images.

    python -m benchmarks.backbones [--backbone REPO …] [--python PYTHON] [--write]

Needs timm and torch (benchmarks/requirements.txt). An architecture without a repo gets random weights, in both alike.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from model.backend import keras
import numpy as np

from benchmarks.common import about, report
from model.artifacts import WEIGHTS_FILE
from model.backbones.catalog import NAMES
from model.backbones.weights import tensor_names
from model.config import CnnConfig
from model.network import FEATURES, build_network
from training.transfer.backbone import Backbone, open_backbone

IMAGES, SIDES_PX = 8, (64, 97, 160, 224)
VERSIONS = "import timm, torch; print(f'timm {timm.__version__}, torch {torch.__version__}')"


def main() -> None:
    """Compare and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbone", nargs="*", default=[], help="repos or folders with real weights")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has timm")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    lines = [
        "| weights | tensors | those of timm | largest difference | largest feature |",
        "|---|---:|---:|---:|---:|",
    ]
    backbones = [open_backbone(name) for name in options.backbone]
    with tempfile.TemporaryDirectory() as temporary:
        given = {backbone.architecture.name for backbone in backbones}
        for name in (one for one in NAMES if one not in given):
            folder = Path(temporary) / f"{name} (random)"
            run_timm(options.python, name, str(folder))
            backbones.append(open_backbone(str(folder)))
        lines += [compare(backbone, options.python, Path(temporary)) for backbone in backbones]
    packages = subprocess.run(
        [options.python, "-c", VERSIONS], capture_output=True, text=True, check=True
    ).stdout.strip()
    images = f"{IMAGES} random images of each of {', '.join(map(str, SIDES_PX))} pixels, float32"
    notes = f"{images}; {packages}; {about('benchmarks.backbones', None)}"
    report("Backbones", "\n".join([*lines, "", notes]), options.write)


def run_timm(python: str, *arguments: str) -> None:
    """Run `benchmarks.timm_features`."""
    subprocess.run([python, "-m", "benchmarks.timm_features", *arguments], check=True)


def compare(backbone: Backbone, python: str, temporary: Path) -> str:
    """Return the row of a backbone."""
    architecture = backbone.architecture
    images = {
        str(side): np.random.default_rng(side).integers(0, 256, (IMAGES, side, side, 3)).astype(np.float32)
        for side in SIDES_PX
    }
    offset, scale = (np.array(one, np.float32) for one in (backbone.scaling.offset, backbone.scaling.scale))
    np.savez(temporary / "images.npz", **{side: (array - offset) / scale for side, array in images.items()})
    blocks = [block.name for block in architecture.blocks if block.ends_stage]
    paths = [backbone.folder / WEIGHTS_FILE, temporary / "images.npz", temporary / "features.npz"]
    run_timm(python, architecture.name, *map(str, paths), "--blocks", *blocks)
    difference = largest = 0.0
    with np.load(temporary / "features.npz") as arrays:
        theirs = set(arrays["names"].tolist())
        for side, array in images.items():
            expected = arrays[side]
            difference = max(difference, float(np.abs(features(backbone, array) - expected).max()))
            largest = max(largest, float(np.abs(expected).max()))
    ours = tensor_names(architecture)
    return f"| `{backbone.about.name}` | {len(ours)} | {len(ours & theirs)} | {difference:.1e} | {largest:.2f} |"


def features(backbone: Backbone, images: np.ndarray) -> np.ndarray:
    """Return the features of Trazo's network."""
    config = CnnConfig(
        backbone=backbone.architecture.name,
        filters=(),
        dense_units=(),
        image_shape=images.shape[1:],
        scaling=backbone.scaling,
    )
    network = build_network(config)
    backbone.assign_to(network)
    return keras.Model(network.input, network.get_layer(FEATURES).output)(images, training=False).numpy()


if __name__ == "__main__":
    main()
