"""How good a model is on a split: accuracy, measures per class, confusion, calibration and coverage."""

from base64 import b64encode
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, r2_score

from model import CnnModel
from model.errors import TrazoError
from model.io.reports.evaluation import (
    Calibration,
    CalibrationBin,
    ClassMeasures,
    EvaluationReport,
    Mistake,
    OutOfDistribution,
    SelectiveRow,
)
from model.losses import make_loss
from model.preprocess.pixels import encode_png
from training.data.decode import decoded_batches
from training.data.stream import HubStream

CALIBRATION_BINS = 15  # as in Guo et al. 2017, "On Calibration of Modern Neural Networks"
CONFIDENCE_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def evaluate(model: CnnModel, stream: HubStream, mistakes: int = 0) -> EvaluationReport:
    """Return the measures over every usable row of a stream.

    Args:
        model: what is measured; its labels must be those of the stream.
        stream: the split to measure on, read once in file order.
        mistakes: how many wrong predictions are kept with their images, the most confident ones. 0 by default: they
            are images of the dataset, which may be private.

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
        outputs, ood = model.predict_and_reject(images)
        predictions.append(outputs)
        labels.append(targets)
        if mistakes and stream.task != "regression":
            wrong += _wrong_predictions(images, targets, rows, outputs, model)
            wrong = sorted(wrong, key=lambda one: -(one.confidence or 0))[:mistakes]
        if ood is not None:
            rejected.append(ood.rejected)
    predicted, true = np.concatenate(predictions), np.concatenate(labels)
    if not len(true):
        raise TrazoError(f"no row of {stream.source.dataset!r}, split {stream.source.split!r}, can be used")
    if stream.task == "regression":
        measures = _regression_metrics(predicted[:, 0], true)
    else:
        measures = _classification_metrics(predicted, true, model.config.labels)
    loss = make_loss(model.config.task, model.config.loss, len(model.config.labels))
    class_scores = predicted[:, 1:] if stream.task == "binary" else predicted
    return EvaluationReport.build(
        dataset=stream.source.dataset,
        config=stream.source.config,
        revision=stream.source.revision,
        split=stream.source.split,
        image_column=stream.image_column,
        label_column=stream.label_column,
        rows=len(true),
        skipped_rows={str(row): reason for row, reason in stream.skipped.items()},
        loss=float(loss(true, class_scores)),
        **measures,
        **({"mistakes": wrong} if wrong else {}),
        **({"ood": OutOfDistribution(rejected=float(np.concatenate(rejected).mean()))} if rejected else {}),
    )


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
    return {
        "mean_absolute_error": float(np.abs(predicted - true).mean()),
        "root_mean_squared_error": float(np.sqrt(((predicted - true) ** 2).mean())),
        "r2": float(r2_score(true, predicted)) if len(true) > 1 else None,
    }


def _classification_metrics(probabilities: np.ndarray, true: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    ids = range(len(labels))
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    is_correct = predicted == true
    precision, recall, f1, rows = precision_recall_fscore_support(true, predicted, labels=ids, zero_division=0.0)
    per_class = [
        ClassMeasures(
            label=labels[i],
            rows=int(rows[i]),
            precision=float(precision[i]),
            recall=float(recall[i]),
            f1=float(f1[i]),
        )
        for i in ids
    ]
    return {
        "accuracy": float(is_correct.mean()),
        "labels": list(labels),
        "per_class": per_class,
        "confusion_matrix": confusion_matrix(true, predicted, labels=ids).tolist(),  # row: true, column: predicted
        "calibration": calibration(confidence, is_correct),
        "selective": selective_accuracy(confidence, is_correct),
    }


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
