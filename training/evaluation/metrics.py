"""How good a model is on a split: accuracy, measures per class, confusion, calibration and coverage."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.io.reports import local_path
from model.io.reports.evaluation import (
    Calibration,
    CalibrationBin,
    ClassMeasures,
    EvaluationReport,
    Mistake,
    OutOfDistribution,
    SelectiveRow,
)
from model.limits import MAX_MATRIX_LABELS
from model.losses import make_loss, standardize_targets
from model.preprocess.pixels import encode_png
from model.scores import ClassScores, r_squared, score_classes, wilson_interval
from training.data.decode import decoded_batches
from training.data.stream import HubStream
from training.evaluation.baseline import class_baseline, mean_baseline

CALIBRATION_BINS = 15  # as in Guo et al. 2017, "On Calibration of Modern Neural Networks"
CONFIDENCE_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def evaluate(
    model: CnnModel,
    stream: HubStream,
    mistakes: int = 0,
    class_rows: Mapping[str, int] | None = None,
    average_views: str | None = None,
) -> EvaluationReport:
    """Return the measures over every usable row of a stream, and what the trivial answer reaches on these rows.

    Args:
        model: what is measured; its labels must be those of the stream.
        stream: the split to measure on, read once in file order.
        mistakes: how many wrong predictions are kept with their images, the most confident ones. 0 by default: they
            are images of the dataset, which may be private.
        class_rows: class -> training rows, as training.json has them; None if not known.
        average_views: a key of `model.views.VIEWS`, over which predictions are averaged; None for the image alone.

    Raises:
        TrazoError: if labels or task differ, or no row is usable.
    """
    if model.config.task != stream.task or model.config.labels != stream.labels:
        raise TrazoError(
            f"the model predicts {model.config.task} {', '.join(model.config.labels)}; "
            f"{stream.source.dataset!r} has {stream.task} {', '.join(stream.labels)}"
        )
    predictions, labels, rejected, wrong = [], [], [], []
    for images, targets, rows in decoded_batches(
        stream, stream.ordered(in_parts=True), model.config.image_shape, model.config.pixel_format
    ):
        outputs, ood = model.predict_and_reject(images, average_views)
        predictions.append(outputs)
        labels.append(targets)
        if mistakes and stream.task != "regression":
            wrong += _wrong_predictions(images, targets, rows, outputs, model)
            wrong = sorted(wrong, key=lambda one: -(one.confidence or 0))[:mistakes]
        if ood is not None:
            rejected.append(ood.rejected)
    if not labels:
        raise TrazoError(f"no row of {stream.source.dataset!r}, split {stream.source.split!r}, can be used")
    predicted, true = np.concatenate(predictions), np.concatenate(labels)
    if stream.task == "regression":
        measures = _regression_metrics(predicted[:, 0], true)
        baseline = mean_baseline(model.config, true, predicted[:, 0])
    else:
        measures = _classification_metrics(predicted, true, model.config.labels)
        baseline = class_baseline(model.config.labels, true, predicted.argmax(axis=1), class_rows)
    return EvaluationReport.build(
        dataset=stream.source.dataset,
        config=stream.source.config,
        revision=stream.source.revision,
        path=local_path(stream.source.dataset, stream.source.revision),
        split=stream.source.split,
        image_column=stream.image_column,
        label_column=stream.label_column,
        rows=len(true),
        average_views=average_views,
        skipped_rows={str(row): reason for row, reason in stream.skipped.items()},
        loss=_mean_loss(model.config, true, predicted),
        **measures,
        baseline=baseline,
        **({"mistakes": wrong} if wrong else {}),
        **({"ood": OutOfDistribution(rejected=float(np.concatenate(rejected).mean()))} if rejected else {}),
    )


def _mean_loss(config: CnnConfig, true: np.ndarray, predicted: np.ndarray) -> float:
    """Return the loss as in training: of a regression between standardized numbers."""
    outputs = predicted[:, 1:] if config.task == "binary" else predicted
    if config.task == "regression":
        true, outputs = (standardize_targets(values, config) for values in (true, outputs))
    return float(make_loss(config.task, config.loss, len(config.labels))(true, outputs))


def _wrong_predictions(
    images: np.ndarray, targets: np.ndarray, rows: np.ndarray, probabilities: np.ndarray, model: CnnModel
) -> list[Mistake]:
    """Return the wrong predictions of a batch: the row's id, its label, the predicted label and the network's input."""
    answers, labels = probabilities.argmax(axis=1), model.config.labels
    return [
        Mistake(
            row=int(rows[i]),
            label=labels[int(targets[i])],
            answer=labels[answers[i]],
            confidence=float(probabilities[i, answers[i]]),
            image=b64encode(encode_png(images[i])).decode(),
        )
        for i in np.flatnonzero(answers != targets)
    ]


def _regression_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    errors = predicted.astype(np.float64) - true
    return {
        "mean_absolute_error": float(np.abs(errors).mean()),
        "root_mean_squared_error": float(np.sqrt((errors**2).mean())),
        "r2": r_squared(true, predicted),
    }


def _classification_metrics(probabilities: np.ndarray, true: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    is_correct = predicted == true
    scores = score_classes(true, predicted, len(labels))
    accuracy = float(is_correct.mean())
    return {
        "accuracy": accuracy,
        "accuracy_interval": list(wilson_interval(accuracy, len(true))),
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "labels": list(labels),
        "per_class": _class_measures(scores, labels),
        "confusion_matrix": _confusion_matrix(true, predicted, len(labels)),
        "calibration": calibration(confidence, is_correct),
        "selective": selective_accuracy(confidence, is_correct),
    }


def _confusion_matrix(true: np.ndarray, predicted: np.ndarray, classes: int) -> list[list[int]]:
    """Return the counts, a row for each true class and a column for each predicted one; none of too many classes."""
    if classes > MAX_MATRIX_LABELS:
        return []
    return confusion_matrix(true, predicted, labels=range(classes)).tolist()


def _class_measures(scores: ClassScores, labels: tuple[str, ...]) -> list[ClassMeasures]:
    return [
        ClassMeasures(label=label, rows=int(rows), precision=values[0], recall=values[1], f1=values[2])
        for label, rows, *values in zip(
            labels, scores.rows, *map(_none_for_nan, (scores.precision, scores.recall, scores.f1)), strict=True
        )
    ]


def _none_for_nan(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def calibration(confidence: np.ndarray, is_correct: np.ndarray) -> Calibration:
    """Return the expected calibration error and the bins it is computed from.

    Args:
        confidence: float (n,), the probability of the predicted class.
        is_correct: bool (n,), whether the prediction is correct.

    Returns:
        `ece`: mean over all rows of |accuracy − confidence| of the row's bin; `bins`: equal widths from 0 to 1.
    """
    index = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins, error = [], 0.0
    for number in range(CALIBRATION_BINS):
        inside = index == number
        rows = int(inside.sum())
        mean = accuracy = None
        if rows:
            mean, accuracy = float(confidence[inside].mean()), float(is_correct[inside].mean())
            error += rows * abs(accuracy - mean)
        bins.append(
            CalibrationBin(
                low=number / CALIBRATION_BINS,
                high=(number + 1) / CALIBRATION_BINS,
                rows=rows,
                confidence=mean,
                accuracy=accuracy,
            )
        )
    return Calibration(ece=error / len(confidence), bins=bins)


def selective_accuracy(confidence: np.ndarray, is_correct: np.ndarray) -> list[SelectiveRow]:
    """Return, for several thresholds, the share of rows predicted with at least that confidence and their accuracy."""
    rows = []
    for threshold in CONFIDENCE_THRESHOLDS:
        kept = confidence >= threshold
        accuracy = float(is_correct[kept].mean()) if kept.any() else None
        rows.append(SelectiveRow(threshold=threshold, coverage=float(kept.mean()), accuracy=accuracy))
    return rows
