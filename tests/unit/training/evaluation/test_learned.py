"""Options that an evaluation takes from the training, and what is known of the rows that were learned from."""

from pathlib import Path

import pytest
from datasets import ClassLabel, Features, Image

from model.errors import TrazoError
from model.io.reports.training import TrainingReport
from tests.support.datasets import random_images, write_dataset
from tests.support.run_reports import TRAINING
from training.config import DataConfig
from training.data.contents import CONTENTS_FILE, Contents
from training.data.provenance import data_section
from training.data.splits import open_data
from training.evaluation.learned import find_learned, inherit_options

CLASSES = Features({"image": Image(), "kind": ClassLabel(names=["cat", "dog"])})


def write_pets(folder: Path, seed: int = 0) -> str:
    return write_dataset(folder / "pets", CLASSES, [{"image": random_images(60, seed=seed), "kind": [0, 1] * 30}])


def report(data: DataConfig, **options) -> TrainingReport:
    opened = open_data(data)
    section = data_section(opened.train, opened.validation)
    return TrainingReport.build(**TRAINING | {"data": section}, options={"data": options, "training": {}})


@pytest.fixture
def pets(tmp_path) -> str:
    return write_pets(tmp_path)


def test_inherit_options_of_the_same_dataset_are_taken_where_none_is_given(pets):
    training = report(DataConfig(pets), test_fraction=0.3, label_column="kind", window_rows=9)
    data = inherit_options({"dataset": pets, "validation_fraction": 0.2}, training)
    assert (data.test_fraction, data.validation_fraction, data.label_column) == (0.3, 0.2, "kind")
    assert data.window_rows == DataConfig.window_rows  # decides no row
    assert inherit_options({"dataset": pets, "test_fraction": 0.5}, training).test_fraction == 0.5


def test_inherit_options_columns_of_another_dataset_are_taken_if_it_has_them(pets, tmp_path):
    training = report(DataConfig(pets), label_column="kind", image_column="photo", config="big")
    data = inherit_options({"dataset": write_pets(tmp_path / "new")}, training)
    assert (data.label_column, data.image_column, data.config) == ("kind", None, None)


def test_inherit_options_without_dataset_measures_that_of_the_training(pets):
    assert inherit_options({}, report(DataConfig(pets))).dataset == pets
    with pytest.raises(TrazoError, match="a dataset is needed: give --dataset"):
        inherit_options({}, None)


def test_find_learned_reads_what_the_training_left(pets, tmp_path):
    data = DataConfig(pets)
    kept = Contents.of(data, open_data(data))
    kept.save(tmp_path / CONTENTS_FILE)
    found = find_learned(tmp_path, DataConfig("somewhere/else"), report(data))
    assert isinstance(found, Contents) and (found.train == kept.train).all()


def test_find_learned_contents_of_another_training_are_not_used(pets, tmp_path):
    data = DataConfig(write_pets(tmp_path / "other", seed=1))
    Contents.of(data, open_data(data)).save(tmp_path / CONTENTS_FILE)
    found = find_learned(tmp_path, DataConfig("somewhere/else"), report(DataConfig(pets)))
    assert found == f"the model was trained on {pets}, whose content is not kept here"


def test_find_learned_scans_the_training_data_again(pets, tmp_path):
    data = DataConfig(pets, test_fraction=0.3)
    found = find_learned(tmp_path, DataConfig(pets), report(data, test_fraction=0.3).redacted())
    assert isinstance(found, Contents) and (found.train == Contents.of(data, open_data(data)).train).all()


def test_find_learned_changed_training_data_is_not_compared(pets, tmp_path):
    training = report(DataConfig(pets))
    changed = write_pets(tmp_path / "later", seed=1)
    assert find_learned(tmp_path, DataConfig(changed), training.redacted()) == (
        "the training data changed since the training"
    )


@pytest.mark.parametrize(
    ("no_scan", "reason"), [(False, "the model does not say what it was trained on"), (True, "--no-scan")]
)
def test_find_learned_says_why_it_is_not_known(pets, tmp_path, no_scan, reason):
    training = report(DataConfig(pets)) if no_scan else None
    assert find_learned(tmp_path, DataConfig(pets, no_scan=no_scan), training) == reason


def test_inherit_options_dataset_that_is_gone_is_one_line(pets):
    training = report(DataConfig(pets))
    Path(pets).rename(Path(pets).with_name("moved"))
    with pytest.raises(TrazoError, match=r"dataset '.*pets' is not there any more: give --dataset"):
        inherit_options({}, training)
