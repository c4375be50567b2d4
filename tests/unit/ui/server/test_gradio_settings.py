"""Gradio's environment variables, and a folder for its files."""

import os
import tempfile
from pathlib import Path

import pytest

from model.errors import TrazoError
from ui.server.gradio_settings import HONORED, SET, gradio_folder, set_up_gradio


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_set_up_gradio_others_are_removed_and_reported(temporary, caplog):
    given = {"GRADIO_ALLOWED_PATHS": "/", "GRADIO_NUM_PORTS": "many", "GRADIO_WATCH_DIRS": "/", "GRADIO_VIBE_MODE": "1"}
    kept = {"GRADIO_ROOT_PATH": "/demo", "GRADIO_MCP_SERVER": "True", "GRADIO_SHARE": "True", "OTHER": "1"}
    environ = given | kept | {"GRADIO_SERVER_NAME": "::", "GRADIO_SERVER_PORT": "80"}
    set_up_gradio(environ)
    assert environ == kept | SET | {"GRADIO_TEMP_DIR": str(temporary / "gradio")}
    assert "not used here: GRADIO_ALLOWED_PATHS, GRADIO_VIBE_MODE, GRADIO_WATCH_DIRS;" in caplog.text


def test_set_up_gradio_only_used_ones_is_silent(temporary, caplog):
    set_up_gradio(dict.fromkeys(HONORED, "") | dict(SET))
    assert not caplog.text


def test_documentation_names_every_variable_that_is_used():
    text = (Path(__file__).parents[4] / "docs" / "serving.md").read_text(encoding="utf-8")
    assert [name for name in HONORED if name not in text] == []


def test_gradio_folder_is_as_given_and_made(tmp_path):
    folder = tmp_path / "a" / "b"
    assert gradio_folder({"GRADIO_TEMP_DIR": str(folder)}) == folder and folder.is_dir()


@pytest.mark.parametrize("place", ["file/below", "/proc/nowhere"])
def test_gradio_folder_given_one_that_cannot_be_written_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(TrazoError, match=f"^GRADIO_TEMP_DIR is '{place}', which cannot be written"):
        gradio_folder({"GRADIO_TEMP_DIR": place})


def test_gradio_folder_with_someone_elses_files_is_avoided(temporary, monkeypatch):
    history = temporary / "gradio" / "vibe_edit_history"
    history.mkdir(parents=True)
    assert gradio_folder({}) == temporary / "gradio"
    access = os.access  # the tests may run as root, who may write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != history and access(path, mode))
    assert gradio_folder({}) == temporary / "gradio-trazo"
