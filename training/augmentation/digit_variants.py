"""Digits as other hands write them: MNIST's writers are American, those who draw elsewhere may not be.

A 1 gets an upstroke or a base, a 7 a bar, a 9 a curled leg. All randomness comes from the seed that is handed in.
"""

import math

import tensorflow as tf

from model.errors import TrazoError

DIGITS = tuple("0123456789")
# An upstroke leaves the top of a 1 by up to so many radians from the stem, and by no more than FLATTEST from straight
# down: flatter, it makes a 7. A network that learned from MNIST alone reads 7 % of the 1s that are redrawn by these
# as 7s, and 22 % of those redrawn by 1.3 and 1.2: a model that learned from those read plain 7s as 1s.
UP, FLATTEST = 1.1, 0.9
WIDTHS = (1.8, 3.4)  # of the strokes that are added, in pixels of a picture of 28
BOX, SIDE = 20, 28  # of MNIST's digits and pictures


def check_digits(labels: tuple[str, ...]) -> None:
    """Refuse labels that are not the ten digits in their order.

    Raises:
        TrazoError: so.
    """
    if labels != DIGITS:
        raise TrazoError(f"hands redraws the digits 0 to 9; the labels are {', '.join(labels)}")


def redraw(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, share: float) -> tf.Tensor:
    """Add strokes to some of the 1s, 7s and 9s, and centre these again as MNIST is centred.

    Args:
        images: float32 (n, h, w, c), light ink on black, 0 … 255, framed as MNIST's.
        labels: int64 (n,), the digits.
        seed: int32 (2,); equal seeds give equal pictures.
        share: of the pictures of these three digits that are redrawn, 0 … 1.

    Returns:
        float32 (n, h, w, c).
    """
    side = tf.cast(tf.shape(images)[1], tf.float32)
    r = tf.random.stateless_uniform((10, tf.shape(images)[0]), seed)
    ink = tf.reduce_max(images, axis=3)
    segments, wanted = _strokes(ink, labels, r, side)
    wanted &= r[0] < share
    width = (WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * r[1]) * side / SIDE
    drawn = tf.reduce_max(tf.stack([_line(ink, start, end, width) for start, end in segments]), axis=0)
    redrawn = _framed(tf.maximum(images, drawn[..., None] * tf.reduce_max(ink, axis=(1, 2))[:, None, None, None]))
    return tf.where(wanted[:, None, None, None], redrawn, images)


def _strokes(ink: tf.Tensor, labels: tf.Tensor, r: tf.Tensor, side: tf.Tensor) -> tuple[list, tf.Tensor]:
    """Return two segments for each picture, as pairs of (row, column), (n, 2), and which pictures are to have them."""
    top, bottom = _end(ink, -1.0), _end(ink, 1.0)
    stem = bottom - top
    length = tf.norm(stem, axis=1)
    angle = tf.atan2(stem[:, 1], stem[:, 0])  # of the stem, from straight down towards the right

    # 1: an upstroke from the lower left to the top, a base, or both. The steeper the upstroke, the longer it may be.
    away = 0.3 + (UP - 0.3) * r[2]
    reach = length * (0.2 + (0.75 - 0.45 * away / UP) * r[3])
    upstroke = top, top + _polar(reach, tf.maximum(angle - away, -FLATTEST))
    half = length * (0.12 + 0.25 * r[4])
    tilt = math.pi / 2 + 0.3 * (r[5] - 0.5)
    base = bottom - _polar(half * (0.6 + 0.8 * r[6]), tilt), bottom + _polar(half * (0.6 + 0.8 * r[7]), tilt)
    with_upstroke, with_base = r[8] < 0.85, (r[8] > 0.45)
    # A stroke that is not wanted is drawn as a point on the stem.
    upstroke = top, tf.where(with_upstroke[:, None], upstroke[1], top)
    base = tuple(tf.where(with_base[:, None], end, bottom) for end in base)

    # 7: a bar across the stem.
    middle = _crossing(ink, top[:, 0] + (bottom[:, 0] - top[:, 0]) * (0.45 + 0.15 * r[2]))
    half, tilt = length * (0.13 + 0.17 * r[3]), math.pi / 2 + 0.7 * (r[4] - 0.35)
    bar = middle - _polar(half, tilt), middle + _polar(half, tilt)

    # 9: from the foot of the leg a hook to the left, in two straight pieces.
    knee = bottom - tf.stack([-0.03 * side * r[2], side * (0.1 + 0.12 * r[3])], axis=1)
    hook = bottom, knee
    tip = knee, knee - tf.stack([side * (0.02 + 0.1 * r[4]), side * (0.06 + 0.08 * r[5])], axis=1)

    one, seven, nine = (tf.equal(labels, digit) for digit in (1, 7, 9))

    def of_digit(of_one: tuple, of_seven: tuple, of_nine: tuple) -> tuple[tf.Tensor, tf.Tensor]:
        return tuple(
            tf.where(one[:, None], a, tf.where(seven[:, None], b, c))
            for a, b, c in zip(of_one, of_seven, of_nine, strict=True)
        )

    return [of_digit(upstroke, bar, hook), of_digit(base, bar, tip)], one | seven | nine


def _polar(length: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    """Return (rows, columns) of a length at an angle from straight down towards the right, (n, 2)."""
    return tf.stack([length * tf.cos(angle), length * tf.sin(angle)], axis=1)


def _end(ink: tf.Tensor, direction: float) -> tf.Tensor:
    """Return the mean place of the ink in the outermost two rows of each picture: direction -1 the top, 1 the foot."""
    rows = tf.range(tf.cast(tf.shape(ink)[1], tf.float32))
    drawn = tf.reduce_max(ink, axis=2) > 0.4 * tf.reduce_max(ink, axis=(1, 2))[:, None]
    last = tf.reduce_max(tf.where(drawn, direction * rows, -1e9), axis=1)
    weights = ink * tf.cast((direction * rows)[None] > last[:, None] - 2, tf.float32)[:, :, None]
    return _mass_centre(weights)


def _crossing(ink: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
    """Return where a single stroke crosses a row, (n, 2)."""
    rows = tf.range(tf.cast(tf.shape(ink)[1], tf.float32))
    return _mass_centre(ink * tf.cast(tf.abs(rows[None] - row[:, None]) < 1, tf.float32)[:, :, None])


def _mass_centre(weights: tf.Tensor) -> tf.Tensor:
    rows, columns = (tf.range(tf.cast(tf.shape(weights)[axis], tf.float32)) for axis in (1, 2))
    mass = tf.reduce_sum(weights, axis=(1, 2)) + 1e-6
    return tf.stack(
        [tf.einsum("nij,i->n", weights, rows) / mass, tf.einsum("nij,j->n", weights, columns) / mass], axis=1
    )


def _line(ink: tf.Tensor, start: tf.Tensor, end: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Return a straight stroke with soft edges and round ends: float32 (n, h, w), 0 … 1."""
    rows, columns = (tf.range(tf.cast(tf.shape(ink)[axis], tf.float32)) for axis in (1, 2))
    way = end - start
    y, x = rows[None, :, None] - start[:, 0, None, None], columns[None, None] - start[:, 1, None, None]
    along = (y * way[:, 0, None, None] + x * way[:, 1, None, None]) / (
        tf.reduce_sum(way**2, axis=1)[:, None, None] + 1e-6
    )
    along = tf.clip_by_value(along, 0.0, 1.0)
    distance = tf.sqrt((y - along * way[:, 0, None, None]) ** 2 + (x - along * way[:, 1, None, None]) ** 2)
    return tf.clip_by_value(width[:, None, None] / 2 - distance + 0.5, 0.0, 1.0)


def _framed(images: tf.Tensor) -> tf.Tensor:
    """Bring ink that has outgrown MNIST's box back into it, and its centre of mass to the picture's centre."""
    shape = tf.shape(images)
    side = tf.cast(shape[1], tf.float32)
    ink = tf.reduce_max(images, axis=3)
    drawn = ink > 0.3 * tf.reduce_max(ink, axis=(1, 2), keepdims=True)
    extents = [tf.reduce_sum(tf.cast(tf.reduce_any(drawn, axis=axis), tf.float32), axis=1) for axis in (1, 2)]
    scale = tf.maximum(1.0, tf.maximum(*extents) / (side * BOX / SIDE))
    centre = _mass_centre(ink)
    zero = tf.zeros_like(scale)
    middle = (side - 1) / 2
    transforms = [scale, zero, centre[:, 1] - scale * middle, zero, scale, centre[:, 0] - scale * middle, zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(transforms, axis=1),
        output_shape=shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
