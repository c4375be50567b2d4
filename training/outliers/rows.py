"""The rows of a training whose digits are drawn again, or changed until they are none."""

from itertools import islice

import numpy as np

from model.config import CnnConfig
from training.data.decode import decoded_batches
from training.data.stream import HubStream

MAX_ROWS = 10_000


def read_digits(train: HubStream, config: CnnConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the first rows of a training's first epoch.

    Args:
        train: rows of digits.
        config: of the network.

    Returns:
        (uint8 (n, h, w), light on black; int64 (n,), the digits).
    """
    batches = islice(train.epochs([0]), -(-MAX_ROWS // train.batch_size))
    images, labels, _ = zip(*decoded_batches(train, batches, config.image_shape, config.pixel_format), strict=True)
    return np.concatenate(images).max(axis=3), np.concatenate(labels)
