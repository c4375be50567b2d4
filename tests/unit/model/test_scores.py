"""Measures of predictions."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from model.scores import r_squared, score_classes, wilson_interval


def test_score_classes_agree_with_scikit_learn():
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 5, (2, 200))
    scores = score_classes(true, predicted, 5)
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(true, predicted))
    assert scores.macro_f1 == pytest.approx(f1_score(true, predicted, average="macro"))


def test_score_classes_class_without_rows_has_no_figures_and_changes_no_mean():
    true, predicted = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])
    scores = score_classes(true, predicted, 4)
    assert scores.rows.tolist() == [2, 0, 2, 0]
    for values in (scores.precision, scores.recall, scores.f1):
        assert np.isnan(values).tolist() == [False, True, False, True]
    assert scores.balanced_accuracy == 0.75 and scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_wilson_interval_of_known_shares():
    assert wilson_interval(0.9, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    low, high = wilson_interval(1.0, 30)
    assert high == 1 and low == pytest.approx(0.8865, abs=1e-4)
    assert wilson_interval(0.0, 1)[0] == 0


def test_r_squared_of_large_numbers_is_exact_and_of_equal_ones_none():
    true = np.array([2_000_001, 2_000_002, 2_000_003], np.float32)
    assert r_squared(true, true) == 1 and r_squared(true, np.full(3, 2_000_002, np.float32)) == 0
    assert r_squared(np.ones(3), np.zeros(3)) is None
