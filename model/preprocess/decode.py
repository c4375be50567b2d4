"""Any image file or array -> pixels of the network's size; this module alone decides on depth, channels and size.

Training, evaluation, `predict` and the demo all use it, so they cannot prepare an image differently.
"""

import io
import struct
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from math import prod
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from model.pixel_format import PixelFormat
from model.preprocess import MAX_PIXELS
from model.preprocess.cost import describe_failure, is_out_of_memory
from model.preprocess.formats import HEAD_BYTES, ImageError, check_format
from model.preprocess.jpeg import ORIENTATION, REDUCING_FLAGS, choose_reduction, jpeg_orientation, jpeg_size
from model.preprocess.pixels import composite_over, letterbox, to_8_bits
from model.preprocess.structure import MAX_SMALL_BYTES, PPM_HEADER, check_structure

EXTRA_SAMPLES, TILE_WIDTH, TILE_HEIGHT, BITS_PER_SAMPLE = 338, 322, 323, 258  # tags of TIFF
# How a tag starts in a file: its number and its type, which is 3 or 4 for these, in either byte order.
TIFF_MARKS = [
    struct.pack(f"{order}HH", tag, kind) for order in "<>" for tag in (EXTRA_SAMPLES, TILE_WIDTH) for kind in (3, 4)
]
OTHER_MARKS = (b"eXIf", b"EXIF", b"tRNS")
# The first bytes of JPEG, WebP and GIF. Files of other formats, except PNG, are looked at one by one.
FAST_STARTS = b"\xffRG"
PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"  # what comes before width and height
MAX_HEADER_BYTES = 1 << 16  # that a small image may have, such as a color profile
MAX_SMALL_PIXELS = 1 << 20  # of a file of `MAX_SMALL_BYTES`, no decoder takes long for it
MAX_CONVERTED_PIXELS = 1 << 20  # at a time
NO_ALPHA = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
# What turns an image upright, by the value of that tag.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}


Costly = Callable[[], AbstractContextManager]


def decode(
    encoded: bytes | np.ndarray,
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
    costly: Costly = nullcontext,
) -> np.ndarray:
    """Decode an encoded image (PNG, JPEG, WebP, …) and bring it to the network's size.

    Args:
        encoded: the file's bytes, or a uint8 array of them.
        image_shape: height, width, channels (1 gray, 3 RGB).
        pixel_format: which values are black and white.
        costly: see `read_pixels`.

    Returns:
        uint8 of that shape.

    Raises:
        ImageError: if the bytes are not an image, are damaged, or are of a structure that `check_structure` refuses.
    """
    return resize_to_input(read_pixels(bytes(encoded), image_shape[:2], costly), image_shape, pixel_format)


def decode_batch(
    encoded: Sequence[np.ndarray],
    image_shape: tuple[int, int, int],
    pixel_format: PixelFormat = PixelFormat(),
    costly: Callable[[int], AbstractContextManager] = nullcontext,
) -> tuple[np.ndarray, dict[int, str]]:
    """Decode many images as `decode` does.

    Args:
        encoded: the files' bytes, uint8 (bytes,) each.
        image_shape: height, width, channels (1 gray, 3 RGB).
        pixel_format: which values are black and white.
        costly: with the position of an image, what `read_pixels` takes.

    Returns:
        uint8 (n, h, w, c), and position -> reason of the images that cannot be decoded; their pixels are 0.
    """
    if (fitting := _decode_fitting(encoded, image_shape)) is not None:
        return fitting, {}
    images, errors = np.zeros((len(encoded), *image_shape), np.uint8), dict[int, str]()
    for position, one in enumerate(encoded):
        try:
            images[position] = decode(one, image_shape, pixel_format, partial(costly, position))
        except Exception as error:  # one broken image must not fail the whole batch
            errors[position] = describe_failure(error)
    return images, errors


def read_pixels(encoded: bytes, target: tuple[int, int] | None = None, costly: Costly = nullcontext) -> np.ndarray:
    """Decode a file.

    Args:
        encoded: its bytes.
        target: height and width that the image will be fitted into. A JPEG that is much larger is decoded at a half, a
            quarter or an eighth of its size, in a fraction of the time, and already fitted.
        costly: makes a context in which an image is decoded that is not small.

    Returns:
        uint8, or uint16 for 16-bit files, (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, upright.

    Raises:
        ImageError: as `decode`.
    """
    kind = check_format(encoded[:HEAD_BYTES])
    structure = check_structure(encoded, kind)
    if len(encoded) <= MAX_SMALL_BYTES and 0 < structure.pixels <= MAX_SMALL_PIXELS:
        return read_checked_pixels(encoded, kind, target)
    with costly():
        return read_checked_pixels(encoded, kind, target)


def read_checked_pixels(encoded: bytes, kind: str, target: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a file as `read_pixels` does, after `check_format` and `check_structure` have let it through."""
    # OpenCV decodes several times faster than Pillow. Pillow reads more formats and explains why a file is damaged.
    pixels = None if _needs_pillow(encoded, kind) else _read_with_opencv(encoded, kind, target)
    return _read_with_pillow(encoded, kind) if pixels is None else pixels


def _read_with_opencv(encoded: bytes, kind: str, target: tuple[int, int] | None) -> np.ndarray | None:
    """Return what `read_pixels` returns, or None if OpenCV cannot read the file or its kind of pixels."""
    # OpenCV turns a JPEG upright only if no transparency is asked for, and a JPEG has none.
    flags = NO_ALPHA if kind == "JPEG" else cv2.IMREAD_UNCHANGED
    reduction = None
    if kind == "JPEG" and target is not None and (size := jpeg_size(encoded)) is not None:
        _check_size(size[1], size[0], size[0] * size[1])
        if all(size) and (reduction := choose_reduction(size, jpeg_orientation(encoded), target)):
            flags |= REDUCING_FLAGS[reduction.factor]
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    except cv2.error as error:
        if is_out_of_memory(error):  # Pillow would need more
            raise MemoryError from None
        return None  # too many pixels
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        return None
    if pixels.ndim == 3:
        code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
        # In place, and in parts, of each of which OpenCV makes a copy: large photographs have 150 MB.
        rows = 1 + MAX_CONVERTED_PIXELS // pixels.shape[1]
        for top in range(0, len(pixels), rows):
            part = pixels[top : top + rows]
            cv2.cvtColor(part, code, dst=part)
    return reduction.resize(pixels) if reduction else pixels


def _read_with_pillow(encoded: bytes, kind: str) -> np.ndarray:
    image = _load_with_pillow(encoded, kind)
    # Of the 16 bits of an image in color, Pillow keeps 8, which would be black if only the lower 12 are used.
    if image.mode in ("RGB", "RGBA") and _is_deep(encoded, kind, image):
        deep = _read_with_opencv(encoded, kind, None)
        if deep is not None:
            deep = deep if image.mode == "RGBA" else deep[..., :3]
            turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
            return np.ascontiguousarray(turn(deep) if turn else deep)
    return to_array(image)


def _is_deep(encoded: bytes, kind: str, image: Image.Image) -> bool:
    if kind == "TIFF":
        return 16 in image.tag_v2.get(BITS_PER_SAMPLE, ())  # type: ignore[attr-defined]
    return kind == "PNG" and encoded[24] == 16


def _decode_fitting(encoded: Sequence[np.ndarray], image_shape: tuple[int, int, int]) -> np.ndarray | None:
    """Decode a batch if each image has the network's size and depth; None if one differs or needs a closer look.

    Small images decode in the time of a few lines of Python, so nothing is done to images that already fit.
    """
    shape = image_shape if image_shape[2] == 3 else image_shape[:2]
    # A photograph is larger than its pixels at the network's size would be: it is not decoded in vain.
    max_bytes = MAX_HEADER_BYTES + 2 * prod(image_shape)
    png_start = PNG_START + struct.pack(">II", image_shape[1], image_shape[0])
    decoded, files = [], []
    try:
        for one in encoded:
            file = one.tobytes()
            if len(file) > max_bytes:
                return None
            if file.startswith(png_start):  # of so few bytes, it has few chunks
                pixels = cv2.imdecode(one, cv2.IMREAD_UNCHANGED)
            elif _announces_size(file, image_shape):
                pixels = cv2.imdecode(one, NO_ALPHA if file[0] == 0xFF else cv2.IMREAD_UNCHANGED)
            else:
                return None
            if pixels is None or pixels.shape != shape:
                return None
            decoded.append(pixels)
            files.append(file)
        together = b"".join(files)
    except (cv2.error, IndexError, ImageError):  # too many pixels; no byte at all; not an image
        return None
    if not decoded or any(mark in together for mark in OTHER_MARKS):
        return None
    images = np.concatenate(decoded)
    if images.dtype != np.uint8:
        return None
    if image_shape[2] == 3:
        cv2.cvtColor(images, cv2.COLOR_BGR2RGB, dst=images)
    return images.reshape(-1, *image_shape)


def _announces_size(encoded: bytes, image_shape: tuple[int, int, int]) -> bool:
    """Return whether a small file is of a fast format, of this size, and of few parts; it is not decoded in vain."""
    if encoded[0] not in FAST_STARTS:
        return False
    structure = check_structure(encoded, check_format(encoded[:HEAD_BYTES]))
    return (structure.height, structure.width) == image_shape[:2]


def _needs_pillow(encoded: bytes, kind: str) -> bool:
    """Return whether a file may hold something that OpenCV ignores or shows differently.

    These are the camera's orientation in PNG and WebP, transparency in gray PNG, transparency and tiles in TIFF (a tile
    may be larger than the image), the unused fourth channel of BMP, a white of PPM below the highest value, and the
    depth of AVIF.
    """
    if kind in ("AVIF", "HEIF"):
        return True
    if kind == "TIFF":
        return any(mark in encoded for mark in TIFF_MARKS)
    if kind == "BMP":
        return encoded[28:29] == b" "  # 32 bits per pixel
    if kind == "PPM":
        header = PPM_HEADER.match(encoded)
        return header is not None and header[5] not in (None, b"255", b"65535")
    if kind not in ("PNG", "WEBP"):
        return False
    return b"eXIf" in encoded or b"EXIF" in encoded or (encoded[25:26] == b"\0" and b"tRNS" in encoded)


def open_image(source: bytes | str) -> Image.Image:
    """Open an image from its bytes or its path with Pillow, with its structure checked and fully read.

    Raises:
        ImageError: if it is not an image, is damaged, or has more parts or pixels than `check_structure` allows.
    """
    encoded = source if isinstance(source, bytes) else Path(source).read_bytes()
    kind = check_format(encoded[:HEAD_BYTES])
    check_structure(encoded, kind)
    return _load_with_pillow(encoded, kind)


def _load_with_pillow(encoded: bytes, kind: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(encoded), formats=(kind,))
        _check_size(image.width, image.height, pixels_to_decode(image))
        image.load()
        return image
    except UnidentifiedImageError:
        raise ImageError("the image cannot be decoded: its header is damaged") from None
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise many different errors for damaged files
        raise ImageError(f"the image cannot be decoded: {' '.join(str(error).split())}") from None


def to_array(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return an image's pixels.

    Args:
        image: a Pillow image of any mode, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16
            or bool.

    Returns:
        the array with its own channels; uint8, or uint16 for 16-bit images.

    Raises:
        ImageError: if it is anything else, or has more than `MAX_PIXELS`.
    """
    return _from_pillow(image) if isinstance(image, Image.Image) else _from_array(image)


def resize_to_input(
    pixels: np.ndarray, image_shape: tuple[int, int, int], pixel_format: PixelFormat = PixelFormat()
) -> np.ndarray:
    """Convert pixels to the network's depth, channels and size; the aspect is kept, the rest is filled with black.

    Args:
        pixels: what `to_array` returns.
        image_shape: height, width, channels.
        pixel_format: which value of 16 bits is white, and what transparency is placed on.

    Returns:
        uint8 of that shape. Pixels that already fit are returned unchanged.
    """
    height, width, channels = image_shape
    pixels = to_8_bits(pixels, pixel_format.white_level)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = composite_over(pixel_format.background, pixels)
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
    rows = 1 + MAX_CONVERTED_PIXELS // image.width
    if image.height <= rows:
        return _convert(image)
    # In parts, of each of which Pillow makes copies: a large photograph with its copies has 600 MB.
    pixels = np.zeros(0)
    for top in range(0, image.height, rows):
        part = _convert(image.crop((0, top, image.width, min(top + rows, image.height))))
        if not top:
            pixels = np.empty((image.height, *part.shape[1:]), part.dtype)
        pixels[top : top + rows] = part
    return pixels


def _convert(image: Image.Image) -> np.ndarray:
    """Return the pixels of an image that is upright, uint8 (h, w), (h, w, 3) or (h, w, 4)."""
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
