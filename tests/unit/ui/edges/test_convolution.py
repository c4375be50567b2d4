"""Cross-correlation: the sums, and the sums as an image."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ui.edges.convolution import (
    NEGATIVE_RGB,
    PADDINGS,
    POSITIVE_RGB,
    STRIDES,
    correlate,
    sums_to_image,
    to_gray,
    validate_threshold,
)
from ui.edges.kernels import KERNELS
from ui.edges.render import original_as_rgb
from ui.i18n import UserError

GRAY = np.random.default_rng(0).integers(0, 256, (23, 31)).astype(np.float32)


def in_tensorflow(gray, kernel, padding, stride):
    inputs, weights = tf.constant(gray[None, :, :, None]), kernel[:, :, None, None]
    return tf.nn.conv2d(inputs, weights, strides=stride, padding=padding.upper()).numpy()[0, :, :, 0]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(23, 31), (22, 20), (7, 8)])
def test_correlate_matches_tensorflow(padding, stride, side, size):
    gray, kernel = GRAY[: size[0], : size[1]], np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    sums = correlate(gray, kernel, padding, stride)
    expected = in_tensorflow(gray, kernel, padding, stride)
    assert sums.dtype == np.float32 and sums.shape == expected.shape
    np.testing.assert_allclose(sums, expected, atol=0.01)


@pytest.mark.parametrize("name", KERNELS)
def test_named_kernels_have_their_response(name):
    kernel = KERNELS[name]
    assert kernel.dtype == np.float32 and kernel.shape in ((3, 3), (5, 5))
    ramp = np.tile(np.arange(10, dtype=np.float32), (10, 1))  # by 1 from left to right
    middle = correlate(ramp, kernel)[5, 5]
    slopes = {"prewitt": 6, "sobel": 8, "scharr": 32, "vertical": -6}
    keeps = {"sharpen": 5, "blur": 5}
    assert middle == pytest.approx({**slopes, **keeps, "emboss": 11}.get(name, 0), abs=1e-4)


def test_correlate_large_kernel_without_padding_is_refused():
    with pytest.raises(UserError, match="5×5"):
        correlate(GRAY[:4], KERNELS["blur"], "valid")


SUMS = np.array([[-300, -60, -10, 0, 10, 60, 300]], np.float32)


@pytest.mark.parametrize(
    ("sign", "threshold", "expected"),
    [
        ("clipped", None, [0, 0, 0, 0, 10, 60, 255]),
        ("absolute", None, [255, 60, 10, 0, 10, 60, 255]),
        ("clipped", 50, [0, 0, 0, 0, 0, 255, 255]),
        ("absolute", 50, [255, 255, 0, 0, 0, 255, 255]),
        ("clipped", -20, [0, 0, 255, 255, 255, 255, 255]),
        ("absolute", 60, [255, 0, 0, 0, 0, 0, 255]),
    ],
)
def test_sums_to_image_sign_and_threshold(sign, threshold, expected):
    image = sums_to_image(SUMS, sign, threshold)
    assert image.dtype == np.uint8 and image.tolist() == [expected]


def test_sums_to_image_signed_has_two_colors():
    image = sums_to_image(SUMS, "signed", None)
    assert image.shape == (1, 7, 3)
    assert (image[0, 0] == NEGATIVE_RGB).all() and (image[0, -1] == POSITIVE_RGB).all() and not image[0, 3].any()
    assert image[0, 1].max() < image[0, 0].max()
    cut = sums_to_image(SUMS, "signed", 50)
    assert (cut[0, 1] == NEGATIVE_RGB).all() and (cut[0, 5] == POSITIVE_RGB).all() and not cut[0, 2:5].any()


def test_to_gray_white_icon_and_few_bits_stay_visible():
    icon = np.zeros((8, 8, 4), np.uint8)
    icon[2:5, 2:5] = 255
    assert (to_gray(icon) == icon[..., 3]).all()
    icon[..., :3] = 0
    assert (to_gray(icon) == 255 - icon[..., 3]).all()
    camera = np.full((8, 8), 300, np.uint16)
    camera[2:5] = 2600
    assert np.ptp(to_gray(camera)) > 140 and (original_as_rgb(camera)[..., 0] == to_gray(camera)).all()


def test_to_gray_color_and_transparency():
    gray = GRAY.astype(np.uint8)
    rgb = np.repeat(gray[..., None], 3, axis=2)
    assert (to_gray(rgb) == to_gray(gray)).all() and (to_gray(gray) == gray).all()
    assert (to_gray(np.dstack([rgb, np.zeros_like(gray)])) == 255).all()
    assert (to_gray(gray.astype(np.uint16) * 257) == gray).all()


@pytest.mark.parametrize("threshold", [math.nan, math.inf, 10**400, -(10**400), None, "50", True, [50]])
def test_validate_threshold_other_values_are_refused(threshold):
    with pytest.raises(UserError, match="threshold"):
        validate_threshold(threshold)
