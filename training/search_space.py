"""What is searched: `build(hp)`, with the ranges inline."""

from typing import Any

import keras_tuner

from model.config import ACTIVATIONS

# Optimisers differ in the size of a good step by orders of magnitude, so each has a range of its own.
# (lowest, highest, default).
LEARNING_RATES = {
    "adam": (3e-4, 1e-2, 3e-3),
    "adamw": (3e-4, 1e-2, 3e-3),
    "nadam": (3e-4, 1e-2, 3e-3),
    "sgd": (1e-2, 3e-1, 1e-1),
}


def build(hp: keras_tuner.HyperParameters) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (fields of CnnConfig, fields of TrainConfig) for one point of the space.

    `scaling` is the name of the method; the caller fits it. The defaults are a recipe that works on small pictures: a
    search starts from them, so that it never ends below what is known.
    """
    # Depth: each block halves the picture and sees patterns twice as large.
    blocks = hp.Int("blocks", 2, 3, default=3)
    # Width: filters of the first block; each further block has twice as many.
    filters = hp.Choice("filters", [16, 24, 32], default=24)
    network: dict[str, Any] = {
        "filters": tuple(filters * 2**block for block in range(blocks)),
        # Two convolutions of 3×3 see as far as one of 5×5, with fewer weights and one activation more.
        "convolutions": hp.Int("convolutions", 1, 2, default=2),
        "activation": hp.Choice("activation", list(ACTIVATIONS), default="relu"),
        # Hidden units before the head; 0 takes the mean of each feature map in their place.
        "dense_units": tuple(filter(None, [hp.Choice("dense_units", [0, 64, 128], default=0)])),
        "dropout": hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5], default=0.2),
        "scaling": hp.Choice("scaling", ["min-max", "z-score", "robust"], default="z-score"),
    }
    # Regularisation: L1 pushes weights to zero, L2 shrinks them, the elastic net does both.
    kind = hp.Choice("regularization", ["none", "l1", "l2", "elastic net"], default="none")
    for penalty, high in (("l1", 3e-5), ("l2", 1e-3)):
        with hp.conditional_scope("regularization", [penalty, "elastic net"]):
            if kind in (penalty, "elastic net"):
                network[penalty] = hp.Float(penalty, 1e-7 if penalty == "l1" else 1e-6, high, sampling="log")

    optimizer = hp.Choice("optimizer", list(LEARNING_RATES), default="adamw")
    training: dict[str, Any] = {"optimizer": optimizer}
    for name, (low, high, default) in LEARNING_RATES.items():
        with hp.conditional_scope("optimizer", [name]):
            if optimizer == name:
                training["learning_rate"] = hp.Float(
                    f"learning_rate_{name}", low, high, sampling="log", default=default
                )
    return network, training
