"""Sentences of a model card."""

from model.card.sentences import exports_sentence
from model.config import CnnConfig
from model.pixel_format import PixelFormat


def test_exports_sentence_says_how_unusual_files_become_pixels():
    assert exports_sentence(CnnConfig()).endswith("probabilities per image.")
    unusual = exports_sentence(CnnConfig(pixel_format=PixelFormat(background=0, white_level=4095)))
    assert "4095 is white: it becomes 255." in unusual and "Transparency is placed on black." in unusual
