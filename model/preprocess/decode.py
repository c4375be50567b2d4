"""Any picture or drawing -> the network's input; the one owner of size, polarity and centring.

Training, evaluation, `predict` and the demo all come through here, so they cannot prepare a picture differently.
"""

import io
import os
import struct
from collections.abc import Sequence

MAX_PIXELS = 64_000_000  # a picture above this is refused before it is decoded
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # OpenCV reads its limit when it is imported

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: E402

from model.preprocess.foreground import DRAWN, LONGEST_LINE, composite_over, crop, extract_strokes  # noqa: E402
from model.preprocess.foreground import BlankDrawingError as BlankDrawingError  # noqa: E402
from model.preprocess.segmentation import separate  # noqa: E402

# MNIST was made by fitting a digit into 20x20 and placing its centre of mass at the centre of 28x28
# (LeCun et al., http://yann.lecun.com/exdb/mnist/); the shares serve other sizes as well.
BOX = 20 / 28
OVERSAMPLING = 8  # drawings are shaped at 8 times the network's size, then averaged down
# Width of MNIST strokes: the median of `stroke_width` over training rows of the bundled sample, as shaping sees them,
# enlarged `OVERSAMPLING` times; in their own few pixels it can only be told to whole ones.
STROKE = 2.34 / 28


class ImageError(ValueError):
    """A picture that cannot be read or is not of a kind that the converter takes."""


def decode(encoded: bytes | np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Decode an encoded image (PNG, JPEG, WebP, …) and fit it to the network.

    Args:
        encoded: the file's bytes, or a uint8 array of them.
        image_shape: height, width, channels (1 grey, 3 RGB).

    Returns:
        uint8 of that shape.

    Raises:
        ImageError: when the bytes are not an image, are damaged, or announce more than `MAX_PIXELS`.
    """
    # OpenCV decodes several times faster than Pillow; what it cannot read, Pillow may, or knows why not.
    data = np.frombuffer(encoded, np.uint8)
    try:
        pixels = None if _is_for_pillow(bytes(encoded)) else _imdecode(data)
    except (cv2.error, IndexError):  # too many pixels; no byte at all
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        pixels = to_array(open_image(bytes(encoded)))
    elif pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return fit(pixels, image_shape)


def decode_batch(encoded: Sequence[np.ndarray], image_shape: tuple[int, int, int]) -> tuple[np.ndarray, dict[int, str]]:
    """Decode many images as `decode` does.

    Args:
        encoded: the files' bytes, uint8 (bytes,) each.
        image_shape: height, width, channels (1 grey, 3 RGB).

    Returns:
        uint8 (n, h, w, c), and position -> reason of the images that cannot be decoded, whose pixels are then 0.
    """
    # Small pictures decode in the time of a few lines of Python, so pictures that need no fitting get none.
    wanted = image_shape if image_shape[2] == 3 else image_shape[:2]
    try:
        pixels = [one for one in map(_imdecode, encoded) if one is not None]  # None: what OpenCV cannot read
        fitting = len(pixels) == len(encoded) and {one.shape for one in pixels} == {wanted}
        fitting = fitting and not any(one[0] in TIFF for one in encoded)  # each is looked at by itself
        fitting = fitting and not _is_for_pillow(b"".join(map(bytes, encoded)))
    except (cv2.error, IndexError):
        fitting = False
    if fitting:
        images = np.concatenate(pixels)
        if images.dtype == np.uint8:
            if image_shape[2] == 3:
                cv2.cvtColor(images, cv2.COLOR_BGR2RGB, dst=images)
            return images.reshape(-1, *image_shape), {}
    images, bad = np.zeros((len(encoded), *image_shape), np.uint8), dict[int, str]()
    for position, one in enumerate(encoded):
        try:
            images[position] = decode(one, image_shape)
        except Exception as error:  # whatever a decoder makes of one picture, the others are not to suffer from it
            bad[position] = str(error)
    return images, bad


def decode_mixed_batch(
    encoded: Sequence[np.ndarray], sketches: np.ndarray, image_shape: tuple[int, int, int]
) -> tuple[np.ndarray, dict[int, str]]:
    """Decode as `decode_batch` does a batch of which some pictures are free drawings.

    Args:
        encoded: the files' bytes, uint8 (bytes,) each.
        sketches: bool (n,): which are to be prepared by `sketch_to_input`.
        image_shape: height, width, channels (1 grey, 3 RGB).

    Returns:
        as `decode_batch`; a drawing without a stroke cannot be decoded.
    """
    images, bad = np.zeros((len(encoded), *image_shape), np.uint8), dict[int, str]()
    plain = np.flatnonzero(~sketches)
    images[plain], wrong = decode_batch([encoded[position] for position in plain.tolist()], image_shape)
    bad |= {int(plain[position]): reason for position, reason in wrong.items()}
    for position in np.flatnonzero(sketches).tolist():
        try:
            images[position] = sketch_to_input(open_image(encoded[position].tobytes()), image_shape)
        except Exception as error:  # as above
            bad[position] = str(error)
    return images, bad


def _imdecode(encoded: np.ndarray) -> np.ndarray | None:
    # A JPEG has no transparency to keep, and its tag for a turned camera is heeded only where none is asked for.
    return cv2.imdecode(encoded, _NO_ALPHA if encoded[0] == 0xFF else cv2.IMREAD_UNCHANGED)


def _is_for_pillow(encoded: bytes) -> bool:
    """Return whether a file may hold what OpenCV does not heed.

    That is camera data of PNG or WebP where transparency is kept, and of TIFF transparency and tiles, which may be
    larger than the picture. Of other kinds several files may be given as one.
    """
    return any(mark in encoded for mark in (TIFF_MARKS if encoded[0] in TIFF else (b"eXIf", b"EXIF")))


TIFF = b"IM"  # the first byte of its files, Intel's byte order or Motorola's
EXTRA_SAMPLES, TILE_WIDTH, TILE_HEIGHT = 338, 322, 323  # tags of TIFF
# A tag as files begin it: its number and its type, of which these may have 3 and 4, in either byte order.
TIFF_MARKS = [
    struct.pack(f"{order}HH", tag, kind) for order in "<>" for tag in (EXTRA_SAMPLES, TILE_WIDTH) for kind in (3, 4)
]
_NO_ALPHA = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH


def open_image(source: bytes | str) -> Image.Image:
    """Open a picture from its bytes or its path with Pillow, checked for size and fully read.

    Raises:
        ImageError: when it is no picture, damaged, or of more than `MAX_PIXELS`.
    """
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        _check_size(image.width, image.height, pixels_to_decode(image))
        image.load()
        return image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("not a picture of a known format (PNG, JPEG, WebP, GIF, BMP, TIFF, …)") from None
    except Exception as error:  # damaged files end in many different errors inside the decoders
        raise ImageError(f"the picture cannot be decoded: {error}") from None


def to_array(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return a picture's pixels.

    Args:
        image: a Pillow image of any mode, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16
            (full scale: white is 65535) or bool.

    Returns:
        the array with its own channels; uint8, or uint16 for 16-bit pictures.

    Raises:
        ImageError: for anything else, and for more than `MAX_PIXELS`.
    """
    if isinstance(image, Image.Image):
        _check_size(image.width, image.height, pixels_to_decode(image))
        is_file_of_16_bits = image.format in ("PNG", "PPM")  # that Pillow gives as I; anything else may be 8 bits
        image = _upright(image)
        if image.mode.startswith("I"):
            pixels = _sixteen_bit(np.asarray(image))
            is_of_8_bits = image.mode == "I" and not is_file_of_16_bits and pixels.max() <= 255
            return pixels.astype(np.uint8) if is_of_8_bits else pixels
        if image.mode in ("La", "RGBa"):  # colours multiplied by their alpha
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


def fit(pixels: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Bring pixels to the network's depth, channels and size; the aspect is kept, the rest filled with black.

    Args:
        pixels: what `to_array` returns; transparency is laid on white.
        image_shape: height, width, channels.

    Returns:
        uint8 of that shape. Pixels that fit already come back unchanged.
    """
    height, width, channels = image_shape
    pixels = _eight_bit(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = composite_over(255, pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if channels == 1 and pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if pixels.shape[:2] != (height, width):
        pixels = _letterbox(pixels, height, width)
    if channels == 3 and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels.reshape(image_shape)


def sketch_to_input(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Make of a free drawing what MNIST's makers made of their scans: light ink on black, boxed and centred.

    The drawing may have any size, be dark on light or light on dark, opaque or transparent, off-centre, tiny or
    huge, or photographed on paper under uneven light (`photo`). Its ink is cut out, its strokes brought to the
    width of MNIST's, its longer side to 20/28 of the network's side, its centre of mass to the centre; greys are area
    averages.

    Args:
        drawing: see `to_array`.
        image_shape: height, width, channels of the network.

    Returns:
        uint8 of that shape, 0 for paper, 255 for full ink.

    Raises:
        BlankDrawingError: when nothing is drawn.
        ImageError: for what is not a picture.
    """
    return _boxed(extract_strokes(to_array(drawing)), image_shape)


def sketch_to_inputs(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Make one input of each sign of a drawing, from left to right, as `sketch_to_input` does of a whole drawing.

    Args:
        drawing: see `to_array`.
        image_shape: height, width, channels of the network.

    Returns:
        at least one uint8 array of that shape; of one sign, what `sketch_to_input` returns.

    Raises:
        BlankDrawingError: when nothing is drawn.
        ImageError: for what is not a picture.
    """
    ink = extract_strokes(to_array(drawing))
    small = _resize(crop(ink), LONGEST_LINE) if max(ink.shape) > LONGEST_LINE else ink
    signs = separate(small, stroke_width(small))
    return [_boxed(sign, image_shape) for sign in signs] if len(signs) > 1 else [_boxed(ink, image_shape)]


def _boxed(ink: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    ink = crop(ink)
    side = min(height, width)
    box, stroke = side * BOX * OVERSAMPLING, side * STROKE * OVERSAMPLING

    # Widening strokes by d pixels widens the box by d as well, so the ink is first fitted into what is left.
    ink = _resize(ink, box)
    growth = stroke - stroke_width(ink)
    growth = float(np.clip(growth, -stroke, 0.9 * stroke))
    ink = _thicken(_resize(ink, box - growth), growth)
    ink = _resize(crop(ink), box)

    canvas = _centred(ink, height * OVERSAMPLING, width * OVERSAMPLING)
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    small = np.round(small * (255 / max(small.max(), 1e-6))).astype(np.uint8)
    return np.repeat(small[..., None], channels, axis=2)


def stroke_width(ink: np.ndarray) -> float:
    """Return the typical stroke width of ink, float32 (h, w) from 0 to 1, in pixels.

    Along the middle line of a stroke the distance to the nearest paper is half the stroke's width; the middle line
    is where that distance has its local maxima.
    """
    mask = np.pad((ink > 0.5).astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared, a distance is a whole number. OpenCV's floats differ in their last bit from call to call; left so, they
    # would choose at random among equal neighbours.
    squared = np.rint(distance**2)
    ridge = (squared > 0) & (squared >= cv2.dilate(squared, np.ones((3, 3), np.uint8)))
    return float(2 * np.median(np.sqrt(squared[ridge].astype(np.float64))) - 1) if ridge.any() else 1.0


def pixels_to_decode(image: Image.Image) -> int:
    """Return how many pixels a decoder makes room for: a TIFF's tiles, each decoded whole, may exceed the picture.

    Raises:
        ImageError: when their size is none.
    """
    tags = getattr(image, "tag_v2", {})
    width, height = (tags.get(tag, 0) for tag in (TILE_WIDTH, TILE_HEIGHT))
    if not isinstance(width, int) or not isinstance(height, int):
        raise ImageError(f"tiles of {width}x{height} pixels")
    return max(image.width, width) * max(image.height, height)


def _check_size(width: int, height: int, decoded: int) -> None:
    if decoded > MAX_PIXELS:
        in_tiles = "" if decoded == width * height else f" in tiles of {decoded:,}"
        raise ImageError(f"{width}x{height} pixels{in_tiles} are more than {MAX_PIXELS:,}")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged camera data end in many different errors; most cameras are held upright
        return image


def _sixteen_bit(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ImageError(f"pixels lie between {pixels.min()} and {pixels.max()}: store 8 or 16 bits")
    return pixels.astype(np.uint16)


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257).astype(np.uint8)


def _letterbox(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas = np.zeros((height, width, *pixels.shape[2:]), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = resized
    return canvas


def _resize(ink: np.ndarray, longest: float) -> np.ndarray:
    scale = longest / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _thicken(ink: np.ndarray, growth: float) -> np.ndarray:
    """Widen strokes by `growth` pixels in all, or thin them where it is negative, with a disc."""
    radius = round(abs(growth) / 2)
    if not radius:
        return ink
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if growth > 0:
        return cv2.dilate(cv2.copyMakeBorder(ink, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0), disc)
    thinned = cv2.erode(ink, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return thinned if thinned.max() > DRAWN else ink


def _centred(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """Place ink on a black canvas, its centre of mass at the centre, moved back where it would leave the canvas."""
    moments = cv2.moments(ink)
    x, y = moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5
    top = int(np.clip(round(height / 2 - y), 0, height - ink.shape[0]))
    left = int(np.clip(round(width / 2 - x), 0, width - ink.shape[1]))
    canvas = np.zeros((height, width), np.float32)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas
