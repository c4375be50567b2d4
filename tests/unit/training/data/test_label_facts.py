"""What the labels of the training rows tell."""

import numpy as np
import pytest
from datasets import ClassLabel, Features, Value
from datasets import Image as ImageFeature

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.config import DataConfig
from training.data.label_facts import balance_weights, count_classes, fit_target_scaling
from training.data.splits import open_data


@pytest.fixture(scope="module")
def imbalanced(tmp_path_factory) -> str:
    schema = Features({"image": ImageFeature(), "label": ClassLabel(names=["a", "b", "c"])})
    labels = [0] * 60 + [2] * 20
    return write_dataset(tmp_path_factory.mktemp("x"), schema, [{"image": random_images(80), "label": labels}])


def numbers(folder, targets: np.ndarray) -> str:
    schema = Features({"image": ImageFeature(), "target": Value("float32")})
    columns = {"image": random_images(len(targets)), "target": targets.tolist()}
    return write_dataset(folder, schema, [columns])


def test_balance_weights_give_all_classes_the_same_sum():
    counts = [300, 100, 0, 7]
    weights = np.array(balance_weights(counts))
    sums = weights * counts
    assert sums[[0, 1, 3]] == pytest.approx(407 / 3) and weights[2] == 1


def test_count_classes_counts_the_rows_that_are_learned_from(imbalanced):
    opened = open_data(DataConfig(imbalanced))
    counts = count_classes(opened)
    labels = np.concatenate([batch.labels for batch in opened.train.ordered()])
    assert counts == np.bincount(labels, minlength=3).tolist() and counts[1] == 0
    assert count_classes(open_data(DataConfig(imbalanced, no_scan=True))) is None


@pytest.mark.parametrize("no_scan", [False, True])
def test_fit_target_scaling_is_that_of_the_training_rows(tmp_path, no_scan):
    targets = 2000 + 10 * np.random.default_rng(0).normal(size=100).astype(np.float32)
    opened = open_data(DataConfig(numbers(tmp_path, targets), label_column="target", no_scan=no_scan))
    learned = np.concatenate([batch.labels for batch in opened.train.ordered()])
    fitted = fit_target_scaling(opened)
    assert fitted.mean == pytest.approx(learned.mean(), abs=1e-3)
    assert fitted.deviation == pytest.approx(learned.std(), rel=1e-3)


def test_fit_target_scaling_loss_that_does_not_suit_is_refused(tmp_path):
    opened = open_data(DataConfig(numbers(tmp_path, np.linspace(-1, 1, 100)), label_column="target"))
    with pytest.raises(TrazoError, match="poisson.*has -"):
        fit_target_scaling(opened, "poisson")
