"""A convolution with many filters whose kernels get their gradient from matrix products.

In bfloat16, oneDNN computes that gradient slowly for many filters and small maps; for larger maps and fewer filters it
is the faster one. What is saved on 2 cores with AMX: `benchmarks.fast_layers`.
"""

from collections.abc import Callable

from model.backend import keras, tf

MIN_FILTERS = 160  # from which, and
MAX_SIDE_PX = 8  # up to which side of the maps, the matrix products were faster


class WideConvolution(keras.layers.Conv2D):
    """Keras' layer for training on a processor. The gradient of its kernels is equal up to rounding."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolve maps (n, height, width, channels) with the kernels."""
        is_plain = self.padding == "same" and self.groups == 1 and self.strides == self.dilation_rate == (1, 1)
        is_wide = self.filters >= MIN_FILTERS and max(inputs.shape[1:3]) <= MAX_SIDE_PX
        if not (is_plain and is_wide and self.compute_dtype == "bfloat16"):
            return super().call(inputs)
        maps = _convolve(inputs, tf.cast(self.kernel, inputs.dtype))
        return tf.nn.bias_add(maps, tf.cast(self.bias, inputs.dtype)) if self.use_bias else maps


@tf.custom_gradient
def _convolve(
    maps: tf.Tensor, kernels: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Convolve maps (n, h, w, channels) with kernels (side, side, channels, filters): zeros around, stride 1."""

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_maps = tf.nn.conv2d_transpose(upstream, kernels, tf.shape(maps), 1, "SAME")
        return of_maps, _gradient_of_kernels(maps, upstream, kernels.shape)

    return tf.nn.conv2d(maps, kernels, 1, "SAME"), gradients


def _gradient_of_kernels(maps: tf.Tensor, upstream: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Return the sum over all positions of what each weight is multiplied with, times the gradient of the result."""
    rows, columns, channels, filters = shape
    above, left = (rows - 1) // 2, (columns - 1) // 2
    padded = tf.pad(maps, [[0, 0], [above, rows - 1 - above], [left, columns - 1 - left], [0, 0]])
    height, width = upstream.shape[1:3]
    of_results = tf.reshape(upstream, (-1, filters))

    def of_weight(row: int, column: int) -> tf.Tensor:
        pixels = padded[:, row : row + height, column : column + width]
        return tf.matmul(tf.reshape(pixels, (-1, channels)), of_results, transpose_a=True)

    return tf.stack([tf.stack([of_weight(row, column) for column in range(columns)]) for row in range(rows)])
