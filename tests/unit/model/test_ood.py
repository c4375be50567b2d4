"""Out-of-distribution scores: distances to the nearest class and confidence, compared with thresholds."""

from dataclasses import replace

import numpy as np
import pytest

from model import CnnModel, TrazoError
from model.config import CnnConfig
from model.ood import OODDetector, log_odds_of_error

CONFIG = CnnConfig(labels=("a", "b", "c"), filters=(2,), convolutions=1, dense_units=(), ood_threshold=2.0)
WITH_CONFIDENCE = replace(CONFIG, min_confidence=0.6)
MEANS = np.array([[0, 0], [10, 0], [10, 0]], np.float32)


def make_detector(whitening: np.ndarray, config: CnnConfig = CONFIG) -> OODDetector:
    return OODDetector(None, config, MEANS, whitening.astype(np.float32))


def test_distances_are_to_the_nearest_class():
    features = np.array([[0, 3], [9, 0], [5, 0], [10, -4]], np.float32)
    assert make_detector(np.eye(2)).distances(features).tolist() == [3, 1, 5, 4]


def test_distances_are_measured_after_whitening():
    features = np.array([[0, 3], [9, 0]], np.float32)
    assert make_detector(np.diag([0.5, 2])).distances(features).tolist() == [6, 0.5]


def test_judge_score_above_the_threshold_is_rejected():
    features = np.array([[0, 0], [1, 0], [8, 0], [10, 2.5]], np.float32)
    result = make_detector(np.eye(2)).judge(features, np.full((4, 3), 1 / 3, np.float32))
    assert result.score.dtype == np.float32 and result.score.tolist() == pytest.approx([0, 0.5, 1, 1.25])
    assert result.rejected.tolist() == [False, False, False, True]


def test_judge_rejects_what_the_distance_or_the_confidence_does():
    features = np.array([[0, 0], [5, 0], [0, 0], [0, 0], [0, -1.9], [np.nan, 0], [0, 0]], np.float32)
    outputs = np.array([[1, 0, 0]] * 7, np.float32)
    outputs[2:4] = [[0.2, 0.61, 0.19], [0.2, 0.59, 0.21]]
    outputs[6] = np.nan
    result = make_detector(np.eye(2), WITH_CONFIDENCE).judge(features, outputs)
    assert result.score.dtype == np.float32 and result.score[0] == pytest.approx(np.exp(-2))  # half of 2 squared
    assert result.score[3] == pytest.approx(0.41 / 0.59 / (0.4 / 0.6), rel=1e-5)
    assert result.score[5] == result.score[6] == np.inf
    assert result.rejected.tolist() == [False, True, False, True, False, True, True]


def test_log_odds_of_error_are_those_of_all_other_classes():
    outputs = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0, 1, 0]])
    assert log_odds_of_error(outputs) == pytest.approx([0, np.log(0.2 / 0.8), -np.inf])


@pytest.mark.parametrize("config", [CONFIG, WITH_CONFIDENCE])
def test_tensors_have_the_shapes_of_the_config_and_give_the_detector_again(config):
    detector = make_detector(np.eye(2), config)
    tensors = detector.tensors()
    assert {name: tensor.shape for name, tensor in tensors.items()} == config.extra_tensor_shapes
    again = OODDetector.from_tensors(None, config, tensors | {"head/kernel": np.zeros(1)})
    r = np.random.default_rng(0)
    features, outputs = r.normal(size=(20, 2)).astype(np.float32), r.dirichlet((1, 1, 1), 20).astype(np.float32)
    assert (again.judge(features, outputs).score == detector.judge(features, outputs).score).all()


def test_from_tensors_without_a_threshold_is_no_detector():
    assert OODDetector.from_tensors(None, replace(CONFIG, ood_threshold=None), {}) is None


def test_min_confidence_without_a_distance_or_several_classes_is_refused():
    with pytest.raises(TrazoError, match="ood_threshold"):
        replace(WITH_CONFIDENCE, ood_threshold=None)
    with pytest.raises(TrazoError, match="multiclass"):
        CnnConfig(labels=("a", "b"), task="binary", ood_threshold=2.0, min_confidence=0.6)


def test_from_pretrained_reads_the_detector_that_was_saved(tmp_path):
    model = CnnModel(WITH_CONFIDENCE)
    model.ood_detector = OODDetector(model.network, WITH_CONFIDENCE, MEANS, np.eye(2, dtype=np.float32))
    model.save_pretrained(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    again = CnnModel.from_pretrained(tmp_path)
    assert again.config.min_confidence == 0.6 and (again.reject(images).score == model.reject(images).score).all()
