"""Small batched image operations that show the network each picture a little differently every epoch.

All randomness comes from the seed that is handed in, so a resumed run sees the same pictures.
"""

import math

import tensorflow as tf

# The largest change of each kind at strength 1, chosen for handwriting: more would turn a 6 towards a 9's slant or
# push strokes out of the picture.
ROTATION = 12.0  # degrees, either way
SHEAR = 0.15  # horizontal slant, as a share of the height
ZOOM = 0.12  # larger or smaller by this share
SHIFT = 0.08  # of height and width


def augment(images: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Rotate, slant, zoom and shift each picture at random, in one bilinear resampling.

    Args:
        images: float32 (n, h, w, c).
        seed: int32 (2,); equal seeds give equal pictures.
        strength: share of the largest changes; 0 leaves the pictures as they are.

    Returns:
        float32 (n, h, w, c); what comes in at the border repeats the border.
    """
    if not strength:
        return images
    shape = tf.shape(images)
    transforms = _affine(shape[0], tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32), seed, strength)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _affine(count: tf.Tensor, height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor, strength: float) -> tf.Tensor:
    """Return `count` random transforms, float32 (count, 8), from output to input pixels as TensorFlow wants them."""
    r = tf.random.stateless_uniform((6, count), seed, -strength, strength)
    angle, shear = r[0] * (ROTATION * math.pi / 180), r[1] * SHEAR
    zoom_x, zoom_y = 1 + r[2] * ZOOM, 1 + r[3] * ZOOM
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Output pixel -> input pixel: slant, then rotation, then zoom, about the picture's centre.
    a, b = zoom_x * cos, zoom_x * (shear * cos - sin)
    c, d = zoom_y * sin, zoom_y * (shear * sin + cos)
    x, y = (width - 1) / 2, (height - 1) / 2
    move_x = x - a * x - b * y + r[4] * SHIFT * width
    move_y = y - c * x - d * y + r[5] * SHIFT * height
    zero = tf.zeros_like(a)
    return tf.stack([a, b, move_x, c, d, move_y, zero, zero], axis=1)
