"""Tests of differences: their p values against SciPy's, and that chance is not taken for an effect."""

import numpy as np
import pytest
from scipy import stats

from model.significance import aligned, holm, permutation_p, rank_correlation, two_shares_p, welch_p

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("counts", [(990, 1000, 970, 1000), (30, 60, 31, 90), (5, 5, 5, 5)])
def test_two_shares_p_is_that_of_the_chi_square_test(counts):
    right, rows, other_right, other_rows = counts
    table = [[right, rows - right], [other_right, other_rows - other_right]]
    expected = 1.0 if rows == right else stats.chi2_contingency(table, correction=False).pvalue
    assert two_shares_p(right / rows, other_right / other_rows, rows, other_rows) == pytest.approx(expected)


def test_welch_p_is_that_of_scipy():
    one, other = RNG.normal(0.9, 0.01, 5), RNG.normal(0.91, 0.03, 4)
    assert welch_p(one, other) == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)


@pytest.mark.parametrize(("other", "p"), [([0.5, 0.5], 1.0), ([0.6, 0.6], 0.0)])
def test_welch_p_values_that_do_not_scatter_are_equal_or_not(other, p):
    assert welch_p([0.5, 0.5], other) == p


def test_permutation_p_is_close_to_the_exact_one():
    # Of the 20 ways to choose three of six, two separate them as clearly.
    assert permutation_p([1, 2, 3, 4, 5, 6], ["a"] * 3 + ["b"] * 3) == pytest.approx(2 / 20, abs=0.02)
    assert permutation_p([1.0] * 6, ["a"] * 3 + ["b"] * 3) == 1.0


def test_permutation_p_of_chance_is_below_5_percent_in_5_percent():
    rng = np.random.default_rng(1)
    found = [permutation_p(rng.normal(size=20), rng.integers(0, 3, 20).tolist()) for _ in range(60)]
    assert sum(p < 0.05 for p in found) <= 8


def test_permutation_p_effect_of_the_strata_is_not_one_of_the_groups():
    """Every network with "b" lacks normalization more often, which alone decides the scores."""
    strata = ["batch"] * 20 + ["none"] * 20
    groups = ["a"] * 16 + ["b"] * 4 + ["a"] * 4 + ["b"] * 16
    scores = [(0.9 if n < 20 else 0.1) + 0.001 * (n % 4) for n in range(40)]
    assert permutation_p(scores, groups) < 0.05
    assert permutation_p(scores, groups, strata) > 0.2
    assert np.median(aligned(scores, strata)[:20]) == pytest.approx(0)


def test_rank_correlation_is_that_of_spearman():
    one, other = RNG.integers(0, 5, 12), RNG.normal(size=12)
    rho, p = rank_correlation(one, other)
    expected = stats.spearmanr(one, other)
    assert rho == pytest.approx(expected.statistic) and p == pytest.approx(expected.pvalue, abs=0.1)


def test_holm_keeps_order_and_never_exceeds_one():
    assert holm([0.01, 0.5, 0.03]) == pytest.approx([0.03, 0.5, 0.06]) and holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
