"""A kernel slides over a picture: the sums, how they are shown, and where one comes from."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ui.edges.convolution import (
    NEGATIVE,
    PADDINGS,
    POSITIVE,
    STRIDES,
    arithmetic,
    as_grey,
    as_threshold,
    correlate,
    shown,
)
from ui.edges.kernels import KERNELS
from ui.i18n import UserError

GREY = np.random.default_rng(0).integers(0, 256, (23, 31)).astype(np.float32)


def in_tensorflow(grey, kernel, padding, stride):
    inputs, weights = tf.constant(grey[None, :, :, None]), kernel[:, :, None, None]
    return tf.nn.conv2d(inputs, weights, strides=stride, padding=padding.upper()).numpy()[0, :, :, 0]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("size", [(23, 31), (22, 20), (7, 8)])
def test_the_sums_and_their_arithmetic_are_those_of_tensorflow(padding, stride, side, size):
    grey, kernel = GREY[: size[0], : size[1]], np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    sums = correlate(grey, kernel, padding, stride)
    expected = in_tensorflow(grey, kernel, padding, stride)
    assert sums.dtype == np.float32 and sums.shape == expected.shape
    np.testing.assert_allclose(sums, expected, atol=0.01)
    rows, columns = expected.shape
    for row, column in ((0, 0), (rows - 1, columns - 1), (rows // 2, 0)):
        found = arithmetic(grey, kernel, row, column, padding, stride)
        assert found.patch.shape == found.products.shape == (side, side)
        assert found.total == pytest.approx(expected[row, column], abs=0.01)
        assert grey[found.row, found.column] == found.patch[side // 2, side // 2]


@pytest.mark.parametrize("name", KERNELS)
def test_every_named_kernel_is_an_odd_square_and_does_what_its_name_says(name):
    kernel = KERNELS[name]
    assert kernel.dtype == np.float32 and kernel.shape in ((3, 3), (5, 5))
    grows = np.tile(np.arange(10, dtype=np.float32), (10, 1))  # by 1 from left to right
    middle = correlate(grows, kernel)[5, 5]
    slopes = {"prewitt": 6, "sobel": 8, "scharr": 32, "vertical": -6}
    keeps = {"sharpen": 5, "blur": 5}
    assert middle == pytest.approx({**slopes, **keeps, "emboss": 11}.get(name, 0), abs=1e-4)


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, 31), (23, 0)])
def test_there_is_no_arithmetic_beside_the_result(row, column):
    with pytest.raises(IndexError):
        arithmetic(GREY, KERNELS["sobel"], row, column)


def test_a_kernel_must_fit_into_a_picture_without_padding():
    with pytest.raises(UserError, match="5×5"):
        correlate(GREY[:4], KERNELS["blur"], "valid")


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
def test_how_the_sign_and_the_threshold_are_shown(sign, threshold, expected):
    picture = shown(SUMS, sign, threshold)
    assert picture.dtype == np.uint8 and picture.tolist() == [expected]


def test_signed_sums_have_two_colours():
    picture = shown(SUMS, "signed", None)
    assert picture.shape == (1, 7, 3)
    assert (picture[0, 0] == NEGATIVE).all() and (picture[0, -1] == POSITIVE).all() and not picture[0, 3].any()
    assert picture[0, 1].max() < picture[0, 0].max()
    cut = shown(SUMS, "signed", 50)
    assert (cut[0, 1] == NEGATIVE).all() and (cut[0, 5] == POSITIVE).all() and not cut[0, 2:5].any()


def test_colour_is_turned_grey_and_transparency_laid_on_white():
    grey = GREY.astype(np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    assert (as_grey(rgb) == as_grey(grey)).all() and (as_grey(grey) == grey).all()
    assert (as_grey(np.dstack([rgb, np.zeros_like(grey)])) == 255).all()
    assert (as_grey(grey.astype(np.uint16) * 257) == grey).all()


@pytest.mark.parametrize("threshold", [math.nan, math.inf, None, "50", True, [50]])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(UserError, match="threshold"):
        as_threshold(threshold)
