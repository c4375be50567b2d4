"""The network's answers as HTML."""

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model import CnnModel
from model.explain import Explainer
from model.preprocess.sketch import sketch_to_inputs
from ui.i18n import percent
from ui.inference.answers import Answer, answers_html, answers_text, no_handwriting_html

SEVEN = Answer({"1": 0.1, "7": 0.9}, None, False)
UNKNOWN = Answer({"1": 0.7, "7": 0.3}, None, True)


def test_answers_html_one_character_shows_its_confidences():
    html = answers_html([SEVEN], "es")
    assert '<p class="answer-text">7</p>' in html and "unknown" not in html
    assert html.index("90,0\u00a0%") < html.index("10,0\u00a0%") and "--share: 0.9000" in html


@pytest.mark.parametrize(
    ("shares", "bars"),
    [
        ([0.9996, 0.0004, 0, 0], ["0", "3 other classes"]),
        ([0.5, 0.3, 0.2, 0], ["0", "1", "2", "3"]),  # one label needs no bar for "1 other classes"
        ([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05], ["0", "1", "2", "3", "4", "2 other classes"]),
        ([1.0, 0, 0], ["0", "2 other classes"]),
    ],
)
def test_answers_html_small_confidences_share_one_bar(shares, bars):
    html = answers_html([Answer({str(label): share for label, share in enumerate(shares)}, None, False)], "en")
    assert re.findall(r"<li><span>(.*?)</span>", html) == bars
    listed = [float(share) for share in re.findall(r"--share: ([\d.]+)", html)]
    assert sum(listed) == pytest.approx(1)


def test_answers_html_rejected_input_is_a_question_mark():
    html = answers_html([UNKNOWN], "en")
    assert ">?</p>" in html and "so it does not answer" in html and "Closest match: 1." in html and "faint" in html


def test_answers_html_several_characters_keep_their_order():
    html = answers_html([SEVEN, UNKNOWN, SEVEN], "en")
    assert ">7 ? 7</p>" in html and html.count("<ul") == 3 and html.count("faint") == 1
    assert "characters marked ?" in html


def test_answers_of_marks_and_lines_are_shown_and_named():
    comma, unknown = Answer({}, None, False, mark=","), Answer({}, None, True, mark="?")
    low = Answer({"1": 0.1, "7": 0.9}, None, False, line=1)
    answers = [SEVEN, comma, SEVEN, unknown, low]
    assert answers_text(answers, "es") == "7 , 7 ?\n7"
    html = answers_html(answers, "en")
    assert '>7 <span role="img" aria-label="comma">,</span> 7 ?\n7</p>' in html
    assert html.count("<ul") == 3 and "characters marked ?" in html
    assert "etwork" not in html  # it is not asked about marks


def test_no_handwriting_html_is_one_answer():
    for language, text in (("en", "No handwriting found"), ("es", "No se ha encontrado escritura")):
        html = no_handwriting_html(language)
        assert html.count("answer-text") == 1 and f">{text}</p>" in html and "?" not in html and "<ul" not in html


def test_no_handwriting_html_names_each_reason():
    """A drawing on a screen is not handwriting if it has too many signs."""
    assert "too many" in no_handwriting_html("en") and "demasiados" in no_handwriting_html("es")


def test_answers_html_untrusted_labels_are_escaped():
    html = answers_html([Answer({"<script>": 1.0}, None, False), Answer({"<script>": 1.0}, None, True)], "en")
    assert "<script>" not in html and "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100.0%"), (0.99995, "100.0%"), (0.9996, "99.9%"), (0.5, "50.0%"), (0.0, "0.0%")]
)
def test_percent_little_doubt_is_not_rounded_away(share, text):
    assert percent(share, "en") == text
    assert percent(share, "es") == text.replace(".", ",").replace("%", "\u00a0%")


def test_bundled_model_rejects_a_scribble():
    image = Image.new("L", (400, 400), 255)
    pen = ImageDraw.Draw(image)
    pen.line([(40, 40), (360, 80), (40, 120), (360, 160), (40, 200), (360, 240), (80, 360), (240, 80)], 0, 30)
    model = CnnModel.from_pretrained()
    (scribble,) = sketch_to_inputs(np.asarray(image), model.config.image_shape)
    assert Explainer(model).explain(scribble).rejected


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [
        (0.123456, "0.1235", "0,1235"),
        (1987.4, "1987", "1987"),
        (1373880.0, "1,373,880", "1\u202f373\u202f880"),
        (2e-6, "2e-06", "2e-06"),
    ],
)
def test_answers_html_numbers_have_no_needless_exponent(value, english, spanish):
    answer = Answer({}, value, False, "y")
    assert answer.label == english
    assert f">y: {english}</p>" in answers_html([answer], "en") and f">y: {spanish}</p>" in answers_html([answer], "es")
