"""What timm's networks make of images; a separate process, because torch and TensorFlow do not share one."""

import argparse
import json
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file

RANDOM_STEPS, RANDOM_SIDE_PX = 20, 64


def write_random(name: str, folder: Path) -> None:
    """Write a repo as timm does, with random weights."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=10).train()
    with torch.no_grad():
        for _ in range(RANDOM_STEPS):  # so that the averages of the normalizations are those of the features
            network(torch.randn(16, 3, RANDOM_SIDE_PX, RANDOM_SIDE_PX))
    folder.mkdir()
    save_file(network.state_dict(), folder / "model.safetensors")
    scaling = {key: network.pretrained_cfg[key] for key in ("mean", "std")}
    (folder / "config.json").write_text(json.dumps({"architecture": name, "pretrained_cfg": scaling}))


def write_features(name: str, weights: Path, blocks: list[str], images: Path, output: Path) -> None:
    """Write the means of the feature maps of some blocks.

    Args:
        name: of the architecture.
        weights: safetensors.
        blocks: names of the modules.
        images: npz with arrays float32 (n, height, width, 3), scaled.
        output: npz with the features float32 (n, features) of each array, and `names`, the network's tensors.
    """
    network = timm.create_model(name, num_classes=0).eval()
    tensors = load_file(weights)
    network.load_state_dict({key: value for key, value in tensors.items() if key in network.state_dict()}, strict=False)
    means: list[torch.Tensor] = []
    for block in blocks:
        network.get_submodule(block).register_forward_hook(lambda _, __, maps: means.append(maps.mean((2, 3))))
    found = {}
    with np.load(images) as arrays, torch.no_grad():
        for key, array in arrays.items():
            means.clear()
            network(torch.from_numpy(array.transpose(0, 3, 1, 2).copy()))
            found[key] = torch.cat(means, 1).numpy()
    names = np.array([name for name in network.state_dict() if not name.endswith("num_batches_tracked")])
    np.savez(output, names=names, **found)


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("paths", nargs="+", type=Path, help="folder; or weights, images and output")
    parser.add_argument("--blocks", nargs="*", default=[])
    options = parser.parse_args()
    if len(options.paths) == 1:
        write_random(options.name, *options.paths)
    else:
        weights, images, output = options.paths
        write_features(options.name, weights, options.blocks, images, output)


if __name__ == "__main__":
    main()
