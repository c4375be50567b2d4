"""The edges tab: kernels, thresholds, and what cannot be used."""

import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ui.edges import KERNELS, LARGEST, PHOTOS, THRESHOLD, as_kernel, edge_map, kernel_html
from ui.text import Message
from ui.upload import read_picture

BARS = np.zeros((12, 16), np.uint8)
BARS[:, 4:8] = 200  # a bright bar: its right side falls from bright to dark


def test_the_chapters_kernels_are_there():
    assert KERNELS["vertical"].tolist() == [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
    assert KERNELS["horizontal"].tolist() == [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]
    assert KERNELS["all"].tolist() == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    assert THRESHOLD == 50


@pytest.mark.parametrize("kernel", [*KERNELS, [[0, 1, 2], [-3, 4, 0], [2, -1, -5]], np.arange(25).reshape(5, 5) - 12])
@pytest.mark.parametrize("threshold", [-20, 0, 50, 411.5])
def test_it_is_the_cross_correlation_of_tensorflow_with_same_padding(kernel, threshold):
    picture = np.random.default_rng(0).integers(0, 256, (23, 31), np.uint8)
    weights = as_kernel(kernel)
    inputs = tf.constant(picture[None, :, :, None], tf.float32)
    response = tf.nn.conv2d(inputs, weights[:, :, None, None], strides=1, padding="SAME").numpy()[0, :, :, 0]
    edges = edge_map(picture, kernel, threshold)
    assert edges.dtype == np.uint8 and edges.shape == picture.shape
    assert (edges == np.where(response > threshold, 255, 0)).all()


def test_signs_count():
    """The vertical kernel answers where bright becomes dark, not the other way round."""
    edges = edge_map(BARS, "vertical")
    assert (edges[:, 7:9] == 255).all()
    assert not edges[:, :7].any() and not edges[:, 9:].any()
    assert not edge_map(BARS, "horizontal")[1:-1].any()


def test_the_threshold_is_exclusive():
    one = np.full((1, 1), 50, np.uint8)
    assert edge_map(one, [[1]], 50) == 0
    assert edge_map(one, [[1]], 49.5) == 255


def test_colour_is_turned_grey_and_transparency_laid_on_white():
    rgb = np.repeat(BARS[..., None], 3, axis=2)
    assert (edge_map(rgb, "all") == edge_map(BARS, "all")).all()
    clear = np.dstack([rgb, np.zeros_like(BARS)])
    assert not edge_map(clear, "all")[1:-1, 1:-1].any()
    assert (edge_map(BARS.astype(np.uint16) * 257, "all") == edge_map(BARS, "all")).all()


@pytest.mark.parametrize(
    "kernel",
    [
        [],
        [[]],
        [1, 0, -1],
        [[1, 0], [0, 1]],
        [[1, 0, -1]],
        [[1, 2, 3], [4, 5], [6]],
        [[[1]]],
        np.ones((99, 99)),
        np.ones((LARGEST + 2, LARGEST + 2)),
        {"path": "/etc/hostname"},
        None,
        7,
    ],
)
def test_a_kernel_that_is_no_odd_square_is_refused(kernel):
    with pytest.raises(Message, match="odd side"):
        edge_map(BARS, kernel)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 1e30, None, "1", True, [1], 1j])
def test_a_kernel_of_anything_but_finite_numbers_is_refused(weight):
    kernel = [[0, 0, 0], [0, weight, 0], [0, 0, 0]] if not isinstance(weight, bool) else [[weight]]
    with pytest.raises(Message) as refused:
        edge_map(BARS, kernel)
    assert refused.value.key in ("kernel_numbers", "kernel_shape")
    assert refused.value.text("es") != refused.value.text("en")


def test_an_unknown_name_is_told():
    with pytest.raises(Message, match="sobel"):
        edge_map(BARS, "sobel")


@pytest.mark.parametrize("threshold", [math.nan, math.inf, None, "50", True, [50]])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(Message, match="threshold"):
        edge_map(BARS, "all", threshold)


def test_the_largest_kernel_is_accepted():
    assert edge_map(BARS, np.ones((LARGEST, LARGEST))).all()


def test_the_matrix_is_shown_as_it_is():
    html = kernel_html(KERNELS["vertical"])
    assert html.count("<tr>") == 3 and html.count("<td") == 9
    assert html.count('class="plus">1<') == 3 and html.count('class="minus">−1<') == 3


def test_every_bundled_photo_is_small_and_has_edges():
    assert 3 <= len(PHOTOS) <= 4
    for photo in PHOTOS:
        assert Image.open(photo).size <= (512, 512)
        edges = edge_map(read_picture(photo), "all")
        assert 0.01 < (edges == 255).mean() < 0.9
