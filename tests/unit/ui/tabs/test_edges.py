"""The edges tab: kernels, thresholds, and what cannot be used."""

import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model import CnnModel
from model.explain import Explainer
from ui.edges.convolution import arithmetic, as_grey
from ui.edges.kernels import KERNELS, LARGEST, as_kernel, keeps_brightness, plane, resized, slides
from ui.i18n import BROWSER_TEXT, UserError
from ui.server.images import read_picture
from ui.tabs.edges import MIDDLE, PHOTOS, THRESHOLD, arithmetic_html, before, edge_map, inside, matrix_html

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


@pytest.mark.parametrize(("language", "gray"), [("es", "gris"), ("en", "gray")])
def test_it_is_said_what_the_numbers_of_a_photo_in_colour_are(language, gray):
    assert all(words in BROWSER_TEXT[language]["edges_about"] for words in (gray, " 0 (", " 255 ("))


def test_what_is_transparent_is_white_beside_the_edges_too():
    picture = np.zeros((4, 4, 4), np.uint8)  # black, but transparent
    picture[1, 1] = 255, 0, 0, 255
    shown = before(picture)
    assert shown.shape == (4, 4, 3) and shown[1, 1].tolist() == [255, 0, 0]
    assert shown[0, 0].tolist() == [255] * 3 and as_grey(picture)[0, 0] == 255
    assert (before(np.full((2, 2), 65535, np.uint16)) == 255).all()


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
    with pytest.raises(UserError, match="odd side"):
        edge_map(BARS, kernel)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 1e30, None, "1", True, [1], 1j])
def test_a_kernel_of_anything_but_finite_numbers_is_refused(weight):
    kernel = [[0, 0, 0], [0, weight, 0], [0, 0, 0]] if not isinstance(weight, bool) else [[weight]]
    with pytest.raises(UserError) as refused:
        edge_map(BARS, kernel)
    assert refused.value.key in ("kernel_numbers", "kernel_shape")
    assert refused.value.text("es") != refused.value.text("en")


def test_an_unknown_name_is_told():
    with pytest.raises(UserError, match="gabor.*sobel"):
        edge_map(BARS, "gabor")


def test_the_largest_kernel_is_accepted():
    assert edge_map(BARS, np.ones((LARGEST, LARGEST))).all()


def test_the_matrix_is_shown_as_it_is():
    html = matrix_html(KERNELS["vertical"], "en")
    assert html.count("<tr>") == 3 and html.count("<td") == 9
    assert html.count('class="plus">1<') == 3 and html.count('class="minus">−1<') == 3
    written = [matrix_html(np.array([[-1234.5, 0.25]]), language) for language in ("es", "en")]
    assert (
        ["−1\u202f234<" in written[0], "0,25<" in written[0]]
        == ["−1,234<" in written[1], "0.25<" in written[1]]
        == [True] * 2
    )


def test_the_arithmetic_is_told_with_its_sum():
    found = arithmetic(as_grey(BARS), KERNELS["vertical"], 5, 7)
    html = arithmetic_html(found, "en")
    assert html.count("<table") == 3 and html.count(">200<") == 9  # six pixels, three products
    assert "Row 5, column 7: the products add up to 600." in html


def test_a_learned_kernel_slides_as_strongly_as_sobels():
    kernels = Explainer(CnnModel.from_pretrained()).kernels()
    assert next(iter(kernels)) == "block1_conv1" and kernels["block1_conv1"].shape[2] == 1
    kernel = plane(kernels["block1_conv2"], 3, 2)
    raw = kernels["block1_conv2"][:, :, 1, 2]
    assert kernel.shape == (3, 3) and np.abs(kernel).sum() == pytest.approx(np.abs(KERNELS["sobel"]).sum())
    np.testing.assert_allclose(kernel / np.abs(kernel).max(), raw / np.abs(raw).max(), rtol=1e-5)
    assert (plane(kernels["block1_conv1"], 10**6, 10**6) == plane(kernels["block1_conv1"], 24, 1)).all()
    assert edge_map(BARS, kernel).shape == BARS.shape
    assert slides(kernels["block1_conv2"].shape) and not slides((2, 2, 1, 1)) and not slides((33, 33, 1, 1))


def test_a_kernel_keeps_its_middle_when_its_side_changes():
    grown = resized(KERNELS["sobel"], 5)
    assert grown.shape == (5, 5) and (grown[1:4, 1:4] == KERNELS["sobel"]).all() and np.count_nonzero(grown) == 6
    assert (resized(grown, 3) == KERNELS["sobel"]).all() and (resized(grown, 5) == grown).all()


def test_kernels_that_make_a_picture_are_told_from_those_that_find_edges():
    assert [name for name, kernel in KERNELS.items() if keeps_brightness(kernel)] == ["sharpen", "blur", "emboss"]


@pytest.mark.parametrize(
    ("place", "found"),
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
def test_a_pixel_that_is_typed_lies_in_the_picture(place, found):
    assert inside(place, 9) == found


def test_every_bundled_photo_is_small_and_has_edges():
    assert len(PHOTOS) == 6
    assert Image.open(PHOTOS[0]).size == (2 * MIDDLE, 2 * MIDDLE)
    for photo in PHOTOS:
        assert Image.open(photo).size <= (512, 512)
        edges = edge_map(read_picture(photo), "all")
        assert 0.01 < (edges == 255).mean() < 0.9
