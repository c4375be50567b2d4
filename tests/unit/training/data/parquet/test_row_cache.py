"""The cache of downloaded rows."""

import pickle
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from training.data.parquet.row_cache import FILE_NAME, RowCache, clear_rows


@pytest.fixture
def cache(tmp_path) -> RowCache:
    with closing(RowCache(tmp_path / "rows", 1000)) as cache:
        yield cache


def kept(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "rows" / FILE_NAME)) as database:
        return [first for (first,) in database.execute("SELECT first FROM rows ORDER BY rowid")]


def test_get_returns_what_was_set(cache, tmp_path):
    cache.set("a", 0, 3, b"abc")
    assert cache.get("a", 0, 3) == b"abc"
    assert cache.get("a", 0, 2) is cache.get("a", 1, 3) is cache.get("b", 0, 3) is None
    with closing(RowCache(tmp_path / "rows", 1000)) as other:
        assert other.get("a", 0, 3) == b"abc"


def test_set_above_the_limit_removes_the_oldest(cache, tmp_path):
    for begin in range(0, 3000, 50):
        cache.set("a", begin, begin + 50, bytes(50))
    assert kept(tmp_path)[-1] == 2950 and 10 <= len(kept(tmp_path)) <= 20
    cache.set("a", 0, 1001, bytes(1001))
    assert cache.get("a", 0, 1001) is None and cache.get("a", 2950, 3000) == bytes(50)


def test_set_again_counts_once(cache, tmp_path):
    for _ in range(100):
        cache.set("a", 0, 400, bytes(400))
    cache.set("a", 400, 900, bytes(500))
    assert kept(tmp_path) == [0, 400]


def test_clear_frees_the_disk(tmp_path):
    with closing(RowCache(tmp_path / "rows", 10_000_000)) as cache:
        for begin in range(20):
            cache.set("a", begin, begin + 100_000, bytes(100_000))
    before = (tmp_path / "rows" / FILE_NAME).stat().st_size
    clear_rows(tmp_path / "rows")
    assert before > 2_000_000 and sum(file.stat().st_size for file in (tmp_path / "rows").iterdir()) < 100_000
    with closing(RowCache(tmp_path / "rows", 1000)) as cache:
        cache.set("a", 0, 900, bytes(900))
        assert cache.get("a", 0, 900) == bytes(900)


@pytest.mark.parametrize("value", [pickle.dumps(RowCache), "text", 5, None, b"too long"])
def test_get_other_values_are_not_rows(cache, tmp_path, value):
    """Anyone who can write the folder may put anything into it."""
    with closing(sqlite3.connect(tmp_path / "rows" / FILE_NAME)) as database, database:
        database.execute("INSERT INTO rows VALUES ('a', 0, 4, ?)", (value,))
    assert cache.get("a", 0, 4) is None


def test_set_from_many_threads_and_connections_keeps_the_limit(tmp_path):
    def fill(number: int) -> None:
        with closing(RowCache(tmp_path / "rows", 1000)) as cache:
            for begin in range(0, 500, 10):
                cache.set(str(number), begin, begin + 10, bytes(10))
                cache.get(str(number), begin, begin + 10)

    threads = [threading.Thread(target=fill, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 90 <= len(kept(tmp_path)) <= 100
