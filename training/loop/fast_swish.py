"""Swish that XLA compiles: one pass over the maps each way, where TensorFlow makes several.

What is saved on 2 cores: `benchmarks.fast_layers`.
"""

from collections.abc import Callable

from model.backend import keras, tf


class FastActivation(keras.layers.Activation):
    """Keras' layer for training on a processor. Swish (SiLU) is equal up to rounding, other activations are Keras'."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Activate maps (n, height, width, channels), or what else a network has."""
        return _swish(inputs) if self.activation is keras.activations.silu else super().call(inputs)


@tf.custom_gradient
def _swish(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    return _times_sigmoid(values), lambda upstream: _times_slope(upstream, values)


@tf.function(jit_compile=True)
def _times_sigmoid(values: tf.Tensor) -> tf.Tensor:
    precise = _precise(values)
    return tf.cast(precise * _sigmoid(precise), values.dtype)


@tf.function(jit_compile=True)
def _times_slope(upstream: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    precise = _precise(values)
    sigmoid = _sigmoid(precise)
    slope = sigmoid * (1 + precise * (1 - sigmoid))
    return tf.cast(_precise(upstream) * slope, upstream.dtype)


def _precise(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, tf.float32) if values.dtype == tf.bfloat16 else values


def _sigmoid(values: tf.Tensor) -> tf.Tensor:
    """Return 1 / (1 + exp(-x)) by a tangent, which XLA computes faster."""
    return 0.5 + 0.5 * tf.tanh(0.5 * values)
