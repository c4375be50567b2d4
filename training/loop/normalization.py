"""Batch normalization by TensorFlow's fused kernel: the same mathematics as Keras' layer, in one pass over the batch.

Keras computes it from separate operations, always in float32. On 2 cores with AMX, a training step with
the fused kernel took 0.59 times as long for the preset `photo`, 0.70 for `default`, 0.77 for `small`
(benchmarks/RESULTS.md).
"""

from typing import Any

from model.backend import keras, keras_defaults, tf

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


def with_fused_normalization(network: keras.Model) -> keras.Model:
    """Return the same network, with the same weights, whose batch normalizations are fused.

    Args:
        network: from `build_network`; its layers' names and the order of its weights are kept.

    Example:
        >>> with_fused_normalization(build_network(CnnConfig(), "mixed_bfloat16"))
    """
    return replace_layers(network, {keras.layers.BatchNormalization: FusedBatchNormalization})


def replace_layers(network: keras.Model, kinds: dict[type, type]) -> keras.Model:
    """Return the same network, with the same weights, some of whose layers are of other classes.

    Args:
        network: from `build_network`; its layers' names and the order of its weights are kept.
        kinds: class of a layer -> a subclass of it.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind: Any = type(layer)
        return kinds.get(kind, kind).from_config(layer.get_config())

    with keras_defaults():
        replaced = keras.models.clone_model(network, clone_function=clone)
    replaced.set_weights(network.get_weights())
    return replaced
