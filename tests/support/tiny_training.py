"""A network and streams so small that a training takes seconds."""

import keras
import numpy as np

from model import CnnConfig
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training import presets
from training.stream import HubStream

ARCHITECTURE = {"filters": (4,), "convolutions": 1, "dense_units": (), "dropout": 0.1}
CONFIG = CnnConfig(**ARCHITECTURE, scaling=Scaling("min-max", (0.0,), (255.0,)))


def tiny_preset(augment: float = 0.0) -> presets.Preset:
    """Return the preset `fast` for the tiny network."""
    fast = presets.fast()
    return presets.Preset(ARCHITECTURE | {"scaling": "z-score"}, fast.training | {"augment": augment})


def streams(seed: int = 0, batch_size: int = 64) -> tuple[HubStream, HubStream]:
    """Return the training rows and the validation rows of the bundled sample."""
    return HubStream(SAMPLE, seed=seed, batch_size=batch_size).hold_out(0.1)


def weights(network: keras.Model) -> list[np.ndarray]:
    """Return the values of a network's weights."""
    return [variable.numpy() for variable in network.weights]
