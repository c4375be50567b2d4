"""The report of an evaluation."""

from base64 import b64decode

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.preprocess.decode import decode
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.evaluation.metrics import calibration, evaluate, selective_accuracy
from training.stream import HubStream


def test_evaluate_report_agrees_with_predictions():
    model = CnnModel(CnnConfig(filters=(4,), dense_units=(), scaling=Scaling("min-max", (0.0,), (255.0,))))
    stream = HubStream(SAMPLE, "test", batch_size=300)
    report = evaluate(model, stream)
    batches = list(stream.ordered())
    true = np.concatenate([batch.labels for batch in batches])
    probabilities = model.predict([image for batch in batches for image in batch.images])
    predicted = probabilities.argmax(axis=1)
    assert report.rows == 1000 and (report.config, report.split) == ("default", "test")
    assert report.accuracy == pytest.approx((predicted == true).mean())
    assert report.loss == pytest.approx(-np.log(probabilities[np.arange(1000), true]).mean(), rel=1e-4)
    matrix = np.array(report.confusion_matrix)
    assert matrix.sum() == 1000 and np.trace(matrix) == (predicted == true).sum()
    assert matrix[3, 5] == ((true == 3) & (predicted == 5)).sum()  # row: true, column: predicted
    for label, row in enumerate(report.per_class):
        assert row.label == str(label) and row.rows == 100
        assert row.recall == pytest.approx(matrix[label, label] / 100)


def test_evaluate_averaged_views_are_reported():
    model = CnnModel(CnnConfig(filters=(4,), dense_units=(), scaling=Scaling("min-max", (0.0,), (255.0,))))
    stream = HubStream(SAMPLE, "test", batch_size=300)
    alone, averaged = evaluate(model, stream), evaluate(model, stream, average_views="mirror")
    assert (alone.average_views, averaged.average_views) == (None, "mirror")
    assert alone.loss != averaged.loss


def test_evaluate_reports_share_of_rejected_rows():
    model, stream = CnnModel.from_pretrained(), HubStream(SAMPLE, "test", batch_size=300)
    encoded = [image for batch in stream.ordered() for image in batch.images]
    rejected = model.reject(encoded).rejected.mean()
    assert evaluate(model, stream).ood.rejected == rejected and 0 < rejected < 0.1


def test_evaluate_keeps_most_confident_mistakes_with_images():
    model = CnnModel(CnnConfig(filters=(4,), dense_units=(), scaling=Scaling("min-max", (0.0,), (255.0,))))
    stream = HubStream(SAMPLE, "test", batch_size=300)
    assert "mistakes" not in evaluate(model, stream).to_dict()
    kept = evaluate(model, stream, 7).mistakes
    batches = list(stream.ordered())
    encoded = [image for batch in batches for image in batch.images]
    true = np.concatenate([batch.labels for batch in batches])
    probabilities = model.predict(encoded)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != true)
    order = wrong[np.argsort(-probabilities.max(axis=1)[wrong], kind="stable")]
    assert [one.confidence for one in kept] == pytest.approx(probabilities.max(axis=1)[order[:7]].tolist())
    for one in kept:
        row = one.row
        assert (one.label, one.answer) == (str(true[row]), str(probabilities[row].argmax()))
        pixels = decode(b64decode(one.image), model.config.image_shape)
        assert (pixels == decode(encoded[row], model.config.image_shape)).all()


def test_calibration_of_known_predictions():
    """Half of the predictions claim 0.9 and are correct 8 times in 10, half 0.61 and are correct 6 times in 10."""
    confidence = np.array([0.9] * 10 + [0.61] * 10)
    is_correct = np.array([True] * 8 + [False] * 2 + [True] * 6 + [False] * 4)
    result = calibration(confidence, is_correct)
    assert result.ece == pytest.approx((0.1 * 10 + 0.01 * 10) / 20)
    assert sum(bin_.rows for bin_ in result.bins) == 20
    assert calibration(np.ones(4), np.array([True] * 4)).ece == 0


def test_selective_accuracy_gives_coverage_and_accuracy():
    confidence, is_correct = np.array([0.55, 0.95, 0.97, 0.3]), np.array([0, 1, 0, 1], bool)
    rows = {row.threshold: row.to_dict() for row in selective_accuracy(confidence, is_correct)}
    assert rows[0.5] == {"threshold": 0.5, "coverage": 0.75, "accuracy": pytest.approx(1 / 3)}
    assert rows[0.95] == {"threshold": 0.95, "coverage": 0.5, "accuracy": 0.5}
    assert rows[0.999] == {"threshold": 0.999, "coverage": 0.0, "accuracy": None}


def test_evaluate_other_labels_are_refused():
    letters = CnnModel(CnnConfig(labels=tuple("ABC"), filters=(4,)))
    with pytest.raises(TrazoError, match="predicts multiclass A, B, C; .* has multiclass 0, 1"):
        evaluate(letters, HubStream(SAMPLE, "test"))
