"""The edge map, and the view of an image and its edges."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.bars import BARS
from ui.edges.convolution import to_gray
from ui.edges.kernels import KERNELS, validate_kernel
from ui.edges.render import HATCH_LEVELS, EdgeOptions, edge_map, original_as_rgb, render_edges
from ui.i18n import UserError


@pytest.mark.parametrize("kernel", [*KERNELS, [[0, 1, 2], [-3, 4, 0], [2, -1, -5]], np.arange(25).reshape(5, 5) - 12])
@pytest.mark.parametrize("threshold", [-20, 0, 50, 411.5])
def test_edge_map_is_tensorflows_convolution_with_same_padding(kernel, threshold):
    image = np.random.default_rng(0).integers(0, 256, (23, 31), np.uint8)
    weights = validate_kernel(kernel)
    inputs = tf.constant(image[None, :, :, None], tf.float32)
    response = tf.nn.conv2d(inputs, weights[:, :, None, None], strides=1, padding="SAME").numpy()[0, :, :, 0]
    edges = edge_map(image, kernel, threshold)
    assert edges.dtype == np.uint8 and edges.shape == image.shape
    assert (edges == np.where(response > threshold, 255, 0)).all()


def test_original_as_rgb_transparent_is_white():
    image = np.zeros((4, 4, 4), np.uint8)  # black, but transparent
    image[1, 1] = 255, 0, 0, 255
    shown = original_as_rgb(image)
    assert shown.shape == (4, 4, 3) and shown[1, 1].tolist() == [255, 0, 0]
    assert shown[0, 0].tolist() == [255] * 3 and to_gray(image)[0, 0] == 255
    assert (original_as_rgb(np.full((2, 2), 65535, np.uint16)) == 255).all()


def test_edge_map_sign_matters():
    """The vertical kernel responds where bright becomes dark, not the other way around."""
    edges = edge_map(BARS, "vertical")
    assert (edges[:, 7:9] == 255).all()
    assert not edges[:, :7].any() and not edges[:, 9:].any()
    assert not edge_map(BARS, "horizontal")[1:-1].any()


def test_edge_map_threshold_is_exclusive():
    one = np.full((1, 1), 50, np.uint8)
    assert edge_map(one, [[1]], 50) == 0
    assert edge_map(one, [[1]], 49.5) == 255


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("sign", ["clipped", "signed"])
def test_render_edges_edges_are_as_large_as_the_original(padding, stride, sign):
    options = EdgeOptions(sign=sign, padding=padding, stride=stride)
    view = render_edges(BARS, KERNELS["vertical"].tolist(), options)
    assert view.original.shape == (12, 16) and view.edges.shape[:2] == (12, 16)
    assert view.original.dtype == view.edges.dtype == np.uint8


def test_render_edges_default_is_the_edge_map():
    view = render_edges(BARS, "vertical", EdgeOptions())
    assert (view.edges == edge_map(BARS, "vertical")).all()
    flipped = render_edges(BARS, "vertical", EdgeOptions(flip=True))
    assert (flipped.edges == edge_map(BARS, "vertical", flip=True)).all()
    assert flipped.facts.kernel == (-KERNELS["vertical"]).tolist()


def test_render_edges_large_image_is_computed_as_it_is_shown():
    image = np.random.default_rng(0).integers(0, 256, (1500, 3200, 3), np.uint8)
    view = render_edges(image, "sobel", EdgeOptions())
    assert view.original.shape == (750, 1600)
    assert (view.edges == edge_map(view.original, "sobel")).all()


def test_render_edges_original_is_what_is_summed():
    image = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    assert (render_edges(image, "sobel", EdgeOptions()).original == to_gray(image)).all()


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [3, 5])
def test_render_edges_without_padding_each_sum_is_where_its_kernel_was(stride, side):
    """A kernel that copies its center: what is shown around each center is the pixel there, and the border hatched."""
    image = np.random.default_rng(0).integers(0, 256, (23, 31), np.uint8)
    copy = np.zeros((side, side))
    copy[side // 2, side // 2] = 1
    edges = render_edges(image, copy.tolist(), EdgeOptions(threshold=None, padding="valid", stride=stride)).edges
    half = side // 2
    centers = np.ix_(range(half, 23 - half, stride), range(half, 31 - half, stride))
    assert (edges[centers] == image[centers]).all()
    border = max(half - (stride - 1) // 2, 0)
    assert np.isin(edges[:border], HATCH_LEVELS).all() and np.isin(edges[:, :border], HATCH_LEVELS).all()
    if stride == 1:
        assert np.isin(edges[-half:], HATCH_LEVELS).all() and np.isin(edges[:, -half:], HATCH_LEVELS).all()


def test_render_edges_facts_count_what_is_shown():
    binary = render_edges(BARS, "vertical", EdgeOptions()).facts
    assert binary.lit == (edge_map(BARS, "vertical") == 255).mean() and binary.lit_negative == 0
    signed = render_edges(BARS, "vertical", EdgeOptions(sign="signed", threshold=0)).facts
    assert signed.lit > signed.lit_negative > 0
    assert render_edges(np.zeros((5, 5), np.uint8), "all", EdgeOptions()).facts.lit == 0


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"sign": "other"}, "choice_unknown"),
        ({"padding": None}, "choice_unknown"),
        ({"stride": True}, "choice_unknown"),
        ({"stride": 9}, "choice_unknown"),
        ({"operation": "turn"}, "choice_unknown"),
        ({"threshold": "50"}, "threshold_number"),
    ],
)
def test_edge_options_unknown_values_are_refused(changed, key):
    controls = {
        "sign": "signed",
        "output": "binary",
        "threshold": 9,
        "padding": "valid",
        "stride": 2,
        "operation": "convolution",
    }
    assert EdgeOptions.from_controls(**controls) == EdgeOptions("signed", 9, "valid", 2, True)
    assert EdgeOptions.from_controls(**controls | {"output": "gray", "threshold": "50"}).threshold is None
    with pytest.raises(UserError) as refused:
        EdgeOptions.from_controls(**controls | changed)
    assert refused.value.key == key
