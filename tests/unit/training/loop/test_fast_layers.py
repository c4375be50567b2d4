"""Layers that compute the same as Keras' own in less time."""

from model.backend import keras, tf
import numpy as np
import pytest

from model.config import CnnConfig
from model.network import build_network
from training.config import TrainConfig
from training.loop import fast_layers, wide_convolution
from training.loop.fast_layers import with_fast_layers
from training.loop.normalization import FusedBatchNormalization
from training.loop.trainer import create_train_state
from training.loop.wide_convolution import WideConvolution

SETTINGS = {"momentum": 0.9, "gamma_initializer": "random_uniform", "beta_initializer": "random_normal"}


def step(layer, images, weights):
    """Return outputs, gradients and moving averages of one step of training, as float32."""
    layer.build(images.shape)
    if weights is not None:
        layer.set_weights(weights)
    before = layer.get_weights()
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 3)
    gradients = tape.gradient(loss, [images, layer.gamma.value, layer.beta.value])
    values = [outputs, *gradients, layer.moving_mean.value, layer.moving_variance.value]
    return before, [tf.cast(value, tf.float32).numpy() for value in values]


@pytest.mark.parametrize(
    ("dtype", "channels", "rtol"),
    [("float32", 5, 1e-4), ("float32", 16, 1e-4), ("bfloat16", 5, 3e-2), ("bfloat16", 16, 3e-2)],
)
def test_fused_normalization_in_training_equals_keras(dtype, channels, rtol):
    images = tf.cast(tf.random.stateless_normal((6, 7, 3, channels), (1, 2)) * 3 + 1, dtype)
    policy = "mixed_bfloat16" if dtype == "bfloat16" else dtype

    weights, expected = step(keras.layers.BatchNormalization(dtype=policy, **SETTINGS), images, None)
    _, actual = step(FusedBatchNormalization(dtype=policy, **SETTINGS), images, weights)

    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=rtol * np.abs(theirs).max(), rtol=rtol)


def test_fused_normalization_of_one_value_per_channel_is_finite():
    images = tf.ones((1, 1, 1, 16))

    _, values = step(FusedBatchNormalization(), images, None)

    assert all(np.isfinite(value).all() for value in values)


@pytest.mark.parametrize(("shape", "dtype"), [((4, 16), "float32"), ((4, 5, 5, 3), "float64")])
def test_fused_normalization_of_what_the_kernel_cannot_equals_keras(shape, dtype):
    values = tf.random.stateless_normal(shape, (1, 2), dtype=dtype)

    _, expected = step(keras.layers.BatchNormalization(dtype=dtype), values, None)
    _, actual = step(FusedBatchNormalization(dtype=dtype), values, None)

    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_fused_normalization_frozen_keeps_its_averages():
    layer = FusedBatchNormalization(trainable=False)
    layer.build((4, 5, 5, 3))
    before = layer.get_weights()

    layer(tf.random.stateless_normal((4, 5, 5, 3), (1, 2)), training=True)

    for average, expected in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(average, expected)


def convolve(layer, maps, weights):
    """Return the weights, and the outputs and gradients of one step of training, as float32."""
    layer.build(maps.shape)
    if weights is not None:
        layer.set_weights(weights)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        outputs = layer(maps)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 2)
    gradients = tape.gradient(loss, [maps, *(weight.value for weight in layer.trainable_weights)])
    return layer.get_weights(), [tf.cast(value, tf.float32).numpy() for value in (outputs, *gradients)]


@pytest.mark.parametrize("kernel_size", [1, 2, 3, (4, 5)])
@pytest.mark.parametrize("use_bias", [False, True])
def test_wide_convolution_equals_keras(monkeypatch, kernel_size, use_bias):
    maps = tf.cast(tf.random.stateless_normal((5, 4, 6, 16), (1, 2)), tf.bfloat16)
    options = {"filters": 160, "kernel_size": kernel_size, "padding": "same", "use_bias": use_bias}
    options |= {"bias_initializer": "random_normal", "dtype": "mixed_bfloat16"}
    products = []
    own = wide_convolution._gradient_of_kernels
    monkeypatch.setattr(wide_convolution, "_gradient_of_kernels", lambda *given: products.append(1) or own(*given))

    weights, expected = convolve(keras.layers.Conv2D(**options), maps, None)
    _, actual = convolve(WideConvolution(**options), maps, weights)

    assert products
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-2 * np.abs(theirs).max(), rtol=2e-2)


@pytest.mark.parametrize(
    "others",
    [{"filters": 32}, {"dtype": "float32"}, {"strides": 2}, {"padding": "valid"}, {"dilation_rate": 2}, {"groups": 2}],
)
def test_convolution_that_is_not_wide_is_keras_own(monkeypatch, others):
    monkeypatch.setattr(wide_convolution, "_convolve", None)
    options = {"filters": 160, "kernel_size": 3, "padding": "same", "dtype": "mixed_bfloat16"} | others

    assert WideConvolution(**options)(tf.ones((2, 5, 5, 16))).shape[-1] == options["filters"]


def test_with_fast_layers_keeps_names_weights_and_answers():
    config = CnnConfig(
        image_shape=(8, 8, 1), blocks="residual", filters=(4,), convolutions=(3,), dense_units=(5,), l2=1e-3
    )
    network = build_network(config)

    fast = with_fast_layers(network)

    assert [layer.name for layer in fast.layers] == [layer.name for layer in network.layers]
    assert [weight.path for weight in fast.weights] == [weight.path for weight in network.weights]
    images = np.arange(128, dtype="float32").reshape(2, 8, 8, 1)
    np.testing.assert_array_equal(fast(images), network(images))
    assert len(fast.losses) == len(network.losses)
    replaced = (keras.layers.BatchNormalization, keras.layers.Conv2D)
    assert not any(type(layer) in replaced for layer in fast.layers)


def test_create_train_state_trains_fused_and_validates_keras_own():
    state = create_train_state(CnnConfig(filters=(4,), convolutions=1), TrainConfig(ema_momentum=0.9), steps=2)

    kinds = [{type(layer) for layer in one.layers} for one in (state.network, state.ema_network)]

    assert FusedBatchNormalization in kinds[0] and FusedBatchNormalization not in kinds[1]


@pytest.mark.parametrize("gpu", [False, True])
def test_with_fast_layers_keeps_those_for_processors_from_a_gpu(monkeypatch, gpu):
    monkeypatch.setattr(fast_layers, "has_gpu", lambda: gpu)

    network = with_fast_layers(build_network(CnnConfig(filters=(4,), convolutions=1)))

    kinds = [type(network.get_layer(f"block1_conv1{end}")) for end in ("", "_norm")]
    assert kinds == [keras.layers.Conv2D if gpu else WideConvolution, FusedBatchNormalization]
