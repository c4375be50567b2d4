"""The scaling of a regression's targets, inside the network."""

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.errors import TrazoError
from model.losses import standardize_targets
from model.network import standardized_outputs
from model.target_scaling import TargetScaling

SMALL = {"labels": ("year",), "task": "regression", "image_shape": (8, 8, 1), "filters": (2,), "dense_units": ()}


@pytest.mark.parametrize(
    "targets", [[1987.0, 2001.0, 2020.0], [1e6, 1e6 + 9, 1e6 - 9], [1e-6, 2e-6, 5e-6], [-3e9, 7e9]]
)
def test_target_scaling_standardizes_any_scale_and_offset(targets):
    config = CnnConfig(**SMALL, target_scaling=TargetScaling.fit(np.array(targets), "year"))
    scores = np.asarray(standardize_targets(np.array(targets, np.float32), config))
    assert scores.mean() == pytest.approx(0, abs=0.02) and scores.std() == pytest.approx(1, abs=0.02)


def test_network_answers_in_the_targets_unit_and_a_loss_sees_scores():
    config = CnnConfig(**SMALL, target_scaling=TargetScaling(2000.0, 10.0))
    model = CnnModel(config)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.float32)
    scores = standardized_outputs(model.network, config)(images).numpy()
    assert model.network(images).numpy() == pytest.approx(2000 + 10 * scores)
    plain = CnnModel(CnnConfig(**SMALL))
    assert standardized_outputs(plain.network, plain.config) is plain.network


def test_saved_model_answers_in_the_same_unit(tmp_path):
    model = CnnModel(CnnConfig(**SMALL, target_scaling=TargetScaling(2000.0, 10.0)))
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    model.save_pretrained(tmp_path)
    assert (CnnModel.from_pretrained(tmp_path).predict(images) == model.predict(images)).all()


def test_target_scaling_poisson_only_divides():
    assert TargetScaling(5.0, 2.0).for_loss("poisson") == (0.0, 5.0)
    assert TargetScaling(5.0, 2.0).for_loss("mae") == (5.0, 2.0)


@pytest.mark.parametrize(
    ("targets", "message"), [([7.0, 7.0, 7.0], "all 3 targets in 'age' are 7"), ([1e35, 1.0], r"up to 1e\+35")]
)
def test_target_scaling_of_equal_or_huge_targets_is_refused(targets, message):
    with pytest.raises(TrazoError, match=message):
        TargetScaling.fit(np.array(targets), "age")


@pytest.mark.parametrize(
    "value", [{"mean": float("nan"), "deviation": 1}, {"mean": 0, "deviation": 0}, {"mean": "1"}, 3]
)
def test_config_wrong_target_scaling_is_refused(value):
    with pytest.raises((TrazoError, TypeError)):
        CnnConfig(**SMALL, target_scaling=value)


def test_config_target_scaling_of_classes_is_refused():
    with pytest.raises(TrazoError, match="target_scaling is for a regression"):
        CnnConfig(target_scaling=TargetScaling(0.0, 1.0))
