"""Parquet copies of splits in other formats."""

import io
import logging
import resource
import sys
import tarfile
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from datasets import Features, Image, Value
from PIL import Image as Pillow

from model.errors import TrazoError
from tests.support.datasets import random_images
from training.pipeline import make_eval_data
from training.stream import HubStream


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "trazo")
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    """Images in one folder per class, as people keep them."""
    for split, count in (("train", 130), ("test", 5)):
        for seed, name in enumerate(("cat", "dog")):
            place = tmp_path / "animals" / split / name
            place.mkdir(parents=True)
            for number, content in enumerate(random_images(count, seed=seed)):
                (place / f"{number:03}.png").write_bytes(content)
    return tmp_path / "animals"


def test_copy_image_folder_streams_in_exact_order(folder, caplog):
    stream = HubStream(str(folder), batch_size=32, window_rows=100, window_runs=2)
    assert "260 images, is copied to" in caplog.text
    assert stream.labels == ("cat", "dog") and stream.task == "binary" and stream.rows == 260
    assert stream.source.splits == ("train", "test") and stream.source.dataset == str(folder)
    whole = [batch.index.tolist() for batch in stream.epoch(0)]
    assert sorted(chain(*whole)) == list(range(260)) and list(chain(*whole)) != list(range(260))
    assert [batch.index.tolist() for batch in stream.epoch(0, start=5)] == whole[5:]
    images, labels = (np.concatenate(column) for column in zip(*make_eval_data(stream), strict=True))
    for label, name in enumerate(("cat", "dog")):
        files = sorted((folder / "train" / name).iterdir())
        expected = np.stack([np.asarray(Pillow.open(file)) for file in files])
        np.testing.assert_array_equal(images[labels == label, ..., 0], expected)


def test_copy_interrupted_is_not_used(tmp_path, cache, monkeypatch):
    import training.data.parquet.convert as convert

    tables = convert._tables

    def broken(stream, check):
        yield next(tables(stream, check))
        raise ConnectionError("gone")

    monkeypatch.setattr(convert, "_tables", broken)
    folder = tmp_path / "archives"
    write_tar(folder / "train-000.tar", 20)
    with pytest.raises(TrazoError, match="cannot be reached"):
        HubStream(str(folder))
    assert not list(cache.rglob("*.parquet")) and not list(cache.rglob("unfinished-*"))
    monkeypatch.undo()
    monkeypatch.setenv("TRAZO_CACHE", str(cache))
    assert HubStream(str(folder), label_column="cls").rows == 20


def test_copy_split_of_any_name_is_found(folder):
    names = "- config_name: default\n  data_files:\n  - split: {0}\n    path: test/**".format
    for name in ("extra", "val"):
        (folder / "README.md").write_text(f"---\nconfigs:\n{names(name)}\n---\n")
        stream = HubStream(str(folder), name)
        assert stream.rows == 10 and stream.source.split == name and stream.source.splits == (name,)


def write_tar(path, rows, shape=(8, 8)):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number, content in enumerate(random_images(rows, shape)):
            for suffix, data in (("png", content), ("cls", str(number % 3).encode())):
                entry = tarfile.TarInfo(f"{number:04}.{suffix}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))


def test_copy_webdataset_is_read(tmp_path):
    write_tar(tmp_path / "train-000.tar", 20)
    stream = HubStream(str(tmp_path), label_column="cls")
    assert stream.rows == 20 and stream.labels == ("0", "1", "2")
    ((images, labels),) = make_eval_data(stream)
    assert images.shape == (20, 8, 8, 1) and labels.numpy().tolist() == [number % 3 for number in range(20)]


def test_copy_large_images_bounds_row_groups_in_bytes(tmp_path):
    path = tmp_path / "archives" / "train-000.tar"
    write_tar(path, 12, (1200, 1200))
    stream = HubStream(str(path.parent), label_column="cls")
    assert stream.source.table.rows.tolist() == [5, 5, 2]  # 1.4 MB each, 8 MiB a row group
    write_tar(path, 250)
    assert HubStream(str(path.parent), label_column="cls").source.table.rows.tolist() == [100, 100, 50]


def test_copy_table_without_images_is_error(tmp_path, cache):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "train.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TrazoError, match=r"stored as \.csv and no column .* refs/convert/parquet"):
        HubStream(str(tmp_path / "table"))
    assert not (cache / "parquet").exists()


def write_arrow(path, images):
    """Write a file as `datasets` does, but with compressed buffers: zeros take next to nothing."""
    path.parent.mkdir(exist_ok=True)
    schema = Features({"image": Image(), "label": Value("int64")}).arrow_schema
    columns = {
        "image": [{"bytes": one, "path": None} for one in images],
        "label": ([0, 1] * len(images))[: len(images)],
    }
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(path, schema, options=options) as writer:
        writer.write_table(pa.table(columns, schema))


def write_sparse_tar(path, size):
    """Write an archive with an image, whose label is a hole in the file."""
    write_tar(path, 1)
    end = path.read_bytes().rindex(b"0000.cls")
    with open(path, "r+b") as file:
        file.seek(end)
        entry = tarfile.TarInfo("0000.cls")
        entry.size = size
        file.write(entry.tobuf())
        file.truncate(end + 512 + -(-size // 512) * 512 + 1024)


def test_copy_arrow_is_read(tmp_path):
    write_arrow(tmp_path / "arrow" / "train.arrow", random_images(20))
    assert HubStream(str(tmp_path / "arrow")).rows == 20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no limit of a process' memory")
@pytest.mark.parametrize("kind", ["arrow", "webdataset"])
def test_copy_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("training.data.parquet.source.MAX_COPY_MB", 200)
    folder = tmp_path / "bomb"
    if kind == "arrow":
        write_arrow(folder / "train.arrow", [bytes(300_000_000)])
    else:
        write_sparse_tar(folder / "train-000.tar", 400_000_000)
    with pytest.raises(TrazoError, match="cannot be copied to Parquet: a part of it takes more than 200 MB of memory"):
        HubStream(str(folder), label_column="cls" if kind == "webdataset" else None)
    assert resource.getrlimit(resource.RLIMIT_AS) == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
