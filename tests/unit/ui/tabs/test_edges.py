"""The edges tab: kernels, thresholds, values that are refused, and the rendering of a view."""

import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model import CnnModel
from model.explain import Explainer
from ui.edges.arithmetic_html import arithmetic_html, matrix_html
from ui.edges.convolution import DEFAULT_THRESHOLD, explain_sum, to_gray
from ui.edges.kernel_choice import choose_learned, choose_named, choose_own
from ui.edges.kernels import (
    KERNELS,
    MAX_KERNEL_SIDE_PX,
    is_supported_shape,
    keeps_brightness,
    kernel_plane,
    resize_kernel,
    validate_kernel,
)
from ui.edges.render import EdgeOptions, clamp_index, edge_map, original_as_rgb, render_edges
from ui.i18n import BROWSER_TEXT, UserError
from ui.server.images import read_image
from ui.tabs.edges import DEFAULT_PIXEL_PX, PHOTOS

BARS = np.zeros((12, 16), np.uint8)
BARS[:, 4:8] = 200  # a bright bar; at its right side bright becomes dark


def test_kernels_of_the_chapter_exist():
    assert KERNELS["vertical"].tolist() == [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
    assert KERNELS["horizontal"].tolist() == [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]
    assert KERNELS["all"].tolist() == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    assert DEFAULT_THRESHOLD == 50


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


@pytest.mark.parametrize(("language", "gray"), [("es", "gris"), ("en", "gray")])
def test_about_text_explains_gray_levels(language, gray):
    assert all(words in BROWSER_TEXT[language]["edges_about"] for words in (gray, " 0 (", " 255 ("))


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
        np.ones((MAX_KERNEL_SIDE_PX + 2, MAX_KERNEL_SIDE_PX + 2)),
        {"path": "/etc/hostname"},
        None,
        7,
    ],
)
def test_edge_map_kernel_with_wrong_shape_is_refused(kernel):
    with pytest.raises(UserError, match="odd side"):
        edge_map(BARS, kernel)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 1e30, None, "1", True, [1], 1j])
def test_edge_map_kernel_with_other_values_is_refused(weight):
    kernel = [[0, 0, 0], [0, weight, 0], [0, 0, 0]] if not isinstance(weight, bool) else [[weight]]
    with pytest.raises(UserError) as refused:
        edge_map(BARS, kernel)
    assert refused.value.key in ("kernel_numbers", "kernel_shape")
    assert refused.value.text("es") != refused.value.text("en")


def test_edge_map_unknown_kernel_name_is_refused():
    with pytest.raises(UserError, match="gabor.*sobel"):
        edge_map(BARS, "gabor")


def test_edge_map_largest_kernel_is_accepted():
    assert edge_map(BARS, np.ones((MAX_KERNEL_SIDE_PX, MAX_KERNEL_SIDE_PX))).all()


def test_matrix_html_has_every_weight():
    html = matrix_html(KERNELS["vertical"], "en")
    assert html.count("<tr>") == 3 and html.count("<td") == 9
    assert html.count('class="plus">1<') == 3 and html.count('class="minus">−1<') == 3
    written = [matrix_html(np.array([[-1234.5, 0.25]]), language) for language in ("es", "en")]
    assert (
        ["−1\u202f234<" in written[0], "0,25<" in written[0]]
        == ["−1,234<" in written[1], "0.25<" in written[1]]
        == [True] * 2
    )


def test_arithmetic_html_has_the_sum():
    found = explain_sum(to_gray(BARS), KERNELS["vertical"], 5, 7)
    html = arithmetic_html(found, "en")
    assert html.count("<table") == 3 and html.count(">200<") == 9  # six pixels, three products
    assert "Row 5, column 7: the products add up to 600." in html


def test_kernel_plane_is_as_strong_as_sobel():
    kernels = Explainer(CnnModel.from_pretrained()).kernels()
    assert next(iter(kernels)) == "block1_conv1" and kernels["block1_conv1"].shape[2] == 1
    kernel = kernel_plane(kernels["block1_conv2"], 3, 2)
    raw = kernels["block1_conv2"][:, :, 1, 2]
    assert kernel.shape == (3, 3) and np.abs(kernel).sum() == pytest.approx(np.abs(KERNELS["sobel"]).sum())
    np.testing.assert_allclose(kernel / np.abs(kernel).max(), raw / np.abs(raw).max(), rtol=1e-5)
    assert (kernel_plane(kernels["block1_conv1"], 10**6, 10**6) == kernel_plane(kernels["block1_conv1"], 24, 1)).all()
    assert edge_map(BARS, kernel).shape == BARS.shape
    assert (
        is_supported_shape(kernels["block1_conv2"].shape)
        and not is_supported_shape((2, 2, 1, 1))
        and not is_supported_shape((33, 33, 1, 1))
    )


def test_resize_kernel_keeps_the_center():
    grown = resize_kernel(KERNELS["sobel"], 5)
    assert grown.shape == (5, 5) and (grown[1:4, 1:4] == KERNELS["sobel"]).all() and np.count_nonzero(grown) == 6
    assert (resize_kernel(grown, 3) == KERNELS["sobel"]).all() and (resize_kernel(grown, 5) == grown).all()


def test_keeps_brightness_only_for_kernels_that_keep_the_image():
    assert [name for name, kernel in KERNELS.items() if keeps_brightness(kernel)] == ["sharpen", "blur", "emboss"]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (3, 3),
        (3.7, 3),
        (0, 0),
        (-2, 0),
        (9, 8),
        (1e300, 8),
        (None, 4),
        ("3", 4),
        (math.nan, 4),
        (-math.inf, 4),
        ([], 4),
    ],
)
def test_clamp_index_is_inside_the_image(index, expected):
    assert clamp_index(index, 9) == expected


def test_bundled_photos_are_small_and_have_edges():
    assert len(PHOTOS) == 6
    assert Image.open(PHOTOS[0]).size == (2 * DEFAULT_PIXEL_PX, 2 * DEFAULT_PIXEL_PX)
    for photo in PHOTOS:
        assert Image.open(photo).size <= (512, 512)
        edges = edge_map(read_image(photo), "all")
        assert 0.01 < (edges == 255).mean() < 0.9


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("sign", ["clipped", "signed"])
def test_render_edges_edges_are_as_large_as_the_original(padding, stride, sign):
    options = EdgeOptions(sign=sign, padding=padding, stride=stride)
    view = render_edges(BARS, KERNELS["vertical"].tolist(), options)
    assert view.original.shape == (12, 16, 3) and view.edges.shape[:2] == (12, 16)
    assert view.original.dtype == view.edges.dtype == np.uint8


def test_render_edges_default_is_the_edge_map():
    view = render_edges(BARS, "vertical", EdgeOptions(row=5, column=7))
    assert (view.edges == edge_map(BARS, "vertical")).all()
    assert (view.arithmetic.row, view.arithmetic.column, view.arithmetic.total) == (5, 7, 600)


def test_render_edges_large_image_pixel_counts_in_the_given_image():
    image = np.zeros((4000, 6000), np.uint8)
    view = render_edges(image, "sobel", EdgeOptions(row=3999, column=0))
    assert max(view.original.shape) == 1600
    assert view.arithmetic.row == pytest.approx(2827, abs=2) and view.arithmetic.column == 0  # of 12 megapixels


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"sign": "other"}, "choice_unknown"),
        ({"padding": None}, "choice_unknown"),
        ({"stride": True}, "choice_unknown"),
        ({"stride": 9}, "choice_unknown"),
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
        "row": 1,
        "column": None,
    }
    assert EdgeOptions.from_controls(**controls) == EdgeOptions("signed", 9, "valid", 2, 1, None)
    assert EdgeOptions.from_controls(**controls | {"output": "gray", "threshold": "50"}).threshold is None
    with pytest.raises(UserError) as refused:
        EdgeOptions.from_controls(**controls | changed)
    assert refused.value.key == key


def test_choose_named_output_follows_the_kind_of_kernel():
    rows = {name: kernel.tolist() for name, kernel in KERNELS.items()}
    assert choose_named("blur", rows["sobel"]).output == "gray"
    assert choose_named("sobel", rows["blur"]).output == "binary"
    assert choose_named("sobel", rows["vertical"]).output is None
    assert choose_named("sobel", rows["vertical"]).rows == rows["sobel"]


def test_choose_own_side_is_the_nearest_editable_one():
    assert [len(choose_own(np.ones((side, side)).tolist()).rows) for side in (1, 3, 5, 9)] == [3, 3, 5, 5]
    with pytest.raises(UserError):
        choose_own([[1, 2]])


def test_choose_learned_unknown_layer_is_the_first():
    kernels = {"a": np.ones((3, 3, 1, 4), np.float32), "b": np.ones((3, 3, 4, 8), np.float32)}
    choice = choose_learned(kernels, "b", 9, 9)
    assert (choice.inputs, choice.filters, np.shape(choice.rows)) == (4, 8, (3, 3))
    assert choose_learned(kernels, "no such layer", 1, 1).filters == 4
