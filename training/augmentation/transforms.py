"""Small random changes to batches of images, so that the network sees each image a little differently every epoch.

All randomness comes from the seed that is passed in, so a resumed run sees the same images.
"""

import math

from model.backend import keras, tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.config import SEED_OFFSETS, AugmentConfig

# The largest change of each kind at a strength of 1, chosen for handwriting: more would give a 6 the slant of a 9, or
# push strokes out of the image.
MAX_ROTATION_DEG = 12.0  # either way
MAX_SHEAR = 0.15  # horizontal slant, as a share of the height
MAX_ZOOM = 0.12  # larger or smaller by this share
MAX_SHIFT = 0.08  # of height and width
ELASTIC_SIGMA = 4 / 28  # standard deviation of the Gaussian that smooths the displacements, as a share of the side
MAX_ERASE_ASPECT = 2  # of an erased rectangle's sides
MAX_COLOR_CHANGE = 0.5  # of brightness, contrast and saturation, as a factor more or less
GRAY_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601


def augment(images: tf.Tensor, seed: tf.Tensor, config: AugmentConfig, rows: BatchRows | None = None) -> tf.Tensor:
    """Change each image a little, at random and in its own way.

    Args:
        images: float32 (n, h, w, c).
        seed: int32 (2,), of the batch; equal seeds give equal images.
        config: how much; `digit_variants` and `coarse_scans` are applied before, `mixup` and `cutmix` after.
        rows: which rows of the batch the images are; None for all.

    Returns:
        float32 (n, h, w, c); pixels that enter at a border repeat the border, or what lies next to it.
    """
    originals, rows = images, rows or BatchRows.whole(tf.shape(images)[0])
    if config.mirror:
        images = _mirror(images, rows, seed_of("mirror", seed), config.mirror)
    if config.random_crop:
        images = _shift(images, rows, seed_of("random_crop", seed), config.random_crop)
    if config.elastic_transform:
        images = _distort(images, rows, seed, config.augment, config.elastic_transform)
    elif config.augment:
        images = _move(images, rows, seed, config.augment)
    if config.stroke_jitter:
        images = _jitter_strokes(images, rows, seed_of("stroke_jitter", seed), config.stroke_jitter)
    if config.color_jitter:
        images = _change_colors(images, rows, seed_of("color_jitter", seed), config.color_jitter)
    if config.random_erasing:
        images = _erase(images, rows, seed_of("random_erasing", seed), config.random_erasing)
    if config.clean_fraction:
        images = tf.where(stays_clean(rows, seed, config), originals, images)
    return images


def stays_clean(rows: BatchRows, seed: tf.Tensor, config: AugmentConfig) -> tf.Tensor:
    """Return which images of a batch stay as they are, bool (n, 1, 1, 1).

    Args:
        rows: which ones of the batch.
        seed: int32 (2,), that of the batch.
        config: its `clean_fraction`.
    """
    return rows.uniform(seed_of("clean_fraction", seed), after=(1, 1, 1)) < config.clean_fraction


def seed_of(augmentation: str, seed: tf.Tensor) -> tf.Tensor:
    """Return the seed of one augmentation, int32 (2,), from that of the batch.

    Args:
        augmentation: a key of `SEED_OFFSETS`.
        seed: int32 (2,).
    """
    return tf.random.experimental.stateless_fold_in(seed, SEED_OFFSETS[augmentation])


def _mirror(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, fraction: float) -> tf.Tensor:
    chance = rows.uniform(seed, after=(1, 1, 1))
    return tf.where(chance < fraction, tf.reverse(images, [2]), images)


def _shift(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, max_share: float) -> tf.Tensor:
    """Shift each image by whole pixels, which does not blur it; a border reflects what lies next to it.

    This is the crop out of an enlarged image of Page 2018, "How to Train Your ResNet".
    """
    r = rows.uniform(seed, before=(2,), after=(1,))
    for axis in (1, 2):
        side = tf.shape(images)[axis]
        max_px = tf.cast(tf.round(max_share * tf.cast(side, tf.float32)), tf.int32)
        steps = tf.cast(r[axis - 1] * tf.cast(2 * max_px + 1, tf.float32), tf.int32) - max_px
        pixels = tf.abs(tf.range(side)[None] + tf.minimum(steps, max_px))
        images = tf.gather(images, side - 1 - tf.abs(side - 1 - pixels), axis=axis, batch_dims=1)
    return images


def _move(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Rotate, slant, zoom and shift in one bilinear resampling."""
    shape = tf.shape(images)
    transforms = _affine(rows, tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32), seed, strength)
    return keras.ops.image.affine_transform(images, transforms, "bilinear", "nearest", data_format="channels_last")


def _affine(rows: BatchRows, height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Return a random transform from output to input pixels for each row, float32 (n, 8), in Keras' order."""
    r = rows.uniform(seed, before=(6,), low=-strength, high=strength)
    angle, shear = r[0] * (MAX_ROTATION_DEG * math.pi / 180), r[1] * MAX_SHEAR
    zoom_x, zoom_y = 1 + r[2] * MAX_ZOOM, 1 + r[3] * MAX_ZOOM
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Output pixel -> input pixel: slant, then rotation, then zoom, about the image's center.
    a, b = zoom_x * cos, zoom_x * (shear * cos - sin)
    c, d = zoom_y * sin, zoom_y * (shear * sin + cos)
    x, y = (width - 1) / 2, (height - 1) / 2
    move_x = x - a * x - b * y + r[4] * MAX_SHIFT * width
    move_y = y - c * x - d * y + r[5] * MAX_SHIFT * height
    zero = tf.zeros_like(a)
    return tf.stack([a, b, move_x, c, d, move_y, zero, zero], axis=1)


def _distort(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, strength: float, amount: float) -> tf.Tensor:
    """Displace the pixels by a smooth random field and move them as `_move` does, in one resampling.

    Source: Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional Neural Networks".
    """
    shape = tf.shape(images)
    size = tf.cast(shape[1:3], tf.float32)
    noise_seed = seed_of("elastic_transform", seed)
    # Of the whole global batch, which one standard deviation scales.
    noise = tf.random.stateless_uniform((rows.count, shape[1], shape[2], 2), noise_seed, -1.0, 1.0)
    field = _blur(_blur(noise, size[0] * ELASTIC_SIGMA, 1), size[1] * ELASTIC_SIGMA, 2)
    field = tf.gather(field * (amount * size / (tf.math.reduce_std(field) + 1e-6)), rows.positions)
    y, x = tf.meshgrid(tf.range(size[0]), tf.range(size[1]), indexing="ij")
    y, x = y + field[..., 0], x + field[..., 1]
    a, b, move_x, c, d, move_y, _, _ = (
        t[:, None, None] for t in tf.unstack(_affine(rows, size[0], size[1], seed, strength), axis=1)
    )
    return _sample(images, tf.stack([c * x + d * y + move_y, a * x + b * y + move_x], axis=-1))


def _blur(field: tf.Tensor, sigma: tf.Tensor, axis: int) -> tf.Tensor:
    """Blur (n, h, w, 2) along one axis by a Gaussian; beyond the border the field is 0.

    One axis after the other takes 3.2 ms for 128 images of 28 × 28; `keras.ops.image.gaussian_blur`, whose kernel has
    two dimensions, takes 25 ms and gives the same values up to 2e-7.
    """
    reach = tf.cast(tf.math.ceil(3 * sigma), tf.int32)
    offsets = tf.cast(tf.range(-reach, reach + 1), tf.float32)
    weights = tf.exp(-(offsets**2) / (2 * sigma**2))
    kernel = tf.reshape(weights / tf.reduce_sum(weights), (-1, 1, 1, 1) if axis == 1 else (1, -1, 1, 1))
    return tf.nn.depthwise_conv2d(field, tf.tile(kernel, (1, 1, 2, 1)), (1, 1, 1, 1), "SAME")


def _sample(images: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Return the pixels at fractional (row, column) positions, float32 (n, h, w, 2), by bilinear interpolation."""
    last = tf.cast(tf.shape(images)[1:3] - 1, tf.float32)
    positions = tf.clip_by_value(positions, 0.0, last)
    low = tf.floor(positions)
    high = tf.minimum(low + 1, last)
    share = positions - low

    def pixels_at(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        return tf.gather_nd(images, tf.cast(tf.stack([rows, columns], axis=-1), tf.int32), batch_dims=1)

    top = pixels_at(low[..., 0], low[..., 1]), pixels_at(low[..., 0], high[..., 1])
    bottom = pixels_at(high[..., 0], low[..., 1]), pixels_at(high[..., 0], high[..., 1])
    down, right = share[..., :1], share[..., 1:]
    return (1 - down) * ((1 - right) * top[0] + right * top[1]) + down * ((1 - right) * bottom[0] + right * bottom[1])


def _jitter_strokes(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, max_px: float) -> tf.Tensor:
    """Blend each image with its dilation or its erosion by one pixel: bright strokes grow or shrink.

    The amount changes from one side of the image to the other, as the pressure of a pen does.
    """
    shape = tf.shape(images)
    r = rows.uniform(seed, before=(3,), after=(1, 1, 1), low=-1.0)  # in one call: each has the same seed
    at_ends, turn = max_px * r[:2], math.pi * r[2]
    y, x = tf.linspace(-0.5, 0.5, shape[1])[:, None, None], tf.linspace(-0.5, 0.5, shape[2])[:, None]
    way = tf.clip_by_value(0.5 + tf.sin(turn) * y + tf.cos(turn) * x, 0.0, 1.0)
    share = at_ends[0] + way * (at_ends[1] - at_ends[0])
    thicker = tf.nn.max_pool2d(images, 3, 1, "SAME")
    thinner = -tf.nn.max_pool2d(-images, 3, 1, "SAME")
    return images + tf.abs(share) * (tf.where(share > 0, thicker, thinner) - images)


def _change_colors(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Change brightness, contrast and, of images in color, saturation, each by another factor for each image."""
    change = MAX_COLOR_CHANGE * strength
    factors = rows.uniform(seed, before=(3,), after=(1, 1, 1), low=1 - change, high=1 + change)
    images = images * factors[0]
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * factors[1]
    if images.shape[3] == 3:
        gray = tf.reduce_sum(images * tf.constant(GRAY_WEIGHTS), axis=3, keepdims=True)
        images = gray + (images - gray) * factors[2]
    return tf.clip_by_value(images, 0.0, 255.0)


def _erase(images: tf.Tensor, rows: BatchRows, seed: tf.Tensor, max_area: float) -> tf.Tensor:
    """Cover a rectangle of every second image, on average, with the image's mean.

    Source: Zhong, Zheng, Kang, Li and Yang 2020, "Random Erasing Data Augmentation".
    """
    r = rows.uniform(seed, before=(5,), after=(1,))
    aspect = tf.exp((2 * r[1] - 1) * math.log(MAX_ERASE_ASPECT))
    erased = in_rectangle(images, r[0] * max_area, aspect, r[2:4]) & (r[4][:, :, None] < 0.5)
    return tf.where(erased[..., None], tf.reduce_mean(images, axis=(1, 2), keepdims=True), images)


def in_rectangle(images: tf.Tensor, area: tf.Tensor, aspect: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Return which pixels lie in a rectangle within each image, bool (n, h, w).

    Args:
        images: float32 (n, h, w, c).
        area: float32 (n, 1): share of the image.
        aspect: float32 (n, 1): height / width, where 1 is that of the image.
        place: float32 (2, n, 1), 0 … 1: from the topmost to the lowest, and from the leftmost to the rightmost place.
    """
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    height, width = tf.sqrt(area * aspect) * size[0], tf.sqrt(area / aspect) * size[1]
    top, left = place[0] * (size[0] - height), place[1] * (size[1] - width)
    rows, columns = tf.range(size[0])[None], tf.range(size[1])[None]
    in_rows = (rows >= top) & (rows < top + height)
    in_columns = (columns >= left) & (columns < left + width)
    return in_rows[:, :, None] & in_columns[:, None]
