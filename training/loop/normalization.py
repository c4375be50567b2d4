"""Batch normalization by TensorFlow's fused kernel: the same mathematics as Keras' layer, in one pass over the batch.

Keras computes it from separate operations, always in float32. On 2 cores with AMX, a training step with
the fused kernel took 0.92 times as long for the preset `photo`, 0.78 for `default`, 0.81 for `small`
(benchmarks/RESULTS.md).
"""

from model.backend import keras, tf

FUSED_DTYPES = ("float32", "bfloat16")
# oneDNN has fast kernels for bfloat16 at multiples of this only; its reference ones are slower than float32's.
BFLOAT16_CHANNELS = 16


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, trained by `FusedBatchNormV3`; inference, and inputs that are no images, stay with Keras.

    Equal to Keras' layer up to rounding, in outputs, gradients and moving averages.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Normalize images (n, height, width, channels), and move the averages towards the batch's."""
        fits = len(inputs.shape) == 4 and keras.backend.standardize_dtype(inputs.dtype) in FUSED_DTYPES
        if not (training and self.trainable and fits and mask is None):
            return super().call(inputs, training=training, mask=mask)
        precise = inputs.dtype == tf.bfloat16 and inputs.shape[-1] % BFLOAT16_CHANNELS
        normalized = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(inputs, tf.float32) if precise else inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        variance = normalized.batch_variance * (count - 1) / count  # TensorFlow's divides by count - 1, Keras' by count
        self._move(self.moving_mean, normalized.batch_mean)
        self._move(self.moving_variance, variance)
        return tf.cast(normalized.y, inputs.dtype)

    def _move(self, average: keras.Variable, value: tf.Tensor) -> None:
        average.assign(average.value * self.momentum + value * (1 - self.momentum))
