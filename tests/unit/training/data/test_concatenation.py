"""Several datasets as one stream; free drawings among them; rows that stay together."""

import functools
import io
from itertools import chain

import numpy as np
import pytest
from datasets import ClassLabel, Features, Image, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from model.errors import TrazoError
from model.preprocess.sketch import sketch_to_input
from tests.conftest import SAMPLE
from tests.support.datasets import random_images, write_dataset, write_drawings
from training.data.decode import decoded_batches
from training.data.parquet.source import open_source
from training.pipeline import make_eval_data
from training.stream import HubStream


def features(*names: str) -> Features:
    return Features({"image": Image(), "label": ClassLabel(names=list(names))})


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three datasets: of 41, 23 and 7 rows, the second with its classes in another order, in two shards."""
    place = tmp_path_factory.mktemp("several")
    first = [{"image": random_images(41, seed=1), "label": [row % 3 for row in range(41)]}]
    images = random_images(23, seed=2)
    second = [
        {"image": images[a:b], "label": [row % 3 if row != 5 else None for row in range(a, b)]}
        for a, b in ((0, 12), (12, 23))
    ]
    third = [{"image": random_images(7, seed=3), "label": [0] * 7}]
    written = [
        write_dataset(place / "a", features("x", "y", "z"), first),
        write_dataset(place / "b", features("z", "x", "y"), second),
        write_dataset(place / "c", features("x", "y", "z"), third),
    ]
    with pytest.MonkeyPatch.context() as patch:  # opened once, which takes most of the time
        patch.setattr("training.data.stream.open_source", functools.cache(open_source))
        yield written


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(1, 80),
    st.integers(1, 4),
    st.integers(0, 75),
    st.integers(1, 90),
    st.sampled_from([0.0, 0.3]),
)
def test_concat_resumed_or_sharded_keeps_order(folders, seed, epoch, batch_size, world_size, start, window, share):
    def stream(rank: int = 0, world: int = 1) -> HubStream:
        options = {"seed": seed, "batch_size": batch_size, "window_rows": window, "window_runs": 3}
        joined = HubStream.concat([HubStream(folder, **options, rank=rank, world_size=world) for folder in folders])
        return joined.hold_out(share)[0] if share else joined

    alone = stream()
    whole = [batch.index.tolist() for batch in alone.epoch(epoch)]
    seen = sorted(chain(*whole))
    assert len(set(seen)) == len(seen) == alone.rows - len(alone.skipped)
    assert set(alone.skipped) <= {46}  # row 5 of the second dataset has no label
    assert share or seen == [row for row in range(71) if row != 46]
    assert [batch.index.tolist() for batch in stream().epoch(epoch, start=start)] == whole[start:]
    workers = [stream(rank, world_size).epoch(epoch) for rank in range(world_size)]
    for rows, *slices in zip(whole, *workers, strict=True):
        assert sorted(chain(*(part.index.tolist() for part in slices))) == sorted(rows)


def test_concat_rows_keep_image_and_class(folders):
    single = [HubStream(folder) for folder in folders]
    joined = HubStream.concat(single)
    assert joined.labels == ("x", "y", "z") and joined.rows == 71 and len(joined.sources) == 3
    expected = {}
    for first, stream in zip((0, 41, 64), single, strict=True):
        for batch in stream.ordered():
            for row, image, label in zip(batch.index, batch.images, batch.labels, strict=True):
                expected[first + int(row)] = (image, stream.labels[label])
    found = {}
    for batch in joined.epoch(1):
        for row, image, label in zip(batch.index, batch.images, batch.labels, strict=True):
            found[int(row)] = (image, joined.labels[label])
    assert found == expected and len(found) == 70
    assert joined.skipped == {46: "no label"}


def test_concat_single_stream_is_unchanged(folders):
    stream = HubStream(folders[0])
    assert HubStream.concat([stream]) is stream


LABELS = {
    "names": (ClassLabel(names=["false", "true"]), [0, 1, 0]),
    "texts": (Value("string"), ["false", "true", "false"]),
    "booleans": (Value("bool"), [False, True, False]),
}


@pytest.mark.parametrize("first", LABELS)
@pytest.mark.parametrize("second", LABELS)
def test_concat_label_column_types_are_combined(tmp_path, first, second):
    streams = []
    for number, kind in enumerate((first, second)):
        feature, labels = LABELS[kind]
        schema = Features({"image": Image(), "label": feature})
        streams.append(
            HubStream(write_dataset(tmp_path / str(number), schema, [{"image": random_images(3), "label": labels}]))
        )
    (batch,) = HubStream.concat(streams).ordered()
    assert batch.labels.tolist() == [0, 1, 0] * 2 and batch.labels.dtype == np.int64


def test_concat_other_classes_is_error(folders, tmp_path):
    other = write_dataset(tmp_path, features("x", "y"), [{"image": random_images(3), "label": [0, 1, 0]}])
    with pytest.raises(TrazoError, match=r"asks binary x, y; .* asks multiclass x, y, z"):
        HubStream.concat([HubStream(folders[0]), HubStream(other)])


@pytest.fixture(scope="module")
def drawings(tmp_path_factory) -> str:
    return write_drawings(tmp_path_factory.mktemp("drawings"))


def test_decode_sketches_match_sketch_to_input(drawings):
    sample = HubStream(SAMPLE, "test", batch_size=50)
    joined = HubStream.concat([sample, HubStream(drawings, sketches=True)])
    stored = {int(r): i for batch in joined.ordered() for r, i in zip(batch.index, batch.images, strict=True)}
    plain = {
        int(row): image
        for images, _, ids in decoded_batches(sample, sample.ordered(), (28, 28, 1))
        for row, image in zip(ids, images, strict=True)
    }
    seen = 0
    for images, _, ids in decoded_batches(joined, joined.ordered(), (28, 28, 1)):
        for row, image in zip(ids.tolist(), images, strict=True):
            if row < 1000:
                expected = plain[row]
            else:
                expected = sketch_to_input(Pillow.open(io.BytesIO(stored[row])), (28, 28, 1))
                seen += 1
            np.testing.assert_array_equal(image, expected)
    assert seen == 59 and joined.skipped == {1007: "nothing is drawn"}


def test_hold_out_with_groups_keeps_groups_together(drawings):
    stream = HubStream(drawings).with_groups("writer")
    rest, held_out = stream.hold_out(0.3)
    rest, validation = rest.hold_out(0.3)
    parts = [
        {row // 4 for batch in part.ordered() for row in batch.index.tolist()} for part in (rest, held_out, validation)
    ]
    assert sum(map(len, parts)) == 15 and set().union(*parts) == set(range(15))
    again = HubStream(drawings, seed=4).with_groups("writer").hold_out(0.3)[1]
    assert again.rows == held_out.rows and {r // 4 for b in again.epoch(0) for r in b.index.tolist()} == parts[1]
    with pytest.raises(TrazoError, match="no column 'hand'; its columns: image, label, writer"):
        HubStream(drawings).with_groups("hand")
    with pytest.raises(TrazoError, match="holds no single values"):
        HubStream(drawings).with_groups("image")
    with pytest.raises(TrazoError, match="before a stream is split"):
        rest.with_groups("writer")


def test_hold_out_missing_group_is_one_group(tmp_path):
    schema = Features({"image": Image(), "label": ClassLabel(names=["x", "y"]), "writer": Value("string")})
    writers = [None] * 10 + ["a", None, "b", "b", None] * 4
    columns = {"image": random_images(30), "label": [0, 1] * 15, "writer": writers}
    stream = HubStream(write_dataset(tmp_path, schema, [columns])).with_groups("writer")
    parts = [
        {writers[row] for batch in part.ordered() for row in batch.index.tolist()} for part in stream.hold_out(0.5)
    ]
    assert sorted(map(str, parts[0] | parts[1])) == ["None", "a", "b"] and not parts[0] & parts[1]


def test_eval_data_several_datasets_is_in_file_order(folders):
    joined = HubStream.concat([HubStream(folder) for folder in folders])
    labels = np.concatenate([labels.numpy() for _, labels in make_eval_data(joined)])
    assert len(labels) == 70 and labels[:4].tolist() == [0, 1, 2, 0] and labels[41:44].tolist() == [2, 0, 1]
