"""Kernels: those of the chapter, those of a network, other sides, and what is refused."""

import math

import numpy as np
import pytest

from model import CnnModel
from model.explain import Explainer
from model.limits import MAX_KERNEL_SIDE_PX
from tests.support.bars import BARS
from ui.edges.convolution import DEFAULT_THRESHOLD
from ui.edges.kernels import (
    KERNELS,
    display_gain,
    is_supported_shape,
    keeps_brightness,
    kernel_plane,
    resize_kernel,
)
from ui.edges.render import edge_map
from ui.i18n import UserError


def test_kernels_of_the_chapter_exist():
    assert KERNELS["vertical"].tolist() == [[1, 0, -1], [1, 0, -1], [1, 0, -1]]
    assert KERNELS["horizontal"].tolist() == [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]
    assert KERNELS["all"].tolist() == [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]
    assert DEFAULT_THRESHOLD == 50


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


def test_kernel_plane_has_the_networks_weights():
    kernels = Explainer(CnnModel.from_pretrained()).kernels()
    assert next(iter(kernels)) == "block1_conv1" and kernels["block1_conv1"].shape[2] == 1
    kernel = kernel_plane(kernels["block1_conv2"], 3, 2)
    raw = kernels["block1_conv2"][:, :, 1, 2]
    np.testing.assert_array_equal(kernel, raw)
    assert display_gain(kernel) * np.abs(kernel).sum() == pytest.approx(np.abs(KERNELS["sobel"]).sum())
    assert {display_gain(one) for one in (*KERNELS.values(), np.zeros((3, 3)))} == {1}
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
