"""Measures of predictions: per class, balanced over the classes, of a regression, and how exact a measured share is."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

Z_95 = 1.959964  # of a standard normal distribution: 95 % lie within this many deviations of its mean
MAX_ROWS_WITH_INTERVAL = 999  # an accuracy on more rows is exact to a few percent, and is printed without its interval


@dataclass(frozen=True)
class ClassScores:
    """How well each class is recognized. A class without rows was not measured: NaN in every array but `rows`.

    Attributes:
        rows: int64 (classes,), rows of each class.
        precision: float64 (classes,), share of the answers with this class that are right; 0 without such an answer.
        recall: float64 (classes,), share of the rows of this class that are found.
        f1: float64 (classes,), harmonic mean of both.
    """

    rows: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes with rows: rare classes count as much as common ones."""
        return float(np.nanmean(self.recall))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes with rows."""
        return float(np.nanmean(self.f1))


def score_classes(true: np.ndarray, predicted: np.ndarray, classes: int) -> ClassScores:
    """Return the measures of each class.

    Args:
        true: int (n,), class ids; at least one.
        predicted: int (n,), class ids.
        classes: number of classes.

    Example:
        >>> score_classes(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]), 2).balanced_accuracy
        0.5
    """
    rows, answers, right = (np.bincount(ids, minlength=classes) for ids in (true, predicted, true[true == predicted]))
    measured = rows > 0
    nothing = np.full(classes, np.nan)
    recall = np.divide(right, rows, out=nothing.copy(), where=measured)
    precision = np.where(measured, right / np.maximum(answers, 1), nothing)
    f1 = np.divide(2 * right, rows + answers, out=nothing.copy(), where=measured)
    return ClassScores(rows, precision, recall, f1)


def r_squared(true: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return the share of the variance of numbers that their predictions explain; None if all numbers are equal.

    Args:
        true: float (n,).
        predicted: float (n,).

    Example:
        >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
        0.0
    """
    true, predicted = true.astype(np.float64), predicted.astype(np.float64)
    total = ((true - true.mean()) ** 2).sum()
    return float(1 - ((true - predicted) ** 2).sum() / total) if total > 0 else None


def wilson_interval(share: float, rows: int) -> tuple[float, float]:
    """Return between which shares the true one lies with 95 % confidence, if `share` of some rows was measured.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".

    Args:
        share: that was measured, 0 to 1.
        rows: that it was measured on, at least 1.

    Example:
        >>> low, high = wilson_interval(1.0, 30)
        >>> f"{low:.2f} {high:.2f}"
        '0.89 1.00'
    """
    z2 = Z_95**2 / rows
    center = (share + z2 / 2) / (1 + z2)
    half = Z_95 / (1 + z2) * sqrt(share * (1 - share) / rows + z2 / (4 * rows))
    return max(0.0, center - half), min(1.0, center + half)
