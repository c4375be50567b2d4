"""What each of several workers requests from the Hub, and reads from a folder."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from datasets import ClassLabel, Features, Image

from tests.support.datasets import random_images, write_dataset
from tests.support.fake_hub import LoopbackHub
from training.data.batch_order import BatchOrder, WindowSize
from training.data.parquet.byte_ranges import HttpOptions
from training.data.subset import Subset
from training.stream import HubStream

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})
ROWS, ROWS_PER_GROUP, MISSING = 4_000, 10, 5  # row `MISSING` has no image
IMAGE_PX = 48  # random pixels: 70 kB in a row group, more than is read only to save a request
OPTIONS = {"seed": 1, "batch_size": 128, "window_rows": 2_000, "window_runs": 32}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    # 200 different images are enough: what is counted does not depend on them.
    images = random_images(200, (IMAGE_PX, IMAGE_PX, 3)) * (ROWS // 200)
    images[MISSING] = None
    columns = {"image": images, "label": [0, 1] * (ROWS // 2)}
    return write_dataset(tmp_path_factory.mktemp("folder"), CLASSES, [columns], ROWS_PER_GROUP)


@pytest.fixture
def hub(tmp_path, use_hub, folder) -> Iterator[LoopbackHub]:
    with LoopbackHub(tmp_path / "hub") as hub:
        hub.add_repo("someone/pets", folder=Path(folder))
        use_hub(hub, tmp_path)
        yield hub


def measure(hub: LoopbackHub, rank: int, world_size: int, **options) -> tuple[int, int, list[list[int]]]:
    """Return a worker's requests and bytes in an epoch, and the rows of each of its batches."""
    stream = HubStream("someone/pets", rank=rank, world_size=world_size, **OPTIONS, **options)
    before = len(hub.log)
    rows = [batch.index.tolist() for batch in stream.epoch(0)]
    log = hub.log[before:]
    assert all(request.range and request.method == "GET" for request in log)
    sent = {(request.path, request.range): request.sent for request in log}  # the client repeats what failed
    return len(sent), sum(sent.values()), rows


def test_epoch_each_worker_requests_its_part_from_the_hub(hub):
    requests, size, whole = measure(hub, 0, 1)
    for workers, most in ((2, 0.68), (4, 0.55)):
        measured = [measure(hub, rank, workers) for rank in range(workers)]
        for number, rows in enumerate(whole):
            slices = [batches[number] for _, _, batches in measured]
            assert sorted(row for part in slices for row in part) == sorted(rows)
        assert max(sent for _, sent, _ in measured) < most * size
        assert max(count for count, _, _ in measured) < most * requests + 4
        # Each part of a run that is to be read is one request, so that what is needed can be counted without a Hub.
        table = HubStream("someone/pets", **OPTIONS).source.table
        for rank, (count, *_) in enumerate(measured):
            order = BatchOrder(1, 128, rank, workers, WindowSize(2_000, 3 << 25, 32))
            spans = order.shuffled_spans(table, Subset(), 0, 0, len(whole))
            assert count == sum(len(span.used.reads) for span in spans)


def test_ordered_workers_request_each_row_group_once_from_the_hub(hub):
    def ordered(rank: int, world_size: int) -> tuple[int, list[list[int]]]:
        stream = HubStream("someone/pets", rank=rank, world_size=world_size, **OPTIONS)
        before = len(hub.log)
        rows = [batch.index.tolist() for batch in stream.ordered()]
        return sum(request.sent for request in hub.log[before:]), rows

    size, whole = ordered(0, 1)
    measured = [ordered(rank, 4) for rank in range(4)]
    assert [sorted(chain(*slices)) for slices in zip(*(rows for _, rows in measured), strict=True)] == whole
    assert sum(sent for sent, _ in measured) == pytest.approx(size, rel=0.02)


def test_epoch_resumed_with_other_workers_visits_the_rest_once(hub):
    kill_at = 9
    seen = [rows for rank in range(2) for rows in measure(hub, rank, 2)[2][:kill_at]]
    for world_size in (3, 1):
        streams = [HubStream("someone/pets", rank=r, world_size=world_size, **OPTIONS) for r in range(world_size)]
        rest = [batch.index.tolist() for stream in streams for batch in stream.epoch(0, start=kill_at)]
        assert sorted(chain(*seen, *rest)) == [row for row in range(ROWS) if row != MISSING]


def test_epoch_skipped_row_is_reported_by_one_worker_and_leaves_its_position_free(folder):
    streams = [HubStream(folder, rank=rank, world_size=3, **OPTIONS) for rank in range(3)]
    whole = {batch.number: batch for batch in HubStream(folder, **OPTIONS).epoch(0)}
    for slices in zip(*(stream.epoch(0) for stream in streams), strict=True):
        positions = sorted(position for part in slices for position in part.positions.tolist())
        assert positions == whole[slices[0].number].positions.tolist()
    assert [stream.skipped for stream in streams].count({MISSING: "no image"}) == 1
    assert sum(len(stream.skipped) for stream in streams) == 1
    short = next(batch for batch in whole.values() if len(batch.index) == 127)
    assert len(set(range(128)) - set(short.positions.tolist())) == 1


def test_epoch_kept_rows_stay_with_their_worker(hub):
    """A worker reads about the same part of the dataset in every epoch: its disk keeps that part, not all of it."""
    stream = HubStream("someone/pets", rank=1, world_size=4, http=HttpOptions(cache_bytes=1 << 28), **OPTIONS)
    sent = []
    for epoch in range(3):
        before = len(hub.log)
        for _ in stream.epoch(epoch):
            pass
        sent.append(sum(request.sent for request in hub.log[before:]))
    assert sent[2] < 0.6 * sent[0]


def test_epoch_each_worker_reads_its_part_of_a_folder(folder, monkeypatch):
    from fsspec.implementations.local import LocalFileSystem

    read, cat_file = [], LocalFileSystem.cat_file

    def counted(self, path, start=None, end=None, **options):
        read.append(end - start)
        return cat_file(self, path, start, end, **options)

    monkeypatch.setattr(LocalFileSystem, "cat_file", counted)
    sizes = []
    for rank, world_size in ((0, 1), (0, 4), (1, 4), (2, 4), (3, 4)):
        stream = HubStream(folder, rank=rank, world_size=world_size, **OPTIONS)
        read.clear()
        for _ in stream.epoch(0):
            pass
        sizes.append(sum(read))
    assert max(sizes[1:]) < 0.55 * sizes[0]
