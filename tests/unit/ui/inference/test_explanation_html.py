"""What happens inside the network, as images in HTML."""

import numpy as np
import pytest

from model.explain import Explanation
from tests.support.html_images import decode_images
from ui.edges.convolution import POSITIVE_RGB
from ui.inference.explanation_html import MAX_MAPS, feature_maps_html, image_html, pairs_html, saliency_image, tile_maps


def test_image_html_is_lossless_and_has_a_caption():
    color = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    html = image_html(color, '<b>"7"</b>')
    assert (decode_images(html)[0][..., ::-1] == color).all()
    assert "<b>" not in html and html.count("&lt;b&gt;&quot;7&quot;") == 2
    assert pairs_html([(html, html)] * 3).count("<figure>") == 6


def test_saliency_image_colors_only_what_the_answer_rests_on():
    pixels = np.full((20, 20, 1), 200, np.uint8)
    saliency = np.zeros((20, 20), np.float32)
    saliency[2:8, 2:8], saliency[12:18, 12:18] = 1, -1
    image = saliency_image(pixels, saliency)
    assert image.dtype == np.uint8 and image.shape == (20, 20, 3)
    np.testing.assert_allclose(image[5, 5], POSITIVE_RGB, atol=6)
    assert (image[15, 15] == 100).all()
    assert (image[5, 15] == 100).all()  # neither: the input at half its brightness
    assert (saliency_image(pixels, np.zeros((20, 20), np.float32)) == 100).all()


@pytest.mark.parametrize(("filters", "rows", "columns"), [(1, 1, 1), (12, 1, 12), (13, 2, 12), (500, 8, 12)])
def test_tile_maps_keeps_the_order_of_the_filters(filters, rows, columns):
    maps = np.zeros((3, 4, filters), np.float32)
    maps[..., -1] = 2
    maps[0, 0, 0] = 1
    sheet = tile_maps(maps)
    assert sheet.dtype == np.uint8 and sheet.shape == (rows * 4 - 1, columns * 5 - 1)
    if filters > 1:
        assert sheet[0, 0] == 128
    if 1 < filters <= MAX_MAPS:
        row, column = divmod(filters - 1, columns)
        assert (sheet[row * 4 : row * 4 + 3, column * 5 : column * 5 + 4] == 255).all()


def test_feature_maps_html_has_a_figure_per_layer():
    maps = {"block1_conv1": np.ones((4, 4, 2), np.float32), "block2_conv1": np.ones((2, 2, 3), np.float32)}
    html = feature_maps_html(Explanation(np.ones(2), maps, np.zeros((4, 4)), False))
    assert "block1_conv1: 2 × (4 × 4)" in html and "block2_conv1: 3 × (2 × 2)" in html and len(decode_images(html)) == 2
