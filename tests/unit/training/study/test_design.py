"""The design of a study: each level changes one thing of a base network that exists."""

import pytest

from model.config import CnnConfig
from model.errors import TrazoError
from model.scaling import Scaling
from training.config import TrainConfig
from training.study.design import ARCHITECTURE, BASE, TRAINING, make_design

SHAPE = (28, 28, 1)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_design_every_level_is_a_network_and_a_training(task):
    labels = {"binary": ("a", "b"), "multiclass": ("a", "b", "c"), "regression": ("age",)}[task]
    for level in make_design(task, SHAPE):
        architecture = ARCHITECTURE | dict(level.architecture) | {"scaling": Scaling()}
        training = TRAINING | dict(level.training)
        CnnConfig(labels=labels, task=task, image_shape=SHAPE, **architecture, loss=training["loss"])
        TrainConfig(**training)


def test_design_every_choice_but_the_optimizers_rates_has_the_base_once():
    levels = make_design("multiclass", SHAPE)
    for factor in {level.factor for level in levels}:
        assert sum(level.key == BASE for level in levels if level.factor == factor) == 1


def test_design_values_are_unique_within_their_choice():
    names = [(level.factor, level.value) for level in make_design("multiclass", SHAPE)]
    assert len(set(names)) == len(names)


def test_design_small_images_allow_fewer_blocks():
    layers = [level.value for level in make_design("multiclass", (5, 9, 1)) if level.factor == "layers"]
    assert layers == ["1", "2"]
    with pytest.raises(TrazoError, match="at least 4 × 4"):
        make_design("multiclass", (3, 9, 1))


def test_design_unknown_choice_is_refused_with_the_names():
    assert {level.factor for level in make_design("multiclass", SHAPE, ("loss",))} == {"loss"}
    with pytest.raises(TrazoError, match="unknown choice 'losses'; there are layers, neurons"):
        make_design("multiclass", SHAPE, ("losses",))
