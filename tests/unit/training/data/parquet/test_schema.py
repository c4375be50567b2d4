"""Files of a split that disagree: joined in any order where that is safe; else one line with both files."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.errors import TrazoError
from tests.support.datasets import image_structs, random_images, write_tables
from training.stream import HubStream

ROWS = 12
NUMBERS = pa.array([0, 1] * 6)
TEXTS = pa.array(["a", "b"] * 6)
IMAGES = random_images(ROWS)
PLAIN = pa.array(IMAGES, pa.binary())


def class_labels(names, ids=NUMBERS):
    """A column `label` with class names in the file's metadata, as `datasets` writes it."""
    features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    return ids, {"huggingface": json.dumps({"info": {"features": features}})}


def values_of(shard):
    return shard[0] if isinstance(shard, tuple) else shard


def write(folder, shards):
    """Write one file per label column; one with metadata is (values, metadata)."""
    folder.mkdir()
    write_tables(folder, *({"label": values_of(shard)} for shard in shards))
    for path, shard in zip(sorted(folder.rglob("*.parquet")), shards, strict=True):
        if isinstance(shard, tuple):
            pq.write_table(pq.read_table(path).replace_schema_metadata(shard[1]), path)
    return str(folder)


def in_both_orders(tmp_path, shards):
    for number, order in enumerate(itertools.permutations(range(len(shards)))):
        yield order, write(tmp_path / str(number), [shards[k] for k in order])


@pytest.mark.parametrize(
    ("shards", "labels"),
    [
        ([NUMBERS.cast(pa.int32()), NUMBERS], ("0", "1")),
        ([NUMBERS.cast(pa.uint8()), NUMBERS], ("0", "1")),
        ([NUMBERS.cast(pa.uint64()), NUMBERS.cast(pa.int8())], ("0", "1")),
        ([NUMBERS.cast(pa.float64()), NUMBERS], ("0", "1")),
        ([NUMBERS.cast(pa.float32()), NUMBERS.cast(pa.decimal128(19, 0))], ("0", "1")),
        ([TEXTS, TEXTS.cast(pa.large_string())], ("a", "b")),
        ([TEXTS, TEXTS.dictionary_encode()], ("a", "b")),
        ([TEXTS, TEXTS.cast(pa.string_view())], ("a", "b")),
        ([TEXTS, pa.nulls(ROWS)], ("a", "b")),
        ([NUMBERS, pa.nulls(ROWS), NUMBERS.cast(pa.float64())], ("0", "1")),
        ([class_labels(["a", "b"]), class_labels(["a", "b"])], ("a", "b")),
        ([class_labels(["a", "b"]), class_labels(["a", "b", "c"], pa.array([2, 1] * 6))], ("a", "b", "c")),
        ([class_labels(["a", "b"]), class_labels(["a", "b"], pa.nulls(ROWS))], ("a", "b")),
        ([class_labels(["a", "b"]), class_labels(["a", "b"], NUMBERS.cast(pa.int32()))], ("a", "b")),
    ],
)
def test_join_schemas_types_that_agree_give_the_same_labels_in_any_order(tmp_path, shards, labels):
    for order, folder in in_both_orders(tmp_path, shards):
        stream = HubStream(folder)
        assert stream.labels == labels and stream.task != "regression"
        found = np.full(stream.rows, -1)
        for batch in stream.ordered():
            found[batch.index] = batch.labels
        values = [value for k in order for value in values_of(shards[k]).to_pylist()]
        if labels == ("0", "1"):
            assert found.tolist() == [-1 if value is None else int(value) for value in values]
        else:
            expected = [value if value is None or isinstance(value, str) else labels[value] for value in values]
            assert [labels[i] if i >= 0 else None for i in found] == expected


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.float32()])
def test_join_schemas_fractions_in_one_file_are_a_regression_in_any_order(tmp_path, kind):
    for _, folder in in_both_orders(tmp_path, [NUMBERS.cast(kind), pa.array([0.5] * ROWS)]):
        assert HubStream(folder).task == "regression"


@pytest.mark.parametrize(
    ("shards", "found"),
    [
        ([NUMBERS, TEXTS], ("int64", "string")),
        ([NUMBERS.cast(pa.float64()), TEXTS], ("double", "string")),
        ([NUMBERS, NUMBERS.cast(pa.bool_())], ("int64", "bool")),
        ([TEXTS, pa.array([["a"]] * ROWS)], ("string", "list<element: string>")),
        ([pa.nulls(ROWS), NUMBERS, TEXTS], ("int64", "string")),
        ([class_labels(["a", "b"]), class_labels(["b", "a"])], ("a, b", "b, a")),
        ([class_labels(["a", "b"]), class_labels(["a", "c", "b"])], ("a, b", "a, c, b")),
        ([class_labels(["a", "b"]), NUMBERS], ("classes a, b", "values without class names")),
    ],
)
def test_join_schemas_types_that_disagree_are_one_line_with_both_files(tmp_path, shards, found):
    for order, folder in in_both_orders(tmp_path, shards):
        with pytest.raises(TrazoError) as raised:
            HubStream(folder)
        message = str(raised.value)
        assert "\n" not in message and "'label'" in message and all(text in message for text in found)
        named = [position for position, k in enumerate(order) if not values_of(shards[k]).null_count]
        assert all(f"train-{position:05}" in message for position in named)


def test_join_schemas_missing_column_is_one_line_with_both_files(tmp_path):
    folder = write_tables(tmp_path, {"label": NUMBERS}, {"other": NUMBERS})
    with pytest.raises(TrazoError, match=r"00001-of.* has no column 'label', .*00000-of.* has one"):
        HubStream(folder)


@pytest.mark.parametrize("second", [{}, {"extra": TEXTS}, {"extra": pa.array([{"x": 1}] * ROWS)}])
def test_join_schemas_columns_that_are_not_used_may_differ(tmp_path, second):
    folder = write_tables(tmp_path, {"label": NUMBERS, "extra": NUMBERS}, {"label": NUMBERS, **second})
    stream = HubStream(folder)
    assert sum(len(batch.labels) for batch in stream.ordered()) == 2 * ROWS
    with pytest.raises(TrazoError, match="'extra'"):
        stream.sources[0].group_ids("extra")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (image_structs(IMAGES), PLAIN),
        (image_structs(IMAGES), PLAIN.cast(pa.large_binary())),
        (image_structs(IMAGES), pa.array([{"bytes": image} for image in IMAGES])),
        (image_structs(IMAGES), pa.nulls(ROWS)),
        (PLAIN, PLAIN.cast(pa.large_binary())),
        (PLAIN, pa.nulls(ROWS)),
        (image_structs(IMAGES), pa.array([{"bytes": None, "path": "a.png"}] * ROWS)),
    ],
)
def test_join_schemas_images_stored_in_different_ways_are_read(tmp_path, one, other):
    for number, shards in enumerate(([one, other], [other, one])):
        folder = write_tables(tmp_path / str(number), *({"image": image, "label": NUMBERS} for image in shards))
        stream = HubStream(folder)
        images = {}
        for batch in stream.ordered():
            images |= dict(zip(batch.index.tolist(), batch.images, strict=True))
        values = [value for shard in shards for value in shard.to_pylist()]
        expected = [value["bytes"] if isinstance(value, dict) else value for value in values]
        assert images == {row: image for row, image in enumerate(expected) if image}
        assert stream.row_name(ROWS).startswith(f"row {ROWS}")


@pytest.mark.parametrize("other", [pa.array(["https://example.org/0.jpg"] * ROWS), NUMBERS])
def test_join_schemas_images_in_one_file_only_are_one_line(tmp_path, other):
    for number, shards in enumerate(([PLAIN, other], [other, PLAIN])):
        folder = write_tables(tmp_path / str(number), *({"image": image, "label": NUMBERS} for image in shards))
        with pytest.raises(
            TrazoError, match=r"'image' holds \w+ in .*0000\d-.* and \w+ in .*0000\d-.*same type"
        ) as raised:
            HubStream(folder, image_column="image")
        assert "\n" not in str(raised.value)


def test_join_schemas_readme_with_other_order_of_classes_is_refused(tmp_path):
    folder = write(tmp_path / "data set", [class_labels(["a", "b"])])
    label = "  - name: label\n    dtype: {class_label: {names: {'0': b, '1': a}}}\n"
    (tmp_path / "data set" / "README.md").write_text(f"---\ndataset_info:\n  features:\n{label}---\n")
    with pytest.raises(TrazoError, match="the classes of column 'label' are a, b in .* and b, a in README.md"):
        HubStream(folder)
