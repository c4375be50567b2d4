"""Out-of-distribution scores: distances to the nearest class, compared with a threshold."""

import numpy as np
import pytest

from model.config import CnnConfig
from model.ood import OODDetector

CONFIG = CnnConfig(labels=("a", "b"), task="binary", filters=(2,), convolutions=1, dense_units=(), ood_threshold=2.0)
MEANS = np.array([[0, 0], [10, 0]], np.float32)


def make_detector(whitening: np.ndarray) -> OODDetector:
    return OODDetector(None, CONFIG, MEANS, whitening.astype(np.float32))


def test_distances_are_to_the_nearest_class():
    features = np.array([[0, 3], [9, 0], [5, 0], [10, -4]], np.float32)
    assert make_detector(np.eye(2)).distances(features).tolist() == [3, 1, 5, 4]


def test_distances_are_measured_after_whitening():
    features = np.array([[0, 3], [9, 0]], np.float32)
    assert make_detector(np.diag([0.5, 2])).distances(features).tolist() == [6, 0.5]


def test_score_above_the_threshold_is_rejected():
    result = make_detector(np.eye(2)).score(np.array([0, 1, 2, 2.5], np.float32))
    assert result.score.dtype == np.float32 and result.score.tolist() == pytest.approx([0, 0.5, 1, 1.25])
    assert result.rejected.tolist() == [False, False, False, True]


def test_tensors_have_the_shapes_of_the_config():
    tensors = make_detector(np.eye(2)).tensors()
    assert {name: tensor.shape for name, tensor in tensors.items()} == CONFIG.extra_tensor_shapes
