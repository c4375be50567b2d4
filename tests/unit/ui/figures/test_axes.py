"""Values of hyperparameters as text."""

import pytest

from ui.figures.axes import display_value, format_setting, log_ticks
from ui.figures.markers import log_axis


def test_shown_values_are_short():
    assert display_value(0.00123456, "es") == 0.001235
    assert display_value([16, 32], "es") == "16, 32"
    assert display_value(True, "es") == "sí"
    assert display_value("none", "es") == "ninguna"
    assert display_value(None, "en") == ""


def test_shown_value_is_not_translated_as_a_text_key():
    assert display_value("average", "en") == "average"  # a kind of pooling, not the weights' average


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0096, 0.9, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]),
        (0.011, 0.018, [0.011, 0.018]),
        (0.02, 0.09, [0.02, 0.05]),
        (1e-6, 1e6, [1e-6, 1e-3, 1, 1e3, 1e6]),
    ],
)
def test_log_ticks_are_few_and_round(low, high, ticks):
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_log_axis_writes_as_the_language_does():
    percent = log_axis([0.0096, 0.09], "es", in_percent=True)
    assert percent["ticktext"] == ["1\u00a0%", "2\u00a0%", "5\u00a0%"]
    assert log_axis([0.0005, 0.0009], "en", in_percent=True)["ticktext"][0] == "0.05%"
    assert log_axis([500, 400_000], "en")["ticktext"][-1] == "300,000"


def test_format_setting_names_what_zero_means():
    assert (
        format_setting("dense_units", 0, "es") == "sin capa densa" and format_setting("dense_units", 64, "es") == "64"
    )
    assert format_setting("augment", 0.0, "en") == "none" and format_setting("dropout", 0.0, "en") == "0"
    assert format_setting("activation", "leaky_relu", "es") == "leaky ReLU"
