"""Files are written whole or not at all; JSON is read back, or refused by name."""

import os

import pytest

from model.errors import CorruptFileError
from model.io.atomic import atomic_write, clear_leftovers, read_json, write_json


def test_atomic_write_replaces_a_file_that_others_may_read(tmp_path):
    path = tmp_path / "a.txt"
    for content in ("old", b"new"):
        atomic_write(path, content)
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_write_failed_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    atomic_write(path, "old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_clear_leftovers_deletes_those_of_this_file_only(tmp_path):
    path = tmp_path / "a[1].txt"
    kept = [path, tmp_path / ".b.txt.x.tmp", tmp_path / ".a1.txt.x.tmp"]
    for file in (*kept, tmp_path / ".a[1].txt.x.tmp"):
        file.touch()
    clear_leftovers(path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_write_json_nan_and_infinity_become_null(tmp_path):
    write_json(tmp_path / "a.json", {"ñ": [float("nan"), (1.5, float("-inf"))], "n": 3})
    assert "ñ" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"ñ": [None, [1.5, None]], "n": 3}


def test_read_json_missing_file_is_none(tmp_path):
    assert read_json(tmp_path / "a.json") is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_read_json_damaged_file_is_named_with_what_to_do(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"a\.json is not valid JSON .*: delete it and run the command"):
        read_json(path)
