"""A folder continues with the same search only."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from model.errors import TrazoError
from training.config import TrainConfig, TuneConfig
from training.presets import Preset
from training.tuning.search_identity import check_identity


def make_job(folder, rows: int = 90, train: TrainConfig | None = None, presets=None, **tune) -> SimpleNamespace:
    stream = SimpleNamespace(key={"rows": rows}, window_rows=100)
    return SimpleNamespace(
        folder=folder,
        train=stream,
        validation=stream,
        settings=train or TrainConfig(),
        tune=replace(TuneConfig(), **tune),
        space=SimpleNamespace(base={"task": "binary"}, overrides={"seed": 0}, presets=presets or {}),
        plan=None,
        starting_points={},
    )


def test_check_identity_same_search_continues_with_more_trials_and_minutes(tmp_path):
    check_identity(make_job(tmp_path, trials=2))
    check_identity(make_job(tmp_path, trials=20, minutes=5.0, worker_timeout=9.0))


def test_check_identity_default_objective_by_its_name_is_the_same(tmp_path):
    check_identity(make_job(tmp_path))
    check_identity(make_job(tmp_path, objective="accuracy"))


def test_check_identity_searched_names_in_another_order_are_the_same(tmp_path):
    check_identity(make_job(tmp_path, search=("blocks", "l2")))
    check_identity(make_job(tmp_path, search=("l2", "blocks", "l2")))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"rows": 91}, "data.train.rows: 90 there, 91 requested"),
        ({"strategy": "hyperband"}, "search.strategy: '.*' there, 'hyperband' requested"),
        ({"objective": "macro_f1"}, "search.objective: 'accuracy' there, 'macro_f1' requested"),
        ({"seed": 7}, "search.seed: 0 there, 7 requested"),
        ({"train": TrainConfig(augment=0.5)}, "training.augment: 1.0 there, 0.5 requested"),
    ],
)
def test_check_identity_other_search_is_refused_with_what_differs(tmp_path, change, difference):
    check_identity(make_job(tmp_path))
    with pytest.raises(TrazoError, match=f"belongs to another search .*{difference}"):
        check_identity(make_job(tmp_path, **change))


def test_check_identity_changed_recipe_of_a_preset_is_refused(tmp_path):
    """A finished trial has learned by the old one."""
    recipe = Preset({"filters": (2, 3)}, {"cutmix": 0.5})
    check_identity(make_job(tmp_path, presets={"photo": recipe}))
    check_identity(make_job(tmp_path, presets={"photo": recipe}))
    changed = replace(recipe, training={"cutmix": 0.7})
    with pytest.raises(TrazoError, match=r"presets\.photo\.training\.cutmix: 0\.5 there, 0\.7 requested"):
        check_identity(make_job(tmp_path, presets={"photo": changed}))


def test_check_identity_kerastuner_files_without_identity_are_refused(tmp_path):
    check_identity(make_job(tmp_path))
    (tmp_path / "tuner" / "search.json").unlink()
    (tmp_path / "tuner" / "oracle.json").write_text("{}")
    with pytest.raises(TrazoError, match=r"search\.json"):
        check_identity(make_job(tmp_path))
