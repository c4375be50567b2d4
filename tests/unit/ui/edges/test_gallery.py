"""The tiles of learned kernels."""

import base64
import io

import numpy as np
from PIL import Image

from ui.edges.convolution import NEGATIVE_RGB, POSITIVE_RGB
from ui.edges.gallery import MAX_TILES, gallery_value, kernel_strip
from ui.edges.kernels import KERNELS


def test_kernel_strip_each_tile_has_the_colors_of_its_signs():
    planes = np.zeros((3, 3, 2), np.float32)
    planes[0, 1, 0], planes[2, 2, 0], planes[1, 1, 1] = 0.5, -0.25, -0.001
    strip = kernel_strip(planes)
    assert strip.shape == (3, 6, 4) and strip.dtype == np.uint8
    assert strip[0, 1].tolist() == [*POSITIVE_RGB, 255]
    assert strip[2, 2].tolist() == [*NEGATIVE_RGB, 128]
    assert strip[1, 4].tolist() == [*NEGATIVE_RGB, 255]  # scaled alone
    assert (strip[..., 3] > 0).sum() == 3


def test_gallery_value_names_every_filter_and_keeps_the_choice_within_them():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, MAX_TILES + 9)).astype(np.float32)
    kernel[:, :, 1, 0] = KERNELS["sobel"]
    value = gallery_value(kernel, 2, 10**9, "es")
    assert len(value["names"]) == value["chosen"] == MAX_TILES
    assert value["names"][0] == "Filtro 1, como Sobel en alguna dirección (coseno 1,00)"
    with Image.open(io.BytesIO(base64.b64decode(value["strip"].split(",")[1]))) as image:
        assert image.size == (3 * MAX_TILES, 3) and image.mode == "RGBA"
