"""Out-of-distribution scores: distances to the nearest class and odds of an outlier, compared with thresholds."""

from dataclasses import replace

import numpy as np
import pytest

from model import CnnModel, TrazoError
from model.config import CnnConfig
from model.ood import OODDetector, OutlierClassifier

CONFIG = CnnConfig(labels=("a", "b"), task="binary", filters=(2,), convolutions=1, dense_units=(), ood_threshold=2.0)
WITH_CLASSIFIER = replace(CONFIG, outlier_units=3, outlier_log_odds=1.5)
MEANS = np.array([[0, 0], [10, 0]], np.float32)
# The log-odds are twice the maximum of the second feature map, if it is positive.
CLASSIFIER = OutlierClassifier(
    np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0]], np.float32),
    np.zeros(3, np.float32),
    np.ones((3, 1), np.float32),
    np.zeros(1, np.float32),
)


def make_detector(whitening: np.ndarray, classifier: OutlierClassifier | None = None) -> OODDetector:
    config = WITH_CLASSIFIER if classifier else CONFIG
    return OODDetector(None, config, MEANS, whitening.astype(np.float32), classifier)


def test_distances_are_to_the_nearest_class():
    features = np.array([[0, 3], [9, 0], [5, 0], [10, -4]], np.float32)
    assert make_detector(np.eye(2)).distances(features).tolist() == [3, 1, 5, 4]


def test_distances_are_measured_after_whitening():
    features = np.array([[0, 3], [9, 0]], np.float32)
    assert make_detector(np.diag([0.5, 2])).distances(features).tolist() == [6, 0.5]


def test_judge_score_above_the_threshold_is_rejected():
    result = make_detector(np.eye(2)).judge(np.array([[0, 0], [1, 0], [8, 0], [10, 2.5]], np.float32))
    assert result.score.dtype == np.float32 and result.score.tolist() == pytest.approx([0, 0.5, 1, 1.25])
    assert result.rejected.tolist() == [False, False, False, True]


def test_judge_rejects_what_the_distance_or_the_classifier_does():
    means_of_maps = [(0, 0), (5, 0), (0, 0), (0, 0), (0, -1.9), (0, 0), (np.nan, 0)]
    maxima = [(0, 0), (0, 0), (9, 0.7), (0, 0.8), (0, -1), (0, 1000), (0, 0)]
    result = make_detector(np.eye(2), CLASSIFIER).judge(np.float32(np.concatenate([means_of_maps, maxima], axis=1)))
    assert result.score.dtype == np.float32 and result.score[0] == pytest.approx(np.exp(-1.5))
    assert result.score[3] == pytest.approx(np.exp(0.1), rel=1e-5) and result.score[6] == np.inf
    assert result.rejected.tolist() == [False, True, False, True, False, True, True]


@pytest.mark.parametrize("classifier", [None, CLASSIFIER])
def test_tensors_have_the_shapes_of_the_config_and_give_the_detector_again(classifier):
    detector = make_detector(np.eye(2), classifier)
    tensors = detector.tensors()
    assert {name: tensor.shape for name, tensor in tensors.items()} == detector.config.extra_tensor_shapes
    again = OODDetector.from_tensors(None, detector.config, tensors | {"head/kernel": np.zeros(1)})
    features = np.random.default_rng(0).normal(size=(20, 4 if classifier else 2)).astype(np.float32)
    assert (again.judge(features).score == detector.judge(features).score).all()


def test_from_tensors_without_a_threshold_is_no_detector():
    assert OODDetector.from_tensors(None, replace(CONFIG, ood_threshold=None), {}) is None


def test_classifier_without_a_distance_is_refused():
    with pytest.raises(TrazoError, match="ood_threshold"):
        replace(WITH_CLASSIFIER, ood_threshold=None)


def test_from_pretrained_reads_the_classifier_that_was_saved(tmp_path):
    model = CnnModel(WITH_CLASSIFIER)
    model.ood_detector = OODDetector(model.network, WITH_CLASSIFIER, MEANS, np.eye(2, dtype=np.float32), CLASSIFIER)
    model.save_pretrained(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    assert (CnnModel.from_pretrained(tmp_path).reject(images).score == model.reject(images).score).all()
