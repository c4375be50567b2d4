"""A training that starts from a model of Trazo: what it takes of the last layer, and how it trains."""

from types import SimpleNamespace

import numpy as np
import pytest

from model import CnnConfig, CnnModel
from model.network import build_network
from model.target_scaling import TargetScaling
from training.recipe import Recipe
from training.transfer.backbone import FINETUNING
from training.transfer.start import LEARNING_RATE_FACTOR, StartingModel

NETWORK = {"filters": (3,), "convolutions": 1, "dense_units": (), "image_shape": (8, 8, 1)}
RECIPE = Recipe({"filters": (9,)}, {"learning_rate": 0.03, "epochs": 60}, "photo")


def regression(mean: float, deviation: float, loss: str = "mse") -> CnnConfig:
    scaling = TargetScaling(mean, deviation)
    return CnnConfig(**NETWORK, labels=("age",), task="regression", target_scaling=scaling, loss=loss)


def start(tmp_path, old: CnnConfig, new: CnnConfig) -> tuple[CnnModel, CnnModel]:
    """Return a model with the old config, and one with the new config that starts from it."""
    before = CnnModel(old)
    before.network.get_layer("head").bias.assign([0.25])
    before.save_pretrained(tmp_path)
    network = build_network(new)
    StartingModel(str(tmp_path)).start(new).assign(network)
    return before, CnnModel(new, network)


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_start_of_a_regression_answers_as_before_in_the_unit_of_the_targets(tmp_path, loss):
    """More images have another mean: the layer is rescaled."""
    before, after = start(tmp_path, regression(40.0, 10.0), regression(35.0, 16.0, loss))
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(after.predict_inputs(images)[0], before.predict_inputs(images)[0], rtol=1e-4)


@pytest.mark.parametrize(("mean", "kept"), [(40.0, True), (35.0, False)])
def test_start_of_a_poisson_regression_is_afresh_with_another_scale(tmp_path, mean, kept):
    before, after = start(tmp_path, regression(40.0, 10.0, "poisson"), regression(mean, 10.0, "poisson"))
    kernels = [one.network.get_layer("head").kernel.numpy() for one in (before, after)]
    assert np.array_equal(*kernels) == kept


@pytest.mark.parametrize(
    ("backbone", "is_chosen", "expected"),
    [
        (None, False, {"learning_rate": 0.03 * LEARNING_RATE_FACTOR, "epochs": 60}),
        ("efficientnet_lite0", False, FINETUNING),
        ("efficientnet_lite0", True, {"learning_rate": 0.03 * LEARNING_RATE_FACTOR, "epochs": 60}),
    ],
)
def test_start_from_a_network_with_a_backbone_trains_as_finetuning_does(backbone, is_chosen, expected):
    model = object.__new__(StartingModel)  # a backbone takes half a minute to build
    network = {"backbone": backbone, "filters": (), "dense_units": (), "image_shape": (32, 32, 3)}
    model._model = SimpleNamespace(config=CnnConfig(**(network if backbone else NETWORK)))
    adapted = model.adapt(RECIPE, is_chosen)
    assert adapted.training == expected and adapted.architecture["backbone"] == (backbone or "")
