"""The search space: its points, what is registered with KerasTuner and in which order, overrides and conditions."""

import json
from collections import defaultdict
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine.base_tuner import BaseTuner

from model import CnnConfig
from model.config import ACTIVATIONS, NORMALIZATIONS, POOLINGS
from model.errors import TrazoError
from model.heads import HEADS
from model.io.reports.trials import TrialsReport
from model.scaling import PixelHistogram
from tests.support.trials import trial_row, trials_report
from training.config import SCHEDULES, TrainConfig, TuneConfig
from training.optimizers import OPTIMIZERS
from training.tuning.hyperparameters import SPACE
from training.tuning.oracles import make_oracle
from training.tuning.search_space import SearchSpace, best_hyperparameters
from training.tuning.trials_report import make_parameters

BASE = {"labels": list("01234"), "task": "multiclass", "image_shape": (28, 28, 1)}
# Per case: the arguments of SearchSpace, the names that can be searched, the space as KerasTuner collects it, the
# default point and three drawn ones with seed 3. Recorded before the space became a table: seeds must not change.
RECORDED = json.loads((Path(__file__).parent / "search_space.json").read_text())


@pytest.mark.parametrize("case", RECORDED)
def test_search_space_recorded_cases_give_same_space_and_points(tmp_path, case):
    recorded = RECORDED[case]
    space = SearchSpace(recorded["base"], recorded.get("overrides"), searched=recorded.get("searched", ()))
    oracle = make_oracle(TuneConfig(trials=60, seed=3, trial_epochs=1), recorded["base"]["task"], lambda hp: True)
    BaseTuner(oracle, space.point, str(tmp_path), "space")
    rows = [parameter.to_dict() for parameter in make_parameters(oracle.get_space())]
    assert json.dumps(rows) == json.dumps(recorded["space"])  # as text: the order counts too
    default, *drawn = recorded["points"]
    points = [(keras_tuner.HyperParameters(), default)]
    for point in drawn:
        hp = oracle.get_space()
        hp.values = oracle._draw_values()
        points.append((hp, point))
    for hp, point in points:
        architecture, training = space.point(hp)
        found = {"values": hp.values, "architecture": architecture, "training": training}
        assert json.loads(json.dumps(found)) == point
        assert [*hp.values] == [*point["values"]] and [*architecture] == [*point["architecture"]]


@pytest.mark.parametrize("case", RECORDED)
def test_search_space_unknown_name_error_lists_recorded_names(case):
    recorded = RECORDED[case]
    with pytest.raises(TrazoError) as caught:
        SearchSpace(recorded["base"], recorded.get("overrides"), searched=["optimizers"])
    names = ", ".join(recorded["names"])
    assert str(caught.value) == f"unknown hyperparameter 'optimizers' to search; there are {names}"


def test_space_table_each_row_follows_what_it_depends_on_and_is_explained():
    names = [parameter.name for parameter in SPACE]
    assert len({*names}) == len(names)
    for place, parameter in enumerate(SPACE):
        assert parameter.help and parameter.part in ("architecture", "training")
        assert parameter.when is None or parameter.when[0] in names[:place]


def test_point_any_values_give_network_and_training(tmp_path):
    objective = keras_tuner.Objective("val_accuracy", "max")
    oracle = keras_tuner.oracles.RandomSearchOracle(objective=objective, max_trials=60, seed=1)
    oracle.verbose = 0
    base = {"task": "multiclass", "labels": tuple("0123456789"), "image_shape": (28, 28, 1)}
    space = SearchSpace(base)
    probe = BaseTuner(oracle, space.point, str(tmp_path), "space")
    seen = defaultdict(set)
    for number in range(60):
        hp = probe.oracle.create_trial(f"tuner{number}").hyperparameters
        architecture, training = space.point(hp)
        seen["scaling"].add(architecture.pop("scaling"))
        config, settings = CnnConfig(**base | architecture, loss=training["loss"]), TrainConfig(**training)
        for name in ("activation", "normalization", "pooling", "regularization", "loss"):
            seen[name].add(getattr(config, name))
        for name in ("optimizer", "schedule", "batch_size"):
            seen[name].add(getattr(settings, name))
        seen["blocks"].add(len(config.filters))
        assert 0 <= config.dropout <= 0.3 and 0 <= settings.augment <= 1.5
        assert bool(config.dense_units) or not config.dense_dropout
        active = [name for name in hp.values if name.startswith("learning_rate")]
        assert active == [f"learning_rate_{settings.optimizer}"]
    assert seen["activation"] == set(ACTIVATIONS) and seen["normalization"] == set(NORMALIZATIONS)
    assert seen["regularization"] == {"none", "l1", "l2", "elastic net"} and seen["pooling"] == set(POOLINGS)
    assert seen["loss"] == set(HEADS["multiclass"].losses) and seen["optimizer"] == set(OPTIMIZERS)
    assert seen["schedule"] == set(SCHEDULES) and seen["blocks"] == {1, 2, 3, 4} and len(seen["batch_size"]) == 3
    assert seen["scaling"] == {"min-max", "z-score", "robust"}


@pytest.mark.parametrize(
    ("overrides", "unasked"),
    [
        ({"optimizer": "lion"}, {"optimizer", "learning_rate_sgd", "learning_rate_adamw"}),
        ({"learning_rate": 0.1}, {"learning_rate_adamw"}),
        ({"loss": "hinge", "batch_size": 32}, {"loss", "batch_size"}),
    ],
)
def test_point_overrides_are_not_searched(overrides, unasked):
    hp = keras_tuner.HyperParameters()
    base = {"task": "binary", "labels": ("no", "yes"), "image_shape": (8, 8, 3)}
    _, training = SearchSpace(base, overrides).point(hp)
    assert overrides.items() <= training.items() and not unasked & hp.values.keys()
    assert ("learning_rate_lion" in hp.values) == ("optimizer" in overrides)


def test_search_space_is_keras_tuner_hyper_model():
    histogram = PixelHistogram(1)
    histogram.update(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    base = {"task": "regression", "labels": ("weight",), "image_shape": (16, 16, 1)}
    space = SearchSpace(base, histogram=histogram)
    assert isinstance(space, keras_tuner.HyperModel)
    network = space.build(keras_tuner.HyperParameters())
    assert network.input_shape == (None, 16, 16, 1) and network.output_shape == (None, 1)


def test_search_space_some_names_searched_others_keep_defaults():
    space = SearchSpace(BASE, searched=["activation", "optimizer", "learning_rate"])
    hp = keras_tuner.HyperParameters()
    architecture, training = space.point(hp)
    whole = SearchSpace(BASE).point(keras_tuner.HyperParameters())
    assert (architecture, training) == whole  # defaults
    assert {parameter.name for parameter in hp.space} == {"activation", "optimizer", "learning_rate_adamw"}
    with pytest.raises(
        TrazoError, match="unknown hyperparameter 'optimizers' to search; there are blocks, filters, "
    ) as caught:
        SearchSpace(BASE, searched=["optimizers"])
    names = str(caught.value).partition("there are ")[2].split(", ")
    assert names[-2:] == ["optimizer", "learning_rate"] and {"l1", "l2"} < {*names} and len(names) == len({*names})


@pytest.mark.parametrize(
    ("searched", "varies"),
    [(["regularization"], ["regularization"]), (["regularization", "l2"], ["regularization", "l2"])],
)
def test_search_space_regularization_searched_penalties_have_useful_defaults(searched, varies):
    hp = keras_tuner.HyperParameters()
    hp.values = {"regularization": "elastic net"}
    architecture, _ = SearchSpace(BASE, searched=searched).point(hp)
    assert [parameter.name for parameter in hp.space] == varies
    assert (architecture["l1"], architecture["l2"]) == (2e-6, 3e-5)  # neither is the lowest of its range


@pytest.mark.parametrize(
    ("searched", "overrides", "message"),
    [
        (["l1"], {}, "l1 exists only with some regularization: search regularization too"),
        (["learning_rate"], {"learning_rate": 0.1}, "unknown hyperparameter 'learning_rate' to search"),
    ],
)
def test_search_space_name_that_cannot_vary_is_refused(searched, overrides, message):
    with pytest.raises(TrazoError, match=message):
        SearchSpace(BASE, overrides, searched=searched)


def test_best_hyperparameters_of_report_give_network_and_training():
    base = {"task": "multiclass", "labels": list("0123456789"), "image_shape": [28, 28, 1]}
    space, hp = SearchSpace(base, {"batch_size": 96, "elastic_transform": 0.02}), keras_tuner.HyperParameters()
    hp.values = {"blocks": 2, "optimizer": "sgd", "learning_rate_sgd": 0.05, "regularization": "l1", "l1": 1e-5}
    architecture, training = space.point(hp)
    rows = [trial_row(0), trial_row(1, **hp.values)]
    report = trials_report(rows) | {"best_trial": "1", "subject": base, "overrides": space.overrides}
    found = best_hyperparameters(TrialsReport.parse(json.loads(json.dumps(report)), "trials.json"))
    assert found == (architecture, training)
    assert architecture["filters"] == (24, 48) and architecture["l1"] == 1e-5
    settings = TrainConfig(**training)
    assert (settings.batch_size, settings.elastic_transform, settings.learning_rate) == (96, 0.02, 0.05)


def test_best_hyperparameters_without_completed_trial_or_subject():
    report = TrialsReport.parse(trials_report([trial_row(0, None, "no")]), "trials.json")
    assert best_hyperparameters(report) is None
    report = TrialsReport.parse(trials_report([trial_row(0)]) | {"best_trial": "0"}, "trials.json")
    with pytest.raises(TrazoError, match=r"^trials.json does not name the task .*: search again$"):
        best_hyperparameters(report)
