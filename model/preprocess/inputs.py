"""Images in every form that `CnnModel.predict` takes -> the network's inputs, one by one."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from model.pixel_format import PixelFormat
from model.preprocess.decode import ImageError, decode, read_pixels, resize_to_input, to_array
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.sketch import sketch_to_input


def images_to_inputs(
    images: Iterable, image_shape: tuple[int, int, int], pixel_format: PixelFormat = PixelFormat()
) -> Iterator[np.ndarray]:
    """Yield each image as the network's input, uint8 of that shape.

    Args:
        images: see `CnnModel.predict`.
        image_shape: height, width, channels.
        pixel_format: of the network.

    Raises:
        ImageError: if something is not an image.
    """
    for row in iterate_images(images, image_shape):
        image = _take_from_row(row)
        if isinstance(image, bytes):
            yield decode(image, image_shape, pixel_format)
        else:
            yield resize_to_input(to_array(image), image_shape, pixel_format)


def sketches_to_inputs(drawings: Iterable, image_shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """Yield each free drawing as the network's input, uint8 of that shape.

    Raises:
        BlankDrawingError: if nothing is drawn; the text names the drawing's position.
        ImageError: if something is not an image.
    """
    for position, drawing in enumerate(iterate_images(drawings, image_shape)):
        try:
            yield sketch_to_input(unwrap_image(drawing), image_shape)
        except BlankDrawingError as error:
            raise BlankDrawingError(f"{error} in drawing {position}") from None


def iterate_images(images: Iterable, image_shape: tuple[int, int, int]) -> Iterable:
    """Return images as they are, and a single one as a list."""
    # None and file names count as one image, which is then refused with an explanation.
    is_single = images is None or isinstance(images, (Image.Image, bytes, dict, str, os.PathLike))
    if isinstance(images, np.ndarray):
        # (h, w, 3) and (n, h, 3) look alike: an array three pixels wide is a batch only at the network's own size.
        channels_last = images.ndim == 3 and images.shape[2] in (1, 3, 4)
        is_single = images.ndim == 2 or (channels_last and images.shape[1:] != image_shape[:2])
    return [images] if is_single else images


def unwrap_image(image: object) -> Any:
    """Return the image in a dataset's row, or the image itself; encoded bytes are decoded.

    Raises:
        ImageError: if a row does not hold exactly one image, or its bytes are not an image.
    """
    image = _take_from_row(image)
    return read_pixels(image) if isinstance(image, bytes) else image


def _take_from_row(image: object) -> Any:
    if isinstance(image, dict):
        # `datasets` gives a decoded image, or {"bytes", "path"} if decoding is off.
        values = [value.get("bytes") if isinstance(value, dict) else value for value in image.values()]
        found = [value for value in values if isinstance(value, (Image.Image, bytes, np.ndarray))]
        if len(found) != 1:
            raise ImageError(f"a row must hold one image; {sorted(image)} holds {len(found)}")
        image = found[0]
    return image
