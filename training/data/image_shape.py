"""The shape of the network's input, from the shapes of the images: what most have, and how many differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from model.errors import TrazoError
from model.preprocess.facts import FACTS
from training.data.batches import Batch
from training.data.decode import image_facts_batches
from training.data.stream import HubStream

MAX_DEFAULT_SIDE_PX = 128  # of the network's input without --image-size; larger ones take minutes per batch on a CPU
SAMPLED_IMAGES = 256  # of a stream that was not scanned
CHANNELS = {"gray": 1, "rgb": 3}  # of the choices of --color


def sample_facts(stream: HubStream) -> np.ndarray:
    """Return the facts of some images from all over a stream, `FACTS` (n,); only one window is read.

    Raises:
        TrazoError: if none can be decoded.
    """
    readable, reasons = [np.zeros(0, FACTS)], list[str]()
    for facts, _, _, errors in image_facts_batches(_first_rows(stream.epochs([0], in_parts=True), SAMPLED_IMAGES)):
        readable.append(np.delete(facts, list(errors)))
        reasons += errors.values()
    if not any(map(len, readable)):
        reason = next(iter(reasons), "no row has both an image and a label")
        source = stream.source
        raise TrazoError(f"no image of {source.dataset!r}, split {source.split!r}, can be decoded: {reason}")
    return np.concatenate(readable)


def _first_rows(batches: Iterable[Batch], rows: int) -> Iterator[Batch]:
    for batch in batches:
        if len(batch.labels) >= rows:
            yield batch[0:rows]  # complete, also if only a part of the batch was read
            return
        rows -= len(batch.labels)
        yield batch


def sample_image_shape(stream: HubStream) -> tuple[int, int, int]:
    """Return height, width and channels (1 gray, 3 color) that most images of a stream have, judged by a sample.

    Raises:
        TrazoError: if no image of the sample can be decoded.
    """
    facts = sample_facts(stream)
    counts = np.ones(len(facts), np.int64)
    return *_common_size(facts, counts), _common_channels(facts, counts)


@dataclass(frozen=True)
class InputShape:
    """The shape of the network's input, and what it follows from.

    Attributes:
        shape: height, width, channels.
        common_size: height and width of most images, or the median ones.
        other_size: share of the images that have another size than that.
        other_color: share of the images that are gray while the input has color, or the other way round.
    """

    shape: tuple[int, int, int]
    common_size: tuple[int, int]
    other_size: float
    other_color: float


def choose_image_shape(
    facts: np.ndarray,
    longest_side: int | None = None,
    color: str | None = None,
    counts: np.ndarray | None = None,
) -> InputShape:
    """Return the shape of the network's input.

    The size is the one that most images have; if there is none, the median height and width. The input has color if
    most images have. Its longer side is at most `MAX_DEFAULT_SIDE_PX` unless another is given.

    Args:
        facts: `FACTS` (n,) of images that can be decoded.
        longest_side: of the input, in pixels; None to choose it.
        color: gray or rgb; None to choose it.
        counts: int64 (n,): how many images have these facts; None for one each.
    """
    counts = np.ones(len(facts), np.int64) if counts is None else counts
    height, width = _common_size(facts, counts)
    channels = CHANNELS[color] if color else _common_channels(facts, counts)
    scale = (longest_side or min(max(height, width), MAX_DEFAULT_SIDE_PX)) / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale)), channels
    other_size = counts[(facts["height"] != height) | (facts["width"] != width)].sum() / counts.sum()
    other_color = counts[facts["channels"] != channels].sum() / counts.sum()
    return InputShape(shape, (height, width), float(other_size), float(other_color))


def _common_size(facts: np.ndarray, counts: np.ndarray) -> tuple[int, int]:
    heights, widths = facts["height"].astype(np.int64), facts["width"].astype(np.int64)
    sizes, which = np.unique(heights << 32 | widths, return_inverse=True)
    images = np.bincount(which, weights=counts)
    most = int(images.argmax())
    if 2 * images[most] > counts.sum():
        return int(sizes[most] >> 32), int(sizes[most] & 0xFFFFFFFF)
    return int(np.median(np.repeat(heights, counts))), int(np.median(np.repeat(widths, counts)))


def _common_channels(facts: np.ndarray, counts: np.ndarray) -> int:
    return 3 if 2 * counts[facts["channels"] == 3].sum() > counts.sum() else 1
