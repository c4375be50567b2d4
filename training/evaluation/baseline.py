"""The trivial answer that a network has to beat: always the most common class, or the mean target."""

from collections.abc import Mapping

import numpy as np

from model.config import CnnConfig
from model.io.reports.evaluation import Baseline
from model.scores import Z_95, score_classes, wilson_interval

MIN_SPREAD = 1e-3  # of the answers, as a share of the targets' deviation; with less they are all the same
TRAINING_ROWS, MEASURED_ROWS = "training rows", "measured rows"


def class_baseline(
    labels: tuple[str, ...],
    true: np.ndarray,
    predicted: np.ndarray,
    class_rows: Mapping[str, int] | None = None,
) -> Baseline:
    """Return what always answering the most common class reaches.

    A network that always gives the same answer is not better than the best such answer, even if the training rows had
    another most common class than the measured ones.

    Args:
        labels: names of the classes.
        true: int (n,), class ids of the measured rows.
        predicted: int (n,), the network's answers.
        class_rows: class -> training rows; None if not known: then the class is the most common one of the measured
            rows, which no constant answer surpasses.
    """
    known = class_rows is not None and class_rows.keys() == set(labels) and any(class_rows.values())
    counts = [class_rows[label] for label in labels] if known and class_rows else np.bincount(true).tolist()
    answer = int(np.argmax(counts))
    scores = score_classes(true, np.full(len(true), answer), len(labels))
    share = float((true == answer).mean())
    is_beaten = wilson_interval(float((true == predicted).mean()), len(true))[0] > share
    if is_beaten and known and (predicted == predicted[0]).all() and (true != true[0]).any():
        return class_baseline(labels, true, predicted)
    return Baseline(
        answer=labels[answer],
        taken_from=TRAINING_ROWS if known else MEASURED_ROWS,
        accuracy=share,
        balanced_accuracy=scores.balanced_accuracy,
        macro_f1=scores.macro_f1,
        is_beaten=is_beaten,
    )


def mean_baseline(config: CnnConfig, true: np.ndarray, predicted: np.ndarray) -> Baseline:
    """Return what always answering the mean target reaches.

    Args:
        config: of the network; it holds the mean of the training rows' targets, except in older models.
        true: float (n,), the targets of the measured rows.
        predicted: float (n,), the network's answers.
    """
    true, predicted = true.astype(np.float64), predicted.astype(np.float64)
    known = config.target_scaling
    baseline = _compare_with(known.mean if known else float(true.mean()), true, predicted)
    if baseline.is_beaten and known and predicted.std() <= MIN_SPREAD * true.std():  # it always answers the same
        known, baseline = None, _compare_with(float(true.mean()), true, predicted)
    baseline.taken_from = TRAINING_ROWS if known else MEASURED_ROWS
    return baseline


def _compare_with(value: float, true: np.ndarray, predicted: np.ndarray) -> Baseline:
    """Return what always answering a number reaches, and whether the network is better."""
    baseline_error, error = np.abs(true - value), np.abs(true - predicted)
    gain = baseline_error - error  # row by row: the same rows are hard for both
    doubt = Z_95 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.inf
    return Baseline(
        value=value,
        taken_from=MEASURED_ROWS,
        mean_absolute_error=float(baseline_error.mean()),
        root_mean_squared_error=float(np.sqrt((baseline_error**2).mean())),
        # The median of skewed targets has smaller errors than their mean, but larger squared ones.
        is_beaten=bool(gain.mean() > doubt and (error**2).sum() < (baseline_error**2).sum()),
    )
