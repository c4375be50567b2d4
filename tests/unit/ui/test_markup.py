"""Other people's text in HTML."""

import pytest

from ui.inference.answers import Answer, answers_html
from ui.markup import html_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>&lt;", "&lt;b&gt;&amp;lt;"),
        ("a\" onload='x'", "a&quot; onload=&#x27;x&#x27;"),
        ("\u202eevil\x1b[2J\n", "\\u202eevil\\x1b[2J\\n"),
        ("1\u202f000 日本 👩\u200d🔬", "1\u202f000 日本 👩\u200d🔬"),
    ],
)
def test_html_text_shows_what_is_there(text, expected):
    assert html_text(text) == expected


def test_answers_html_hostile_names_are_text():
    html = answers_html([Answer({"<img src=x>": 0.9, "\u202eevil": 0.1}, None, False)], "en")
    assert "<img" not in html and "&lt;img src=x&gt;" in html and "\u202e" not in html
