"""Settings about measures, weights and targets that `commands` refuses before anything is written."""

from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Value
from datasets import Image as ImageFeature

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.commands.train import train
from training.commands.tune import tune
from training.config import DataConfig, TuneConfig


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> str:
    schema = Features({"image": ImageFeature(), "label": ClassLabel(names=["a", "b"])})
    columns = {"image": random_images(60), "label": [0] * 45 + [1] * 15}
    return write_dataset(tmp_path_factory.mktemp("classes"), schema, [columns])


def write_numbers(folder: Path, targets: np.ndarray) -> str:
    schema = Features({"image": ImageFeature(), "target": Value("float64")})
    return write_dataset(folder, schema, [{"image": random_images(len(targets)), "target": targets.tolist()}])


@pytest.fixture(scope="module")
def numbers(tmp_path_factory) -> str:
    return write_numbers(tmp_path_factory.mktemp("numbers"), np.linspace(1900, 2000, 60))


@pytest.mark.parametrize("no_scan", [False, True])
def test_train_equal_targets_are_refused(tmp_path, no_scan):
    data = DataConfig(write_numbers(tmp_path / "data", np.full(60, 7.5)), label_column="target", no_scan=no_scan)
    with pytest.raises(TrazoError, match="targets in 'target' are 7.5: there is nothing to learn"):
        train(data, {}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_train_class_weights_without_classes_or_counts_are_refused(tmp_path, numbers, classes):
    balanced = {"class_weights": "balanced"}
    for data, message in (
        (DataConfig(numbers, label_column="target"), "--class-weights is for classes"),
        (DataConfig(classes, no_scan=True), "--class-weights needs the rows of each class.*--no-scan"),
    ):
        with pytest.raises(TrazoError, match=message):
            train(data, balanced, tmp_path / "run")
        with pytest.raises(TrazoError, match=message):
            tune(data, balanced, TuneConfig(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_train_outliers_of_other_labels_than_digits_are_refused(tmp_path, numbers, classes):
    for data in (DataConfig(numbers, label_column="target"), DataConfig(classes)):
        with pytest.raises(TrazoError, match=r"--outliers draws what is none of the digits 0 to 9; the labels are"):
            train(data, {"outliers": 100}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_tune_objective_of_another_task_is_refused(tmp_path, numbers, classes):
    for data, objective in ((DataConfig(numbers, label_column="target"), "macro_f1"), (DataConfig(classes), "r2")):
        with pytest.raises(TrazoError, match=f"objective {objective} does not suit a .* task"):
            tune(data, {}, TuneConfig(objective=objective), tmp_path / "run")
    assert not (tmp_path / "run").exists()
