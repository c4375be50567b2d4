"""What the network sees, as images in HTML."""

import numpy as np

from tests.support.html_images import decode_images
from ui.edges.convolution import POSITIVE_RGB
from ui.i18n import translate
from ui.inference.explanation_html import describe_input, describe_saliency, image_html, pairs_html, saliency_image


def test_image_html_is_lossless_and_has_a_caption():
    color = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    html = image_html(color, '<b>"7"</b>', '<b>"7"</b>')
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


def test_describe_input_says_where_it_is_bright():
    pixels = np.zeros((28, 20, 1), np.uint8)
    pixels[4:24, 8:12] = 90
    pixels[0, 0] = 40
    assert describe_input(pixels, "en") == "20 × 28 pixels, bright from row 4 to 23 and from column 8 to 11"
    assert "de la fila 0 a la 27" in describe_input(np.zeros_like(pixels), "es")


def test_describe_saliency_names_the_part_with_the_most_color():
    saliency = np.zeros((28, 28), np.float32)
    saliency[2:6, 22:26], saliency[20:24, 2:4], saliency[12:16, 12:16] = 1, 1, -9
    assert "at the top right" in describe_saliency(saliency, "en")
    assert "están arriba a la izquierda" in describe_saliency(saliency[:, ::-1], "es")
    assert describe_saliency(np.zeros_like(saliency), "en") == translate("saliency", "en")
