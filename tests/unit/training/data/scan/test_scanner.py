"""One pass over a split: what it finds, its cache, and its resume."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Image, Value

from model.errors import StreamError
from model.preprocess.facts import choose_pixel_format
from tests.support.datasets import png, random_images, write_dataset
from training.data.cache import list_cache, remove_entries
from training.data.image_shape import choose_image_shape
from training.data.scan import scanner
from training.data.scan.index import SplitIndex
from training.data.scan.scanner import scan_folder, scan_split
from training.stream import HubStream

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path_factory.mktemp("cache")))


def scan(folder) -> SplitIndex:
    return scan_split(HubStream(str(folder)).sources[0])


def test_scan_every_row_is_recorded_usable_or_not(tmp_path):
    images = [*random_images(4), {"bytes": b"no image", "path": "notes.png"}, None]
    images += [png(np.zeros((9, 7), np.uint8)), png(np.full((5, 5, 3), (9, 99, 9), np.uint8))]
    folder = write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0, 1, 0, -1, 1, 0, 1, 1]}])
    index = scan(folder)
    assert index.rows == 8 and index.labels.tolist() == [0, 1, 0, -1, 1, 0, 1, 1]
    assert index.usable.tolist() == [True, True, True, False, False, False, True, True]
    assert list(index.problems) == [4] and "not an image of a known format" in index.problems[4]
    assert (index.facts["height"][6], index.facts["width"][6], index.facts["channels"][7]) == (9, 7, 3)
    assert index.class_counts(2).tolist() == [2, 3]


def test_scan_second_time_reads_no_row(tmp_path, monkeypatch):
    folder = write_dataset(tmp_path, CLASSES, [{"image": random_images(5), "label": [0, 1, 0, 1, 0]}])
    first = scan(folder)
    monkeypatch.setattr(scanner, "_scan", lambda *_: pytest.fail("scanned again"))
    again = scan(folder)
    assert (again.facts == first.facts).all() and again.fingerprint == first.fingerprint


def test_scan_changed_labels_in_a_file_of_equal_size_are_found(tmp_path):
    images = random_images(6)
    folder = write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0, 1, 0, 1, 0, 1]}])
    (path,) = tmp_path.rglob("*.parquet")
    table = pq.read_table(path)
    pq.write_table(table, path)
    before, size = scan(folder), path.stat().st_size
    labels = 1 - table["label"].to_numpy()
    pq.write_table(table.set_column(1, table.schema.field(1), [labels]), path)
    after = scan(folder)
    assert path.stat().st_size == size and after.labels.tolist() == labels.tolist()
    assert after.fingerprint != before.fingerprint and (after.facts == before.facts).all()


def test_scan_equal_rows_elsewhere_have_the_same_fingerprint(tmp_path):
    columns = {"image": random_images(6), "label": [0, 1, 0, 1, 0, 1]}
    one = write_dataset(tmp_path / "one", CLASSES, [columns])
    halves = [{name: values[part] for name, values in columns.items()} for part in (slice(0, 2), slice(2, 6))]
    other = write_dataset(tmp_path / "other", CLASSES, halves)
    assert scan(one).fingerprint == scan(other).fingerprint


@pytest.mark.parametrize("batch_rows", [4, 5])
def test_scan_interrupted_continues_where_it_stopped(tmp_path, monkeypatch, batch_rows):
    monkeypatch.setattr(scanner, "BATCH_ROWS", batch_rows)
    monkeypatch.setattr(scanner, "MIN_PART_S", 0.0)
    folder = write_dataset(tmp_path, CLASSES, [{"image": random_images(22), "label": [0, 1] * 11}])
    whole = scan_split(HubStream(folder).sources[0])
    kept = scan_folder(HubStream(folder).sources[0])
    (kept / "index.npz").unlink()

    start_at, scan_rows = [], scanner._scan

    def stop_after_three(labeled, start):
        start_at.append(start)
        for number, part in enumerate(scan_rows(labeled, start)):
            if number == 3 and len(start_at) == 1:
                raise StreamError("the Hub is gone")
            yield part

    monkeypatch.setattr(scanner, "_scan", stop_after_three)
    with pytest.raises(StreamError):
        scan(folder)
    monkeypatch.setattr(scanner, "BATCH_ROWS", 4)  # what was kept does not depend on the batches
    index = scan(folder)
    assert start_at == [0, 3 * batch_rows]
    assert (index.facts == whole.facts).all() and (index.labels == whole.labels).all()
    assert [path.name for path in kept.iterdir()] == ["index.npz"]


def test_scan_of_which_the_cache_is_cleared_meanwhile_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scanner, "BATCH_ROWS", 4)
    monkeypatch.setattr(scanner, "MIN_PART_S", 0.0)
    folder = write_dataset(tmp_path / "data", CLASSES, [{"image": random_images(9), "label": [0, 1, 0] * 3}])
    scan_rows = scanner._scan

    def clear_between(labeled, start):
        for part in scan_rows(labeled, start):
            yield part
            remove_entries(list_cache())

    monkeypatch.setattr(scanner, "_scan", clear_between)
    assert scan(folder).rows == 9
    assert [(entry.kind, entry.name) for entry in list_cache()] == [("scans", folder)]


def test_scan_damaged_index_is_made_again(tmp_path):
    folder = write_dataset(tmp_path, CLASSES, [{"image": random_images(5), "label": [0, 1, 0, 1, 0]}])
    first = scan(folder)
    path = scan_folder(HubStream(folder).sources[0]) / "index.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert scan(folder).fingerprint == first.fingerprint


def test_scan_regression_targets_are_kept(tmp_path):
    features = Features({"image": Image(), "target": Value("float64")})
    folder = write_dataset(tmp_path, features, [{"image": random_images(3), "target": [0.5, None, -2.0]}])
    index = scan(folder)
    assert index.labels.dtype == np.float32 and index.has_label.tolist() == [True, False, True]


def test_index_distinct_facts_are_those_of_each_row_counted(tmp_path):
    images = [*random_images(3), *random_images(2, (5, 6, 3)), {"bytes": b"no image", "path": "a.png"}]
    index = scan(write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0, 1] * 3}]))
    facts, counts = index.distinct_facts(index.readable)
    assert counts.sum() == 5 and counts[facts["channels"] == 3].sum() == 2
    assert (index.facts["content"] == index.content).all() and len(set(index.content.tolist())) == 6


def test_choose_image_shape_and_pixel_format_of_counted_facts_are_those_of_all(tmp_path):
    images = [*random_images(5), *random_images(4, (9, 9, 4))]
    index = scan(write_dataset(tmp_path, CLASSES, [{"image": images, "label": [0] * 9}]))
    facts, counts = index.distinct_facts(index.readable)
    shape = choose_image_shape(facts, counts=counts)
    assert shape == choose_image_shape(index.facts) and (shape.shape, shape.other_size) == ((8, 8, 1), 4 / 9)
    assert choose_pixel_format(facts, counts) == choose_pixel_format(index.facts)
