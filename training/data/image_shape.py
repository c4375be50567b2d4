"""The shape of a dataset's images."""

from model.errors import TrazoError
from model.preprocess.decode import ImageError, open_image, to_array
from training.data.stream import HubStream


def first_image_shape(stream: HubStream) -> tuple[int, int, int]:
    """Return height, width and channels (1 gray, 3 color) of the first image that can be decoded.

    Raises:
        TrazoError: if there is none.
    """
    for batch in stream.ordered():
        for encoded in batch.images:
            try:
                pixels = to_array(open_image(encoded))
            except ImageError:
                continue
            return (*pixels.shape[:2], 1 if pixels.ndim == 2 else 3)
    raise TrazoError(f"no image of {stream.source.dataset!r}, split {stream.source.split!r}, can be decoded")
