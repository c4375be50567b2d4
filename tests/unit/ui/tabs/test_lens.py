"""What the page says of a result."""

import pytest

from ui.edges.render import EdgeFacts, EdgeOptions
from ui.tabs.lens import describe_result

FACTS = EdgeFacts([[1.0]], 1.0, 0.064, 0.014)


@pytest.mark.parametrize(
    ("kernel", "options", "language", "sentence"),
    [
        ("vertical", EdgeOptions(), "en", "A cat · Vertical edges: 6.4% of the pixels are white."),
        ("blur", EdgeOptions(threshold=None), "en", "A cat · Blur: 6.4% of the pixels are brighter than black."),
        (
            None,
            EdgeOptions(sign="signed"),
            "en",
            "A cat · this kernel: 5.0% of the pixels are blue, 1.4% orange, the rest black.",
        ),
        ("sobel", EdgeOptions(), "es", "A cat · Sobel (bordes verticales): el 6,4\u00a0% de los píxeles son blancos."),
    ],
)
def test_describe_result_says_what_is_seen(kernel, options, language, sentence):
    assert describe_result("A cat", kernel, options, FACTS, language) == sentence
