"""Presets as points of the search space: a point with a preset's values is exactly the preset."""

import json
from dataclasses import replace

import keras_tuner
import pytest

from model import CnnConfig
from model.errors import TrazoError
from model.io.atomic import write_json
from model.io.reports import write_report
from model.io.reports.trials import TrialsReport
from tests.support.trials import trial_row, trials_report
from training.config import TRIAL_OPTIONS, TrainConfig
from training.presets import PRESETS, Preset
from training.tuning.preset_points import _config, suitable_presets
from training.tuning.search_space import DEFAULT_SEARCH, SearchSpace, best_hyperparameters, searched_names
from training.tuning.trials_report import read_trials
from training.tuning.warm_start import read_warm_start

GRAY = {"labels": tuple("0123456789"), "task": "multiclass", "image_shape": (28, 28, 1)}
SHAPES = [(28, 28, 1), (8, 8, 1), (32, 32, 3), (64, 48, 3), (128, 128, 3)]


def all_presets(base: dict = GRAY, first: str = "default") -> dict[str, Preset]:
    """Return every preset whose network can be built, fitted to 20,000 rows."""
    presets = {}
    for name in dict.fromkeys([first, *PRESETS]):
        presets |= suitable_presets(base, 20_000, name) if name == first else {}
        preset = PRESETS[name]().fit_to(base["task"], base["image_shape"], 20_000)
        presets |= {name: preset} if _config(preset, base) else {}
    return presets


def trained(architecture: dict, training: dict, base: dict) -> tuple[CnnConfig, dict]:
    """Return what a training consists of, without its length; the name of the scaling goes with the settings."""
    architecture = dict(architecture)
    settings = vars(TrainConfig(**training)) | {"scaling": architecture.pop("scaling")}
    config = CnnConfig(**base | architecture, loss=settings.pop("loss"))
    return config, {name: value for name, value in settings.items() if name not in TRIAL_OPTIONS}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("searched", [(), DEFAULT_SEARCH, ("optimizer", "preset")], ids=["all", "default", "two"])
def test_known_points_train_exactly_what_their_presets_train(shape, searched):
    base = GRAY | {"image_shape": shape}
    presets = all_presets(base, "photo")
    space = SearchSpace(base, {"weight_decay": 0.5}, searched=searched, presets=presets)
    points = space.known_points()
    assert [*points] == [*presets] and "default" in points
    for name, values in points.items():
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        own = presets[name]
        expected = trained(own.architecture, own.training | {"weight_decay": 0.5}, base)
        assert trained(*space.point(hp), base) == expected, name


def test_known_points_values_are_within_the_ranges_of_the_space():
    """Else KerasTuner's Gaussian process could not place them."""
    space = SearchSpace(GRAY, presets=all_presets())
    for values in space.known_points().values():
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        space.point(hp)
        assert {one.name for one in hp.space if hp.is_active(one)} == values.keys()
        assert all(0 <= one.value_to_prob(values[one.name]) <= 1 for one in hp.space if one.name in values)


def test_point_of_a_preset_with_other_values_keeps_the_rest_of_the_preset():
    space = SearchSpace(GRAY, presets=all_presets())
    hp = keras_tuner.HyperParameters()
    hp.values = space.known_points()["default"] | {"filters": 8, "blocks": 4, "convolutions": 1, "optimizer": "sgd"}
    architecture, training = space.point(hp)
    assert (architecture["filters"], architecture["convolutions"]) == ((8, 16, 32, 64), (1, 2, 3, 3))
    recipe = all_presets()["default"].training
    kept = ("ema_momentum", "elastic_transform", "clean_fraction", "precision")
    assert {name: training[name] for name in kept} == {name: recipe[name] for name in kept}
    assert training["learning_rate"] == 0.1  # the default of the other optimizer, not that of the preset's


def test_known_points_preset_not_searched_is_only_the_first():
    space = SearchSpace(GRAY, searched=["dropout"], presets=all_presets(first="small"))
    assert space.known_points() == {"small": {"preset": "small", "dropout": 0.0}}
    architecture, training = space.point(keras_tuner.HyperParameters())
    assert architecture["filters"] == (8, 12, 15) and training["ema_momentum"] == 0.999


def test_rate_of_an_optimizer_that_one_preset_has_exists_only_with_that_preset():
    default = all_presets()["default"]
    other = Preset(default.architecture, default.training | {"optimizer": "sgd", "learning_rate": 0.2})
    space = SearchSpace(GRAY, searched=["preset", "learning_rate"], presets={"default": default, "other": other})
    points = space.known_points()
    assert points["default"] == {"preset": "default", "learning_rate_adamw": 3e-3}
    assert points["other"] == {"preset": "other", "learning_rate_sgd": 0.2}


@pytest.mark.parametrize(
    ("shape", "first", "options", "names"),
    [
        ((28, 28, 1), "default", {}, ["default"]),
        ((28, 28, 1), "default", {"sketches": True}, ["default", "drawings"]),
        ((32, 32, 3), "photo", {}, ["photo", "default"]),
        ((64, 64, 1), "photo", {}, ["photo", "default"]),  # photographs in gray
        ((32, 32, 3), "photo", {"max_params": 500_000}, ["default"]),
        ((28, 28, 1), "default", {"max_params": 200_000}, ["small", "fast"]),
        ((28, 28, 1), "default", {"max_params": 10_000}, ["small"]),
        ((4, 4, 1), "default", {}, []),  # three blocks would halve four pixels too often
    ],
)
def test_suitable_presets_depend_on_color_drawings_and_size(shape, first, options, names):
    assert [*suitable_presets(GRAY | {"image_shape": shape}, 20_000, first, **options)] == names


def test_searched_names_default_leaves_out_what_the_user_chose():
    assert searched_names((), {"augment": 1.0}) == tuple(name for name in DEFAULT_SEARCH if name != "augment")
    assert searched_names(("all",), {}) == () and searched_names(("loss",), {}) == ("loss",)


def test_best_hyperparameters_of_a_search_are_those_of_its_presets(tmp_path):
    """As trials.json keeps them: a later version may have other presets, and this run's decided about mirroring."""
    presets = all_presets(GRAY | {"image_shape": (32, 32, 3)}, "photo")
    own = presets["photo"]
    presets["photo"] = replace(own, training=own.training | {"mirror": 0.5})
    space = SearchSpace(GRAY | {"image_shape": (32, 32, 3)}, searched=["preset", "dropout"], presets=presets)
    row = trial_row(0, 0.9, **space.known_points()["photo"])
    sections = {name: {"architecture": one.architecture, "training": one.training} for name, one in presets.items()}
    subject = {"task": "multiclass", "labels": GRAY["labels"], "image_shape": (32, 32, 3)}
    report = TrialsReport.build(
        **trials_report([row]) | {"best_trial": "0", "subject": subject, "presets": sections},
        searched=["preset", "dropout"],
        overrides={"label_smoothing": 0.0},
    )
    write_report(tmp_path / "trials.json", report)
    architecture, training = best_hyperparameters(read_trials(tmp_path))
    expected = own.training | {"mirror": 0.5, "label_smoothing": 0.0}
    assert trained(architecture, training, subject) == trained(own.architecture, expected, subject)
    assert (training["epochs"], training["patience"]) == (own.training["epochs"], own.training["patience"])


def test_best_hyperparameters_train_as_long_as_their_own_preset():
    subject = {"task": "multiclass", "labels": list("0123456789"), "image_shape": [32, 32, 3]}
    presets = all_presets(subject, "default")
    row = trial_row(0, 0.9, **SearchSpace(subject, searched=["preset"], presets=presets).known_points()["photo"])
    sections = {name: {"architecture": one.architecture, "training": one.training} for name, one in presets.items()}
    of_search = {"best_trial": "0", "subject": subject, "presets": sections, "searched": ["preset"]}
    report = json.loads(json.dumps(trials_report([row]) | of_search))
    _, training = best_hyperparameters(TrialsReport.parse(report, "trials.json"))
    assert training["epochs"] == presets["photo"].training["epochs"] != presets["default"].training["epochs"]


# --- Warm start ---


def warm_start(run, report: dict, **space) -> dict:
    """Write a run's trials.json, and start a search from it."""
    write_json(run / "trials.json", report)
    return read_warm_start(run, SearchSpace(GRAY, presets=all_presets(), **space))


@pytest.fixture
def report() -> dict:
    """A search of dropout and preset; its best trial is the second."""
    rows = [trial_row(0, 0.8, preset="default", dropout=0.1), trial_row(1, 0.9, preset="small", dropout=0.3)]
    return trials_report(rows) | {"best_trial": "1"}


def test_warm_start_is_the_best_trial_of_the_run(tmp_path, report):
    assert warm_start(tmp_path, report, searched=["preset", "dropout"]) == {"preset": "small", "dropout": 0.3}


@pytest.mark.parametrize(
    ("change", "searched", "message"),
    [
        ({}, ["dropout"], "preset small does not suit|its preset small is not among the values"),
        ({}, ["preset"], "it varied dropout, which this search does not"),
        ({}, ["preset", "dropout", "filters"], "it did not vary filters, which this search does"),
        ({"dropout": 0.9}, ["preset", "dropout"], "its dropout 0.9 is not among the values of this one"),
        ({"preset": "huge"}, ["preset", "dropout"], "preset huge does not suit this dataset"),
    ],
)
def test_warm_start_from_another_space_is_refused_with_what_differs(tmp_path, report, change, searched, message):
    report["trials"][1]["hyperparameters"].update(change)
    with pytest.raises(TrazoError, match=message) as caught:
        warm_start(tmp_path, report, searched=searched)
    assert "give the same --search" in str(caught.value)


def test_warm_start_run_without_a_completed_trial_is_refused(tmp_path, report):
    with pytest.raises(TrazoError, match="none of its trials has completed"):
        warm_start(tmp_path, report | {"best_trial": None})
