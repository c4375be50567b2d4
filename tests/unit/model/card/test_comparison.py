"""The card claims of the measured rows only what was compared."""

import pytest

from model.card.comparison import comparison_sentence
from model.io.reports.comparison import Comparison


def test_comparison_sentence_compared_rows_took_no_part():
    sentence = comparison_sentence(Comparison(compared=True, training_images=1000, validation_images=99, duplicates=0))
    assert "took no part in training" in sentence and "with the 1,099 that did" in sentence
    assert "Not measured" not in sentence


@pytest.mark.parametrize("comparison", [None, Comparison(compared=False, reason="--no-scan")])
def test_comparison_sentence_without_comparison_claims_nothing(comparison):
    assert "took no part" not in comparison_sentence(comparison)


def test_comparison_sentence_counts_rows_left_out():
    comparison = Comparison(
        compared=True, left_out_training=1200, left_out_validation=1, duplicates=3, unknown_classes={"zebra": 2}
    )
    assert (
        "Not measured: 1,200 rows whose image was trained on, 1 row whose image was validated on, 3 rows that repeat "
        "another one, 2 rows of classes that the model does not know." in comparison_sentence(comparison)
    )
