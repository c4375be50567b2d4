"""What the labels of the training rows tell: rows per class, weights against imbalance, the scaling of targets."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from model.errors import TrazoError
from model.target_scaling import TargetScaling
from training.data.splits import DatasetParts, TrainingData
from training.data.statistics import SAMPLED_ROWS


def count_classes(data: TrainingData) -> list[int] | None:
    """Return the number of rows of each class that are learned from, in the order of the labels; None without a scan.

    Args:
        data: of a classification.
    """
    counts = np.zeros(len(data.train.labels), np.int64)
    for part in data.parts:
        labels = _training_labels(part)
        if labels is None:
            return None
        own = np.bincount(labels, minlength=len(part.train.labels))
        # Datasets that are joined have the same classes, which may be in another order.
        counts[[data.train.labels.index(name) for name in part.train.labels]] += own
    return counts.tolist()


def balance_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Return the weight of each class's rows with which all classes count the same, and which is 1 on average.

    Source: King and Zeng 2001, "Logistic Regression in Rare Events Data"; scikit-learn calls these weights balanced.

    Args:
        counts: rows of each class; one without rows gets 1.

    Example:
        >>> balance_weights([300, 100])
        (0.6666666666666666, 2.0)
    """
    present = sum(count > 0 for count in counts)
    return tuple(sum(counts) / (present * count) if count else 1.0 for count in counts)


def fit_target_scaling(data: TrainingData, loss: str = "") -> TargetScaling:
    """Return the scaling of a regression's targets; without a scan that of a sample from all over the files.

    Args:
        data: of a regression.
        loss: as the user chose it; empty if it was not chosen.

    Raises:
        TrazoError: if all targets are equal or too large, none can be read, or the loss does not suit them.
    """
    targets = [labels for part in data.parts if (labels := _training_labels(part)) is not None]
    if len(targets) < len(data.parts):
        batches = islice(data.train.epoch(0), -(-SAMPLED_ROWS // data.train.batch_size))
        targets = [batch.labels for batch in batches]
    joined = np.concatenate(targets)
    if not len(joined):
        raise TrazoError(f"no row of {data.train.source.dataset!r} has a target")
    if loss == "poisson" and joined.min() < 0:
        raise TrazoError(f"loss 'poisson' is for numbers from 0 on: {data.train.label_column!r} has {joined.min():g}")
    return TargetScaling.fit(joined, data.train.label_column)


def _training_labels(part: DatasetParts) -> np.ndarray | None:
    """Return the labels of the usable training rows of one dataset, in file order; None without a scan."""
    index = part.index
    if index is None:
        return None
    rows = np.flatnonzero(index.usable)
    return index.labels[rows[part.train.contains(rows)]]
