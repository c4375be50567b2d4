"""Digits as coarse scanners deliver them: few pixels, often black and white, often stretched to fill their box.

Such scans are what many collections of digits consist of, USPS' or Semeion's, say. A narrow 1 that fills a square is
no longer narrow. All randomness comes from the seed that is passed in.
"""

from model.backend import keras, tf

from training.augmentation.batch_rows import BatchRows
from training.augmentation.digit_variants import frame_as_mnist

MIN_SIDE_PX, MAX_SIDE_PX = 9, 20  # of the scan that a digit fills
MAX_STRETCH = 5.0  # of one side against the other
BOX_SHARE = 20 / 28  # of the image's side: what MNIST's digits fill
INK = 0.3  # share of the brightest pixel from which on a pixel is drawn
BLACK_AND_WHITE_SHARE = 0.5  # of the scans
MIN_THRESHOLD, MAX_THRESHOLD = 0.25, 0.6  # of a scan in black and white, as a share of the brightest pixel


def scan_coarsely(images: tf.Tensor, seed: tf.Tensor, fraction: float, rows: BatchRows | None = None) -> tf.Tensor:
    """Replace some images by coarse scans of them.

    Half of the scans keep the digit's aspect ratio, the others stretch it, in part or to a square. All images of a
    batch are scanned at the same resolution.

    Args:
        images: float32 (n, h, w, c), light strokes on black, 0 … 255, framed as in MNIST.
        seed: int32 (2,); equal seeds give equal images.
        fraction: share of the images, 0 … 1.
        rows: which rows of the batch the images are; None for all.

    Returns:
        float32 (n, h, w, c), framed as in MNIST.
    """
    shape = tf.shape(images)
    r = (rows or BatchRows.whole(shape[0])).uniform(seed, before=(4,))
    side = tf.random.stateless_uniform((), seed, MIN_SIDE_PX, MAX_SIDE_PX + 1, tf.int32)
    stretched = _stretch(images, tf.clip_by_value(2 * r[0] - 1, 0, 0.5) * 2)  # half none, a quarter to a square
    pixels_per_px = tf.cast(side, tf.float32) / (BOX_SHARE * tf.cast(shape[1], tf.float32))
    scans = tf.image.resize(stretched, tf.cast(tf.cast(shape[1:3], tf.float32) * pixels_per_px, tf.int32), "area")
    brightest = _brightest(scans)
    threshold = (MIN_THRESHOLD + (MAX_THRESHOLD - MIN_THRESHOLD) * r[1])[:, None, None, None]
    two_tone = tf.where(scans > threshold * brightest, brightest, 0.0)
    scans = tf.where((r[2] < BLACK_AND_WHITE_SHARE)[:, None, None, None], two_tone, scans)
    scans = frame_as_mnist(tf.image.resize(scans, shape[1:3], "bilinear"))
    scans *= _brightest(images) / (_brightest(scans) + 1e-6)
    return tf.where((r[3] < fraction)[:, None, None, None], scans, images)


def _brightest(images: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(images, axis=(1, 2, 3), keepdims=True)


def _stretch(images: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    """Stretch the narrower side of each digit towards MNIST's box; an `amount` (n,) of 1 fills it."""
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    ink = tf.reduce_max(images, axis=3)
    drawn = ink > INK * tf.reduce_max(ink, axis=(1, 2), keepdims=True)
    scales, offsets = [], []
    for axis in (1, 2):
        inside = tf.cast(tf.reduce_any(drawn, axis=3 - axis), tf.float32)
        places = tf.range(size[axis - 1])[None]
        last = tf.reduce_max(inside * places, axis=1)
        first = size[axis - 1] - 1 - tf.reduce_max(inside * (size[axis - 1] - 1 - places), axis=1)
        growth = tf.clip_by_value(size[axis - 1] * BOX_SHARE / (last - first + 1), 1.0, MAX_STRETCH) ** amount
        scales.append(1 / growth)
        offsets.append((first + last) / 2 - (size[axis - 1] - 1) / 2 / growth)
    zero = tf.zeros_like(amount)
    transforms = tf.stack([scales[1], zero, offsets[1], zero, scales[0], offsets[0], zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, transforms, "bilinear", "constant", data_format="channels_last")
