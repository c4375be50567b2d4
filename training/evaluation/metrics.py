"""How good a model is on a split: accuracy, per class, confusion, calibration, and what it may refuse to answer."""

from base64 import b64encode
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, r2_score

from model import CnnModel
from model.errors import TrazoError
from model.losses import make_loss
from training.data.decode import decoded_batches
from training.data.stream import HubStream

SCHEMA_VERSION = 1
BINS = 15  # of the calibration error, as in Guo et al. 2017, "On Calibration of Modern Neural Networks"
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def evaluate(model: CnnModel, stream: HubStream, mistakes: int = 0) -> dict[str, Any]:
    """Return the value of evaluation.json for every usable row of a stream.

    Args:
        model: what is measured; its labels must be the stream's.
        stream: the split to measure on, read once in file order.
        mistakes: how many wrong answers are kept with their pictures, those given with most confidence. None unless
            asked for: they are pictures of the dataset, which may not be everybody's to see.

    Raises:
        TrazoError: when labels or task differ, or no row is usable.
    """
    if model.config.task != stream.task or model.config.labels != stream.labels:
        raise TrazoError(
            f"the model answers {model.config.task} {', '.join(model.config.labels)}; "
            f"{stream.source.dataset!r} asks {stream.task} {', '.join(stream.labels)}"
        )
    predictions, labels, rejected, wrong = [], [], [], []
    for images, targets, rows in decoded_batches(stream, stream.ordered(), model.config.image_shape):
        answers, judged = model.predict_and_reject(images)
        predictions.append(answers)
        labels.append(targets)
        if mistakes and stream.task != "regression":
            wrong += _mistakes(images, targets, rows, predictions[-1], model)
            wrong = sorted(wrong, key=lambda one: -one["confidence"])[:mistakes]
        if judged is not None:
            rejected.append(judged.rejected)
    predicted, true = np.concatenate(predictions), np.concatenate(labels)
    if not len(true):
        raise TrazoError(f"no row of {stream.source.dataset!r}, split {stream.source.split!r}, can be used")
    measures = (
        _of_numbers(predicted[:, 0], true) if stream.task == "regression" else _of_classes(predicted, true, model)
    )
    loss = make_loss(model.config.task, model.config.loss, len(model.config.labels))
    outputs = predicted[:, 1:] if stream.task == "binary" else predicted
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset": stream.source.dataset,
        "config": stream.source.config,
        "revision": stream.source.revision,
        "split": stream.source.split,
        "image_column": stream.image_column,
        "label_column": stream.label_column,
        "rows": len(true),
        "skipped_rows": {str(row): reason for row, reason in stream.skipped.items()},
        "loss": float(loss(true, outputs)),
        **measures,
        **({"mistakes": wrong} if wrong else {}),
        **({"ood": {"rejected": float(np.concatenate(rejected).mean())}} if rejected else {}),
    }


def _mistakes(
    images: np.ndarray, targets: np.ndarray, rows: np.ndarray, probabilities: np.ndarray, model: CnnModel
) -> list[dict[str, Any]]:
    """Return the wrong answers of a batch: the row's id, what it is, what was answered, and the network's input."""
    answers, labels = probabilities.argmax(axis=1), model.config.labels
    return [
        {
            "row": int(rows[i]),
            "label": labels[int(targets[i])],
            "answer": labels[answers[i]],
            "confidence": float(probabilities[i, answers[i]]),
            "image": b64encode(_png(images[i])).decode(),
        }
        for i in np.flatnonzero(answers != targets)
    ]


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1] if pixels.shape[2] == 3 else pixels)[1].tobytes()


def _of_numbers(predicted: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    return {
        "mean_absolute_error": float(np.abs(predicted - true).mean()),
        "root_mean_squared_error": float(np.sqrt(((predicted - true) ** 2).mean())),
        "r2": float(r2_score(true, predicted)) if len(true) > 1 else None,
    }


def _of_classes(probabilities: np.ndarray, true: np.ndarray, model: CnnModel) -> dict[str, Any]:
    labels, ids = model.config.labels, range(len(model.config.labels))
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = answers == true
    precision, recall, f1, rows = precision_recall_fscore_support(true, answers, labels=ids, zero_division=0.0)
    per_class = [
        {
            "label": labels[i],
            "rows": int(rows[i]),
            "precision": precision[i],
            "recall": recall[i],
            "f1": f1[i],
        }
        for i in ids
    ]
    return {
        "accuracy": float(right.mean()),
        "labels": list(labels),
        "per_class": [{k: v if isinstance(v, (str, int)) else float(v) for k, v in c.items()} for c in per_class],
        "confusion_matrix": confusion_matrix(true, answers, labels=ids).tolist(),  # row: true, column: answered
        "calibration": calibration(confidence, right),
        "rejection": rejection(confidence, right),
    }


def calibration(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Return the expected calibration error and the bins it is made of.

    Args:
        confidence: float (n,), the probability of the answer.
        right: bool (n,), whether the answer was right.

    Returns:
        `ece`: mean over all rows of |accuracy − confidence| of the row's bin; `bins`: equal widths from 0 to 1.
    """
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        inside = index == number
        rows = int(inside.sum())
        mean = accuracy = None
        if rows:
            mean, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
            error += rows * abs(accuracy - mean)
        bins.append(
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "rows": rows,
                "confidence": mean,
                "accuracy": accuracy,
            }
        )
    return {"ece": error / len(confidence), "bins": bins}


def rejection(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """Return, for several thresholds, the share of rows answered with at least that confidence, and their accuracy."""
    rows = []
    for threshold in THRESHOLDS:
        kept = confidence >= threshold
        accuracy = float(right[kept].mean()) if kept.any() else None
        rows.append({"threshold": threshold, "coverage": float(kept.mean()), "accuracy": accuracy})
    return rows
