"""Several signs on one sheet."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.preprocess.foreground import BlankDrawingError
from model.preprocess.pieces import Piece
from model.preprocess.segmentation import MAX_CHARACTERS_PER_LINE, MAX_PIECES, split_characters
from model.preprocess.sketch import read_sheet, sketch_to_input, sketch_to_inputs

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
    assert [sign.ink.sum() for sign in split_characters(ink, 4)] == [80, 64]


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


def test_split_characters_many_pieces_are_no_writing():
    ink = np.zeros((4 * MAX_PIECES + 8, 12), np.float32)
    ink[2::4, 4:8] = 1
    (character,) = split_characters(ink, 1)
    assert character.ink.sum() == ink.sum()


def test_split_characters_distances_of_what_is_out_of_reach_are_not_measured(monkeypatch):
    """Each takes as long as the product of the rows, which is seconds for a sheet of high strokes."""
    ink = np.zeros((240, 300), np.float32)
    for left in range(10, 290, 30):
        ink[10:230, left : left + 4] = 1
        ink[10:90, left + 15 : left + 19] = 1  # too low for a digit, too high above the foot for a mark
    monkeypatch.setattr(Piece, "distance", lambda *_: pytest.fail("measured"))
    assert len(split_characters(ink, 4)) == 20


def test_sketch_to_inputs_blank_sheet_is_refused():
    with pytest.raises(BlankDrawingError):
        sketch_to_inputs(sheet(), SHAPE)


# --- Leaning, marks and lines ---


def signs_of(image) -> list[str]:
    """The lines of a sheet: "d" for each sign that the network reads, marks as they are."""
    lines: dict[int, str] = {}
    for sign in read_sheet(image, SHAPE).signs:
        lines[sign.line] = lines.get(sign.line, "") + (sign.mark or "d")
    assert list(lines) == list(range(len(lines)))
    return list(lines.values())


def leaning(strokes, degrees: float, foot: int = 240) -> list:
    slope = np.tan(np.radians(degrees))
    return [[(x + slope * (foot - y), y) for x, y in stroke] for stroke in strokes]


def moved(strokes, x: int = 0, y: int = 0) -> list:
    return [[(left + x, top + y) for left, top in stroke] for stroke in strokes]


def sized(strokes, share: float) -> list:
    return [[(x * share, y * share) for x, y in stroke] for stroke in strokes]


FOUR = [[(160, 60), (130, 170), (235, 170)], [(200, 120), (200, 240)]]
OPEN_FOUR = [[(160, 60), (130, 170), (183, 170)], [(200, 100), (200, 240)]]  # in two strokes that do not touch
CROSSED_SEVEN = [[(120, 60), (220, 60), (160, 240)], [(150, 160), (215, 160)]]
NINE = [[(190, 80), (150, 65), (125, 100), (150, 135), (185, 120)], [(205, 60), (205, 240)]]
ZERO = [[(140, 60), (110, 150), (140, 240), (180, 240)], [(165, 60), (200, 90), (210, 150), (195, 215)]]  # with gaps
BROKEN_ONE = [[(150, 60), (150, 135)], [(150, 155), (150, 240)]]
BROKEN_EIGHT = [
    [(150, 60), (120, 100), (150, 140), (180, 100), (150, 60)],
    [(150, 158), (115, 200), (150, 240), (185, 200), (150, 158)],
]
TWO_STROKES = {"5": [FIVE, BAR], "4": FOUR, "7": CROSSED_SEVEN, "1": BROKEN_ONE, "8": BROKEN_EIGHT}


@pytest.mark.parametrize("degrees", [-15, 0, 10, 20, 25, 30])
@pytest.mark.parametrize("width", [6, 10, 18])
def test_read_sheet_leaning_ones_are_two(degrees, width):
    """A stroke's width of paper is left between them."""
    left = 100 if degrees >= 0 else 300
    ones = [[(x, 240), (x, 60)] for x in (left, left + 2 * width / np.cos(np.radians(degrees)))]
    assert signs_of(sheet(*leaning(ones, degrees), width=width)) == ["dd"]


@pytest.mark.parametrize("degrees", [0, 15, 25, 30])
@pytest.mark.parametrize("name", TWO_STROKES)
def test_read_sheet_sign_of_two_strokes_is_one_however_it_leans(name, degrees):
    assert signs_of(sheet(*leaning(TWO_STROKES[name], degrees))) == ["d"]


@pytest.mark.parametrize("degrees", [0, 25])
@pytest.mark.parametrize("name", TWO_STROKES)
def test_read_sheet_sign_of_two_strokes_is_one_next_to_others(name, degrees):
    strokes = [ONE, *moved(TWO_STROKES[name], x=20), *moved([ONE], x=420)]
    assert signs_of(sheet(*leaning(strokes, degrees), size=(700, 300))) == ["ddd"]


COMMA, LONG_COMMA = [[(225, 232), (217, 262)]], [[(230, 225), (212, 275)]]
DOT, MINUS = [[(215, 236), (229, 236)]], [[(200, 150), (250, 150)]]
COLON = [[(215, 130), (229, 130)], [(215, 200), (229, 200)]]
MARKED = {
    ",": COMMA,
    ", ": LONG_COMMA,
    ".": DOT,
    "-": MINUS,
    ":": COLON,
    "?": [[(215, 66), (229, 66)]],  # too high for a point
    "? ": [[(205, 140), (250, 140)], [(205, 175), (250, 175)]],  # two bars
}


@pytest.mark.parametrize("degrees", [0, 15, 25])
@pytest.mark.parametrize("mark", MARKED)
def test_read_sheet_marks_are_no_digits(mark, degrees):
    strokes = [*moved([SEVEN], x=-90), *MARKED[mark], *moved([FIVE, BAR], x=-50)]
    assert signs_of(sheet(*leaning(strokes, degrees), size=(700, 300))) == [f"d{mark.strip()}d"]


@pytest.mark.parametrize("rise", [0, 5])
@pytest.mark.parametrize("length", [13, 25])
@pytest.mark.parametrize(("mark", "height"), [(".", 0), (":", -60)])
def test_read_sheet_tick_of_a_fine_pen_is_a_dot(mark, height, length, rise):
    dots = [[(216, y), (216 + length, y - rise)] for y in {237, 237 + height}]
    digits = [*moved([SEVEN], x=-90), *moved([FIVE, BAR], x=-50)]
    assert signs_of(sheet(*digits, *dots, width=5)) == [f"d{mark}d"]


def test_read_sheet_mark_before_and_after_a_digit():
    five = moved([FIVE, BAR], x=-50)
    assert signs_of(sheet(*MINUS, *five)) == ["-d"]
    assert signs_of(sheet(*five, *moved(COMMA, x=170))) == ["d,"]
    assert signs_of(sheet(*COMMA, *five)) == [",d"]


def test_read_sheet_comma_under_the_bar_of_a_7_is_a_comma():
    assert signs_of(sheet(SEVEN, *moved(COMMA, x=15), *moved([FIVE, BAR], x=-20))) == ["d,d"]


def test_read_sheet_light_point_between_digits_is_kept():
    """It has less ink than dirt may have elsewhere."""
    digits = [*moved([SEVEN], x=-110), *moved([SEVEN], x=60)]
    point = [(177, 236), (183, 236)]
    assert signs_of(sheet(*digits, point, width=8)) == ["d.d"]
    assert signs_of(sheet(*digits, moved([point], x=190)[0], width=8)) == ["dd"]


@pytest.mark.parametrize("strokes", [DOT, COMMA, MINUS])
def test_read_sheet_small_drawing_alone_is_a_digit(strokes):
    assert signs_of(sheet(*strokes)) == ["d"]


def test_read_sheet_small_digits_are_digits():
    assert signs_of(sheet(SEVEN, *moved(sized([FIVE, BAR], 0.55), x=90, y=110), *moved([ONE], x=330))) == ["ddd"]


TOP, FOOT = [ONE, SEVEN, FIVE, BAR], moved([FIVE, BAR, *moved([SEVEN], x=300)], x=-280, y=250)


@pytest.mark.parametrize("turn", [-8, -4, 0, 4, 8])
def test_read_sheet_two_lines_are_read_one_after_the_other(turn):
    image = sheet(*TOP, *FOOT, size=(700, 560)).rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert signs_of(image) == ["ddd", "dd"]
    expected = [sketch_to_input(sheet(*one), SHAPE) for one in ([ONE], [SEVEN], [FIVE, BAR], [FIVE, BAR], [SEVEN])]
    if not turn:
        for found, one in zip(sketch_to_inputs(image, SHAPE), expected, strict=True):
            assert np.abs(found.astype(int) - one).mean() < 4


def test_read_sheet_two_lines_less_than_two_strokes_apart_are_two():
    lines = [ONE, SEVEN, *moved([ONE, SEVEN], y=202)]
    assert signs_of(sheet(*lines, size=(600, 560))) == ["dd", "dd"]


def test_read_sheet_digits_broken_at_one_height_are_one_line():
    strokes = [*BROKEN_EIGHT, *moved(BROKEN_EIGHT, x=120), *moved(BROKEN_ONE, x=220)]
    assert signs_of(sheet(*strokes)) == ["ddd"]


def test_read_sheet_two_lines_have_marks_of_their_own():
    foot = moved([*moved([SEVEN], x=-90), *COMMA, *moved([FIVE, BAR], x=-50)], y=240)
    assert signs_of(sheet(*TOP, *foot, size=(700, 560))) == ["ddd", "d,d"]


def test_read_sheet_one_digit_above_another_is_two_lines():
    assert signs_of(sheet(SEVEN, *moved([FIVE, BAR], x=-160, y=260), size=(600, 600))) == ["d", "d"]


@pytest.mark.parametrize("x", [20, 560])
def test_read_sheet_sign_that_spans_two_lines_is_one_sign(x):
    signs = signs_of(sheet(*TOP, *FOOT, [(x, 50), (x, 500)], size=(700, 560)))
    assert sorted(map(len, signs)) in ([2, 4], [3, 3]) and set("".join(signs)) == {"d"}


def test_read_sheet_digits_at_different_heights_are_one_line():
    strokes = [*moved([ONE], y=40), *moved([SEVEN], y=-30), *moved([FIVE, BAR], y=30)]
    assert signs_of(sheet(*strokes)) == ["ddd"]
