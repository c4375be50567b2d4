"""Digits as they are written in other countries. MNIST's writers are American.

A 1 gets an upstroke or a base, a 7 a bar, a 9 a curled leg. All randomness comes from the seed that is passed in.
"""

import math
from typing import TypeAlias

from model.backend import keras, tf

from model.config import DIGITS
from model.errors import TrazoError
from training.augmentation.batch_rows import BatchRows

# The angles of a 1's upstroke from the stem and from straight down. A flatter one makes a 7: a network that learned
# from MNIST alone reads 7 % of the 1s with these limits as 7s, but 22 % of the 1s with limits of 1.3 and 1.2, and a
# model that was trained with the latter read plain 7s as 1s.
MAX_UPSTROKE_FROM_STEM_RAD = 1.1
MAX_UPSTROKE_FROM_VERTICAL_RAD = 0.9
# Of MNIST, in pixels:
IMAGE_SIDE_PX = 28
DIGIT_BOX_PX = 20
MIN_STROKE_WIDTH_PX, MAX_STROKE_WIDTH_PX = 1.8, 3.4

Points: TypeAlias = tf.Tensor  # float32 (n, 2): one (row, column) per image
Segment: TypeAlias = tuple[Points, Points]  # the two ends of a straight stroke per image


def check_digits(labels: tuple[str, ...], purpose: str = "digit_variants redraws") -> None:
    """Check that the labels are the ten digits in order.

    Args:
        labels: the classes.
        purpose: what the digits are needed for, as the beginning of the message.

    Raises:
        TrazoError: if the labels are not exactly '0' … '9'.
    """
    if labels != DIGITS:
        raise TrazoError(f"{purpose} the digits 0 to 9; the labels are {', '.join(labels)}")


def add_regional_strokes(
    images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor, fraction: float, rows: BatchRows | None = None
) -> tf.Tensor:
    """Add strokes to some of the 1s, 7s and 9s, and center these again as MNIST does.

    Args:
        images: float32 (n, h, w, c), light strokes on black, 0 … 255, framed as in MNIST.
        labels: int64 (n,), the digits.
        seed: int32 (2,); equal seeds give equal images.
        fraction: share of the 1s, 7s and 9s that are redrawn, 0 … 1.
        rows: which rows of the batch the images are; None for all.

    Returns:
        float32 (n, h, w, c).
    """
    side = tf.cast(tf.shape(images)[1], tf.float32)
    r = (rows or BatchRows.whole(tf.shape(images)[0])).uniform(seed, before=(10,))
    ink = tf.reduce_max(images, axis=3)
    segments, has_variant = _strokes(ink, labels, r, side)
    chosen = has_variant & (r[0] < fraction)
    width = (MIN_STROKE_WIDTH_PX + (MAX_STROKE_WIDTH_PX - MIN_STROKE_WIDTH_PX) * r[1]) * side / IMAGE_SIDE_PX
    strokes = tf.reduce_max(tf.stack([_draw_line(ink, start, end, width) for start, end in segments]), axis=0)
    brightness = tf.reduce_max(ink, axis=(1, 2))[:, None, None, None]
    redrawn = frame_as_mnist(tf.maximum(images, strokes[..., None] * brightness))
    return tf.where(chosen[:, None, None, None], redrawn, images)


def _strokes(ink: tf.Tensor, labels: tf.Tensor, r: tf.Tensor, side: tf.Tensor) -> tuple[list[Segment], tf.Tensor]:
    """Return two segments per image, and which images have a variant, bool (n,)."""
    top, bottom = _stroke_end(ink, -1.0), _stroke_end(ink, 1.0)
    one, seven, nine = (tf.equal(labels, digit) for digit in (1, 7, 9))

    def select(of_one: Segment, of_seven: Segment, of_nine: Segment) -> Segment:
        start, end = (
            tf.where(one[:, None], a, tf.where(seven[:, None], b, c))
            for a, b, c in zip(of_one, of_seven, of_nine, strict=True)
        )
        return start, end

    upstroke, base = _upstroke_and_base_of_one(top, bottom, r)
    bar = _bar_of_seven(ink, top, bottom, r)
    knee, toe = _hook_of_nine(bottom, r, side)
    return [select(upstroke, bar, knee), select(base, bar, toe)], one | seven | nine


def _upstroke_and_base_of_one(top: Points, bottom: Points, r: tf.Tensor) -> tuple[Segment, Segment]:
    """Return an upstroke from the lower left to the top and a base; one of them may be a point, which is invisible."""
    stem = bottom - top
    length = tf.norm(stem, axis=1)
    stem_angle = tf.atan2(stem[:, 1], stem[:, 0])  # from straight down towards the right
    # The steeper the upstroke, the longer it may be.
    angle = 0.3 + (MAX_UPSTROKE_FROM_STEM_RAD - 0.3) * r[2]
    upstroke_length = length * (0.2 + (0.75 - 0.45 * angle / MAX_UPSTROKE_FROM_STEM_RAD) * r[3])
    upstroke_end = top + _polar(upstroke_length, tf.maximum(stem_angle - angle, -MAX_UPSTROKE_FROM_VERTICAL_RAD))
    half = length * (0.12 + 0.25 * r[4])
    tilt = math.pi / 2 + 0.3 * (r[5] - 0.5)
    base = bottom - _polar(half * (0.6 + 0.8 * r[6]), tilt), bottom + _polar(half * (0.6 + 0.8 * r[7]), tilt)
    has_upstroke, has_base = (r[8] < 0.85)[:, None], (r[8] > 0.45)[:, None]
    return (
        (top, tf.where(has_upstroke, upstroke_end, top)),
        (tf.where(has_base, base[0], bottom), tf.where(has_base, base[1], bottom)),
    )


def _bar_of_seven(ink: tf.Tensor, top: Points, bottom: Points, r: tf.Tensor) -> Segment:
    """Return a bar across the stem."""
    length = tf.norm(bottom - top, axis=1)
    middle = _stroke_at_row(ink, top[:, 0] + (bottom[:, 0] - top[:, 0]) * (0.45 + 0.15 * r[2]))
    half, tilt = length * (0.13 + 0.17 * r[3]), math.pi / 2 + 0.7 * (r[4] - 0.35)
    return middle - _polar(half, tilt), middle + _polar(half, tilt)


def _hook_of_nine(bottom: Points, r: tf.Tensor, side: tf.Tensor) -> tuple[Segment, Segment]:
    """Return a hook from the foot of the leg to the left, in two straight pieces."""
    knee = bottom - tf.stack([-0.03 * side * r[2], side * (0.1 + 0.12 * r[3])], axis=1)
    toe = knee - tf.stack([side * (0.02 + 0.1 * r[4]), side * (0.06 + 0.08 * r[5])], axis=1)
    return (bottom, knee), (knee, toe)


def _polar(length: tf.Tensor, angle: tf.Tensor) -> Points:
    """Return the vector of a length at an angle from straight down towards the right."""
    return tf.stack([length * tf.cos(angle), length * tf.sin(angle)], axis=1)


def _stroke_end(ink: tf.Tensor, direction: float) -> Points:
    """Return the mean place of the ink in the outermost two rows of each image: the top for -1, the foot for 1."""
    rows = tf.range(tf.cast(tf.shape(ink)[1], tf.float32))
    drawn = tf.reduce_max(ink, axis=2) > 0.4 * tf.reduce_max(ink, axis=(1, 2))[:, None]
    last = tf.reduce_max(tf.where(drawn, direction * rows, -1e9), axis=1)
    weights = ink * tf.cast((direction * rows)[None] > last[:, None] - 2, tf.float32)[:, :, None]
    return _center_of_mass(weights)


def _stroke_at_row(ink: tf.Tensor, row: tf.Tensor) -> Points:
    """Return where a single stroke crosses a row."""
    rows = tf.range(tf.cast(tf.shape(ink)[1], tf.float32))
    return _center_of_mass(ink * tf.cast(tf.abs(rows[None] - row[:, None]) < 1, tf.float32)[:, :, None])


def _center_of_mass(weights: tf.Tensor) -> Points:
    rows, columns = (tf.range(tf.cast(tf.shape(weights)[axis], tf.float32)) for axis in (1, 2))
    mass = tf.reduce_sum(weights, axis=(1, 2)) + 1e-6
    return tf.stack(
        [tf.einsum("nij,i->n", weights, rows) / mass, tf.einsum("nij,j->n", weights, columns) / mass], axis=1
    )


def _draw_line(ink: tf.Tensor, start: Points, end: Points, width: tf.Tensor) -> tf.Tensor:
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


def frame_as_mnist(images: tf.Tensor) -> tf.Tensor:
    """Shrink digits that have outgrown MNIST's box, and move their center of mass to the image's center.

    Args:
        images: float32 (n, h, w, c), light strokes on black.

    Returns:
        float32 (n, h, w, c).
    """
    side = tf.cast(tf.shape(images)[1], tf.float32)
    ink = tf.reduce_max(images, axis=3)
    drawn = ink > 0.3 * tf.reduce_max(ink, axis=(1, 2), keepdims=True)
    extents = [tf.reduce_sum(tf.cast(tf.reduce_any(drawn, axis=axis), tf.float32), axis=1) for axis in (1, 2)]
    scale = tf.maximum(1.0, tf.maximum(*extents) / (side * DIGIT_BOX_PX / IMAGE_SIDE_PX))
    center = _center_of_mass(ink)
    zero = tf.zeros_like(scale)
    middle = (side - 1) / 2
    transforms = [scale, zero, center[:, 1] - scale * middle, zero, scale, center[:, 0] - scale * middle, zero, zero]
    return keras.ops.image.affine_transform(
        images, tf.stack(transforms, axis=1), "bilinear", "constant", data_format="channels_last"
    )
