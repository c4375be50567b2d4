"""Which rows are measured: of known classes, each image once, none that was learned from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from tests.support.folders import write_files
from training.config import DataConfig
from training.data.contents import Contents
from training.data.splits import open_data
from training.evaluation.measured_rows import open_measured_rows

NAMES = ("cat", "dog")
CLASSES = Features({"image": Image(), "label": ClassLabel(names=list(NAMES))})
IMAGES = random_images(80)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataConfig:
    folder = tmp_path_factory.mktemp("data") / "pets"
    return DataConfig(write_dataset(folder, CLASSES, [{"image": IMAGES[:60], "label": [0, 1] * 30}]))


@pytest.fixture(scope="module")
def learned(data) -> Contents:
    return Contents.of(data, open_data(data))


def write_test(folder: Path, images: list, labels: list) -> DataConfig:
    return DataConfig(write_dataset(folder, CLASSES, [{"image": images, "label": labels}], split="test"))


def measure(data: DataConfig, learned: Contents | str, names: tuple[str, ...] = NAMES):
    return open_measured_rows(data, names, "binary" if len(names) == 2 else "multiclass", learned)


def test_rows_held_out_as_in_training_overlap_with_none(data, learned):
    rows = measure(data, learned)
    found = rows.comparison
    assert found.compared and (found.left_out_training, found.left_out_validation, found.duplicates) == (0, 0, 0)
    assert rows.stream.rows + found.training_images + found.validation_images == 60


def test_rows_that_were_learned_from_are_left_out_and_counted(data, learned, caplog):
    caplog.set_level("INFO", "trazo")
    rows = measure(replace(data, test_fraction=0.5), learned)
    found = rows.comparison
    assert found.left_out_training > 0 and found.left_out_validation > 0
    content = {int(index) for batch in rows.stream.ordered() for index in batch.index}
    assert len(content) == 60 - found.training_images - found.validation_images
    used = found.left_out_training + found.left_out_validation
    assert f"{used} of {used + len(content)} rows of {data.dataset}, train, 50% held out" in caplog.text


def test_rows_all_learned_from_are_refused(tmp_path, learned, data):
    index = next(iter(open_data(data).train.ordered())).index
    test = write_test(tmp_path, [IMAGES[row] for row in index[:5]], [int(row % 2) for row in index[:5]])
    with pytest.raises(TrazoError, match=r"5 of 5 rows of .*, test, were used in training: none is left to measure"):
        measure(test, learned)


def test_rows_with_equal_image_and_label_are_measured_once(tmp_path, learned):
    images = [IMAGES[60], IMAGES[61], IMAGES[60], IMAGES[60], IMAGES[62]]
    rows = measure(write_test(tmp_path, images, [0, 1, 0, 1, 1]), learned)
    assert rows.comparison.duplicates == 1  # row 3 says something else about the image
    assert [int(row) for batch in rows.stream.ordered() for row in batch.index] == [0, 1, 3, 4]


def test_rows_that_are_unusable_do_not_count(tmp_path, learned):
    scribble = {"bytes": b"scribble", "path": None}
    data = write_test(tmp_path, [scribble, IMAGES[61], scribble, scribble], [1] * 4)  # a single one is left
    rows = measure(data, learned)
    assert rows.stream.rows == 1 and rows.stream.skipped.keys() == {0, 2, 3}


def test_rows_without_knowledge_of_the_training_are_measured_and_say_so(tmp_path):
    rows = measure(write_test(tmp_path, IMAGES[:5], [0, 1, 0, 1, 0]), "the model does not say")
    assert rows.stream.rows == 5 and rows.fingerprint
    assert not rows.comparison.compared and rows.comparison.reason == "the model does not say"


def test_rows_with_no_scan_claim_nothing(data, learned):
    rows = measure(replace(data, no_scan=True), learned)
    assert not rows.comparison.compared and rows.comparison.duplicates is None and rows.fingerprint is None


def test_rows_of_unknown_classes_are_named_and_left_out(tmp_path, learned, caplog):
    caplog.set_level("INFO", "trazo")
    features = Features({"image": Image(), "label": ClassLabel(names=["zebra", "dog"])})
    columns = {"image": IMAGES[60:66], "label": [0, 1] * 3}
    rows = measure(
        DataConfig(write_dataset(tmp_path, features, [columns], split="test")), learned, ("cat", "dog", "owl")
    )
    assert rows.comparison.unknown_classes == {"zebra": 3} and rows.stream.rows == 3
    assert {int(label) for batch in rows.stream.ordered() for label in batch.labels} == {1}
    assert "3 rows left out, of classes that the model does not know: zebra" in caplog.text


def test_rows_of_unknown_classes_alone_are_refused(tmp_path, learned):
    features = Features({"image": Image(), "label": Value("string")})
    columns = {"image": IMAGES[60:64], "label": ["cow", "pig"] * 2}
    data = DataConfig(write_dataset(tmp_path, features, [columns], split="test"))
    with pytest.raises(TrazoError, match="none of the model's classes: it has cow, pig, the model knows cat, dog"):
        measure(data, learned)


def test_rows_of_a_folder_of_one_class_are_measured(tmp_path, learned):
    files = {f"test/dog/{number}.png": image for number, image in enumerate(IMAGES[60:64])}
    rows = measure(DataConfig(write_files(tmp_path, files)), learned)
    assert {int(label) for batch in rows.stream.ordered() for label in batch.labels} == {1}


@pytest.mark.parametrize("labels", [[-1] * 4, [None] * 4])
def test_rows_without_any_label_are_refused_with_a_hint(tmp_path, learned, labels):
    with pytest.raises(TrazoError, match="has no labels: .* --test-split held-out"):
        measure(write_test(tmp_path, IMAGES[60:64], labels), learned)


def test_rows_of_a_regression_are_compared_too(tmp_path):
    features = Features({"image": Image(), "target": Value("float32")})
    columns = {"image": IMAGES[:60], "target": np.linspace(0, 1, 60).tolist()}
    data = DataConfig(write_dataset(tmp_path, features, [columns]))
    learned = Contents.of(data, open_data(data))
    rows = open_measured_rows(replace(data, test_fraction=0.5), ("target",), "regression", learned)
    assert rows.comparison.left_out_training > 0


def write_new(folder: Path, images: list, names: list[str]) -> DataConfig:
    files = {f"{names[number % len(names)]}/{number}.png": image for number, image in enumerate(images)}
    return DataConfig(write_files(folder, files))


@pytest.mark.parametrize("names", [["cat", "dog"], ["dog"]])
def test_rows_of_other_data_without_a_test_split_are_all_measured(tmp_path, learned, caplog, names):
    caplog.set_level("INFO")
    rows = measure(write_new(tmp_path, IMAGES[60:66], names), learned)
    assert (rows.stream.rows, rows.split, rows.comparison.compared) == (6, "train", True)
    assert "has no split named test, and none of its images was learned from: all of split train" in caplog.text


def test_rows_of_data_that_was_learned_from_are_held_out_at_any_place(tmp_path, data, learned):
    moved = DataConfig(write_dataset(tmp_path, CLASSES, [{"image": IMAGES[:60], "label": [0, 1] * 30}]))
    assert measure(moved, learned).split == measure(data, learned).split == "train, 10% held out by content"


def test_rows_of_other_data_are_held_out_on_request(tmp_path, learned):
    new = write_new(tmp_path, IMAGES[60:], ["cat", "dog"])
    assert measure(replace(new, test_split="held-out"), learned).split == "train, 10% held out by content"


def test_rows_of_data_that_changed_since_the_training_are_measured_and_say_so(tmp_path, caplog):
    caplog.set_level("INFO")
    columns = {"image": IMAGES[:60], "label": [0, 1] * 30}
    changed = DataConfig(write_dataset(tmp_path, CLASSES, [columns]))
    learned = Contents.of(changed, open_data(changed))
    measure(changed, learned)
    assert "changed since" not in caplog.text
    write_dataset(tmp_path, CLASSES, [columns | {"label": [1, 1, *[0, 1] * 29]}])
    measure(changed, learned)
    assert f"split train of {tmp_path} changed since it was learned from (content " in caplog.text
