"""Copies in use are not removed; what killed processes left is."""

import fcntl
import os

from training.data.parquet.locks import LOCK, release, remove_others, remove_unless_in_use, unfinished_copy, use


def test_folder_in_use_is_removed_only_afterwards(tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    use(folder)
    other = os.open(folder / LOCK, os.O_RDWR)  # as another process would hold it
    fcntl.flock(other, fcntl.LOCK_SH)
    assert not remove_unless_in_use(folder) and folder.is_dir()
    os.close(other)
    use(folder)
    assert remove_unless_in_use(folder) and not folder.exists()


def test_remove_others_keeps_the_one(tmp_path):
    for name in ("old", "new", "older"):
        (tmp_path / name).mkdir()
    remove_others(tmp_path / "new")
    assert os.listdir(tmp_path) == ["new"]


def test_unfinished_copy_removes_what_killed_processes_left(tmp_path):
    with unfinished_copy(tmp_path) as copy:
        (copy / "part").write_text("x")
        with unfinished_copy(tmp_path):  # another process: both are in the making
            assert (copy / "part").exists()
            release(copy.parent)  # as if the first process was killed
        with unfinished_copy(tmp_path):
            assert not copy.exists()
    assert os.listdir(tmp_path) == []


def test_use_read_only_cache_is_no_error(tmp_path):
    use(tmp_path / "missing")
    release(tmp_path / "missing")
