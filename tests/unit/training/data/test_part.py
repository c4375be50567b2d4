"""A part of a dataset: some classes, some rows."""

from collections import Counter

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.config import DataConfig
from training.data.part import choose_rows, find_classes
from training.data.splits import open_data, open_test
from training.data.stream import HubStream

NAMES = ("ant", "bee", "cat")
LABELS = [*range(3)] * 40
NAMED = Features({"image": Image(), "label": ClassLabel(names=list(NAMES))})
TEXTS = Features({"image": Image(), "label": Value("string")})


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> dict[bool, str]:
    """Class ids, and class names as text: 40 rows of each of three classes, one row without a label."""
    images = random_images(121)
    rows = {True: [*LABELS, None], False: [*(NAMES[label] for label in LABELS), None]}
    return {
        ids: write_dataset(
            tmp_path_factory.mktemp("pets"), NAMED if ids else TEXTS, [{"image": images, "label": rows[ids]}]
        )
        for ids in (True, False)
    }


def labels_of(stream: HubStream) -> Counter[str]:
    return Counter(stream.labels[int(label)] for batch in stream.ordered() for label in batch.labels)


def images_of(*streams: HubStream) -> set[bytes]:
    return {image for stream in streams for batch in stream.ordered() for image in batch.images}


@pytest.mark.parametrize("no_scan", [False, True])
@pytest.mark.parametrize("ids", [True, False])
def test_open_data_classes_are_all_there_is_in_the_order_given(pets, ids, no_scan):
    data = DataConfig(pets[ids], classes=("cat", "ant"), no_scan=no_scan)
    opened, (test, _) = open_data(data), open_test(data, ("cat", "ant"))
    streams = opened.train, opened.validation, test
    assert all(stream.labels == ("cat", "ant") and stream.task == "binary" for stream in streams)
    assert sum(map(labels_of, streams), Counter()) == {"cat": 40, "ant": 40}
    skipped = {row: reason for stream in streams for row, reason in stream.skipped.items()}
    assert set(skipped) <= {120}, "rows of another class are no part of the data, so none is skipped"


@pytest.mark.parametrize("ids", [True, False])
def test_open_test_classes_of_a_model_keep_its_labels(pets, ids):
    data = DataConfig(pets[ids], classes=("cat", "ant"))
    test, _ = open_test(data, NAMES)
    assert test.labels == NAMES and set(labels_of(test)) == {"cat", "ant"}


def test_open_data_classes_and_a_task_that_does_not_fit_are_refused(pets):
    with pytest.raises(TrazoError, match="--classes: 2 classes are binary, not multiclass"):
        open_data(DataConfig(pets[True], classes=("cat", "ant"), task="multiclass"))


def test_open_data_classes_of_a_regression_are_refused(tmp_path):
    features = Features({"image": Image(), "label": Value("float32")})
    folder = write_dataset(tmp_path, features, [{"image": random_images(2), "label": [0.5, 1.5]}])
    with pytest.raises(TrazoError, match="which are no classes"):
        open_data(DataConfig(folder, classes=("0.5", "1.5")))


def test_data_config_one_class_is_refused():
    with pytest.raises(TrazoError, match="at least two"):
        DataConfig("pets", classes=("cat", "cat"))


def test_find_classes_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(TrazoError, match=r"'pets' has no class 'Cta'; similar names: cat$"):
        find_classes(["Cta", "bee"], NAMES, "pets")
    with pytest.raises(TrazoError, match=r"no class 'zebra'; its classes: ant, bee, cat$"):
        find_classes(["zebra", "bee"], NAMES, "pets")


def test_find_classes_other_unicode_form_is_found():
    assert find_classes(["a\u0301", "b"], ["\u00e1", "b"], "letters") == ("\u00e1", "b")


@pytest.mark.parametrize("no_scan", [False, True])
def test_open_data_max_rows_parts_have_so_many_rows_together(pets, no_scan):
    data = DataConfig(pets[True], max_rows=60, no_scan=no_scan)
    opened, (test, _) = open_data(data), open_test(data)
    streams = opened.train, opened.validation, test
    parts = [images_of(stream) for stream in streams]
    assert all(parts) and len(set().union(*parts)) == sum(map(len, parts))
    assert sum(stream.rows for stream in streams) == 60


def test_open_data_max_rows_are_about_the_same_after_rows_are_added(tmp_path, pets):
    images = random_images(121)
    more = {"image": [*random_images(12, seed=1), *images[:120]], "label": [*LABELS[:12], *LABELS]}
    folder = write_dataset(tmp_path, NAMED, [more])
    before, after = (open_data(DataConfig(name, max_rows=60)) for name in (pets[True], folder))
    kept = [images_of(opened.train, opened.validation) for opened in (before, after)]
    assert len(kept[0] & kept[1]) > 0.8 * len(kept[0])


def test_open_data_max_rows_also_limit_a_split_named_validation(tmp_path):
    for split in ("train", "validation"):
        write_dataset(tmp_path, NAMED, [{"image": random_images(60), "label": LABELS[:60]}], split=split)
    opened = open_data(DataConfig(str(tmp_path), max_rows=30, test_split="held-out"))
    assert (opened.validation.rows, opened.train.rows < 30) == (30, True)


def test_open_data_parts_of_one_dataset_are_known_apart(pets):
    choices = [{}, {"classes": NAMES}, {"classes": NAMES[::-1]}, {"max_rows": 60}, {"max_rows": 61}]
    keys = [repr(open_data(DataConfig(pets[True], **choice)).train.key) for choice in choices]
    assert len(set(keys[1:])) == len(keys) - 1, "another part is another training"
    assert keys[0] == keys[1], "all classes are the whole dataset"


def test_choose_rows_takes_no_more_than_requested_of_equal_images():
    keep = choose_rows(np.array([7, 7, 7, 7], np.uint64), np.array([True, False, True, True]), 2)
    assert keep.tolist() == [True, False, True, False]
