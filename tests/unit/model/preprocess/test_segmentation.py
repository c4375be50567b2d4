"""Several signs on one sheet."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.segmentation import MAX_CHARACTERS_PER_LINE, split_characters
from model.preprocess.sketch import sketch_to_input, sketch_to_inputs

SHAPE = (28, 28, 1)


def sheet(*lines, size=(600, 300), width=14) -> Image.Image:
    """Draw strokes, each a list of points."""
    image = Image.new("L", size, 255)
    pen = ImageDraw.Draw(image)
    for line in lines:
        pen.line(line, fill=0, width=width, joint="curve")
    return image


ONE = [(60, 60), (60, 240)]
SEVEN = [(160, 60), (260, 60), (200, 240)]
FIVE = [(330, 80), (330, 140), (390, 150), (410, 190), (380, 235), (325, 235)]
BAR = [(335, 55), (420, 50)]  # of the 5, and does not touch it


def test_sketch_to_inputs_reads_left_to_right_and_keeps_a_bar_with_its_5():
    inputs = sketch_to_inputs(sheet(SEVEN, FIVE, ONE, BAR), SHAPE)
    alone = [sketch_to_input(sheet(*lines), SHAPE) for lines in ((ONE,), (SEVEN,), (FIVE, BAR))]
    assert len(inputs) == 3
    for found, expected in zip(inputs, alone, strict=True):
        assert found.dtype == np.uint8 and found.shape == SHAPE
        assert np.abs(found.astype(int) - expected).mean() < 4


def test_sketch_to_inputs_gives_digits_that_the_bundled_model_reads():
    model = CnnModel.from_pretrained()
    answers = model.predict(sketch_to_inputs(sheet(ONE, SEVEN, FIVE, BAR), SHAPE)).argmax(axis=1)
    assert answers.tolist() == [1, 7, 5]


@pytest.mark.parametrize("lines", [(SEVEN,), (FIVE, BAR)])
def test_sketch_to_inputs_single_character_equals_sketch_to_input(lines):
    (found,) = sketch_to_inputs(sheet(*lines), SHAPE)
    assert (found == sketch_to_input(sheet(*lines), SHAPE)).all()


def test_sketch_to_inputs_ignores_specks():
    (found,) = sketch_to_inputs(sheet(SEVEN, [(500, 200), (503, 200)], width=10), SHAPE)
    assert found.any()


def test_split_characters_stroke_with_a_gap_is_one():
    ink = np.zeros((40, 60), np.float32)
    ink[10:14, 5:25] = ink[10:14, 26:50] = 1  # a gap of one pixel in a stroke of four
    assert len(split_characters(ink, 4)) == 1
    ink[10:14, 25:34] = 0
    assert [sign.sum() for sign in split_characters(ink, 4)] == [80, 64]


def test_sketch_to_inputs_does_not_depend_on_sheet_size():
    image = sheet(ONE, SEVEN, FIVE, BAR)
    small, large = (sketch_to_inputs(one, SHAPE) for one in (image, image.resize((2400, 1200))))
    assert len(small) == len(large) == 3
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(small, large, strict=True)) < 6


def test_split_characters_too_many_pieces_stay_together():
    ink = np.zeros((20, 10 * (MAX_CHARACTERS_PER_LINE + 1)), np.float32)
    ink[5:15, 2::10] = 1
    assert len(split_characters(ink, 1)) == 1
    assert len(split_characters(ink[:, 10:], 1)) == MAX_CHARACTERS_PER_LINE
    speckled = np.random.default_rng(0).integers(0, 2, (200, 200)).astype(np.float32)
    assert len(split_characters(speckled, 1)) >= 1


def test_sketch_to_inputs_blank_sheet_is_refused():
    with pytest.raises(BlankDrawingError):
        sketch_to_inputs(sheet(), SHAPE)
