"""What happens inside the network, as pictures."""

import re
from base64 import b64decode

import cv2
import numpy as np
import pytest

from model.explain import Explanation
from ui.edges.convolution import NEGATIVE_RGB, POSITIVE_RGB
from ui.inference.explanation_html import MOST_MAPS, maps_html, mosaic, pairs_html, picture_html, saliency_picture


def pictures(html: str) -> list[np.ndarray]:
    """Decode the pictures in HTML, as OpenCV has them."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(b64decode(one), np.uint8), cv2.IMREAD_UNCHANGED) for one in found]


def test_a_picture_comes_back_as_it_was_and_is_said_in_words():
    colour = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    html = picture_html(colour, '<b>"7"</b>')
    assert (pictures(html)[0][..., ::-1] == colour).all()
    assert "<b>" not in html and html.count("&lt;b&gt;&quot;7&quot;") == 2
    assert pairs_html([(html, html)] * 3).count("<figure>") == 6


def test_the_colour_tells_for_and_against():
    pixels = np.full((20, 20, 1), 200, np.uint8)
    saliency = np.zeros((20, 20), np.float32)
    saliency[2:8, 2:8], saliency[12:18, 12:18] = 1, -1
    picture = saliency_picture(pixels, saliency)
    assert picture.dtype == np.uint8 and picture.shape == (20, 20, 3)
    np.testing.assert_allclose(picture[5, 5], POSITIVE_RGB, atol=6)
    np.testing.assert_allclose(picture[15, 15], NEGATIVE_RGB, atol=6)
    assert (picture[5, 15] == 100).all()  # neither: the input at half its brightness
    assert (saliency_picture(pixels, np.zeros((20, 20), np.float32)) == 100).all()


@pytest.mark.parametrize(("filters", "rows", "columns"), [(1, 1, 1), (12, 1, 12), (13, 2, 12), (500, 8, 12)])
def test_feature_maps_are_tiles_in_their_order(filters, rows, columns):
    maps = np.zeros((3, 4, filters), np.float32)
    maps[..., -1] = 2
    maps[0, 0, 0] = 1
    sheet = mosaic(maps)
    assert sheet.dtype == np.uint8 and sheet.shape == (rows * 4 - 1, columns * 5 - 1)
    if filters > 1:
        assert sheet[0, 0] == 128
    if 1 < filters <= MOST_MAPS:
        row, column = divmod(filters - 1, columns)
        assert (sheet[row * 4 : row * 4 + 3, column * 5 : column * 5 + 4] == 255).all()


def test_every_layer_has_a_figure():
    maps = {"block1_conv1": np.ones((4, 4, 2), np.float32), "block2_conv1": np.ones((2, 2, 3), np.float32)}
    html = maps_html(Explanation(np.ones(2), maps, np.zeros((4, 4)), False))
    assert "block1_conv1: 2 × (4 × 4)" in html and "block2_conv1: 3 × (2 × 2)" in html and len(pictures(html)) == 2
