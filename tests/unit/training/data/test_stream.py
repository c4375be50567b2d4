"""`HubStream` on local folders."""

import functools
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Image, Value, load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import TrazoError
from tests.conftest import SAMPLE
from tests.support.datasets import random_images, write_dataset
from training.data.dataset import RowDataset
from training.data.parquet.source import open_source
from training.stream import HubStream

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog", "owl"])})


@pytest.fixture(scope="module")
def sharded(tmp_path_factory) -> Iterator[str]:
    """Three shards of 23, 40 and 5 rows, in row groups of 10."""
    shards = []
    for shard, rows in enumerate((23, 40, 5)):
        shards.append({"image": random_images(rows, seed=shard), "label": [(shard + row) % 3 for row in range(rows)]})
    folder = write_dataset(tmp_path_factory.mktemp("sharded"), CLASSES, shards)
    with pytest.MonkeyPatch.context() as patch:  # opened once, which takes most of the time
        patch.setattr("training.data.stream.open_source", functools.cache(open_source))
        yield folder


def ids(batches) -> list[int]:
    return [int(row) for batch in batches for row in batch.index]


def test_stream_sample_has_its_schema_and_sizes():
    stream = HubStream(SAMPLE, batch_size=128)
    assert stream.labels == tuple("0123456789")
    assert isinstance(stream.features["image"], Image) and isinstance(stream.features["label"], ClassLabel)
    assert (stream.task, stream.rows, len(stream)) == ("multiclass", 3500, 28)
    assert len(HubStream(SAMPLE, "test", batch_size=128)) == 8


def test_epoch_rows_match_datasets(sharded):
    """Row ids count over the split in file order, as `datasets` itself reads it."""
    expected = load_dataset(sharded, split="train", streaming=True).decode(False)
    expected = [(row["image"]["bytes"], row["label"]) for row in expected]
    seen = {}
    for batch in HubStream(sharded, batch_size=7).epoch(0):
        for image, label, row in zip(batch.images, batch.labels, batch.index, strict=True):
            seen[int(row)] = (image, int(label))
    assert [seen[row] for row in range(68)] == expected


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 3), st.integers(0, 3), st.integers(1, 80), st.integers(1, 5), st.integers(0, 70), st.integers(1, 90)
)
def test_epoch_resumed_or_sharded_keeps_order(sharded, seed, epoch, batch_size, world_size, start, window_rows):
    options = {"seed": seed, "batch_size": batch_size, "window_rows": window_rows, "window_runs": 3}
    stream = HubStream(sharded, **options)
    whole = [batch.index.tolist() for batch in stream.epoch(epoch)]
    assert sorted(list(chain(*whole))) == list(range(68))
    assert [len(rows) for rows in whole[:-1]] == [batch_size] * (len(stream) - 1)
    assert len(whole) == len(stream)
    resumed = list(stream.epoch(epoch, start=start))
    assert [batch.index.tolist() for batch in resumed] == whole[start:]
    assert [batch.number for batch in resumed] == list(range(start, len(stream)))
    workers = [HubStream(sharded, **options, rank=r, world_size=world_size).epoch(epoch) for r in range(world_size)]
    for rows, *slices in zip(whole, *workers, strict=True):
        assert sorted(chain(*(part.index.tolist() for part in slices))) == sorted(rows)
        assert all(part.index.tolist() == [rows[position] for position in part.positions] for part in slices)
        assert max(len(part.index) for part in slices) - min(len(part.index) for part in slices) <= 1


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 3),
    st.integers(0, 70),
    st.one_of(st.none(), st.integers(1, 70)),
    st.integers(1, 90),
    st.data(),
)
def test_epochs_match_single_epochs(sharded, batch_size, world_size, start, steps, window_rows, data):
    rank = data.draw(st.integers(0, world_size - 1))
    stream = HubStream(sharded, batch_size=batch_size, rank=rank, world_size=world_size, window_rows=window_rows)
    stop = min(steps or len(stream), len(stream))
    alone = [batch for epoch in (2, 3, 4) for batch in list(stream.epoch(epoch))[:stop]]
    expected = [(batch.number, batch.index.tolist()) for batch in alone]
    found = [(batch.number, batch.index.tolist()) for batch in stream.epochs(range(2, 5), start, steps)]
    assert found == expected[min(start, stop) :]


def recorded(folder: str, monkeypatch) -> tuple[HubStream, list]:
    """A stream of small windows, and the runs that it reads."""
    read: list = []
    read_run = RowDataset.read_run
    monkeypatch.setattr(RowDataset, "read_run", lambda self, one: (read.append(one.run), read_run(self, one))[1])
    return HubStream(folder, batch_size=8, window_rows=20, window_runs=2), read


def test_epochs_next_epoch_is_prefetched(sharded, monkeypatch):
    stream, read = recorded(sharded, monkeypatch)
    list(stream.epoch(0))
    alone = len(read)
    read.clear()
    batches = stream.epochs(range(2))
    for _ in range(len(stream)):
        next(batches)
    deadline = time.monotonic() + 20
    while len(read) <= alone and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(read) > alone
    batches.close()


def test_epoch_start_reads_only_needed_windows(sharded, monkeypatch):
    stream, read = recorded(sharded, monkeypatch)
    list(stream.epoch(0))
    everything = len(read)
    read.clear()
    list(stream.epoch(0, start=len(stream) - 1))
    assert 0 < len(read) <= everything / 2
    read.clear()
    assert list(stream.epoch(0, start=len(stream))) == [] and read == []


def test_window_bytes_limits_window_rows(sharded):
    stream = HubStream(sharded, window_bytes=2000)
    assert 1 <= stream.window_rows < 68 / 2
    assert sorted(ids(stream.epoch(0))) == list(range(68))


def test_epoch_order_differs_by_seed_and_epoch(sharded):
    orders = [tuple(ids(HubStream(sharded, seed=seed).epoch(epoch))) for seed in (0, 1) for epoch in (0, 1)]
    assert len(set(orders)) == 4


def test_hold_out_is_independent_of_seed(sharded):
    parts = [HubStream(sharded, seed=seed, batch_size=5).hold_out(0.25) for seed in (0, 9)]
    for train, validation in parts:
        assert sorted(ids(train.epoch(0)) + ids(validation.epoch(0))) == list(range(68))
        assert ids(validation.ordered()) == sorted(ids(validation.ordered()))
        assert len(ids(train.epoch(1))) == train.rows
    assert ids(parts[0][1].ordered()) == ids(parts[1][1].ordered())
    with pytest.raises(TrazoError, match="between 0 and 1"):
        HubStream(sharded).hold_out(1.5)


def test_ordered_small_held_out_part_is_cached(sharded, monkeypatch):
    _, validation = HubStream(sharded, batch_size=5).hold_out(0.25)
    first = [batch.images for batch in validation.ordered()]
    monkeypatch.setattr(validation.source.__class__, "read", None)
    assert [batch.images for batch in validation.ordered()] == first


def test_epoch_missing_image_or_label_is_skipped(tmp_path):
    columns = {"image": random_images(6), "label": [0, 1, 2, 0, 1, 2]}
    columns["image"][1] = None
    columns["label"][4] = None
    folder = write_dataset(tmp_path, CLASSES, [columns])
    stream = HubStream(folder, batch_size=4)
    batches = list(stream.epoch(0))
    assert sorted(ids(batches)) == [0, 2, 3, 5]
    assert stream.skipped == {1: "no image", 4: "no label"}
    assert len(batches) == 2
    with pytest.raises(TrazoError, match="row 1 .* no image"):
        list(HubStream(folder, on_error="raise").ordered())


def test_stream_shards_with_other_columns_is_error(tmp_path):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    shards = [{"image": random_images(4), "label": [0, 1, 0, 1]} for _ in range(2)]
    folder = Path(write_dataset(tmp_path, features, shards))
    second = sorted(folder.rglob("*.parquet"))[1]
    pq.write_table(pq.read_table(second).drop_columns("label"), second)
    with pytest.raises(TrazoError, match="00001.* has no column 'label', .*00000.* has one"):
        HubStream(str(folder))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("README.md", "---\nconfigs: [\n---\n", "while parsing"),
        ("README.md", "---\nconfigs: 3\n---\n", "configs"),
    ],
)
def test_stream_invalid_card_is_one_line_error(tmp_path, name, content, message):
    features = Features({"image": Image(), "label": ClassLabel(names=["a", "b"])})
    folder = write_dataset(tmp_path, features, [{"image": random_images(4), "label": [0, 1, 0, 1]}])
    (Path(folder) / name).write_text(content)
    with pytest.raises(TrazoError, match=message) as caught:
        HubStream(folder)
    assert "\n" not in str(caught.value)


def test_ordered_target_not_finite_is_skipped(tmp_path):
    features = Features({"image": Image(), "label": Value("float32")})
    columns = {"image": random_images(4), "label": [1.5, float("nan"), float("inf"), None]}
    stream = HubStream(write_dataset(tmp_path, features, [columns]))
    assert ids(stream.ordered()) == [0]
    assert stream.skipped == dict.fromkeys((1, 2, 3), "no label that is a finite number")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "validation"}, "has no split 'validation'; it has train, test"),
        ({"config": "other"}, "'other' not found"),
        ({"image_column": "photo"}, "no image column 'photo'; it has image"),
        ({"label_column": "name"}, "no label column 'name'; possible: label"),
        ({"batch_size": 0}, "do not fit together"),
        ({"rank": 2, "world_size": 2}, "do not fit together"),
        ({"on_error": "ignore"}, "skip or raise"),
        ({"dataset": "no/such/thing"}, "neither a folder here nor a dataset id"),
    ],
)
def test_stream_unknown_option_names_what_exists(options, message):
    with pytest.raises(TrazoError, match=message) as caught:
        HubStream(**{"dataset": SAMPLE} | options)
    assert "\n" not in str(caught.value)


def test_stream_folder_without_data_is_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrazoError, match="no data files|empty"):
        HubStream(str(tmp_path / "empty"))
    write_dataset(tmp_path / "cut", CLASSES, [{"image": random_images(30), "label": [0] * 30}])
    (path,) = (tmp_path / "cut").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TrazoError, match="not a Parquet file, or is cut short"):
        HubStream(str(tmp_path / "cut"))


def test_epoch_damaged_row_group_is_error(tmp_path):
    folder = write_dataset(tmp_path, CLASSES, [{"image": random_images(30), "label": [0] * 30}])
    (path,) = tmp_path.rglob("*.parquet")
    begin = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[begin : begin + 40] = b"\xff" * 40
    path.write_bytes(data)
    with pytest.raises(TrazoError, match="damaged in row groups"):
        list(HubStream(folder).epoch(0))
