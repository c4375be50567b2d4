"""The images that a network got wrong."""

import re

import pytest

from tests.support.run_reports import EVALUATION, write
from ui.figures.mistakes import mistakes_html
from ui.i18n import UserError
from ui.reports import parse


def test_mistakes_html_untrusted_values_are_escaped(folder):
    kept = {"row": 3, "label": "<b>4", "answer": '9" onerror="x', "confidence": 0.9, "image": "iVBORw0KGgo="}
    write(folder, "evaluation.json", EVALUATION | {"mistakes": [kept]})
    html = mistakes_html(parse.read_mistakes(folder), "en")
    assert "&lt;b&gt;4 → 9&quot; onerror" in html and "confidence of 90.0%" in html and "<b>" not in html
    assert 'onerror="' not in html and html.count("<img") == 1
    # Choosing a confusion selects the images by this attribute.
    cells = re.findall(r'(?:<option value|data-cell)="([^"]+)"', html)
    assert len(cells) == 2 and cells[0] == cells[1] and "&lt;b&gt;4 → 9&quot; onerror=&quot;x (1)</option>" in html
    for damaged in ({"image": 'x" onerror="y'}, {"image": "A" * 200_000}, {"confidence": "0.9"}, {"label": 4}):
        write(folder, "evaluation.json", EVALUATION | {"mistakes": [kept | damaged]})
        with pytest.raises(UserError, match="damaged"):
            parse.read_mistakes(folder)
    write(folder, "evaluation.json", EVALUATION)
    with pytest.raises(UserError, match="keeps no images"):
        parse.read_mistakes(folder)
