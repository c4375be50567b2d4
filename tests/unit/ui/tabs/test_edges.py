"""The edges tab: its photos and its text."""

from pathlib import Path

import pytest
from PIL import Image

from ui.edges.render import edge_map
from ui.i18n import BROWSER_TEXT
from ui.server.images import read_image
from ui.tabs.edges import DEFAULT_PIXEL_PX, PHOTOS


@pytest.mark.parametrize(("language", "gray"), [("es", "gris"), ("en", "gray")])
def test_about_text_explains_gray_levels(language, gray):
    assert all(words in BROWSER_TEXT[language]["edges_about"] for words in (gray, " 0 (", " 255 ("))


def test_bundled_photos_are_small_and_have_edges():
    assert len(PHOTOS) == 6
    assert Image.open(PHOTOS[0]).size == (2 * DEFAULT_PIXEL_PX, 2 * DEFAULT_PIXEL_PX)
    for photo in PHOTOS:
        assert Image.open(photo).size <= (512, 512)
        edges = edge_map(read_image(Path(photo).read_bytes()), "all")
        assert 0.01 < (edges == 255).mean() < 0.9
