"""The cache is listed and cleared; what others keep there is not touched."""

import fcntl
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from datasets import ClassLabel, Features, Image

from model import TrazoError
from tests.support.datasets import random_images, write_dataset
from tests.support.folders import write_files
from training.cli import main
from training.data.cache import CacheEntry, choose_entries, format_bytes, format_cache, list_cache, remove_entries
from training.data.parquet.locks import LOCK, release
from training.data.parquet.row_cache import FILE_NAME, RowCache
from training.data.scan.scanner import scan_split
from training.stream import HubStream

CLASSES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TRAZO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pets(tmp_path, cache) -> str:
    """A folder of images that was opened and scanned."""
    images = {f"{name}/{n}.png": image for name in ("cat", "dog") for n, image in enumerate(random_images(5))}
    folder = write_files(tmp_path / "pets", images)
    scan_split(HubStream(folder).sources[0])
    for held in (cache / "parquet").glob("folder-*/*"):  # as after the end of the process that opened it
        release(held)
    return folder


@pytest.fixture
def table(tmp_path, cache) -> str:
    """A folder of Parquet files that was scanned."""
    folder = write_dataset(tmp_path / "table", CLASSES, [{"image": random_images(5), "label": [0, 1, 0, 1, 0]}])
    scan_split(HubStream(folder).sources[0])
    return folder


@pytest.fixture
def rows(cache) -> None:
    with closing(RowCache(cache / "rows", 1_000_000)) as kept:
        kept.set("path", 0, 100_000, b"x" * 100_000)


def test_list_cache_names_datasets_and_sizes(pets, table, rows):
    found = {(entry.kind, entry.name): entry for entry in list_cache()}
    assert found.keys() == {
        ("copies", pets),
        ("scans", pets),
        ("scans", table),
        ("rows", "all datasets"),
    }
    assert all(entry.bytes > 0 and time.time() - entry.used < 600 for entry in found.values())


def test_list_cache_nothing_there_is_empty(cache):
    assert list_cache() == [] and not cache.exists()


@pytest.mark.parametrize(("what", "kinds"), [("copies", {"copies"}), ("scans", {"scans"}), (None, {"copies", "scans"})])
def test_choose_entries_by_kind(pets, what, kinds):
    assert {entry.kind for entry in choose_entries(list_cache(), what)} == kinds


def test_choose_entries_by_dataset_in_any_spelling(pets, table):
    chosen = choose_entries(list_cache(), os.path.relpath(table))
    assert [(entry.kind, entry.name) for entry in chosen] == [("scans", table)]


def test_choose_entries_by_last_use(pets, cache):
    long_ago = time.time() - 40 * 86_400
    for path in (cache / "scan").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    assert [entry.kind for entry in choose_entries(list_cache(), older_than_days=30)] == ["scans"]
    assert choose_entries(list_cache(), older_than_days=50) == []
    scan_split(HubStream(pets).sources[0])  # it is used again
    assert choose_entries(list_cache(), older_than_days=30) == []


def test_remove_entries_frees_what_was_listed_and_all_works_again(pets, table, rows, cache):
    entries = list_cache()
    freed, kept = remove_entries(entries)
    assert freed > 100_000 and kept == []
    assert {entry.kind for entry in list_cache()} <= {"rows"}  # an empty database
    assert len(HubStream(pets).labels) == 2 and scan_split(HubStream(table).sources[0]).rows == 5


def test_remove_entries_rows_that_are_damaged_are_deleted(cache):
    (cache / "rows").mkdir(parents=True)
    (cache / "rows" / FILE_NAME).write_bytes(b"no database" * 1000)
    freed, kept = remove_entries(list_cache())
    assert (freed, kept, list_cache()) == (11_000, [], [])


def test_remove_entries_rows_of_a_full_disk_are_deleted(rows, monkeypatch):
    def fail(_) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(RowCache, "clear", fail)
    freed, kept = remove_entries(list_cache())
    assert freed > 100_000 and kept == [] and list_cache() == []


def test_remove_entries_rows_that_another_process_writes_are_kept(rows, cache, monkeypatch):
    monkeypatch.setattr("training.data.parquet.row_cache.TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(cache / "rows" / FILE_NAME, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        freed, kept = remove_entries(list_cache())
        assert freed == 0 and [entry.kind for entry in kept] == ["rows"]
    assert remove_entries(list_cache())[1] == []


def test_choose_entries_of_an_unknown_name_says_what_there_is(pets):
    with pytest.raises(
        TrazoError, match="nothing of 'pet'; it has these kinds: copies, scans, features, pixels, rows, footers;"
    ):
        choose_entries(list_cache(), "pet")
    assert choose_entries(list_cache(), "footers") == choose_entries([]) == []


def test_remove_entries_leaves_files_of_others(pets, cache):
    (cache / "notes.txt").write_text("mine")
    (cache / "scan" / "my folder").mkdir()
    (cache / "parquet" / "thesis.parquet").write_text("mine")
    (copies,) = (cache / "parquet").glob("folder-" + 32 * "?")
    (copies / "thesis.doc").write_text("mine")  # among the files of a copy: it stays as a whole
    remove_entries(list_cache())
    assert all((cache / name).exists() for name in ("notes.txt", "scan/my folder", "parquet/thesis.parquet"))
    assert (copies / "thesis.doc").exists()


def test_remove_entries_links_are_not_followed(pets, cache, tmp_path):
    outside = Path(write_files(tmp_path / "outside", {"a.parquet": b"mine"}))
    (cache / "scan" / ("0" * 32)).symlink_to(outside)
    remove_entries(list_cache())
    assert (outside / "a.parquet").exists()


@pytest.mark.skipif(os.name != "posix", reason="locks of another system")
def test_remove_entries_copy_in_use_by_another_process_is_kept(pets, cache):
    (copy,) = (cache / "parquet").glob("folder-*/*")
    with (copy / LOCK).open() as held:  # an open file has its own lock, as in another process
        fcntl.flock(held, fcntl.LOCK_SH)
        _, kept = remove_entries(list_cache())
        assert [(entry.kind, entry.name) for entry in kept] == [("copies", pets)]
        assert len(HubStream(pets).labels) == 2
    release(copy)
    assert remove_entries(list_cache())[1] == []


def test_cache_command_lists_and_clears(pets, capsys):
    assert main(["cache"]) == 0
    output = capsys.readouterr().out
    assert "copies" in output and pets in output and "2 entries" in output
    assert main(["cache", "clear", "scans"]) == 0
    assert "removed 1 entry: " in capsys.readouterr().out and len(list_cache()) == 1
    assert main(["cache", "clear", "--older-than", "30"]) == 0 and len(list_cache()) == 1
    assert main(["cache", "clear"]) == 0 and list_cache() == []
    assert main(["cache", "delete"]) == 2
    assert "cache 'delete'" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1_500_000, "1.5 MB")])
def test_format_bytes(count, text):
    assert format_bytes(count) == text


def test_format_cache_sums_up_each_dataset(tmp_path):
    entries = [CacheEntry("scans", "pets", tmp_path, size, 0.0) for size in (400, 500)]
    header, line = format_cache([*entries]).splitlines()
    assert header.startswith("what") and "900 bytes" in line
