"""The histogram of pixels from which every scaling method is fitted."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from model.io.atomic import read_json, write_json
from model.pixel_format import PixelFormat
from model.scaling import PixelHistogram
from training.data.decode import decoded_batches
from training.data.stream import HubStream

SAMPLED_ROWS = 8192


def pixel_histogram(
    train: HubStream,
    image_shape: tuple[int, int, int],
    cache_path: Path,
    pixel_format: PixelFormat = PixelFormat(),
) -> PixelHistogram:
    """Return the histogram of the pixels of up to `SAMPLED_ROWS` training rows.

    The rows are the first of a shuffled epoch, from all over the files. More would change offset and scale by less than
    a gray level, and would cost another pass over the data.

    Args:
        train: the rows.
        image_shape: height, width and channels that images are resized to.
        cache_path: JSON file with the result; a second call for the same rows reads it.
        pixel_format: which values of the files are black and white.

    Raises:
        TrazoError: if a row cannot be read.
    """
    key = [train.key, list(image_shape), asdict(pixel_format)]
    histogram = PixelHistogram(image_shape[2])
    cached = read_json(cache_path)
    if cached and cached["key"] == key:
        histogram.counts = np.array(cached["counts"], np.int64)
        return histogram
    batches = train.epochs([0], steps=-(-SAMPLED_ROWS // train.batch_size), in_parts=True)
    for images, _, _ in decoded_batches(train, batches, image_shape, pixel_format):
        histogram.update(images)
    write_json(cache_path, {"key": key, "counts": histogram.counts.tolist()})
    return histogram
