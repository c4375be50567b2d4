"""The path or bytes of a payload's image, and payloads that are refused."""

import base64
import os
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from ui.i18n import UserError
from ui.server.upload import DrawingData, drawing_source, image_source


def test_image_source_data_url_is_decoded():
    assert image_source("data:image/png;base64," + base64.b64encode(b"any bytes").decode()) == b"any bytes"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,@@",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png;base64," + "A" * 3_000_000,
        "file:///etc/hostname",
        [5, True],
        3,
    ],
)
def test_image_source_other_payloads_are_refused(url):
    with pytest.raises(UserError, match="cannot be read"):
        image_source(url)


@pytest.fixture(autouse=True)
def upload_folder(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def test_image_source_only_uploads_are_read(upload_folder):
    uploaded = str(upload_folder / "b.png")
    Path(uploaded).touch()
    assert image_source({"path": uploaded}) == uploaded and image_source({"path": None}) is None
    assert image_source(None) is image_source("") is None
    for path in ("/etc/hostname", f"{get_upload_folder()}/../hostname", "app.py", f"{get_upload_folder()}s/a"):
        with pytest.raises(UserError, match="cannot be read"):
            image_source({"path": path})


def test_image_source_in_use_is_not_old(upload_folder):
    (upload_folder / "b.png").touch()
    os.utime(upload_folder / "b.png", (1, 1))
    image_source({"path": str(upload_folder / "b.png")})
    assert (upload_folder / "b.png").stat().st_mtime > 1


def test_image_source_deleted_file_is_reported(upload_folder):
    with pytest.raises(UserError, match="no longer on the server"):
        image_source({"path": str(upload_folder / "b.png")})


def test_drawing_source_finds_the_drawing_in_every_field(upload_folder):
    for name in "cbp":
        (upload_folder / name).touch()
    c, b, p = ({"path": f"{get_upload_folder()}/{n}", "meta": {"_type": "gradio.FileData"}} for n in "cbp")
    assert drawing_source({"background": None, "layers": [], "composite": c}) == c["path"]
    assert drawing_source({"background": b, "layers": [p], "composite": None}) == p["path"]
    assert drawing_source({"background": b, "layers": [], "composite": None}) == b["path"]
    assert drawing_source(DrawingData.model_validate(p, context={"validate_meta": True}).model_dump()) == p["path"]
    assert drawing_source({"background": None, "layers": [], "composite": None}) is None
    assert drawing_source(None) is None


def test_drawing_data_path_without_meta_is_refused():
    with pytest.raises(ValueError, match="meta"):
        DrawingData.model_validate({"path": "/etc/hostname"}, context={"validate_meta": True})
