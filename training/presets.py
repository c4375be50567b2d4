"""Networks and recipes that need no search: fields of CnnConfig and of TrainConfig by name."""

from typing import Any


def default() -> tuple[dict[str, Any], dict[str, Any]]:
    """Three blocks of two convolutions: what `train` uses where there is no search to take the best of.

    python -m training train --dataset ylecun/mnist --output runs/default --preset default
    """
    network = {
        "filters": (32, 64, 128),
        "convolutions": 2,
        "dense_units": (),
        "dropout": 0.2,
        "scaling": "z-score",
    }
    return network, {"epochs": 20, "optimizer": "adamw", "learning_rate": 3e-3}


def fast() -> tuple[dict[str, Any], dict[str, Any]]:
    """Two narrow blocks and four epochs: the first answer about a dataset.

    python -m training train --dataset ylecun/mnist --output runs/fast --preset fast
    """
    network = {
        "filters": (16, 32),
        "convolutions": 2,
        "dense_units": (64,),
        "dropout": 0.2,
        "scaling": "z-score",
    }
    return network, {"epochs": 4, "optimizer": "adamw", "learning_rate": 4e-3, "augment": 0.5}


PRESETS = {"default": default, "fast": fast}
