"""Which rows a run trains on, validates on and tests on."""

import numpy as np
import pyarrow as pa
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import StreamError, TrazoError
from tests.conftest import SAMPLE
from tests.support.datasets import random_images, write_dataset, write_tables
from training.config import DataConfig
from training.data.splits import one_config_per_dataset, open_data, open_test


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> str:
    """A dataset with one split and a column of writers, five rows each."""
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"]), "writer": Value("string")})
    columns = {
        "image": random_images(200),
        "label": [0, 1] * 100,
        "writer": [f"writer {row // 5}" for row in range(200)],
    }
    return write_dataset(tmp_path_factory.mktemp("single"), features, [columns])


def row_ids(stream) -> set[int]:
    return {int(row) for batch in stream.ordered() for row in batch.index}


def test_open_data_dataset_with_a_test_split_trains_and_validates_on_all_other_rows():
    opened = open_data(DataConfig(SAMPLE))
    assert opened.train.rows + opened.validation.rows == 3500 and opened.image_shape == (28, 28, 1)
    test, name = open_test(DataConfig(SAMPLE))
    assert (test.rows, name) == (1000, "test")


def test_open_data_dataset_with_one_split_shares_no_row_with_its_test(single):
    opened, (test, name) = open_data(DataConfig(single)), open_test(DataConfig(single))
    parts = [row_ids(stream) for stream in (opened.train, opened.validation, test)]
    assert sum(map(len, parts)) == 200 and set().union(*parts) == set(range(200))
    assert all(parts) and name == "train, 10% held out by content"


def test_open_data_group_column_keeps_each_group_in_one_part(single):
    data = DataConfig(single, group_column="writer")
    opened, (test, name) = open_data(data), open_test(data)
    writers = [{row // 5 for row in row_ids(stream)} for stream in (opened.train, opened.validation, test)]
    assert sum(map(len, writers)) == 40 and set().union(*writers) == set(range(40))
    assert name == "train, 10% held out by writer"


def test_open_data_unknown_group_column_is_refused_with_those_there_are(single):
    with pytest.raises(TrazoError, match="no dataset has a column 'author'; there are image, label, writer"):
        open_data(DataConfig(single, group_column="author"))


def test_open_test_other_split_that_is_missing_is_refused(single):
    with pytest.raises(TrazoError, match="no split 'exam'; it has train"):
        open_test(DataConfig(single, test_split="exam"))


def test_open_data_parts_do_not_depend_on_the_seed(single):
    one, other = (open_data(DataConfig(single), seed=seed) for seed in (0, 1))
    assert row_ids(one.validation) == row_ids(other.validation)
    orders = [np.concatenate([batch.index for batch in opened.train.epoch(0)]) for opened in (one, other)]
    assert (orders[0] != orders[1]).any()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> str:
    """Blocks of eight rows that cannot be used, for two reasons, between blocks that can; half of all rows."""
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    images, labels = random_images(160), [row // 16 % 2 for row in range(160)]
    for row in range(160):
        if row % 32 in range(8, 16):
            images[row] = {"bytes": b"scribble", "path": None}
        elif row % 32 >= 24:
            labels[row] = -1
    return write_dataset(tmp_path_factory.mktemp("damaged"), features, [{"image": images, "label": labels}])


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1000])
def test_open_data_parts_hold_usable_rows_alone(damaged, batch_size):
    opened = open_data(DataConfig(damaged), batch_size=batch_size)
    test = opened.parts[0].test
    assert sum(stream.rows for stream in (opened.train, opened.validation, test)) == 80
    for stream in (opened.train, opened.validation):
        sizes = [len(batch.labels) for batch in stream.epoch(0)]
        assert set(sizes[:-1]) <= {batch_size} and sum(sizes) == stream.rows == stream.usable_rows


def test_open_data_unusable_rows_are_recorded_with_the_reason(damaged):
    opened, (test, _) = open_data(DataConfig(damaged)), open_test(DataConfig(damaged))
    skipped = opened.train.skipped
    expected = {row for row in range(160) if row % 16 >= 8 and not test.mask(np.array([row])).any()}
    assert skipped.keys() == expected, "those of the test rows are no part of the training"
    assert {skipped[row] for row in skipped if row % 32 >= 24} == {"no label"}
    assert all("not an image" in skipped[row] for row in skipped if row % 32 < 24)
    joined = open_data(DataConfig(SAMPLE, extra_datasets=(SAMPLE,)))
    assert joined.train.skipped == {}


def test_open_data_strict_refuses_an_unusable_row_before_the_training(damaged):
    with pytest.raises(StreamError, match=r"row \d+ of .*: (no label|not an image)"):
        open_data(DataConfig(damaged, on_error="raise"))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([float("inf")] * 20, "has no finite number of at most 3.4e\\+38"),
        ([1e39 + row for row in range(20)], "has no finite number of at most 3.4e\\+38"),
        ([None] * 20, "is empty in all 20 rows"),
    ],
)
def test_open_data_targets_that_cannot_be_learned_are_not_called_missing(tmp_path, values, text):
    folder = write_tables(tmp_path, {"label": pa.array(values, pa.float64())})
    with pytest.raises(TrazoError, match=f"has no labels: column 'label' {text}"):
        open_data(DataConfig(folder, task="regression"))


def test_open_data_validation_of_other_classes_names_both(tmp_path):
    write_tables(tmp_path, {"label": ["cat", "dog"] * 30})
    folder = write_tables(tmp_path, {"label": ["bird", "fish"] * 10}, split="validation")
    with pytest.raises(TrazoError, match=r"other classes \(bird, fish\) than are learned \(cat, dog\)"):
        open_data(DataConfig(folder))


def test_one_config_per_dataset_columns_apply_to_the_first_only():
    data = DataConfig("a", extra_datasets=("b", "a"), sketches=("c", "b"), revision="v1", label_column="digit")
    first, *others = one_config_per_dataset(data)
    assert (first.dataset, first.revision, first.label_column) == ("a", "v1", "digit")
    assert [(one.dataset, one.revision, one.label_column) for one in others] == [("b", None, None), ("c", None, None)]
    assert all(one.sketches == ("c", "b") for one in (first, *others))
