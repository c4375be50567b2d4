"""Values of hyperparameters as text."""

from ui.figures.axes import display_value


def test_shown_values_are_short():
    assert display_value(0.00123456, "es") == 0.001235
    assert display_value([16, 32], "es") == "16, 32"
    assert display_value(True, "es") == "sí"
    assert display_value("none", "es") == "ninguna"
    assert display_value(None, "en") == ""


def test_shown_value_is_not_translated_as_a_text_key():
    assert display_value("average", "en") == "average"  # a kind of pooling, not the weights' average
