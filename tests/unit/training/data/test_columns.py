"""Which columns hold images and labels, and how labels of each type become class ids or targets."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import TrazoError
from tests.support.datasets import random_images, write_dataset
from training.data.columns import ColumnOptions, label_source
from training.data.parquet.source import open_source
from training.stream import HubStream


@pytest.mark.parametrize(
    ("feature", "values", "labels", "ids_", "task"),
    [
        (Value("string"), ["b", "a", "c", "b"], ("a", "b", "c"), [1, 0, 2, 1], "multiclass"),
        (Value("int64"), [7, 30, 7, 4], ("4", "7", "30"), [1, 2, 1, 0], "multiclass"),
        (Value("bool"), [True, False, False, True], ("false", "true"), [1, 0, 0, 1], "binary"),
        (Value("float32"), [0.5, 1.5, -2.0, 3.0], ("label",), [0.5, 1.5, -2.0, 3.0], "regression"),
        (ClassLabel(names=["no", "yes"]), [1, 0, 0, 1], ("no", "yes"), [1, 0, 0, 1], "binary"),
    ],
)
def test_label_source_finds_classes_and_task_by_the_column_type(tmp_path, feature, values, labels, ids_, task):
    features = Features({"photo": Image(), "label": feature, "weight": Value("float64")})
    columns = {"photo": random_images(4), "label": values, "weight": [0.0] * 4}
    stream = HubStream(write_dataset(tmp_path, features, [columns]))
    assert (stream.image_column, stream.label_column) == ("photo", "label")
    assert (stream.labels, stream.task) == (labels, task)
    (batch,) = stream.ordered()
    assert batch.labels.tolist() == ids_
    assert batch.labels.dtype == (np.float32 if task == "regression" else np.int64)


def test_label_source_ambiguous_columns_are_refused_with_the_option(tmp_path):
    features = Features({"a": Image(), "b": Image(), "x": Value("int32"), "y": Value("string")})
    columns = {"a": random_images(3), "b": random_images(3), "x": [0, 1, 2], "y": ["p", "q", "p"]}
    folder = write_dataset(tmp_path, features, [columns])
    with pytest.raises(TrazoError, match=r"2 image columns \(a, b\).*--image-column"):
        HubStream(folder)
    with pytest.raises(TrazoError, match=r"choose with --label-column; possible: x \(int32, 3 diff.*y \(string, 2"):
        HubStream(folder, image_column="a")
    stream = HubStream(folder, image_column="b", label_column="y")
    assert next(stream.ordered()).images == columns["b"] and stream.labels == ("p", "q")


@pytest.fixture
def source(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"]), "writer": Value("string")})
    columns = {"image": random_images(6), "label": [0, 1, -1, None, 1, 0], "writer": ["x", "y", None, "x", None, "y"]}
    return open_source(write_dataset(tmp_path, features, [columns], rows_per_group=4), "train")


def test_read_labels_in_the_order_of_given_classes_null_where_missing(source):
    labeled = replace(label_source(source, ColumnOptions()), labels=("b", "a"))
    images, labels = labeled.read((0, 1), np.array([True, False, True, True]))
    assert labels.to_pylist() == [1, None, None] and labels.type == pa.int64()
    assert images.type == pa.large_binary() and images[0].as_py() == random_images(6)[0]


def test_group_ids_equal_values_are_one_group_and_missing_ones_too(source):
    groups = label_source(source, ColumnOptions()).group_ids("writer")
    assert groups.dtype == np.uint64 and (groups[:3] == groups[[3, 5, 4]]).all() and len(set(groups)) == 3


@pytest.mark.parametrize(
    ("column", "message"),
    [("author", "has no column 'author'; its columns: image, label, writer"), ("image", "holds no single values")],
)
def test_group_ids_unusable_column_is_refused(source, column, message):
    with pytest.raises(TrazoError, match=message):
        label_source(source, ColumnOptions()).group_ids(column)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "regression"}, "'label' holds class names: binary or multiclass, not regression"),
        ({"task": "multiclass"}, "has 2 classes: binary, not multiclass"),
        ({"label_column": "image"}, "no label column 'image'; possible: label, writer"),
        ({"image_column": "writer"}, "column 'writer' of .* holds string, no images"),
    ],
)
def test_label_source_unsuitable_choice_is_refused_with_what_exists(source, options, message):
    with pytest.raises(TrazoError, match=message):
        label_source(source, ColumnOptions(**options))
