"""Whether mirrored images are learned from follows from how well they are recognized."""

from dataclasses import asdict

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image

from model import CnnConfig
from tests.support.datasets import png, write_dataset
from training.config import DataConfig
from training.data.splits import open_data
from training.evaluation import mirroring
from training.evaluation.mirroring import check_mirroring, judge

CONFIG = CnnConfig(labels=("cat", "left", "right"))
TRUE = np.repeat([0, 1, 2], (160, 20, 20))
REGRESSION = CnnConfig(labels=("age",), task="regression")


def test_judge_equally_good_answers_allow_mirroring():
    rng = np.random.default_rng(0)
    plain, mirrored = (np.where(rng.random(200) < 0.92, TRUE, (TRUE + 1) % 3) for _ in range(2))
    check = judge(CONFIG, TRUE, plain, mirrored)
    assert check.allowed and "of 200 validation rows" in check.reason and "of class" not in check.reason


def test_judge_a_rare_class_that_is_another_one_in_the_mirror_forbids_it():
    mirrored = TRUE.copy()
    mirrored[160:168] = 2  # 4 % of all rows, 40 % of their class
    check = judge(CONFIG, TRUE, TRUE, mirrored)
    assert not check.allowed
    assert check.reason.endswith("96.0 % of the same ones mirrored; of class left 100 % and 60 %")


def test_judge_many_classes_that_are_a_little_worse_forbid_it():
    labels = tuple(f"class {number}" for number in range(100))
    true = np.repeat(np.arange(100), 4)
    mirrored = np.where(np.arange(400) % 4 == 0, (true + 1) % 100, true)
    check = judge(CnnConfig(labels=labels), true, true, mirrored)
    assert not check.allowed and "of class" not in check.reason


def test_judge_a_network_that_learned_nothing_forbids_it():
    constant = np.zeros(200, int)
    check = judge(CONFIG, TRUE, constant, constant)
    assert not check.allowed and "learned too little" in check.reason


@pytest.mark.parametrize(("factor", "allowed"), [(1.0, True), (-1.0, False)])
def test_judge_of_a_regression_compares_errors(factor, allowed):
    true = np.random.default_rng(0).normal(size=300)
    plain = true + 0.1
    check = judge(REGRESSION, true, plain, factor * plain)
    assert check.allowed == allowed and check.reason.startswith("has a mean error of 0.1 on 300 validation rows")
    assert not judge(REGRESSION, true, np.zeros(300), np.zeros(300)).allowed


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((227, 114, 3), (48, 24, 3)), ((28, 28, 1), (28, 28, 1)), ((3, 3, 3), (3, 3, 3)), ((2, 1000, 3), (2, 48, 3))],
)
def test_probe_network_is_small_for_images_of_any_size(shape, expected):
    architecture = mirroring._probe_network(shape)
    assert architecture["image_shape"] == expected
    CnnConfig(**architecture)


def stripes(rows: int, sides: bool) -> list[bytes]:
    """Return images that are bright on one side, left or right, or top or bottom, of two classes in turn."""
    rng = np.random.default_rng(0)
    images = []
    for row in range(rows):
        pixels = rng.integers(0, 120, (12, 12, 3), np.uint8)
        pixels[:, :5] += 90
        turned = pixels if row % 2 else pixels[:, ::-1]
        images.append(png(np.ascontiguousarray(turned if sides else turned.swapaxes(0, 1))))
    return images


def test_check_mirroring_asks_only_some_of_many_rows(tmp_path, monkeypatch):
    classes = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = write_dataset(tmp_path / "data", classes, [{"image": stripes(400, False), "label": [0, 1] * 200}])
    opened = open_data(DataConfig(folder, validation_fraction=0.5))
    monkeypatch.setattr(mirroring, "MAX_PROBE_ROWS", 50)
    asked = []

    def fit(*arguments, **_):
        asked.append(arguments[3])
        raise InterruptedError

    monkeypatch.setattr(mirroring, "fit", fit)
    fields = {"labels": opened.train.labels, "task": opened.train.task, "image_shape": opened.image_shape}
    with pytest.raises(InterruptedError):
        check_mirroring(opened, fields, 0, tmp_path / "mirror.json")
    assert 20 < asked[0].rows < 80 < opened.validation.rows


@pytest.mark.parametrize("sides", [True, False])
def test_check_mirroring_allows_what_a_mirror_does_not_change(tmp_path, monkeypatch, sides):
    classes = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = write_dataset(tmp_path / "data", classes, [{"image": stripes(600, sides), "label": [0, 1] * 300}])
    monkeypatch.setattr(mirroring, "PROBE_STEPS", 24)
    opened = open_data(DataConfig(folder))
    fields = {"labels": opened.train.labels, "task": opened.train.task, "image_shape": opened.image_shape}
    fields["pixel_format"] = asdict(opened.pixel_format)
    check = check_mirroring(opened, fields, 0, tmp_path / "mirror.json")
    assert check.allowed != sides
    monkeypatch.setattr(mirroring, "fit", lambda *_, **__: pytest.fail("trained again"))
    assert check_mirroring(opened, fields, 0, tmp_path / "mirror.json") == check
