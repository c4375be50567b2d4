"""Whether a network is the winner of a search is found by comparing its settings with the best trial's."""

import shutil
from dataclasses import replace

import pytest

from model.config import CnnConfig
from model.io.locate import PRETRAINED
from model.io.reports.training import TrainingReport
from tests.support.run_reports import TRAINING
from ui.reports import parse
from ui.reports.search import TrialView
from ui.reports.winner import differences

CONFIG = CnnConfig(filters=(16, 32, 64), convolutions=2, dense_units=(), dropout=0.1, l2=1e-4)
VALUES = {
    "blocks": 3,
    "filters": 16,
    "convolutions": 2,
    "kernel_size": 3,
    "activation": "relu",
    "normalization": "batch",
    "pooling": "max",
    "dense_units": 0,
    "dropout": 0.1,
    "scaling": "none",
    "regularization": "l2",
    "l2": 1e-4,
    "loss": "sparse_categorical_crossentropy",
    "optimizer": "adamw",
    "learning_rate": 0.003,
}
TRAINED = TrainingReport(**TRAINING | {"hyperparameters": {"optimizer": "adamw", "learning_rate": 0.003}})


def found(values: dict, config: CnnConfig = CONFIG) -> list[str]:
    return differences(config, TRAINED, TrialView(0, "000", "COMPLETED", 0.9, values, 1, 1.0, None))


def test_differences_winner_has_none():
    assert found(VALUES) == []
    assert found(VALUES | {"learning_rate": 0.003 * (1 + 1e-9)}) == []


@pytest.mark.parametrize(
    ("name", "value"), [("blocks", 2), ("dense_units", 64), ("optimizer", "sgd"), ("l2", 2e-4), ("new", 1)]
)
def test_differences_names_what_differs(name, value):
    assert found(VALUES | {name: value}) == [name]


def test_differences_network_that_no_search_describes_is_not_the_winner():
    assert found(VALUES, replace(CONFIG, filters=(16, 32, 60))) == ["filters"]
    assert found(VALUES, replace(CONFIG, convolutions=(1, 2, 2))) == ["convolutions"]
    assert found(VALUES, replace(CONFIG, dense_units=(32, 32))) == ["dense_units"]


def test_differences_of_a_point_with_a_preset_compare_the_first_block():
    """The preset gives the others' shares of it."""
    of_small = TRAINED.model_copy(update={"hyperparameters": TRAINED.hyperparameters | {"preset": "small"}})
    trial = TrialView(0, "000", "COMPLETED", 0.9, VALUES | {"preset": "small"}, 1, 1.0, None)
    unequal = replace(CONFIG, filters=(16, 24, 30), convolutions=(2, 3, 3))
    assert differences(unequal, of_small, trial) == []
    assert differences(unequal, TRAINED, trial) == ["preset"]
    assert differences(replace(unequal, filters=(8, 24, 30)), of_small, trial) == ["filters"]


def test_differences_of_the_bundled_model_and_search():
    names = differences(
        CnnConfig.from_file(PRETRAINED / "trazo.json"),
        parse.read_training_report(PRETRAINED),
        parse.read_search(PRETRAINED).best,
    )
    assert "convolutions" in names and "blocks" not in names


def test_read_or_none_missing_and_damaged_reports_are_none(tmp_path):
    assert parse.read_or_none(parse.read_training_report, tmp_path) is None
    shutil.copy(PRETRAINED / "training.json", tmp_path)
    assert parse.read_or_none(parse.read_training_report, tmp_path).preset == "drawings"
    (tmp_path / "training.json").write_text("[")
    assert parse.read_or_none(parse.read_training_report, tmp_path) is None
