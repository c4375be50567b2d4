"""Folders that can be written, and that belong to the person who runs the program."""

import os
import tempfile
from pathlib import Path

import pytest

from model.errors import TrazoError
from model.folders import check_can_be_made, make_writable, own_temporary_folder, set_up_caches


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder that cannot be written; the tests may run as root, who may write everywhere."""
    folder, access = tmp_path / "closed", os.access
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder and access(path, mode))
    return folder


def test_make_writable_closed_folder_or_file_is_an_error(tmp_path, closed):
    make_writable(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for folder in (closed, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="closed|file"):
            make_writable(folder)


def test_own_temporary_folder_is_the_same_each_time(temporary):
    assert own_temporary_folder("cache") == own_temporary_folder("cache") == temporary / "cache"


def test_own_temporary_folder_link_or_file_of_that_name_is_avoided(temporary, tmp_path):
    user = os.getuid()
    (temporary / "cache").symlink_to(tmp_path)
    assert own_temporary_folder("cache") == temporary / f"cache-{user}"
    (temporary / f"cache-{user}").rmdir()
    (temporary / f"cache-{user}").touch()
    folder = own_temporary_folder("cache")
    assert folder.parent == temporary and folder.is_dir() and folder.stat().st_mode & 0o077 == 0


def test_own_temporary_folder_of_someone_else_is_avoided(temporary, monkeypatch):
    (temporary / "cache").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert own_temporary_folder("cache").name.startswith("cache-")


def test_own_temporary_folder_none_is_refused(monkeypatch):
    def refuse():
        raise FileNotFoundError("No usable temporary directory")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    with pytest.raises(TrazoError, match="no temporary folder can be written.*set TMPDIR"):
        own_temporary_folder("cache")


def test_check_can_be_made_makes_nothing(tmp_path):
    check_can_be_made(tmp_path / "a" / "b", "--output")
    assert list(tmp_path.iterdir()) == []


def test_check_can_be_made_closed_folder_is_refused(tmp_path, closed):
    with pytest.raises(TrazoError, match=f"^--output is '{closed}/a/b', but {closed} cannot be written: choose"):
        check_can_be_made(closed / "a" / "b", "--output")
    (tmp_path / "file").touch()
    with pytest.raises(TrazoError, match="file is a file: choose another"):
        check_can_be_made(tmp_path / "file" / "run", "--output")


def test_set_up_caches_writable_home_changes_nothing(tmp_path):
    environ = {"HF_HOME": str(tmp_path / "home")}
    set_up_caches(environ)
    assert environ == {"HF_HOME": str(tmp_path / "home")}


def test_set_up_caches_closed_home_is_read_and_copies_go_elsewhere(temporary, closed, caplog):
    for name in ("datasets", "trazo"):
        (closed / name).touch()
    environ = {"HF_HOME": str(closed)}
    set_up_caches(environ)
    own = temporary / "trazo-cache"
    assert environ == {
        "HF_HOME": str(closed),
        "HF_DATASETS_CACHE": str(own / "datasets"),
        "TRAZO_CACHE": str(own / "trazo"),
    }
    assert caplog.text.count(f"{closed} cannot be written; {own} is used for copies of datasets") == 1


@pytest.mark.parametrize("name", ["XDG_CACHE_HOME", "HF_HOME"])
def test_set_up_caches_without_home_all_goes_elsewhere(temporary, tmp_path, name):
    (tmp_path / "file").touch()
    environ = {name: str(tmp_path / "file" / "home")}
    set_up_caches(environ)
    assert environ["HF_HUB_CACHE"] == str(temporary / "trazo-cache" / "hub")


def test_set_up_caches_chosen_folder_that_cannot_be_written_is_refused(tmp_path, closed):
    with pytest.raises(TrazoError, match=f"^TRAZO_CACHE is '{closed}', which cannot be written"):
        set_up_caches({"HF_HOME": str(tmp_path / "home"), "TRAZO_CACHE": str(closed)})
