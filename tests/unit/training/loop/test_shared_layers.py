"""Layers that treat a worker's slice as a part of the global batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model import CnnConfig
from model.network import build_network
from training.augmentation.batch_rows import BatchRows
from training.loop.shared_batch import rows_of_batch
from training.loop.shared_layers import SharedBatchNormalization, SharedDropout, with_shared_layers
from training.loop.wide_convolution import WideConvolution
from training.loop.workers import ALONE

VALUES = tf.random.stateless_normal((12, 5, 5, 3), (1, 2), mean=40.0, stddev=0.5)  # far from 0: squares lose digits


def trained(layer: keras.layers.Layer, dtype: str) -> list[np.ndarray]:
    """Call a layer twice in training; returns outputs, gradients and moving averages."""
    inputs, weights = tf.cast(VALUES, dtype), tf.cast(tf.random.stateless_normal(VALUES.shape, (3, 4)), dtype)
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(tf.cast(outputs, weights.dtype) * weights)
    gradients = tape.gradient(loss, [inputs, *layer.trainable_weights])
    return [tf.cast(x, tf.float64).numpy() for x in [outputs, *gradients, *layer.weights]]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-2)])
def test_shared_normalization_alone_equals_keras(dtype, tolerance):
    shared = SharedBatchNormalization(dtype=dtype, momentum=0.9)
    shared.workers = ALONE
    for ours, theirs in zip(
        trained(shared, dtype), trained(keras.layers.BatchNormalization(dtype=dtype, momentum=0.9), dtype), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


class TwoSlices:
    """Stands for two workers: what the first one says is kept, and added to what the second one says."""

    said: tf.Tensor | None = None

    def sum_tensors(self, x: tf.Tensor) -> tf.Tensor:
        before, self.said = self.said, x
        return x if before is None else before + x


def test_shared_normalization_of_slices_equals_that_of_the_batch():
    whole = SharedBatchNormalization(dtype="float64")
    whole.workers = ALONE
    expected = whole(VALUES, training=True)
    sliced, values = SharedBatchNormalization(dtype="float64"), tf.cast(VALUES, tf.float64)
    sliced.build(VALUES.shape)
    for first, second in ((values[:5], values[5:]), (values[:0], values)):
        sliced.moving_mean.assign(tf.zeros(3))
        sliced.workers = TwoSlices()
        sliced(first, training=True)
        sliced.moving_mean.assign(tf.zeros(3))
        outputs = sliced(second, training=True)
        np.testing.assert_allclose(outputs, expected[len(first) :], rtol=1e-10)
        np.testing.assert_allclose(sliced.moving_mean, whole.moving_mean, rtol=1e-10)


def test_shared_normalization_evaluates_as_keras_does():
    plain, shared = keras.layers.BatchNormalization(), SharedBatchNormalization()
    np.testing.assert_array_equal(plain(VALUES, training=False), shared(VALUES, training=False))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_shared_dropout_of_a_slice_equals_that_of_the_batch(dtype):
    values = tf.cast(VALUES, dtype)
    plain, shared = (kind(0.4, seed=7, dtype=dtype) for kind in (keras.layers.Dropout, SharedDropout))
    for positions in ([0, 3, 11], [], [5]):  # the generators of both advance equally
        whole, chosen = plain(values, training=True), tf.constant(positions, tf.int32)
        with rows_of_batch(BatchRows(chosen, tf.constant(12))):
            own = shared(tf.gather(values, chosen), training=True)
        np.testing.assert_array_equal(tf.cast(own, tf.float32), tf.cast(tf.gather(whole, chosen), tf.float32))
    np.testing.assert_array_equal(shared(VALUES, training=False), tf.cast(VALUES, dtype))


def test_with_shared_layers_keeps_names_and_weights():
    network = build_network(CnnConfig(image_shape=(8, 8, 1), filters=(4,), convolutions=1, dropout=0.2))
    shared = with_shared_layers(network, ALONE)
    assert [weight.path for weight in shared.weights] == [weight.path for weight in network.weights]
    kinds = {type(layer) for layer in shared.layers}
    assert {SharedBatchNormalization, SharedDropout, WideConvolution} <= kinds
    images = tf.reshape(tf.range(128.0), (2, 8, 8, 1))
    np.testing.assert_array_equal(shared(images), network(images))
