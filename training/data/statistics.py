"""One streamed pass over the training rows that fits every scaling method."""

from pathlib import Path

import numpy as np

from model.io.atomic import read_json, write_json
from model.scaling import PixelHistogram
from training.data.decode import decoded_batches
from training.data.stream import HubStream


def pixel_histogram(train: HubStream, image_shape: tuple[int, int, int], kept: Path) -> PixelHistogram:
    """Return the histogram of all pixels of the training rows; a second call reads it from the file `kept`."""
    key = [train.key, list(image_shape)]
    histogram = PixelHistogram(image_shape[2])
    known = read_json(kept)
    if known and known["key"] == key:
        histogram.counts = np.array(known["counts"], np.int64)
        return histogram
    for images, _, _ in decoded_batches(train, train.ordered(), image_shape):
        histogram.update(images)
    write_json(kept, {"key": key, "counts": histogram.counts.tolist()})
    return histogram
