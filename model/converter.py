"""Any picture or drawing -> the network's input; the one owner of size, polarity and centring.

Training, evaluation, `predict` and the demo all come through here, so they cannot prepare a picture differently.
"""

import io
import math
import os
from collections.abc import Sequence

MAX_PIXELS = 64_000_000  # a picture above this is refused before it is decoded
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # OpenCV reads its limit when it is imported

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: E402

from model import paper  # noqa: E402
from model.separate import separate  # noqa: E402

# MNIST was made by fitting a digit into 20x20 and placing its centre of mass at the centre of 28x28
# (LeCun et al., http://yann.lecun.com/exdb/mnist/); the shares serve other sizes as well.
BOX = 20 / 28
STROKE = 2.34 / 28  # width of MNIST strokes: the median of `stroke_width` over the training rows of the bundled sample
OVERSAMPLING = 8  # drawings are shaped at 8 times the network's size, then averaged down
FAINTEST = 16  # levels by which ink must differ from paper to count as drawn
DRAWN = 0.3  # of the strongest ink, at least
BAND = 0.05  # of the side: a frame lies within so much of the border
LINED = 0.8  # of each side, at least, is covered by a frame
LONGEST_LINE = 1000  # pixels of the longer side of a line of signs that is taken apart
# So many of a digital drawing's pixels, at least, are exactly of its paper's grey or its ink's. Light on real paper
# spreads greys: of the photographs of benchmarks/photographs.py none has more than 14 %.
EVEN = 0.2
SAMPLED = 100  # pixels of the shorter side, at least, that greys are counted of: all would take longer than the rest
RULED = 0.02  # of the pixels, at least, have the one faint grey of lines that a digital sheet is ruled with
SPECK = 0.002  # of a picture's pixels: a piece that is smaller does not tell ink from paper
SMALLEST_PHOTOGRAPH = 64  # pixels of its shorter side; smaller pictures are scans


class BadImage(ValueError):
    """A picture that cannot be read or is not of a kind that the converter takes."""


class BlankDrawing(ValueError):
    """A drawing without a stroke."""


def decode(encoded: bytes | np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Decode an encoded image (PNG, JPEG, WebP, …) and fit it to the network.

    Args:
        encoded: the file's bytes, or a uint8 array of them.
        image_shape: height, width, channels (1 grey, 3 RGB).

    Returns:
        uint8 of that shape.

    Raises:
        BadImage: when the bytes are not an image, are damaged, or announce more than `MAX_PIXELS`.
    """
    # OpenCV decodes several times faster than Pillow; what it cannot read, Pillow may, or knows why not.
    data = np.frombuffer(encoded, np.uint8)
    try:
        pixels = None if _may_be_turned(bytes(encoded)) else _imdecode(data)
    except (cv2.error, IndexError):  # too many pixels; no byte at all
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        pixels = pixels_of(open_image(bytes(encoded)))
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
        fitting = fitting and not _may_be_turned(b"".join(map(bytes, encoded)))
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


def _may_be_turned(encoded: bytes) -> bool:
    """Return whether PNG or WebP files may hold camera data, which OpenCV does not heed where it keeps transparency."""
    return b"eXIf" in encoded or b"EXIF" in encoded


_NO_ALPHA = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH


def open_image(source: bytes | str) -> Image.Image:
    """Open a picture from its bytes or its path with Pillow, checked for size and fully read.

    Raises:
        BadImage: when it is no picture, damaged, or of more than `MAX_PIXELS`.
    """
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        if image.width * image.height > MAX_PIXELS:
            raise BadImage(f"{image.width}x{image.height} pixels are more than {MAX_PIXELS:,}")
        image.load()
        return image
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage("not a picture of a known format (PNG, JPEG, WebP, GIF, BMP, TIFF, …)") from None
    except Exception as error:  # damaged files end in many different errors inside the decoders
        raise BadImage(f"the picture cannot be decoded: {error}") from None


def pixels_of(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return a picture's pixels.

    Args:
        image: a Pillow image of any mode, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of uint8, uint16
            or bool.

    Returns:
        the array with its own channels; uint8, or uint16 for 16-bit pictures.

    Raises:
        BadImage: for anything else.
    """
    if isinstance(image, Image.Image):
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):  # 16-bit grey comes as I;16 or, from some files, as I
            return _sixteen_bit(np.asarray(image))
        if image.mode == "F":
            raise BadImage("pixels of floating-point numbers have no fixed black and white: store 8 or 16 bits")
        if image.mode in ("LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
        elif image.mode == "1":
            image = image.convert("L")
        elif image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGB")
        return np.asarray(image)
    pixels = np.asarray(image)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BadImage(f"an image must be uint8 (0 … 255), not {pixels.dtype}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)) or not pixels.size:
        raise BadImage(f"an image has the shape (h, w) or (h, w, 1, 3 or 4), not {pixels.shape}")
    return pixels


def fit(pixels: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Bring pixels to the network's depth, channels and size; the aspect is kept, the rest filled with black.

    Args:
        pixels: what `pixels_of` returns; transparency is laid on white.
        image_shape: height, width, channels.

    Returns:
        uint8 of that shape. Pixels that fit already come back unchanged.
    """
    height, width, channels = image_shape
    pixels = _eight_bit(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _over(pixels, 255)
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
    huge, or photographed on paper under uneven light (`model.paper`). Its ink is cut out, its strokes brought to the
    width of MNIST's, its longer side to 20/28 of the network's side, its centre of mass to the centre; greys are area
    averages.

    Args:
        drawing: see `pixels_of`.
        image_shape: height, width, channels of the network.

    Returns:
        uint8 of that shape, 0 for paper, 255 for full ink.

    Raises:
        BlankDrawing: when nothing is drawn.
        BadImage: for what is not a picture.
    """
    return _boxed(_ink(pixels_of(drawing)), image_shape)


def sketch_to_inputs(drawing: Image.Image | np.ndarray, image_shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Make one input of each sign of a drawing, from left to right, as `sketch_to_input` does of a whole drawing.

    Args:
        drawing: see `pixels_of`.
        image_shape: height, width, channels of the network.

    Returns:
        at least one uint8 array of that shape; of one sign, what `sketch_to_input` returns.

    Raises:
        BlankDrawing: when nothing is drawn.
        BadImage: for what is not a picture.
    """
    ink = _ink(pixels_of(drawing))
    small = _resize(_crop(ink), LONGEST_LINE) if max(ink.shape) > LONGEST_LINE else ink
    signs = separate(small, stroke_width(small))
    return [_boxed(sign, image_shape) for sign in signs] if len(signs) > 1 else [_boxed(ink, image_shape)]


def _boxed(ink: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = image_shape
    ink = _crop(ink)
    side = min(height, width)
    box, stroke = side * BOX * OVERSAMPLING, side * STROKE * OVERSAMPLING

    # Widening strokes by d pixels widens the box by d as well, so the ink is first fitted into what is left.
    ink = _resize(ink, box)
    growth = stroke - stroke_width(ink)
    growth = float(np.clip(growth, -stroke, 0.9 * stroke))
    ink = _thicken(_resize(ink, box - growth), growth)
    ink = _resize(_crop(ink), box)

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


def _sixteen_bit(pixels: np.ndarray) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise BadImage(f"pixels lie between {pixels.min()} and {pixels.max()}: store 8 or 16 bits")
    return pixels.astype(np.uint16)


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257).astype(np.uint8)


def _over(rgba: np.ndarray, paper: int) -> np.ndarray:
    """Lay a picture with transparency, uint8 (h, w, 4), on paper that is black, 0, or white, 255."""
    alpha = cv2.cvtColor(cv2.extractChannel(rgba, 3), cv2.COLOR_GRAY2RGB)
    on_black = cv2.multiply(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), alpha, scale=1 / 255)
    return cv2.add(on_black, 255 - alpha) if paper else on_black


def _letterbox(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas = np.zeros((height, width, *pixels.shape[2:]), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = resized
    return canvas


def _ink(pixels: np.ndarray) -> np.ndarray:
    """Return how much of each pixel is ink: float32 (h, w), 0 for paper, 1 for the darkest (or lightest) stroke."""
    pixels = _eight_bit(pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_paper(pixels)
    grey = _telling_channel(pixels)
    paper_grey, is_even, faint = _paper_of(grey)
    if is_even:
        ink = cv2.absdiff(grey, np.full_like(grey, paper_grey))
        ink[ink <= faint] = 0
    else:
        ink = 255 * paper.photographed_ink(grey.astype(np.float32))
    strongest = np.float32(ink.max())
    if strongest < FAINTEST:
        raise BlankDrawing("nothing is drawn")
    return _without_frame(_crop(ink) / strongest)


def _on_paper(rgba: np.ndarray) -> np.ndarray:
    """Lay a picture with transparency on what makes it visible: black for light strokes on nothing, else white."""
    alpha = cv2.extractChannel(rgba, 3)
    if alpha.min() == 255:
        return cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    # Most of a canvas is empty: what is transparent around a drawing is cut off, but for a margin.
    left, top, width, height = cv2.boundingRect(alpha)
    rows, columns = slice(max(0, top - 2), top + height + 2), slice(max(0, left - 2), left + width + 2)
    alpha, on_black = alpha[rows, columns], _over(rgba[rows, columns], 0)
    # On black every colour weighs as much as is seen of it: colours under full transparency are arbitrary.
    is_light = cv2.cvtColor(on_black, cv2.COLOR_RGB2GRAY).mean() > alpha.mean() / 2
    return on_black if is_light else cv2.add(on_black, cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB))


def _telling_channel(pixels: np.ndarray) -> np.ndarray:
    """Return a picture, uint8, as (h, w): its grey, or the colour that tells ink from paper where grey does not."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return pixels.reshape(pixels.shape[:2])
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if _spread(grey) > 127:
        return grey
    best = max(cv2.split(pixels), key=_spread)
    return grey if _spread(grey) >= _spread(best) / 2 else best


def _spread(channel: np.ndarray) -> int:
    return int(channel.max()) - int(channel.min())


def _paper_of(grey: np.ndarray) -> tuple[int, bool, int]:
    """Return the grey of a picture's paper, uint8 (h, w), whether it is even, and by how much lines on it differ.

    Even is what is drawn on a screen; lines are those of squared or ruled sheets, 0 where there are none.

    Paper is the lighter or the darker of two, whichever surrounds the other: it has the border and the corners. Where a
    drawing was cut out closely it may have neither, but most of the picture; so the three shares are added up.
    """
    step = max(1, min(grey.shape) // SAMPLED)
    sample = np.ascontiguousarray(grey[::step, ::step])
    threshold, _ = cv2.threshold(sample, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    split = int(threshold) + 1
    counts = np.bincount(sample.ravel(), minlength=256)
    dark, light = int(counts[:split].argmax()), split + int(counts[split:].argmax())
    is_small = min(grey.shape) < SMALLEST_PHOTOGRAPH
    is_even = is_small or counts[dark] + counts[light] >= EVEN * sample.size

    by = int(BAND * min(grey.shape))
    edge, further_in = ((_edge(one) >= split).mean() for one in (grey, grey[by:-by, by:-by] if by else grey))
    share = counts[split:].sum() / sample.size
    votes = share + edge + (grey[[0, 0, -1, -1], [0, -1, 0, -1]] >= split).mean()
    if abs(edge - further_in) > LINED:  # a frame
        votes = 3 * share
    elif 0.75 < votes < 2.25:  # cut out closely: ink holds together, what is left of the paper does not
        step = 1 + math.isqrt(grey.size) // LONGEST_LINE
        votes += 3 * np.sign(_pieces(grey[::step, ::step] >= split) - _pieces(grey[::step, ::step] < split))
    paper_grey = light if votes > 1.5 else dark
    apart = np.abs(np.arange(256) - paper_grey)
    ruled = apart[(counts >= RULED * sample.size) & (apart < (light - dark) / 2)]
    return paper_grey, bool(is_even), 0 if is_small else int(ruled.max(initial=0))


def _edge(grey: np.ndarray) -> np.ndarray:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _pieces(mask: np.ndarray) -> int:
    """Return how many pieces a mask, bool (h, w), has."""
    _, _, numbers, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return int((numbers[1:, cv2.CC_STAT_AREA] >= SPECK * mask.size).sum())


def _without_frame(ink: np.ndarray) -> np.ndarray:
    """Take away a frame around a drawing: a piece that lines all four sides of what is drawn, float32 (h, w)."""
    drawn = ink > DRAWN
    if not _is_lined(drawn):
        return ink
    _, pieces = cv2.connectedComponents(drawn.astype(np.uint8))
    frame = pieces == pieces[0, drawn[0].argmax()]
    if not _is_lined(frame) or (drawn & ~frame).sum() < 0.01 * drawn.size:  # a square alone is a drawing
        return ink
    return _crop(np.where(cv2.dilate(frame.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 0, ink))


def _is_lined(drawn: np.ndarray) -> bool:
    by = 1 + int(BAND * min(drawn.shape))
    sides = drawn[:by].any(0), drawn[-by:].any(0), drawn[:, :by].any(1), drawn[:, -by:].any(1)
    return min(side.mean() for side in sides) >= LINED


def _crop(ink: np.ndarray) -> np.ndarray:
    drawn = ink > DRAWN * ink.max()  # averaging may have thinned all of it out
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


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
    return thinned if thinned.max() > 0.3 else ink


def _centred(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """Place ink on a black canvas, its centre of mass at the centre, moved back where it would leave the canvas."""
    moments = cv2.moments(ink)
    x, y = moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5
    top = int(np.clip(round(height / 2 - y), 0, height - ink.shape[0]))
    left = int(np.clip(round(width / 2 - x), 0, width - ink.shape[1]))
    canvas = np.zeros((height, width), np.float32)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas
