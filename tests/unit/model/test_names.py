"""Names of classes and models: characters that control, hide or break a text, and names that look the same."""

import pytest

from model import CnnConfig, TrazoError
from model.names import check_name, check_names

GOOD = [
    "gato",
    "Cat, tabby (3 kg) <b>",
    "é",
    "e\u0301",
    "مثال",
    "می\u200cخواهم",  # a joiner within a word
    "क्\u200dष",
    "👩\u200d🔬",
    "❤\ufe0f\u200d🔥",
    "1\u00a0000",  # a space of another width
    "\U0001faf6",
    "x" * 500,
]
BAD = {
    "": "is empty",
    " \u3000": "is empty",
    "x" * 501: "has 501 characters, at most 500",
    "a\nb": "a line break (U+000A)",
    "a\r": "a line break (U+000D)",
    "a\u2028b": "a line break (U+2028, LINE SEPARATOR)",
    "a\x85b": "a line break",
    "\x00": "a control character (U+0000)",
    "\x1b[2J": "a control character (U+001B)",
    "a\x9bm": "a control character",
    "cat\u202egpj": "an invisible character (U+202E, RIGHT-TO-LEFT OVERRIDE)",
    "\u2066a": "an invisible character (U+2066",
    "a\u200f": "an invisible character (U+200F",
    "a\u061cb": "an invisible character (U+061C",
    "ca\u200bt": "an invisible character (U+200B, ZERO WIDTH SPACE)",
    "\ufeffcat": "an invisible character (U+FEFF",
    "ca\u200dt": "an invisible character (U+200D, ZERO WIDTH JOINER)",  # joins nothing here
    "\u200c": "an invisible character (U+200C",
    "а\u200c": "an invisible character (U+200C",
    "so\u00adft": "an invisible character (U+00AD, SOFT HYPHEN)",
    "a\U000e0041": "an invisible character (U+E0041",
    "\u3164": "an invisible character (U+3164, HANGUL FILLER)",
    "a\u2061b": "an invisible character",
    "\ud800": "half a character",
}
ALIKE = [("é", "e\u0301"), ("a b", "a\u00a0b"), ("❤", "❤\ufe0f"), ("我们", "我\u200d们"), ("a", "a")]


@pytest.mark.parametrize("name", GOOD)
def test_check_name_that_people_use_is_taken_as_it_is(name):
    assert check_name("a label", name) == name


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_check_name_that_misleads_is_refused_with_its_character(name):
    with pytest.raises(TrazoError) as caught:
        check_name("a label", name)
    assert BAD[name] in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("names", ALIKE, ids=ascii)
def test_check_names_that_look_the_same_are_refused(names):
    with pytest.raises(TrazoError, match="appears twice|look the same"):
        check_names("a label", names)
    assert check_names("a label", ("a", "A", "a ", "á")) == ("a", "A", "a ", "á")


@pytest.mark.parametrize("field", ["labels", "title", "versions"])
@pytest.mark.parametrize("text", ["a\x1bb", "a\u202eb", "a\u2029b", "a\u200bb", "x" * 90_000], ids=ascii)
def test_config_checks_every_text_that_people_read(field, text):
    value = {"labels": ("0", text), "title": text, "versions": {"keras": text}}[field]
    with pytest.raises(TrazoError):
        CnnConfig(**{field: value})
