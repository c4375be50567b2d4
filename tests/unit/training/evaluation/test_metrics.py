from base64 import b64decode

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.preprocess.decode import decode
from model.scaling import Scaling
from tests.conftest import SAMPLE
from training.evaluation.metrics import calibration, evaluate, rejection
from training.stream import HubStream


def test_the_report_agrees_with_predictions_made_one_by_one():
    model = CnnModel(CnnConfig(filters=(4,), dense_units=(), scaling=Scaling("min-max", (0.0,), (255.0,))))
    stream = HubStream(SAMPLE, "test", batch_size=300)
    report = evaluate(model, stream)
    batches = list(stream.ordered())
    true = np.concatenate([batch.labels for batch in batches])
    probabilities = model.predict([image for batch in batches for image in batch.images])
    answers = probabilities.argmax(axis=1)
    assert report["rows"] == 1000 and (report["config"], report["split"]) == ("default", "test")
    assert report["accuracy"] == pytest.approx((answers == true).mean())
    assert report["loss"] == pytest.approx(-np.log(probabilities[np.arange(1000), true]).mean(), rel=1e-4)
    matrix = np.array(report["confusion_matrix"])
    assert matrix.sum() == 1000 and np.trace(matrix) == (answers == true).sum()
    assert matrix[3, 5] == ((true == 3) & (answers == 5)).sum()  # row: true, column: answered
    for label, row in enumerate(report["per_class"]):
        assert row["label"] == str(label) and row["rows"] == 100
        assert row["recall"] == pytest.approx(matrix[label, label] / 100)


def test_the_report_tells_how_many_rows_the_model_would_not_answer():
    model, stream = CnnModel.from_pretrained(), HubStream(SAMPLE, "test", batch_size=300)
    pictures = [image for batch in stream.ordered() for image in batch.images]
    rejected = model.reject(pictures).rejected.mean()
    assert evaluate(model, stream)["ood"] == {"rejected": rejected} and 0 < rejected < 0.1


def test_the_most_confident_mistakes_are_kept_with_their_pictures_when_asked_for():
    model = CnnModel(CnnConfig(filters=(4,), dense_units=(), scaling=Scaling("min-max", (0.0,), (255.0,))))
    stream = HubStream(SAMPLE, "test", batch_size=300)
    assert "mistakes" not in evaluate(model, stream)
    kept = evaluate(model, stream, 7)["mistakes"]
    batches = list(stream.ordered())
    pictures = [image for batch in batches for image in batch.images]
    true = np.concatenate([batch.labels for batch in batches])
    probabilities = model.predict(pictures)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != true)
    order = wrong[np.argsort(-probabilities.max(axis=1)[wrong], kind="stable")]
    assert [one["confidence"] for one in kept] == pytest.approx(probabilities.max(axis=1)[order[:7]].tolist())
    for one in kept:
        row = one["row"]
        assert (one["label"], one["answer"]) == (str(true[row]), str(probabilities[row].argmax()))
        pixels = decode(b64decode(one["image"]), model.config.image_shape)
        assert (pixels == decode(pictures[row], model.config.image_shape)).all()


def test_calibration_of_known_answers():
    """Half of the answers claim 0.9 and are right 8 times in 10, half claim 0.6 and are right 6 times in 10."""
    confidence = np.array([0.9] * 10 + [0.61] * 10)
    right = np.array([True] * 8 + [False] * 2 + [True] * 6 + [False] * 4)
    result = calibration(confidence, right)
    assert result["ece"] == pytest.approx((0.1 * 10 + 0.01 * 10) / 20)
    assert sum(bin_["rows"] for bin_ in result["bins"]) == 20
    assert calibration(np.ones(4), np.array([True] * 4))["ece"] == 0


def test_rejection_gives_share_and_accuracy_of_what_is_answered():
    rows = {row["threshold"]: row for row in rejection(np.array([0.55, 0.95, 0.97, 0.3]), np.array([0, 1, 0, 1], bool))}
    assert rows[0.5] == {"threshold": 0.5, "coverage": 0.75, "accuracy": pytest.approx(1 / 3)}
    assert rows[0.95] == {"threshold": 0.95, "coverage": 0.5, "accuracy": 0.5}
    assert rows[0.999] == {"threshold": 0.999, "coverage": 0.0, "accuracy": None}


def test_a_model_of_other_labels_is_refused():
    letters = CnnModel(CnnConfig(labels=tuple("ABC"), filters=(4,)))
    with pytest.raises(TrazoError, match="answers multiclass A, B, C; .* asks multiclass 0, 1"):
        evaluate(letters, HubStream(SAMPLE, "test"))
