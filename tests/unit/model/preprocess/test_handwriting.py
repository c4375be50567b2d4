"""Photographs of something else are separated from photographs of paper."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from model.preprocess.foreground import BlankDrawingError, BlankPhotoError
from model.preprocess.handwriting import MAX_DOUBTS
from model.preprocess.sketch import read_sheet
from tests.unit.model.preprocess.test_photo import drawing, photograph

SHAPE = (28, 28, 1)
PHOTOS = sorted((Path(__file__).parents[4] / "ui" / "photos").glob("*.jpg"))


@pytest.mark.parametrize("size", [1, 0.5])
@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_read_sheet_photo_of_something_else_is_doubted(photo, turn, size):
    image = Image.open(photo).rotate(turn, expand=True)
    image = image.resize((round(image.width * size), round(image.height * size)))
    assert read_sheet(image, SHAPE).doubts > MAX_DOUBTS


@pytest.mark.parametrize("contrast", [0.25, 0.8])
@pytest.mark.parametrize("kind", ["even", "window", "lamp", "shadow"])
def test_read_sheet_photo_of_paper_is_not_doubted(kind, contrast):
    for width in (8, 14, 40):
        assert read_sheet(photograph(drawing(width), kind, contrast), SHAPE).doubts <= MAX_DOUBTS


def test_read_sheet_drawing_on_a_screen_is_not_doubted():
    assert read_sheet((255 - 255 * drawing()).astype(np.uint8), SHAPE).doubts == 0


def test_read_sheet_page_of_text_is_doubted():
    page = np.full((400, 900), 255, np.uint8)
    for row in range(30, 400, 40):
        cv2.putText(page, "network pixel stroke label image kernel", (10, row), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    sheet = read_sheet(page, SHAPE)
    assert sheet.doubts == 1 and len(sheet.signs) == 1  # the network decides


def test_read_sheet_photo_of_blank_paper_is_not_a_blank_drawing():
    with pytest.raises(BlankPhotoError):
        read_sheet(photograph(np.zeros((480, 640), np.float32), "window"), SHAPE)
    with pytest.raises(BlankDrawingError) as blank:
        read_sheet(np.full((200, 200), 255, np.uint8), SHAPE)
    assert type(blank.value) is BlankDrawingError
