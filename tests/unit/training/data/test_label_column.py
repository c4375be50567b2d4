"""Which column is the label, and what its values mean: guesses are reported, and uncertain ones are not made."""

import datetime
import decimal
import json
import logging
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Image, Sequence, Value

from model.errors import TrazoError
from model.logs import log_to
from tests.support.datasets import image_structs, random_images, write_dataset, write_tables
from training.data.columns import ColumnOptions, label_source
from training.data.parquet.source import open_source
from training.stream import HubStream

ROWS = 30


@pytest.fixture
def messages(caplog):
    """What is logged, once."""
    log_to("stderr")
    caplog.set_level(logging.INFO, "trazo")
    return caplog


def repeat(*values):
    return [values[i % len(values)] for i in range(ROWS)]


def read_labels(folder, **options):
    labeled = label_source(open_source(folder, "train"), ColumnOptions(**options))
    _, labels = labeled.read((0, 1), np.ones(labeled.source.table.total, bool))
    return labeled.task, labeled.labels, labels.to_pylist()


# --- Which column ---


@pytest.mark.parametrize("name", ["difficulty", "width", "id", "age", "file_name", "split"])
@pytest.mark.parametrize("values", [repeat(0, 1, 2), repeat(0.5, 1.5), repeat("a", "b")])
def test_choose_label_column_only_column_of_another_name_is_not_taken(tmp_path, name, values):
    folder = write_tables(tmp_path, {name: values})
    with pytest.raises(TrazoError, match=rf"--label-column; possible: {name} \(\w+, {len(set(values))} different"):
        HubStream(folder)
    assert HubStream(folder, label_column=name).label_column == name


@pytest.mark.parametrize("name", ["label", "Labels", "TARGET", " class ", "category", "y", "fine_label"])
def test_choose_label_column_name_of_labels_is_taken(tmp_path, name):
    folder = write_tables(tmp_path, {"difficulty": repeat(1, 2, 3), name: repeat("a", "b")})
    assert HubStream(folder).label_column == name


@pytest.mark.parametrize(
    "columns",
    [
        {"label": repeat(0, 1), "class": repeat("a", "b")},
        {"x": repeat(1, 2), "y": repeat(3, 4)},
        {"a": repeat("p", "q"), "b": repeat("p", "q")},
    ],
)
def test_choose_label_column_several_possible_ones_are_asked(tmp_path, columns):
    with pytest.raises(TrazoError, match=rf"leaves open which.*--label-column; possible: {' .*, '.join(columns)}"):
        HubStream(write_tables(tmp_path, columns))


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ({"fine": ClassLabel(names=["a", "b"]), "coarse": ClassLabel(names=["c", "d"])}, None),
        ({"difficulty": ClassLabel(names=["easy", "hard"]), "label": Value("int64")}, None),
        ({"kind": ClassLabel(names=["a", "b"]), "age": Value("int64")}, "kind"),
        ({"label": ClassLabel(names=["a", "b"]), "class": Value("int64")}, "label"),
    ],
)
def test_choose_label_column_class_label_is_taken_if_it_is_the_only_one(tmp_path, others, chosen):
    columns = {"image": random_images(4), **{name: [0, 1, 0, 1] for name in others}}
    folder = write_dataset(tmp_path, Features({"image": Image(), **others}), [columns])
    if chosen:
        assert HubStream(folder).label_column == chosen
    else:
        with pytest.raises(TrazoError, match="leaves open which column is the label; choose with --label-column"):
            HubStream(folder)


def test_choose_label_column_many_columns_are_cut(tmp_path):
    with pytest.raises(TrazoError, match="choose with --label-column") as raised:
        HubStream(write_tables(tmp_path, {f"measurement{k}": repeat(0.5, 1.5) for k in range(200)}))
    assert len(str(raised.value)) < 1000


def test_choose_label_column_one_hot_columns_are_named(tmp_path):
    columns = {"cat": repeat(1, 0, 0), "dog": repeat(0, 1, 0), "owl": repeat(0, 0, 1), "age": repeat(3, 4)}
    with pytest.raises(TrazoError, match=r"cat, dog, owl look like one class each \(one-hot\)"):
        HubStream(write_tables(tmp_path, columns))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array(repeat([1, 0], [0, 1])), "holds list<.*one-hot"),
        (pa.array(repeat([1, 0], [0, 1]), pa.list_(pa.int8(), 2)), "holds fixed_size_list<.*one-hot"),
        (pa.array(repeat(["a"], ["a", "b"])), "multi-label"),
        (pa.array(repeat({"id": 1}, {"id": 2})), "holds struct<id: int64>: write one number or text"),
        (pa.array(repeat([("a", 1)]), pa.map_(pa.string(), pa.int64())), "holds map<.*write one number or text"),
        (pa.array(repeat(datetime.datetime(2020, 1, 1))), "holds timestamp.*a time"),
        (pa.array(repeat(datetime.date(2020, 1, 1))), "holds date32.*a time"),
        (pa.nulls(ROWS), "is empty in all 30 rows"),
        (pa.nulls(ROWS, pa.string()), "is empty in all 30 rows"),
        (pa.nulls(ROWS, pa.float64()), "is empty in all 30 rows"),
        (repeat("", " "), "is empty in all 30 rows"),
        (repeat("a"), "has 1 class; at least two"),
        (repeat(2.0, None), "has 1 class; at least two"),
        ([f"file {i}" for i in range(ROWS)], "has another value in each row"),
        (repeat(b"\xff\xfe", b"\xff"), "no UTF-8 text"),
    ],
)
def test_label_source_unusable_labels_are_refused_with_their_type(tmp_path, values, message):
    folder = write_tables(tmp_path, {"label": values})
    for options in ({}, {"label_column": "label"}):
        with pytest.raises(TrazoError, match=message) as raised:
            HubStream(folder, **options)
        assert "\n" not in str(raised.value) and "'label'" in str(raised.value)


def test_label_source_multi_label_feature_is_refused(tmp_path):
    features = Features({"image": Image(), "labels": Sequence(ClassLabel(names=["a", "b"]))})
    folder = write_dataset(tmp_path, features, [{"image": random_images(4), "labels": [[0], [1], [0, 1], []]}])
    with pytest.raises(TrazoError, match="'labels' .*one-hot or multi-label"):
        HubStream(folder)


# --- What values mean ---


@pytest.mark.parametrize(
    ("values", "labels", "first"),
    [
        (pa.array(repeat(0.0, 1.0, None, 2.0)), ("0", "1", "2"), [0, 1, None, 2]),
        (pa.array(repeat(0.0, float("nan"), 2.0), from_pandas=False), ("0", "2"), [0, None, 1]),
        (pa.array(repeat(0.0, 1.0), pa.float16()), ("0", "1"), [0, 1]),
        (pa.array(repeat(0.0, 10.0, 9.0), pa.float32()), ("0", "9", "10"), [0, 2, 1]),
        (pa.array([decimal.Decimal(v) for v in repeat(0, 1)], pa.decimal128(5, 0)), ("0", "1"), [0, 1]),
        (pa.array([decimal.Decimal(v) for v in repeat("1.00", "2.00")], pa.decimal128(5, 2)), ("1", "2"), [0, 1]),
        (pa.array([decimal.Decimal(v) for v in repeat(0, 1)], pa.decimal256(50, 0)), ("0", "1"), [0, 1]),
        (pa.array(repeat(2**64 - 1, 5), pa.uint64()), ("5", str(2**64 - 1)), [1, 0]),
        (pa.array(repeat(2**63 - 1, -5)), ("-5", str(2**63 - 1)), [1, 0]),
        (pa.array(repeat("b", "a")).dictionary_encode(), ("a", "b"), [1, 0]),
        (pa.array(repeat(7, 5)).dictionary_encode(), ("5", "7"), [1, 0]),
        (pa.array(repeat("b", "a"), pa.large_string()), ("a", "b"), [1, 0]),
        (pa.array(repeat("b", "a"), pa.string_view()), ("a", "b"), [1, 0]),
        (pa.array(repeat(b"b", b"a")), ("a", "b"), [1, 0]),
        (pa.array(repeat("10", "9")), ("9", "10"), [1, 0]),
        (pa.array(repeat(True, False, None)), ("false", "true"), [1, 0, None]),
        (pa.array(repeat("b", "", "a", None)), ("a", "b"), [1, None, 0, None]),
        (pa.array(repeat("n\u0303", "o")), ("o", "\u00f1"), [1, 0]),
    ],
)
def test_label_source_values_of_any_type_become_classes(tmp_path, values, labels, first):
    folder = write_tables(tmp_path, {"label": values})
    task, names, ids = read_labels(folder)
    assert (task, names) == ("binary" if len(labels) == 2 else "multiclass", labels)
    assert ids[: len(first)] == first
    assert read_labels(folder, task=task) == read_labels(folder, labels=labels) == (task, names, ids)


@pytest.mark.parametrize(
    "values", [repeat(0.0, 1.0, 2.0), repeat(0, 1, 2), [decimal.Decimal(v) for v in repeat(0, 1, 2)]]
)
def test_label_source_whole_numbers_are_reported_and_can_be_a_regression(tmp_path, values, messages):
    folder = write_tables(tmp_path, {"label": values})
    assert read_labels(folder, task="regression") == ("regression", ("label",), [float(v) for v in values])
    assert not messages.messages
    read_labels(folder)
    read_labels(folder)
    assert len(messages.messages) == 1
    assert "3 different whole numbers" in messages.messages[0] and "--task regression" in messages.messages[0]


@pytest.mark.parametrize("values", [repeat(0.5, 1.0, None), [decimal.Decimal(v) for v in repeat("0.5", "1.0")]])
def test_label_source_fractions_are_a_regression_and_no_classes(tmp_path, values):
    folder = write_tables(tmp_path, {"label": values})
    assert read_labels(folder)[:2] == ("regression", ("label",))
    for task in ("binary", "multiclass"):
        with pytest.raises(TrazoError, match=rf"not whole, such as 0.5: regression, not {task}"):
            read_labels(folder, task=task)


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(19, 0)])
@pytest.mark.parametrize("name", ["label", "age"])
def test_label_source_very_many_whole_numbers_are_asked(tmp_path, name, kind):
    values = pa.array([i * 7 % 312 for i in range(400)]).cast(kind)
    folder = write_tables(tmp_path, {name: values, "image": [random_images(1)[0]] * 400})
    options = {"label_column": name, "image_column": "image"}
    with pytest.raises(TrazoError, match="312 different whole numbers in 400 rows: say --task regression"):
        read_labels(folder, **options)
    assert read_labels(folder, task="regression", **options)[:2] == ("regression", (name,))
    assert len(read_labels(folder, task="multiclass", **options)[1]) == 312


def test_label_source_ages_of_few_rows_are_asked(tmp_path):
    folder = write_tables(tmp_path, {"label": [i % 60 for i in range(200)], "image": [random_images(1)[0]] * 200})
    with pytest.raises(TrazoError, match="60 different whole numbers in 200 rows"):
        read_labels(folder, image_column="image")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (repeat("cat", "Cat"), "'Cat' and 'cat' differ only in case or spaces"),
        (repeat("cat", "cat ", "dog"), "'cat' and 'cat ' differ only in case or spaces"),
        (repeat("\u00e9", "e\u0301", "a"), "is spelled in several ways in Unicode: one class"),
        (repeat("a", "b", "NaN"), "'NaN' is a class"),
        (repeat(-1, 0, 1), "'-1' is a class"),
    ],
)
def test_label_source_values_that_may_mean_the_same_are_reported(tmp_path, values, message, messages):
    read_labels(write_tables(tmp_path, {"label": values}))
    assert any(message in line for line in messages.messages)


@pytest.mark.parametrize("kind", [pa.int64(), pa.int8(), pa.float64(), pa.decimal128(19, 0), pa.string()])
def test_label_source_class_names_of_the_readme_apply_to_any_stored_type(tmp_path, kind):
    values = pa.array(repeat("dog", "cat", None)) if kind == pa.string() else pa.array(repeat(1, 0, None)).cast(kind)
    folder = write_tables(tmp_path, {"label": values})
    write_readme(tmp_path, "  - name: label\n    dtype: {class_label: {names: {'0': cat, '1': dog}}}\n")
    task, names, ids = read_labels(folder)
    assert (task, names, ids[:3]) == ("binary", ("cat", "dog"), [1, 0, None])
    _, names, ids = read_labels(folder, labels=("dog", "cat"))  # those of a model
    assert (names, ids[:3]) == (("dog", "cat"), [0, 1, None])


# --- Columns that are not used ---

UNUSED = {
    "map": pa.array(repeat([("k", "v")]), pa.map_(pa.string(), pa.string())),
    "uuid": pa.array([uuid.UUID(int=i).bytes for i in range(ROWS)], pa.uuid()),
    "float16": pa.array(repeat(0.5), pa.float16()),
    "json": pa.array(repeat("{}"), pa.json_(pa.string())),
    "tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((ROWS, 2, 2))),
    "nested": pa.array(repeat([{"a": [1]}])),
    "duration": pa.array(repeat(datetime.timedelta(1))),
    "decimal": pa.array([decimal.Decimal(1)] * ROWS, pa.decimal256(50, 0)),
    "nothing": pa.nulls(ROWS),
    "map in struct": pa.array(repeat({"m": [("k", 1)]}), pa.struct([("m", pa.map_(pa.string(), pa.int64()))])),
}


@pytest.mark.parametrize("name", UNUSED)
def test_label_source_unused_column_may_have_any_type(tmp_path, name):
    folder = write_tables(tmp_path, {"label": repeat(0, 1), "extra": UNUSED[name]})
    stream = HubStream(folder)
    assert (stream.image_column, stream.label_column) == ("image", "label")
    assert sum(len(batch.labels) for batch in stream.ordered()) == ROWS


def test_group_ids_column_of_uuids_groups_rows(tmp_path):
    column = pa.array([uuid.UUID(int=i // 3).bytes for i in range(ROWS)], pa.uuid())
    folder = write_tables(tmp_path, {"label": repeat(0, 1), "patient": column})
    groups = HubStream(folder).sources[0].group_ids("patient")
    assert len(set(groups)) == ROWS // 3 and (groups[::3] == groups[2::3]).all()


def write_readme(folder, features):
    (folder / "README.md").write_text(f"---\ndataset_info:\n  features:\n{features}---\n")


@pytest.mark.parametrize("where", ["file", "README"])
def test_label_source_unknown_feature_of_an_unused_column_does_not_matter(tmp_path, where):
    folder = write_tables(tmp_path, {"label": repeat(0, 1), "depth": repeat(0, 1)})
    if where == "file":
        path = next(tmp_path.rglob("*.parquet"))
        names = {"label": {"names": ["a", "b"], "_type": "ClassLabel"}, "depth": {"_type": "Hologram"}}
        known = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}, **names}}})}
        pq.write_table(pq.read_table(path).replace_schema_metadata(known), path)
    else:
        label = "  - name: label\n    dtype: {class_label: {names: {'0': a, '1': b}}}\n"
        write_readme(tmp_path, f"{label}  - name: depth\n    dtype: hologram\n  - name: image\n    dtype: image\n")
    assert HubStream(folder).labels == ("a", "b")
    if where == "README":
        with pytest.raises(TrazoError, match=r"README.md declares column 'depth' .* 'Hologram' not found"):
            HubStream(folder, label_column="depth")


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (repeat(0, 1, -1), "'-1' is a class; leave the value empty if it means no label"),
        (repeat(3, 7), "holds 2 different whole numbers: they are taken as classes; --task regression"),
        (repeat("a", "A", "b"), "differ only in case or spaces"),
        (repeat("0.5", "1.5", "2.25"), "holds numbers as text: they are taken as classes"),
    ],
)
def test_label_source_keeps_what_is_not_certain_about_the_labels(tmp_path, messages, values, note):
    labeled = label_source(open_source(write_tables(tmp_path, {"label": values}), "train"), ColumnOptions())
    assert note in " ".join(labeled.notes) and all(one in messages.text for one in labeled.notes)


@pytest.mark.parametrize("values", [repeat("a", "b"), repeat("1", "2"), repeat(True, False)])
def test_label_source_certain_labels_have_no_note(tmp_path, values):
    assert label_source(open_source(write_tables(tmp_path, {"label": values}), "train"), ColumnOptions()).notes == ()


def test_choose_label_column_renamed_in_a_file_says_so(tmp_path):
    folder = write_tables(tmp_path, {"label": repeat("a", "b")}, {"Label": repeat("a", "b")})
    with pytest.raises(TrazoError, match=r"no column that can hold labels.*train-\S+ has no column 'label'"):
        HubStream(folder)


def test_choose_label_column_missing_in_the_test_split_says_what_to_do(tmp_path):
    folder = write_tables(tmp_path, {"label": repeat("a", "b")})
    write_tables(tmp_path, {"image": image_structs(random_images(3))}, split="test")
    with pytest.raises(TrazoError, match=r"split 'test', has no column .* --test-split held-out"):
        HubStream(folder, "test", labels=("a", "b"))


def test_read_number_without_a_declared_class_is_refused(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})
    folder = write_dataset(tmp_path, features, [{"image": random_images(6), "label": [0, 1, 0, 1, 0, 1]}])
    (path,) = tmp_path.rglob("*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, table.schema.field(1), [pa.array([0, 1, -1, 1, 5, 1])]), path)
    with pytest.raises(TrazoError, match=r"holds the number 5, but only 2 classes are declared for it \(cat, dog\)"):
        read_labels(folder)
