"""Any image file or array -> pixels of the network's size; this module alone decides on depth, channels and size.

Training, evaluation, `predict` and the demo all use it, so they cannot prepare an image differently.
"""

import io
import struct
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from model.preprocess import MAX_PIXELS
from model.preprocess.pixels import composite_over, letterbox

TIFF = b"IM"  # the first byte of its files: Intel's or Motorola's byte order
EXTRA_SAMPLES, TILE_WIDTH, TILE_HEIGHT = 338, 322, 323  # tags of TIFF
# How a tag starts in a file: its number and its type, which is 3 or 4 for these, in either byte order.
TIFF_MARKS = [
    struct.pack(f"{order}HH", tag, kind) for order in "<>" for tag in (EXTRA_SAMPLES, TILE_WIDTH) for kind in (3, 4)
]
NO_ALPHA = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH


class ImageError(ValueError):
    """An image that cannot be read or is of a kind that is not supported."""


def decode(encoded: bytes | np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Decode an encoded image (PNG, JPEG, WebP, …) and bring it to the network's size.

    Args:
        encoded: the file's bytes, or a uint8 array of them.
        image_shape: height, width, channels (1 gray, 3 RGB).

    Returns:
        uint8 of that shape.

    Raises:
        ImageError: if the bytes are not an image, are damaged, or announce more than `MAX_PIXELS`.
    """
    # OpenCV decodes several times faster than Pillow. Pillow reads more formats and explains why a file is damaged.
    data = np.frombuffer(encoded, np.uint8)
    try:
        pixels = None if _needs_pillow(bytes(encoded)) else _decode_with_opencv(data)
    except (cv2.error, IndexError):  # too many pixels; no byte at all
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        pixels = to_array(open_image(bytes(encoded)))
    elif pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return resize_to_input(pixels, image_shape)


def decode_batch(encoded: Sequence[np.ndarray], image_shape: tuple[int, int, int]) -> tuple[np.ndarray, dict[int, str]]:
    """Decode many images as `decode` does.

    Args:
        encoded: the files' bytes, uint8 (bytes,) each.
        image_shape: height, width, channels (1 gray, 3 RGB).

    Returns:
        uint8 (n, h, w, c), and position -> reason of the images that cannot be decoded; their pixels are 0.
    """
    # Small images decode in the time of a few lines of Python, so nothing is done to images that already fit.
    shape = image_shape if image_shape[2] == 3 else image_shape[:2]
    try:
        pixels = [one for one in map(_decode_with_opencv, encoded) if one is not None]  # None: what OpenCV cannot read
        fits = len(pixels) == len(encoded) and {one.shape for one in pixels} == {shape}
        fits = fits and not any(one[0] in TIFF for one in encoded)  # each of these is checked by `decode`
        fits = fits and not _needs_pillow(b"".join(map(bytes, encoded)))
    except (cv2.error, IndexError):
        fits = False
    if fits:
        images = np.concatenate(pixels)
        if images.dtype == np.uint8:
            if image_shape[2] == 3:
                cv2.cvtColor(images, cv2.COLOR_BGR2RGB, dst=images)
            return images.reshape(-1, *image_shape), {}
    images, errors = np.zeros((len(encoded), *image_shape), np.uint8), dict[int, str]()
    for position, one in enumerate(encoded):
        try:
            images[position] = decode(one, image_shape)
        except Exception as error:  # one broken image must not fail the whole batch
            errors[position] = str(error)
    return images, errors


def _decode_with_opencv(encoded: np.ndarray) -> np.ndarray | None:
    # OpenCV turns a JPEG upright only if no transparency is asked for, and a JPEG has none.
    return cv2.imdecode(encoded, NO_ALPHA if encoded[0] == 0xFF else cv2.IMREAD_UNCHANGED)


def _needs_pillow(encoded: bytes) -> bool:
    """Return whether a file may hold something that OpenCV ignores.

    These are the camera's orientation in PNG and WebP, and transparency and tiles in TIFF; a tile may be larger than
    the image. Several files may be passed as one, except TIFF.
    """
    return any(mark in encoded for mark in (TIFF_MARKS if encoded[0] in TIFF else (b"eXIf", b"EXIF")))


def open_image(source: bytes | str) -> Image.Image:
    """Open an image from its bytes or its path with Pillow, with its size checked and fully read.

    Raises:
        ImageError: if it is not an image, is damaged, or has more than `MAX_PIXELS`.
    """
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        _check_size(image.width, image.height, pixels_to_decode(image))
        image.load()
        return image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("not an image of a known format (PNG, JPEG, WebP, GIF, BMP, TIFF, …)") from None
    except Exception as error:  # decoders raise many different errors for damaged files
        raise ImageError(f"the image cannot be decoded: {error}") from None


def to_array(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return an image's pixels.

    Args:
        image: a Pillow image of any mode, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16
            (full scale: white is 65535) or bool.

    Returns:
        the array with its own channels; uint8, or uint16 for 16-bit images.

    Raises:
        ImageError: if it is anything else, or has more than `MAX_PIXELS`.
    """
    return _from_pillow(image) if isinstance(image, Image.Image) else _from_array(image)


def resize_to_input(pixels: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Convert pixels to the network's depth, channels and size; the aspect is kept, the rest is filled with black.

    Args:
        pixels: what `to_array` returns; transparency is placed on white.
        image_shape: height, width, channels.

    Returns:
        uint8 of that shape. Pixels that already fit are returned unchanged.
    """
    height, width, channels = image_shape
    pixels = _to_uint8(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = composite_over(255, pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if channels == 1 and pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if pixels.shape[:2] != (height, width):
        pixels = letterbox(pixels, height, width)
    if channels == 3 and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels.reshape(image_shape)


def pixels_to_decode(image: Image.Image) -> int:
    """Return how many pixels a decoder allocates: a TIFF's tiles are decoded whole and may be larger than the image.

    Raises:
        ImageError: if the size of the tiles is not a number.
    """
    tags = getattr(image, "tag_v2", {})
    width, height = (tags.get(tag, 0) for tag in (TILE_WIDTH, TILE_HEIGHT))
    if not isinstance(width, int) or not isinstance(height, int):
        raise ImageError(f"tiles of {width}x{height} pixels")
    return max(image.width, width) * max(image.height, height)


def _from_pillow(image: Image.Image) -> np.ndarray:
    _check_size(image.width, image.height, pixels_to_decode(image))
    is_16_bit_file = image.format in ("PNG", "PPM")  # of these, Pillow's mode I has 16 bits; others may have 8
    image = _rotate_upright(image)
    if image.mode.startswith("I"):
        pixels = _to_uint16(np.asarray(image))
        is_8_bit = image.mode == "I" and not is_16_bit_file and pixels.max() <= 255
        return pixels.astype(np.uint8) if is_8_bit else pixels
    if image.mode in ("La", "RGBa"):  # colors multiplied by their alpha
        image = image.convert(image.mode.upper())
    if image.mode == "F":
        raise ImageError("pixels of floating-point numbers have no fixed black and white: store 8 or 16 bits")
    if image.mode in ("LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    return np.asarray(image)


def _from_array(image: object) -> np.ndarray:
    try:
        pixels = np.asarray(image)
    except ValueError:  # rows of different lengths
        pixels = np.array(None)
    if pixels.dtype.kind in "OSU":
        kind = type(image).__name__
        raise ImageError(
            f"an image must be a Pillow image or a uint8 array, not {kind}: open files with PIL.Image.open"
        )
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise ImageError(f"an image must be uint8 (0 … 255), not {pixels.dtype}")
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)) or not pixels.size:
        raise ImageError(f"an image has the shape (h, w) or (h, w, 1, 3 or 4), not {pixels.shape}")
    _check_size(pixels.shape[1], pixels.shape[0], pixels.shape[0] * pixels.shape[1])
    return pixels


def _check_size(width: int, height: int, decoded: int) -> None:
    if decoded > MAX_PIXELS:
        in_tiles = "" if decoded == width * height else f" in tiles of {decoded:,}"
        raise ImageError(f"{width}x{height} pixels{in_tiles} are more than {MAX_PIXELS:,}")


def _rotate_upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged camera data raise many different errors; most cameras are held upright
        return image


def _to_uint16(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ImageError(f"pixels lie between {pixels.min()} and {pixels.max()}: store 8 or 16 bits")
    return pixels.astype(np.uint16)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257).astype(np.uint8)
