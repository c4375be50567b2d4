"""Kernels and sums as HTML."""

import numpy as np

from tests.support.bars import BARS
from ui.edges.arithmetic_html import arithmetic_html, matrix_html
from ui.edges.convolution import explain_sum, to_gray
from ui.edges.kernels import KERNELS


def test_matrix_html_has_every_weight():
    html = matrix_html(KERNELS["vertical"], "en")
    assert html.count("<tr>") == 3 and html.count("<td") == 9
    assert html.count('class="plus">1<') == 3 and html.count('class="minus">−1<') == 3
    written = [matrix_html(np.array([[-1234.5, 0.25]]), language) for language in ("es", "en")]
    assert (
        ["−1\u202f234<" in written[0], "0,25<" in written[0]]
        == ["−1,234<" in written[1], "0.25<" in written[1]]
        == [True] * 2
    )


def test_arithmetic_html_has_the_sum():
    found = explain_sum(to_gray(BARS), KERNELS["vertical"], 5, 7)
    html = arithmetic_html(found, "en")
    assert html.count("<table") == 3 and html.count(">200<") == 9  # six pixels, three products
    assert "Row 5, column 7: the products add up to 600." in html
