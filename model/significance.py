"""Whether a difference is more than chance: tests of shares, of means, of groups, and Holm's correction."""

from collections.abc import Callable, Sequence
from math import erfc, sqrt
from statistics import fmean, variance

import numpy as np

MIN_SCATTER = 1e-9  # smaller differences between runs are rounding
PERMUTATIONS = 2_000
MAX_VALUES = 1_000_000  # that are permuted at a time, to bound the memory


def two_shares_p(share: float, other: float, rows: int, other_rows: int) -> float:
    """Return how often chance alone makes two measured shares differ as much, by the two-proportion z-test.

    It takes the rows for independent samples. If both shares were measured on the same rows, as two trials of a search
    are, the true value is smaller: the test errs on the side of "not distinguishable".

    Args:
        share: of the first rows, 0 to 1.
        other: of the other rows.
        rows: at least 1.
        other_rows: at least 1.

    Example:
        >>> two_shares_p(0.99, 0.98, 30_000, 30_000) < 0.001, two_shares_p(0.99, 0.98, 100, 100) > 0.5
        (True, True)
    """
    pooled = (share * rows + other * other_rows) / (rows + other_rows)
    deviation = sqrt(max(pooled * (1 - pooled), 0.0) * (1 / rows + 1 / other_rows))
    return erfc(abs(share - other) / deviation / sqrt(2)) if deviation > 0 else 1.0


def welch_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the p value of Welch's t-test (Welch 1947), which does not assume that both scatter alike.

    Args:
        one: at least two values.
        other: at least two values.

    Example:
        >>> welch_p([0.91, 0.92, 0.93], [0.51, 0.52, 0.53]) < 0.001
        True
    """
    from scipy.special import stdtr  # here, because the page rarely needs it

    difference = fmean(one) - fmean(other)
    if max(np.ptp(one), np.ptp(other)) < MIN_SCATTER:  # the test divides by it
        return 1.0 if abs(difference) < MIN_SCATTER else 0.0
    squares = [variance(values) / len(values) for values in (one, other)]
    freedom = sum(squares) ** 2 / sum(
        square**2 / (len(values) - 1) for square, values in zip(squares, (one, other), strict=True)
    )
    return float(2 * stdtr(freedom, -abs(difference) / sqrt(sum(squares))))


def permutation_p(
    scores: Sequence[float], groups: Sequence[object], strata: Sequence[object] | None = None, seed: int = 0
) -> float:
    """Return how often groups at random separate the scores at least as much: a permutation test of mean ranks.

    The statistic is that of Kruskal and Wallis 1952. With strata, scores count from the median of their stratum and are
    permuted within it: what the strata do to the scores is then not taken for an effect of the groups.

    Args:
        scores: (n,).
        groups: (n,), the group of each score.
        strata: (n,), what else may explain the scores.
        seed: of the permutations.

    Example:
        >>> permutation_p([1, 2, 3, 4, 5, 6], ["a", "b"] * 3) > 0.2
        True
    """
    ranks = _ranks(aligned(scores, strata))
    places = np.unique([str(group) for group in groups], return_inverse=True)[1]
    members = np.eye(places.max() + 1)[places]  # (n, groups)
    labels = list(strata) if strata else [None] * len(ranks)
    within = [[place for place, one in enumerate(labels) if one == label] for label in dict.fromkeys(labels)]
    return _share_by_chance(lambda rows: ((rows @ members) ** 2 / members.sum(axis=0)).sum(axis=1), ranks, within, seed)


def aligned(scores: Sequence[float], strata: Sequence[object] | None) -> np.ndarray:
    """Return the scores minus the median of their stratum, float64 (n,); without strata as they are."""
    values = np.array(scores, np.float64)
    for stratum in dict.fromkeys(strata or ()):
        inside = np.array([one == stratum for one in strata or ()])
        values[inside] -= np.median(values[inside])
    return values


def rank_correlation(values: Sequence[float], scores: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Return Spearman's correlation of ranks, −1 to 1, and its p value by permutation.

    Args:
        values: (n,), not all equal.
        scores: (n,), not all equal.
        seed: of the permutations.

    Example:
        >>> rho, p = rank_correlation([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8])
        >>> round(rho, 3), p < 0.01
        (1.0, True)
    """
    left, right = (_ranks(np.array(one, np.float64)) for one in (values, scores))
    left, right = ((one - one.mean()) / one.std() for one in (left, right))
    p = _share_by_chance(lambda rows: np.abs(rows @ left), right, [list(range(len(right)))], seed)
    return float(left @ right / len(left)), p


def _share_by_chance(
    statistic: Callable[[np.ndarray], np.ndarray], values: np.ndarray, within: list[list[int]], seed: int
) -> float:
    """Return how often permuted values have at least the statistic of the given ones, which count as one permutation.

    Args:
        statistic: of rows of values, float64 (rows, n), float64 (rows,).
        values: float64 (n,).
        within: places whose values are permuted among themselves.
        seed: of the permutations.
    """
    rng, observed, count = np.random.default_rng(seed), statistic(values[None])[0], 1
    step = max(1, MAX_VALUES // len(values))
    for start in range(0, PERMUTATIONS, step):
        rows = np.tile(values, (min(step, PERMUTATIONS - start), 1))
        for places in within:
            rows[:, places] = rng.permuted(rows[:, places], axis=1)
        count += int((statistic(rows) >= observed - MIN_SCATTER).sum())
    return count / (1 + PERMUTATIONS)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values adjusted by Holm's method (Holm 1979), in the order given.

    The chance that any of them is below 0.05 although no difference is real is then at most 5 %.

    Example:
        >>> holm([0.04, 0.01])
        [0.04, 0.02]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = running
    return adjusted


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks from 1, float64 (n,); equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[places]
