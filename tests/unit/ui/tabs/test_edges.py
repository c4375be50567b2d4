"""The edges tab: its photos and its text."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ui.edges.convolution import DEFAULT_THRESHOLD, correlate, flip_kernel, to_gray
from ui.edges.kernels import KERNELS
from ui.edges.render import edge_map
from ui.i18n import BROWSER_TEXT
from ui.server.images import read_image
from ui.tabs.edges import PHOTOS
from ui.tabs.lens import START


@pytest.mark.parametrize(("language", "gray"), [("es", "gris"), ("en", "gray")])
def test_about_text_explains_gray_levels(language, gray):
    assert all(words in BROWSER_TEXT[language]["edges_about"] for words in (gray, " 0 (", " 255 ("))


def test_bundled_photos_are_small_and_have_edges():
    assert len(PHOTOS) == 6
    row, column = START
    with Image.open(PHOTOS[0]) as photo:
        sums = correlate(to_gray(np.asarray(photo)), flip_kernel(KERNELS["vertical"]))
    assert sums[row, column] > DEFAULT_THRESHOLD  # the arithmetic that is shown first ends in a white pixel
    for photo in PHOTOS:
        assert Image.open(photo).size <= (512, 512)
        edges = edge_map(read_image(Path(photo).read_bytes()), "all")
        assert 0.01 < (edges == 255).mean() < 0.9
