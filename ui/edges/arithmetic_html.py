"""The arithmetic of one sum as HTML."""

from html import escape

import numpy as np

from ui.edges.convolution import Arithmetic
from ui.i18n import Language, number, translate

SIGN_CLASS = {1: "plus", -1: "minus", 0: "zero"}


def matrix_html(matrix: np.ndarray, language: Language) -> str:
    """Return a matrix as an HTML table, with a class for each cell's sign."""
    rows = (
        "".join(f'<td class="{SIGN_CLASS[int(np.sign(value))]}">{_format(value, language)}</td>' for value in row)
        for row in matrix
    )
    return f'<table class="kernel">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def arithmetic_html(arithmetic: Arithmetic, language: Language) -> str:
    """Return how a sum was computed: pixels times weights equals products, and the total of the products."""
    pixels, weights, products = (
        matrix_html(matrix, language) for matrix in (arithmetic.patch, arithmetic.kernel, arithmetic.products)
    )
    total = _format(arithmetic.total, language)
    sentence = escape(translate("pixel_sum", language, row=arithmetic.row, column=arithmetic.column, total=total))
    return f'<div class="arithmetic">{pixels}<b>×</b>{weights}<b>=</b>{products}</div><p>{sentence}</p>'


def _format(value: float, language: Language) -> str:
    form = ",.0f" if value == round(value) or abs(value) >= 1000 else ".3g"
    return number(value, form, language).replace("-", "−")
