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
    assert environ == kept | SET | {"GRADIO_TEMP_DIR": str(temporary / "gradio-trazo")}
    assert "not used here: GRADIO_ALLOWED_PATHS, GRADIO_VIBE_MODE, GRADIO_WATCH_DIRS;" in caplog.text


def test_set_up_gradio_only_used_ones_is_silent(temporary, caplog):
    set_up_gradio(dict.fromkeys(HONORED, "") | dict(SET))
    assert not caplog.text


@pytest.mark.parametrize(
    "text", ["my page", "demo", "http://", "ftp://example.org", "http://[::1/x", "/demo?x=1", "\\demo", "/a\nb"]
)
def test_set_up_gradio_root_path_that_is_none_is_refused(temporary, text):
    with pytest.raises(TrazoError, match="GRADIO_ROOT_PATH is .*, which is neither a path such as /demo nor"):
        set_up_gradio({"GRADIO_ROOT_PATH": text})


@pytest.mark.parametrize("text", ["", "/", "/demo", "/a/b/", "https://a.org/demo", "http://[::1]:8000", "/clase-ñ"])
def test_set_up_gradio_root_path_is_kept(temporary, text):
    set_up_gradio(environ := {"GRADIO_ROOT_PATH": text})
    assert environ["GRADIO_ROOT_PATH"] == text


def test_documentation_names_every_variable_that_is_used():
    text = (Path(__file__).parents[4] / "docs" / "serving.md").read_text(encoding="utf-8")
    assert [name for name in HONORED if name not in text] == []


def test_gradio_folder_is_trazos_alone(temporary, tmp_path):
    """Others keep files next to it, and the sweep deletes what is old in it."""
    given = tmp_path / "a" / "b"
    assert gradio_folder({"GRADIO_TEMP_DIR": str(given)}) == given / "gradio-trazo"
    assert gradio_folder({}) == temporary / "gradio-trazo"
    assert (given / "gradio-trazo").is_dir() and (temporary / "gradio-trazo").is_dir()


def test_gradio_folder_relative_one_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gradio_folder({"GRADIO_TEMP_DIR": "given"}) == tmp_path / "given" / "gradio-trazo"


def test_gradio_folder_link_of_that_name_is_avoided(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "gradio-trazo").symlink_to(tmp_path / "home")
    assert gradio_folder({"GRADIO_TEMP_DIR": str(tmp_path)}) == tmp_path / f"gradio-trazo-{os.getuid()}"


@pytest.mark.parametrize("place", ["file/below", "/proc/nowhere"])
def test_gradio_folder_given_one_that_cannot_be_written_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(TrazoError, match=f"^GRADIO_TEMP_DIR is '{place}', which cannot be written"):
        gradio_folder({"GRADIO_TEMP_DIR": place})
